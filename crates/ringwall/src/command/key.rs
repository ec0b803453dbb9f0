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
    /// Publishes a new signing key; it signs when every verifier can know it
    Rotate,
    /// Puts the vault under a new root key, which replaces root.key in the state folder
    RotateRoot,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    match &args.verb {
        Verb::Rotate => control::run(&Request::KeyRotate, place, out),
        Verb::RotateRoot => control::run(&Request::KeyRotateRoot, place, out),
    }
}
