//! What is said beside the document.

use ringwall_openapi::{Doubt, Draft};
use serde_json::{Value, json};

use super::Learned;
use crate::out::Out;

/// For people: what was not certain, on standard error.
pub(super) fn talk(draft: &Draft, learned: &Learned, out: &mut Out) {
    let lessons = &learned.lessons;
    out.talk(&format!("  {} operations, of {} requests", draft.operations, lessons.samples()));
    if learned.elsewhere > 0 {
        out.talk(&format!("  {} requests are for somebody else", learned.elsewhere));
    }
    for (why, count) in lessons.passed_over() {
        out.talk(&format!("  {count} taught nothing: {why}"));
    }
    if draft.doubts.is_empty() {
        return;
    }
    out.talk("  left out, because too few stand for it:");
    for doubt in draft.doubts.iter().take(SHOWN_MAX) {
        out.talk(&format!("    {}", line(doubt)));
    }
    let more = draft.doubts.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        out.talk(&format!("    and {more} more (`--json` has all)"));
    }
}

/// For programs.
pub(super) fn json(draft: &Draft, learned: &Learned) -> Value {
    let doubts = draft.doubts.iter().map(|one| {
        json!({
            "place": one.place, "what": one.what, "samples": one.samples, "callers": one.callers,
        })
    });
    json!({
        "operations": draft.operations,
        "samples": learned.lessons.samples(),
        "elsewhere": learned.elsewhere,
        "passed_over": learned.lessons.passed_over(),
        "doubts": doubts.collect::<Vec<_>>(),
    })
}

fn line(doubt: &Doubt) -> String {
    let count = |count: u64, one: &str| {
        if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
    };
    let callers = u64::try_from(doubt.callers).unwrap_or(u64::MAX);
    let (samples, callers) = (count(doubt.samples, "request"), count(callers, "caller"));
    format!("{}: {} ({samples}, {callers})", doubt.place.escape_debug(), doubt.what)
}

/// As many as are read on a terminal; the others are for programs.
const SHOWN_MAX: usize = 30;
