//! `ringwall token`: access tokens.

use anyhow::Result;
use ringwall_api::Request;

use crate::control;
use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;
use crate::prompt;

/// What can be done with tokens.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Explains a token from standard input: every check, passed or failed
    Inspect,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let request = match &args.verb {
        Verb::Inspect => Request::TokenInspect { token: prompt::secret("token")? },
    };
    control::run(&request, place, out)
}
