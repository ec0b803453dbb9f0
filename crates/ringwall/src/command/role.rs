//! `ringwall role`: roles of people. Which roles exist is said by the manifest.

use anyhow::Result;
use ringwall_api::Request;

use crate::control;
use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;

/// What can be done with roles.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Gives a role to a person
    Grant {
        /// Role
        role: String,
        /// Login name
        name: String,
    },
    /// Lists roles, and how many people have each
    List,
    /// Takes a role from a person
    Revoke {
        /// Role
        role: String,
        /// Login name
        name: String,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let request = match &args.verb {
        Verb::Grant { role, name } => Request::RoleGrant { name: name.clone(), role: role.clone() },
        Verb::List => Request::RoleList,
        Verb::Revoke { role, name } => {
            Request::RoleRevoke { name: name.clone(), role: role.clone() }
        }
    };
    control::run(&request, place, out)
}
