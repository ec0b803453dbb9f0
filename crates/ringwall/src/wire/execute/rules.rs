//! Rule sets: which one is in use.

use anyhow::{Context, Result, bail};
use ringwall_api::{Reply, Request};
use ringwall_base::{Class, Event};

use super::done;
use crate::rules::Installed;
use crate::wire::Ground;

/// Carries out what concerns rule sets. The event is first: what is not recorded is not done.
pub(super) fn execute(ground: &Ground, request: &Request) -> Result<Reply> {
    match request {
        Request::WafUse { id, is_new } => {
            let set = known(ground, id)?;
            let action = if *is_new { "waf-rules-installed" } else { "waf-rules-used" };
            record(ground, action, &set)?;
            ground.sets.choose(id)?;
            Ok(done(&format!("the rule set {} ({id}) is in use", set.version)))
        }
        Request::WafAllow { what, why, is_removed } => {
            let action = if *is_removed { "waf-exclusion-removed" } else { "waf-exclusion-added" };
            put(ground, action, what.clone(), why.clone())?;
            Ok(done("recorded"))
        }
        Request::WafForget => {
            let why = "the rules did not load with the set that was chosen".to_owned();
            put(ground, "waf-rules-used", "none".to_owned(), why)?;
            ground.sets.forget()?;
            Ok(done("no rule set is in use"))
        }
        Request::WafRemove { id } => {
            let set = known(ground, id)?;
            if set.is_current {
                bail!("{} is in use; `ringwall waf use` another one first", set.version);
            }
            record(ground, "waf-rules-removed", &set)?;
            ground.sets.remove(id)?;
            Ok(done(&format!("the rule set {} ({id}) is removed", set.version)))
        }
        _ => bail!("this is not about rule sets"),
    }
}

fn known(ground: &Ground, id: &str) -> Result<Installed> {
    let all = ground.sets.list()?;
    all.into_iter().find(|set| set.id == id).context("the rule set is not installed")
}

fn record(ground: &Ground, action: &'static str, set: &Installed) -> Result<()> {
    put(ground, action, set.version.clone(), format!("{} from {}", set.id, set.from))
}

fn put(ground: &Ground, action: &'static str, what: String, why: String) -> Result<()> {
    let event = Event {
        at: ground.clock.now(),
        action,
        class: Class::Sync,
        operation: Some(what),
        reason: Some(why),
        ..Event::default()
    };
    ground.sink.put(event).context("the change cannot be recorded")
}
