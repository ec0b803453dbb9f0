//! `ringwall audit`: the tamper-evident log.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ringwall_api::{AuditFilter, Request};

use crate::control;
use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;
use crate::wire;

/// What can be done with the log.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// The newest events, one JSON line each
    Tail {
        /// How many
        #[arg(short = 'n', default_value_t = 20)]
        count: usize,
    },
    /// Events that match
    #[command(
        after_help = "Example:\n  ringwall audit query --action access-denied --service users"
    )]
    Query {
        /// Action, such as login-failed
        #[arg(long)]
        action: Option<String>,
        /// failure, success or would-deny
        #[arg(long)]
        outcome: Option<String>,
        /// Subject or login name
        #[arg(long)]
        person: Option<String>,
        /// Request id
        #[arg(long)]
        request: Option<String>,
        /// Service
        #[arg(long)]
        service: Option<String>,
        /// At most this many, the newest
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Prints the newest signed checkpoint, to be kept elsewhere
    Checkpoint,
    /// Recomputes the whole log; names every event that was changed, removed or moved
    Verify {
        /// A checkpoint that was kept elsewhere, as often as needed: it shows a log that was cut
        #[arg(long = "checkpoint", value_name = "FILE")]
        checkpoints: Vec<PathBuf>,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let filter = match &args.verb {
        Verb::Tail { count } => AuditFilter { limit: *count, ..AuditFilter::default() },
        Verb::Query { action, outcome, person, request, service, limit } => AuditFilter {
            action: action.clone(),
            limit: *limit,
            outcome: outcome.clone(),
            person: person.clone(),
            request: request.clone(),
            service: service.clone(),
        },
        Verb::Checkpoint => {
            let path = place.audit().join("checkpoint");
            let note = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            out.data(&note)?;
            return Ok(Exit::Ok);
        }
        Verb::Verify { checkpoints } => return wire::verify_audit(checkpoints, place, out),
    };
    control::run(&Request::AuditQuery(filter), place, out)
}
