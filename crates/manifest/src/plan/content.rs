//! What differs in the files that operations take, and in what GraphQL may ask.

use std::collections::BTreeSet;

use super::{Change, Effect, note};
use crate::model::{GraphQl, Model, UploadRule};

/// What is held to, and the numbers before and after; none is no bound of its own.
type Bound = (&'static str, Option<u64>, Option<u64>);

pub(super) fn of(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    for service in new.services.values() {
        let Some(before) = old.services.get(&service.name) else { continue };
        for operation in service.operations.keys() {
            let name = format!("{}.{operation}", service.name);
            let rule = |found: Option<(&UploadRule, bool)>| found.map(|(rule, _)| rule.clone());
            let was = rule(before.uploads_for(operation));
            let is = rule(service.uploads_for(operation));
            match (was, is) {
                (Some(was), Some(is)) => uploads(&name, &was, &is, changes),
                (was, is) => there(&name, "files", (was.is_some(), is.is_some()), changes),
            }
            match (before.graphql_for(operation), service.graphql_for(operation)) {
                (Some(was), Some(is)) => graphql(&name, was, is, changes),
                (was, is) => there(&name, "GraphQL", (was.is_some(), is.is_some()), changes),
            }
        }
    }
}

fn there(name: &str, what: &str, (was, is): (bool, bool), changes: &mut Vec<Change>) {
    if was != is {
        let (effect, word) =
            if is { (Effect::Narrows, "is held to a line") } else { (Effect::Widens, "is free") };
        note(changes, effect, "content", format!("{name}: {what} {word}"));
    }
}

fn uploads(name: &str, was: &UploadRule, is: &UploadRule, changes: &mut Vec<Change>) {
    let list = |kinds: &[String]| {
        if kinds.is_empty() { "every kind".to_owned() } else { kinds.join(", ") }
    };
    if was.kinds != is.kinds {
        // No list is every kind.
        let takes = |rule: &UploadRule, other: &UploadRule| {
            rule.kinds.is_empty()
                || (!other.kinds.is_empty()
                    && other.kinds.iter().all(|kind| rule.kinds.contains(kind)))
        };
        let effect = match (takes(is, was), takes(was, is)) {
            (true, false) => Effect::Widens,
            (false, true) => Effect::Narrows,
            _ => Effect::Changes,
        };
        let text = format!("{name}: files of {} become {}", list(&was.kinds), list(&is.kinds));
        note(changes, effect, "content", text);
    }
    switch(name, "files that do something", (was.passes_active, is.passes_active), changes);
    let wide = |number: Option<u32>| number.map(u64::from);
    bounds(
        name,
        &[
            ("bytes of a file", was.file_bytes_max, is.file_bytes_max),
            ("files", wide(was.files_max), wide(is.files_max)),
            ("entries of archives", wide(was.entries_max), wide(is.entries_max)),
            ("bytes of archives, unpacked", was.unpacked_bytes_max, is.unpacked_bytes_max),
            ("archives in archives", wide(was.depth_max), wide(is.depth_max)),
            ("ratio of archives", wide(was.ratio_max), wide(is.ratio_max)),
        ],
        changes,
    );
}

fn graphql(name: &str, was: &GraphQl, is: &GraphQl, changes: &mut Vec<Change>) {
    let pair = (was.allows_introspection, is.allows_introspection);
    switch(name, "questions for the schema", pair, changes);
    let wide = |number: Option<u32>| number.map(u64::from);
    bounds(
        name,
        &[
            ("depth", wide(was.depth_max), wide(is.depth_max)),
            ("cost", was.cost_max, is.cost_max),
            ("aliases", wide(was.aliases_max), wide(is.aliases_max)),
            ("fields at the top", wide(was.root_fields_max), wide(is.root_fields_max)),
            ("directives", wide(was.directives_max), wide(is.directives_max)),
            ("requests in one body", wide(was.batch_max), wide(is.batch_max)),
        ],
        changes,
    );
    let stored = (was.documents.as_ref(), is.documents.as_ref());
    if stored.0 != stored.1 {
        let number = |found: &BTreeSet<String>| format!("{} stored documents", found.len());
        let word = |found: Option<&BTreeSet<String>>| {
            found.map_or_else(|| "every document".to_owned(), number)
        };
        let effect = match stored {
            (_, None) => Effect::Widens,
            (None, _) => Effect::Narrows,
            (Some(was), Some(is)) if is.is_subset(was) => Effect::Narrows,
            (Some(_), Some(_)) => Effect::Widens,
        };
        let text = format!("{name}: {} becomes {}", word(stored.0), word(stored.1));
        note(changes, effect, "content", text);
    }
    if was.counts != is.counts {
        let is_more = was.counts.iter().all(|one| is.counts.contains(one));
        let effect = if is_more { Effect::Narrows } else { Effect::Widens };
        note(changes, effect, "content", format!("{name}: arguments that are counts changed"));
    }
}

fn switch(name: &str, what: &str, (was, is): (bool, bool), changes: &mut Vec<Change>) {
    if was != is {
        let (effect, word) =
            if is { (Effect::Widens, "pass") } else { (Effect::Narrows, "are refused") };
        note(changes, effect, "content", format!("{name}: {what} {word}"));
    }
}

fn bounds(name: &str, list: &[Bound; 6], changes: &mut Vec<Change>) {
    let word =
        |number: Option<u64>| number.map_or_else(|| "the usual".to_owned(), |n| n.to_string());
    for (what, was, is) in list.iter().filter(|(_, was, is)| was != is) {
        let effect = match (was, is) {
            (Some(was), Some(is)) if is > was => Effect::Widens,
            (Some(_), Some(_)) => Effect::Narrows,
            // What is usual is not known here.
            _ => Effect::Changes,
        };
        let text = format!("{name}: {what}: {} becomes {}", word(*was), word(*is));
        note(changes, effect, "content", text);
    }
}
