//! `ringwall init`: reads a repository and writes a first manifest.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::exit::Exit;
use crate::out::Out;

/// Where to look.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Folder with the Flask apps
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Replace a ringwall.toml that is there; the old one is kept as ringwall.toml.bak
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args, _out: &mut Out) -> Result<Exit> {
    bail!("not yet: {} {}", args.dir.display(), args.force)
}
