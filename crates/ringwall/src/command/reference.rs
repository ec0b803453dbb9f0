//! `ringwall reference`: the reference pages, printed from the code.

use anyhow::{Result, bail};

use crate::exit::Exit;
use crate::out::Out;

/// Which page.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[arg(value_enum)]
    page: Page,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Page {
    /// Commands and their options.
    Cli,
    /// Codes and what to do.
    Errors,
    /// What is written to the audit log.
    Events,
    /// Numbers that bound everything.
    Limits,
}

/// Runs the command.
pub(crate) fn run(args: &Args, _out: &mut Out) -> Result<Exit> {
    bail!("not yet: {:?}", args.page)
}
