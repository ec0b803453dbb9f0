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
    /// Ends tokens at once: one, or all of a session, a person or a client
    #[command(group(clap::ArgGroup::new("which").required(true)))]
    Revoke {
        /// One token, by its `jti`
        #[arg(long, value_name = "JTI", group = "which", allow_hyphen_values = true)]
        jti: Option<String>,
        /// All of a session, which ends too
        #[arg(long, value_name = "SID", group = "which")]
        sid: Option<String>,
        /// All of a person, by name or `sub`; sessions end too
        #[arg(long, value_name = "PERSON", group = "which")]
        sub: Option<String>,
        /// All of a client; it may get new ones
        #[arg(long, value_name = "CLIENT", group = "which")]
        client: Option<String>,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let request = match &args.verb {
        Verb::Inspect => Request::TokenInspect { token: prompt::secret("token")? },
        Verb::Revoke { jti, sid, sub, client } => {
            let which = [("jti", jti), ("sid", sid), ("sub", sub), ("client", client)];
            let which = which.into_iter().find_map(|(by, value)| value.clone().map(|v| (by, v)));
            let (by, value) = which.unwrap_or_default();
            Request::TokenRevoke { by: by.to_owned(), value }
        }
    };
    control::run(&request, place, out)
}
