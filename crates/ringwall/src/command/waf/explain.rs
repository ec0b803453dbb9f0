//! `ringwall waf explain REQUEST-ID`: which rules matched what, and what would let it pass.

use anyhow::Result;
use ringwall_base::RequestId;
use ringwall_manifest::WafRules;
use serde_json::{Value, json};

use super::recorded::{self, Recorded};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Format, Out};
use crate::paths::Place;
use crate::rules::{self, Rules};

/// Prints what the audit log has of a request.
pub(super) fn run(id: &str, place: &Place, out: &mut Out) -> Result<Exit> {
    if RequestId::parse(id).is_none() {
        let help = "it begins with `r-` and is in the answer's `Ringwall-Request` header";
        out.problem("RW4005", &format!("`{id}` is no request id"), Some(help));
        return Ok(Exit::Failed);
    }
    let found = recorded::read(Some(id), EVENTS_MAX, place)?;
    let Some(found) = found.last() else {
        let help =
            "no rule matched there, or the log has no such request; `ringwall why` tells more";
        out.problem("RW4005", &format!("no match of a rule is recorded for `{id}`"), Some(help));
        return Ok(Exit::Failed);
    };
    // Rules may be others by now, or broken; then only where they stand is not known.
    let model = Loaded::read(place).ok().and_then(|loaded| loaded.report.model);
    let rules = model.as_ref().and_then(|model| rules::read_always(model, place).ok());
    let strict = model.map(|model| model.waf);
    if out.format() == Format::Json {
        out.json(&to_json(found, rules.as_ref(), strict.as_ref()))?;
    } else {
        out.data(&to_text(found, rules.as_ref(), strict.as_ref()))?;
    }
    Ok(Exit::Ok)
}

fn to_text(found: &Recorded, rules: Option<&Rules>, strict: Option<&WafRules>) -> String {
    let operation = found.operation.as_deref().unwrap_or("no operation");
    let status = found.status.map_or_else(String::new, |status| format!(", answered {status}"));
    let (method, path) = (found.method.escape_debug(), found.path.escape_debug());
    let mut lines = vec![format!("{method} {path} ({operation}){status}")];
    let scores = ["request", "answer"].into_iter().zip(found.scores).zip(thresholds(strict));
    for ((what, score), threshold) in scores {
        lines.extend(score.map(|score| format!("score of the {what}: {}", of(score, threshold))));
    }
    lines.extend(strict.map(|waf| format!("paranoia {}, as the manifest is now", waf.paranoia)));
    for one in &found.matches {
        lines.push(format!(
            "{} {}, in {}",
            one.rule,
            one.message.escape_debug(),
            one.variable.escape_debug()
        ));
        lines.extend(at(one.rule, rules).map(|at| format!("    at {at}")));
        let value = one.value.as_ref().map(|value| value.escape_debug().to_string());
        lines.push(format!("    value: {}", value.as_deref().unwrap_or("not recorded")));
        lines.extend(narrowest(found, one).map(|allow| format!("    to let it pass: {allow}")));
    }
    if found.left_out > 0 {
        lines.push(format!("and {} more matches", found.left_out));
        let others: Vec<String> = found.others.iter().map(u64::to_string).collect();
        if !others.is_empty() {
            lines.push(format!("    of rules {}", others.join(", ")));
        }
    }
    lines.extend(proved(found));
    lines.join("\n")
}

/// What rules did not look at, because the schema proves it harmless.
fn proved(found: &Recorded) -> Option<String> {
    let values = if found.proven == 1 { "value" } else { "values" };
    let places = found.proven_places.as_ref().map(|places| places.escape_debug());
    let places = places.map_or_else(String::new, |places| format!("{places}; "));
    (found.proven > 0)
        .then(|| format!("proved by the schema: {places}{} {values} not looked at", found.proven))
}

/// From which score on a request is refused, and an answer is withheld.
fn thresholds(strict: Option<&WafRules>) -> [Option<u64>; 2] {
    let of = |one: fn(&WafRules) -> u32| strict.map(|waf| u64::from(one(waf)));
    [of(|waf| waf.inbound_threshold), of(|waf| waf.outbound_threshold)]
}

fn of(score: u64, threshold: Option<u64>) -> String {
    let Some(threshold) = threshold else { return score.to_string() };
    let verdict = if score >= threshold { "enough to refuse" } else { "not enough to refuse" };
    format!("{score} of {threshold}, {verdict}")
}

fn to_json(found: &Recorded, rules: Option<&Rules>, strict: Option<&WafRules>) -> Value {
    let matches = found.matches.iter().map(|one| {
        json!({
            "rule": one.rule,
            "message": one.message,
            "at": at(one.rule, rules),
            "variable": one.variable,
            "value": one.value,
            "allow": narrowest(found, one),
        })
    });
    json!({
        "request": found.request,
        "method": found.method,
        "path": found.path,
        "operation": found.operation,
        "status": found.status,
        "inbound_score": found.scores[0],
        "outbound_score": found.scores[1],
        "inbound_threshold": thresholds(strict)[0],
        "outbound_threshold": thresholds(strict)[1],
        "paranoia": strict.map(|waf| waf.paranoia),
        "left_out": found.left_out,
        "others": found.others,
        "proven": found.proven,
        "proven_places": found.proven_places,
        "matches": matches.collect::<Vec<_>>(),
    })
}

fn at(rule: u64, rules: Option<&Rules>) -> Option<String> {
    let place = rules?.set.place_of(rule)?;
    Some(format!("{}:{}", place.file, place.line))
}

fn narrowest(found: &Recorded, one: &recorded::Matched) -> Option<String> {
    let (operation, path) = (found.operation.as_deref(), &found.path);
    (!one.is_sum()).then(|| recorded::exclusion(one.rule, &one.variable, operation, path))?
}

/// A request has one event of its rules, and a few others.
const EVENTS_MAX: usize = 100;
