//! `ringwall run SERVICE -- CMD`: a process with the secrets of a service, and with nothing else.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;

/// What to run.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  ringwall run orders -- flask db upgrade")]
pub(crate) struct Args {
    /// Service whose secrets it gets
    service: String,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, _out: &mut Out) -> Result<Exit> {
    bail!("not yet: {} {} {}", args.service, args.command.len(), place.manifest.display())
}
