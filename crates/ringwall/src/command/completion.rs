//! `ringwall completion`: completions for a shell.

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::out::Out;

/// For which shell.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// bash, elvish, fish, powershell or zsh
    shell: clap_complete::Shell,
}

/// Runs the command.
pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ringwall", &mut text);
    out.data(&String::from_utf8(text)?)?;
    Ok(Exit::Ok)
}
