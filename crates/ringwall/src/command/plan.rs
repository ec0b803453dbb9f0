//! `ringwall plan --against FILE`: what changes between two manifests.

use std::path::PathBuf;

use anyhow::Result;
use ringwall_manifest::{Effect, plan, plan_json, plan_text};

use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Format, Out};
use crate::paths::Place;

/// With which manifest to compare.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The older manifest
    #[arg(long, value_name = "FILE")]
    against: PathBuf,
}

/// Runs the command. Widening is what needs a second look: then the exit code is 4.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let older = place.older(&args.against);
    let (old, new) = (Loaded::read(&older)?, Loaded::read_with_rules(place)?);
    let (old, new) = match (old.model(out)?, new.model(out)?) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(exit), _) | (_, Err(exit)) => return Ok(exit),
    };
    let changes = plan(old, new);
    if out.format() == Format::Json {
        out.json(&plan_json(&changes))?;
    } else if changes.is_empty() {
        out.talk("nothing changes");
    } else {
        out.data(&plan_text(&changes))?;
    }
    let widens = changes.iter().any(|change| change.effect == Effect::Widens);
    Ok(if widens { Exit::Findings } else { Exit::Ok })
}
