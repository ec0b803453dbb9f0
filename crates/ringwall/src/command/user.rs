//! `ringwall user`: people.

use anyhow::Result;
use ringwall_api::Request;

use crate::control;
use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;
use crate::prompt;

/// What can be done with people.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Adds a person; the password comes from standard input
    #[command(
        after_help = "Example:\n  printf %s \"$PASSWORD\" | ringwall user add ada --role customer"
    )]
    Add {
        /// Login name; of another organisation than `default`: `acme/ada`
        name: String,
        /// A role, as often as needed
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// E-mail address, which the person is asked to confirm
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// Makes an account and a link that sets its first password
    #[command(
        after_help = "Example:\n  ringwall user invite ada --role customer --email ada@example.org"
    )]
    Invite {
        /// Login name; of another organisation than `default`: `acme/ada`
        name: String,
        /// A role, as often as needed
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// E-mail address to send the link to; without one it is printed
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// Lists people
    List {
        /// Of this organisation only
        #[arg(long, value_name = "ORGANISATION")]
        organisation: Option<String>,
    },
    /// Says everything about a person, with open sessions
    Show {
        /// Login name
        name: String,
    },
    /// Disables a person; sessions end at once
    Disable {
        /// Login name
        name: String,
    },
    /// Lets a disabled person sign in again
    Enable {
        /// Login name
        name: String,
    },
    /// Gives a person an authenticator app and recovery codes, shown once
    Enrol {
        /// Login name
        name: String,
    },
    /// Lists the second factors of a person
    Factors {
        /// Login name
        name: String,
    },
    /// Sets a new password, from standard input
    Reset {
        /// Login name
        name: String,
        /// Takes the second factors away instead, for who lost them
        #[arg(long)]
        factors: bool,
        /// Leaves links to people of the other issuer that sessions of the account made
        #[arg(long, conflicts_with = "factors")]
        keep_links: bool,
    },
    /// Takes all links to people of another issuer away; sessions end at once
    Unlink {
        /// Login name
        name: String,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let request = match &args.verb {
        Verb::Add { name, roles, email } => Request::UserAdd {
            name: name.clone(),
            roles: roles.clone(),
            password: prompt::secret("password")?,
            email: email.clone(),
        },
        Verb::Invite { name, roles, email } => {
            Request::UserInvite { name: name.clone(), roles: roles.clone(), email: email.clone() }
        }
        Verb::List { organisation } => Request::UserList { organisation: organisation.clone() },
        Verb::Show { name } => Request::UserShow { name: name.clone() },
        Verb::Disable { name } => Request::UserDisable { name: name.clone() },
        Verb::Enable { name } => Request::UserEnable { name: name.clone() },
        Verb::Enrol { name } => Request::UserEnrol { name: name.clone() },
        Verb::Factors { name } => Request::UserFactors { name: name.clone() },
        Verb::Unlink { name } => Request::UserUnlink { name: name.clone() },
        Verb::Reset { name, factors: true, .. } => {
            Request::UserFactorsRemove { name: name.clone() }
        }
        Verb::Reset { name, factors: false, keep_links } => Request::UserReset {
            name: name.clone(),
            password: prompt::secret("new password")?,
            keeps_links: *keep_links,
        },
    };
    control::run(&request, place, out)
}
