//! `ringwall dev`: everything and the services in one terminal.

use anyhow::Result;

use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;
use crate::wire::{self, Options, Role};

/// How to run.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Run services without namespaces: they could go around their doors
    #[arg(long)]
    open: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let options = Options {
        role: Role::Dev,
        workers: 1,
        listen: None,
        certificate: None,
        danger_plain_http: false,
        is_open: args.open,
        program: std::env::current_exe()?,
    };
    wire::serve(&options, place, out)
}
