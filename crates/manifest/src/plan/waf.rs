//! What differs in how the firewall and the detectors of leaks look, and by which rules.

use std::cmp::Ordering;

use super::{Change, Effect, note};
use crate::model::{Model, RuleSet, Service, Waf, WafModes};

pub(super) fn of(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    modes(
        (old, new),
        ("firewall", |model| model.gateway.waf),
        (Model::waf_for, |one| &one.waf),
        changes,
    );
    modes(
        (old, new),
        ("leaks", |model| model.gateway.leaks),
        (Model::leaks_for, |one| &one.leaks),
        changes,
    );
    rules(old, new, changes);
}

/// What a mode is called, and what it is at the door.
type Door = (&'static str, fn(&Model) -> Waf);

/// What it is for an operation, and what a service says of it.
type Inner = (fn(&Model, &Service, &str) -> Waf, fn(&Service) -> &WafModes);

fn modes(
    (old, new): (&Model, &Model),
    (what, door): Door,
    (mode_for, said): Inner,
    changes: &mut Vec<Change>,
) {
    let (was, is) = (door(old), door(new));
    if was != is {
        note(changes, effect(was, is), what, between(word(was), word(is)));
    }
    for service in new.services.values() {
        let Some(before) = old.services.get(&service.name) else { continue };
        for operation in service.operations.keys() {
            let was = mode_for(old, before, operation);
            let is = mode_for(new, service, operation);
            // What the door alone changes has been said.
            if was == is || said(before) == said(service) {
                continue;
            }
            let text = format!("{}.{operation}: {}", service.name, between(word(was), word(is)));
            note(changes, effect(was, is), what, text);
        }
    }
}

fn rules(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    let (was, is) = (&old.waf, &new.waf);
    if was.set != is.set {
        let name = |set| if set == RuleSet::Crs { "crs" } else { "own" };
        let text = format!("rules: {}", between(name(was.set), name(is.set)));
        note(changes, Effect::Changes, "firewall", text);
    }
    let number = |what: &str, (was, is): (u32, u32), narrows: Ordering| {
        let text = format!("{what}: {}", between(&was.to_string(), &is.to_string()));
        let effect = if is.cmp(&was) == narrows { Effect::Narrows } else { Effect::Widens };
        (was != is).then_some((effect, text))
    };
    let levels = (u32::from(was.paranoia), u32::from(is.paranoia));
    let found = [
        number("paranoia", levels, Ordering::Greater),
        number("inbound threshold", (was.inbound_threshold, is.inbound_threshold), Ordering::Less),
        number(
            "outbound threshold",
            (was.outbound_threshold, is.outbound_threshold),
            Ordering::Less,
        ),
    ];
    for (effect, text) in found.into_iter().flatten() {
        note(changes, effect, "firewall", text);
    }
    if was.skips_proven != is.skips_proven {
        let name = |skips| if skips { "skip" } else { "look" };
        let text = format!(
            "values that a schema proves: {}",
            between(name(was.skips_proven), name(is.skips_proven))
        );
        let effect = if is.skips_proven { Effect::Widens } else { Effect::Narrows };
        note(changes, effect, "firewall", text);
    }
    if was.shares_collections != is.shares_collections {
        let name = |is_shared| if is_shared { "shared" } else { "local" };
        let text = between(name(was.shares_collections), name(is.shares_collections));
        note(changes, Effect::Changes, "firewall", format!("collections: {text}"));
    }
    if (&was.before, &was.files) != (&is.before, &is.files) {
        note(changes, Effect::Changes, "firewall", "files with rules changed".to_owned());
    }
}

fn between(was: &str, is: &str) -> String {
    format!("{was} becomes {is}")
}

fn effect(was: Waf, is: Waf) -> Effect {
    let strictness = |waf| match waf {
        Waf::Off => 0,
        Waf::Log => 1,
        Waf::Block => 2,
    };
    if strictness(is) > strictness(was) { Effect::Narrows } else { Effect::Widens }
}

const fn word(waf: Waf) -> &'static str {
    match waf {
        Waf::Block => "block",
        Waf::Log => "log",
        Waf::Off => "off",
    }
}
