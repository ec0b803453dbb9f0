//! `ringwall waf learn`: exclusions that the recorded traffic speaks for, with the evidence.
//!
//! Many callers who trip over one rule in one place, and over nothing else, are people at work. One
//! caller who trips over many is not, and nothing of that caller's is counted.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::json;

use super::recorded::{self, Recorded};
use crate::exit::Exit;
use crate::out::{Format, Out};
use crate::paths::Place;

/// How much evidence is enough.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct Args {
    /// Requests that an exclusion must have been the cause of
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    requests: usize,
    /// Distinct callers who sent them
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    callers: usize,
}

/// An exclusion, and who would have needed it.
#[derive(Debug, Default)]
struct Proposal {
    message: String,
    requests: usize,
    callers: BTreeSet<String>,
    path: String,
}

/// Rule, variable, operation.
type Key = (u64, String, Option<String>);

/// Prints proposals; changes nothing.
pub(super) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let recorded = recorded::read(None, EVENTS_MAX, place)?;
    let proposals: Vec<_> = propose(&recorded)
        .into_iter()
        .filter(|(_, one)| one.requests >= args.requests && one.callers.len() >= args.callers)
        .filter_map(|((rule, variable, operation), one)| {
            let operation = operation.as_deref();
            let allow = recorded::exclusion(rule, &variable, operation, &one.path)?;
            Some(((rule, variable, operation.map(str::to_owned)), one, allow))
        })
        .collect();
    if out.format() == Format::Json {
        let values = proposals.iter().map(|((rule, variable, operation), one, allow)| {
            json!({
                "rule": rule, "variable": variable, "operation": operation, "message": one.message,
                "requests": one.requests, "callers": one.callers.len(),
                "allow": allow,
            })
        });
        out.json(&json!({ "read": recorded.len(), "proposals": values.collect::<Vec<_>>() }))?;
        return Ok(Exit::Ok);
    }
    for ((rule, variable, _), one, allow) in &proposals {
        out.data(&format!(
            "{rule} {}, in {}: {} requests of {} callers, who met no other rule\n    {} --why '{} requests of {} callers'",
            one.message.escape_debug(),
            variable.escape_debug(),
            one.requests,
            one.callers.len(),
            allow,
            one.requests,
            one.callers.len(),
        ))?;
    }
    out.talk(&format!(
        "{} exclusions proposed from {} recorded requests; look at some with `ringwall waf explain` \
         before you allow them",
        proposals.len(),
        recorded.len()
    ));
    Ok(Exit::Ok)
}

fn propose(recorded: &[Recorded]) -> BTreeMap<Key, Proposal> {
    let mut met: BTreeMap<&str, BTreeSet<Key>> = BTreeMap::new();
    for one in recorded {
        met.entry(one.caller.as_str()).or_default().extend(keys(one));
    }
    let mut proposals: BTreeMap<Key, Proposal> = BTreeMap::new();
    for one in recorded {
        let is_single = met.get(one.caller.as_str()).is_some_and(|keys| keys.len() == 1);
        let Some(key) = keys(one).next().filter(|_| is_single && one.left_out == 0) else {
            continue;
        };
        let message = one.matches.iter().find(|found| found.rule == key.0);
        let proposal = proposals.entry(key).or_default();
        proposal.message = message.map(|found| found.message.clone()).unwrap_or_default();
        proposal.requests = proposal.requests.saturating_add(1);
        proposal.callers.insert(one.caller.clone());
        proposal.path.clone_from(&one.path);
    }
    proposals
}

fn keys(one: &Recorded) -> impl Iterator<Item = Key> {
    let counted = one.matches.iter().filter(|found| !found.is_sum());
    counted.map(|found| (found.rule, found.variable.clone(), one.operation.clone()))
}

/// As many as one query of the log gives.
const EVENTS_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::super::recorded::Matched;
    use super::*;

    fn request(caller: &str, rule: u64, variable: &str) -> Recorded {
        let matched = |rule, variable: &str| Matched {
            rule,
            variable: variable.to_owned(),
            ..Matched::default()
        };
        Recorded {
            caller: caller.to_owned(),
            operation: Some("shop.addComment".to_owned()),
            matches: vec![matched(rule, variable), matched(7_719_001, "TX:score")],
            ..Recorded::default()
        }
    }

    #[test]
    fn only_callers_who_met_nothing_else_are_evidence() {
        let mut recorded: Vec<Recorded> =
            ["ann", "bob", "ann"].map(|who| request(who, 1, "ARGS:comment")).into();
        recorded.push(request("eve", 1, "ARGS:comment"));
        recorded.push(request("eve", 2, "ARGS:comment"));
        recorded.push(request("mal", 1, "ARGS:comment"));
        recorded.push(request("mal", 1, "ARGS:title"));
        let proposals = propose(&recorded);
        let found: Vec<_> = proposals
            .iter()
            .map(|((rule, variable, _), one)| {
                (*rule, variable.as_str(), one.requests, one.callers.len())
            })
            .collect();
        assert_eq!(found, [(1, "ARGS:comment", 3, 2)]);
    }
}
