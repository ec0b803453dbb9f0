//! `ringwall secret`: secrets. Values come from standard input and never from arguments.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ringwall_api::{Hidden, Request};

use crate::control;
use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;
use crate::prompt;

/// What can be done with secrets.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Writes a new version
    #[command(after_help = "Example:\n  printf %s \"$VALUE\" | ringwall secret set orders_db")]
    Set {
        /// Secret name, as the manifest declares it
        name: String,
        /// Read the value from a file instead of standard input
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
    },
    /// Prints the newest version
    #[command(disable_version_flag = true)]
    Get {
        /// Secret name
        name: String,
        /// Another version
        #[arg(long, value_name = "N")]
        version: Option<u64>,
    },
    /// Lists names, versions and ages; never values
    List,
    /// Lists the versions of a secret
    Versions {
        /// Secret name
        name: String,
    },
    /// Removes a secret with all versions, for good
    Remove {
        /// Secret name
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let request = match &args.verb {
        Verb::Set { name, from_file } => {
            Request::SecretSet { name: name.clone(), value: value(from_file.as_ref())? }
        }
        Verb::Get { name, version } => Request::SecretGet { name: name.clone(), version: *version },
        Verb::List => Request::SecretList,
        Verb::Versions { name } => Request::SecretVersions { name: name.clone() },
        Verb::Remove { name, yes } => {
            if !yes && !prompt::confirm(&format!("remove `{name}` with all its versions?")) {
                out.problem("RW4001", "not removed", Some("confirm on a terminal, or add --yes"));
                return Ok(Exit::Failed);
            }
            Request::SecretRemove { name: name.clone() }
        }
    };
    control::run(&request, place, out)
}

fn value(from_file: Option<&PathBuf>) -> Result<Hidden> {
    let Some(file) = from_file else { return prompt::secret("value") };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {} as text", file.display()))?;
    Ok(Hidden::new(text))
}
