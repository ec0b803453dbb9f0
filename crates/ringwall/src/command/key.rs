//! `ringwall key`: signing keys.

use anyhow::Result;
use ringwall_api::Request;

use crate::control;
use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;

/// What can be done with keys.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Lists signing keys
    List,
    /// Destroys a signing key that leaked: its tokens end at once
    Revoke {
        /// Key id, as `list` shows it
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
    /// Publishes a new signing key; it signs when every verifier can know it
    Rotate,
    /// Puts the vault under a new root key, which replaces root.key in the state folder
    RotateRoot,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    match &args.verb {
        Verb::List => control::run(&Request::KeyList, place, out),
        Verb::Revoke { kid } => control::run(&Request::KeyRevoke { kid: kid.clone() }, place, out),
        Verb::Rotate => control::run(&Request::KeyRotate, place, out),
        Verb::RotateRoot => control::run(&Request::KeyRotateRoot, place, out),
    }
}
