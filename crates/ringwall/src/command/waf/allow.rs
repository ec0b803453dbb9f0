//! `ringwall waf allow`: one target of one rule, left alone.

use std::process::Command;

use anyhow::{Context as _, Result, bail};
use ringwall_api::{Problem, Reply, Request};
use ringwall_base::{Clock as _, SystemClock};

use crate::control;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Format, Out};
use crate::paths::Place;
use crate::render;
use crate::rules::{self, ALLOWED, Exclusion, Exclusions, Scope, Trial};

/// Which rule, which target, where.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The rule's id
    rule: u64,
    /// What the rule must not look at: `ARGS:comment`, `REQUEST_COOKIES:theme`
    #[arg(long, value_name = "VARIABLE:NAME")]
    target: String,
    /// Only in this operation: shop.addComment
    #[arg(long, value_name = "OPERATION", conflicts_with = "path")]
    operation: Option<String>,
    /// Only at this path and below it
    #[arg(long, value_name = "PREFIX")]
    path: Option<String>,
    /// Why, for those who read the file
    #[arg(long, value_name = "TEXT", default_value = "no reason was given")]
    why: String,
    /// Takes the exclusion back
    #[arg(long)]
    remove: bool,
}

/// Writes the exclusion, and lets a running server read it.
pub(super) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let loaded = Loaded::read(place)?;
    let model = match loaded.model(out)? {
        Ok(model) => model,
        Err(exit) => return Ok(exit),
    };
    let scope = match (&args.operation, &args.path) {
        (Some(name), _) => Scope::operation(model, name)?,
        (None, Some(path)) => Scope::Below(path.clone()),
        (None, None) => Scope::Everywhere,
    };
    let exclusion = Exclusion { rule: args.rule, target: args.target.clone(), scope };
    exclusion.check()?;
    // Two at once would each write what the other did not see.
    let folder = std::fs::File::open(place.folder());
    let lock = folder.and_then(|folder| folder.lock().map(|()| folder));
    let _lock = lock.with_context(|| format!("cannot lock {}", place.folder().display()))?;
    let mut exclusions = Exclusions::read(&place.folder())?;
    let has_changed = if args.remove {
        exclusions.remove(&exclusion)
    } else {
        let rules = rules::read_always(model, place);
        if matches!(&rules, Ok(rules) if !rules.set.has_rule(args.rule)) {
            bail!("the rules of the manifest have no rule {}", args.rule);
        }
        exclusions.add(&exclusion, &comment(args))
    };
    if !has_changed {
        let state = if args.remove { "is not in" } else { "is already in" };
        return say(&format!("that {state} {ALLOWED}"), out);
    }
    let text = exclusions.text();
    let trial = Trial { allowed: Some(&text), ..Trial::default() };
    if let Err((findings, _)) = rules::read_with(model, place, trial) {
        render::findings(&findings, &loaded.texts, out)?;
        return Ok(Exit::Invalid);
    }
    if let Some(problem) = record(args, &exclusion, place)? {
        return control::print(Reply::Failed(problem), out);
    }
    exclusions.write()?;
    let verb = if args.remove { "removed from" } else { "written to" };
    match control::over_socket(&Request::Reload, place)? {
        Some(Reply::Failed(problem)) => control::print(Reply::Failed(problem), out),
        Some(_) => say(&format!("{verb} {ALLOWED}; the running server has it"), out),
        None => say(&format!("{verb} {ALLOWED}"), out),
    }
}

/// The event is first: what is not recorded is not done. Where no server ever ran there is no log,
/// and the file alone says it.
fn record(args: &Args, exclusion: &Exclusion, place: &Place) -> Result<Option<Problem>> {
    if !place.database().is_file() {
        return Ok(None);
    }
    let (what, why) = (exclusion.to_string(), args.why.clone());
    match control::ask(&Request::WafAllow { what, why, is_removed: args.remove }, place)? {
        Reply::Failed(problem) => Ok(Some(problem)),
        _ => Ok(None),
    }
}

fn say(message: &str, out: &mut Out) -> Result<Exit> {
    if out.format() == Format::Json {
        out.json(&serde_json::json!({ "message": message }))?;
    } else {
        out.talk(message);
    }
    Ok(Exit::Ok)
}

/// Why, who, when.
fn comment(args: &Args) -> String {
    // The name is for people: nothing is decided by it.
    let who = Command::new("id").arg("-un").output().ok().filter(|found| found.status.success());
    let who = who.map(|found| String::from_utf8_lossy(&found.stdout).trim().to_owned());
    let who = who.unwrap_or_else(|| "somebody".to_owned());
    format!("{}, {who}: {}", SystemClock::start().now(), args.why)
}
