//! Catalogue: what can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::command;
use crate::out::{self, Format};

/// Secures a fleet of services: one binary, one file.
#[derive(Debug, Parser)]
#[command(name = "ringwall", version, max_term_width = 100)]
#[command(after_help = "\
Examples:
  ringwall init                      read the Flask apps here and write ringwall.toml
  ringwall dev                       the gateway, the login and your services in one terminal
  ringwall check                     prove on paper that the promises hold
  ringwall why anyone users.getUser  allowed or denied, and by which line
  ringwall why r-5fk2…               why that request was refused")]
pub(crate) struct Cli {
    /// The manifest [default: the nearest ringwall.toml upwards]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// The state folder [default: .ringwall beside the manifest]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The environment overlay, as in [env.NAME]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) env: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How to write.
#[derive(Args, Debug)]
pub(crate) struct Output {
    /// human, plain (no drawing) or json
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
    /// The same as --format json
    #[arg(long, global = true)]
    json: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t)]
    color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Color {
    /// Always.
    Always,
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Never.
    Never,
}

impl Output {
    /// The chosen format.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }

    /// Whether colours are wanted (<https://no-color.org>).
    pub(crate) fn uses_color(&self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Auto => std::env::var_os("NO_COLOR").is_none() && out::talks_to_terminal(),
            Color::Never => false,
        }
    }
}

/// All commands, grouped as in the help.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read Flask apps, OpenAPI files and outgoing calls; write ringwall.toml
    Init(command::init::Args),
    /// Everything and your services in one terminal; hot reload
    Dev(command::dev::Args),
    /// Ports, clock, keys, permissions, upstreams; each problem with its fix
    Doctor,
    /// Syntax, names, drift, over-broad grants, promises (on paper)
    Check,
    /// The one format; comments are kept
    Fmt(command::fmt::Args),
    /// The manifest as a matrix, graph, routes, surface, data or secrets
    Show(command::show::Args),
    /// Allowed or denied, by which line, and the smallest change
    Why(command::why::Args),
    /// What a code means and what to do
    Explain(command::explain::Args),
    /// What changes between two manifests: edges, public operations, data
    Plan(command::plan::Args),
    /// An OpenAPI document of a service from observed requests, or what one does not declare
    Learn(command::learn::Args),
    /// The manifest in another form
    Export(command::export::Args),
    /// The production server
    Serve(command::serve::Args),
    /// A process with its identity and its secrets
    Run(command::run::Args),
    /// How the running server is
    Status,
    /// Rate, errors and times of each operation, live
    Top(command::top::Args),
    /// Requests as they are recorded, live and masked
    Tap(command::tap::Args),
    /// Replace the running server by the program as it lies on disk now, without a lost request
    Upgrade,
    /// People
    User(command::user::Args),
    /// Organisations: people of one are nobody's in another
    Organisation(command::organisation::Args),
    /// Roles of people
    Role(command::role::Args),
    /// A service's own certificate and its key, in PEM
    Certificate(command::certificate::Args),
    /// OAuth 2 clients
    Client(command::client::Args),
    /// Access tokens
    Token(command::token::Args),
    /// Signing keys
    Key(command::key::Args),
    /// Secrets: values come from standard input
    Secret(command::secret::Args),
    /// The tamper-evident log
    Audit(command::audit::Args),
    /// The rules of the firewall: rule sets, exclusions, trials
    Waf(command::waf::Args),
    /// Completions for a shell
    Completion(command::completion::Args),
    /// The reference pages, printed from the code
    #[command(hide = true)]
    Reference(command::reference::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_can_be_parsed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_id_may_begin_with_a_hyphen() {
        // Base64url: one in 64 does.
        for words in [&["token", "revoke", "--jti", "-6xA"][..], &["key", "revoke", "-_Ax"]] {
            Cli::try_parse_from(["ringwall"].iter().chain(words)).unwrap();
        }
    }
}
