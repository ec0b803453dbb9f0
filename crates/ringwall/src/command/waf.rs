//! `ringwall waf`: the rules of the firewall.

mod allow;
mod explain;
mod learn;
mod recorded;
mod replay;
mod sets;

use anyhow::Result;

use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;

/// What can be done with rules.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ringwall waf install coreruleset-4.28.0-minimal.tar.gz --sha256 …
  ringwall waf allow 7702001 --target ARGS:comment --operation shop.addComment
  ringwall waf test requests.har")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Lets one target of one rule pass, in one operation or everywhere; writes waf/allowed.conf
    Allow(allow::Args),
    /// Which rules matched in a request, on what, and the narrowest exclusion
    Explain {
        /// Request id, from the answer or the audit log
        request: String,
    },
    /// Installs a rule set and puts it in use; nothing changes when one of its rules does not load
    Install(sets::Install),
    /// Proposes exclusions from what the audit log says, with the evidence; changes nothing
    Learn(learn::Args),
    /// Lists the rule sets that are installed
    List,
    /// Removes a rule set that is not in use
    Remove {
        /// Version, id or the beginning of an id, as `list` shows them
        name: String,
    },
    /// Judges the requests of a file by the rules of the manifest, without sending them
    Test(replay::Args),
    /// Puts an installed rule set in use, such as the one before
    Use {
        /// Version, id or the beginning of an id, as `list` shows them
        name: String,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    match &args.verb {
        Verb::Allow(args) => allow::run(args, place, out),
        Verb::Explain { request } => explain::run(request, place, out),
        Verb::Install(args) => sets::install(args, place, out),
        Verb::Learn(args) => learn::run(args, place, out),
        Verb::List => sets::list(place, out),
        Verb::Remove { name } => sets::remove(name, place, out),
        Verb::Test(args) => replay::run(args, place, out),
        Verb::Use { name } => sets::choose(name, place, out),
    }
}
