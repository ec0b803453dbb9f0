//! `ringwall organisation`: organisations (tenants), and whether their people may sign in.

use anyhow::Result;
use ringwall_api::Request;

use crate::control;
use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;

/// What can be done with organisations.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Adds an organisation
    #[command(
        after_help = "Example:\n  ringwall organisation add acme --name \"Acme Ltd\"\n  ringwall user add acme/ada"
    )]
    Add {
        /// Its slug: a-z, 0-9 and `-`; it is in the names of its people
        slug: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
    },
    /// Lists organisations
    List,
    /// Says everything about an organisation
    Show {
        /// Its slug
        slug: String,
    },
    /// Disables an organisation; sessions and tokens of its people end at once
    Disable {
        /// Its slug
        slug: String,
    },
    /// Lets the people of a disabled organisation sign in again
    Enable {
        /// Its slug
        slug: String,
    },
    /// Removes an organisation that nobody is in
    Delete {
        /// Its slug
        slug: String,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let request = match &args.verb {
        Verb::Add { slug, name } => {
            Request::OrganisationAdd { slug: slug.clone(), name: name.clone() }
        }
        Verb::List => Request::OrganisationList,
        Verb::Show { slug } => Request::OrganisationShow { slug: slug.clone() },
        Verb::Disable { slug } => Request::OrganisationDisable { slug: slug.clone() },
        Verb::Enable { slug } => Request::OrganisationEnable { slug: slug.clone() },
        Verb::Delete { slug } => Request::OrganisationDelete { slug: slug.clone() },
    };
    control::run(&request, place, out)
}
