//! The semantic difference of two manifests: what a reviewer has to know, not which lines moved.

mod content;
mod door;
mod headers;
mod login;
mod traffic;
mod waf;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use crate::access::{Access, Caller, flows};
use crate::analyse::promises::standing;
use crate::matrix::{Matrix, word};
use crate::model::{Mode, Model};
use crate::view::limit_text;

/// One difference.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Change {
    /// What it means for safety. The dangerous ones sort first.
    pub effect: Effect,
    /// What kind of thing changed: `edge`, `public`, `data`, `limit`, `service` …
    pub subject: &'static str,
    /// One sentence.
    pub text: String,
}

/// What a change means for safety.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Effect {
    /// More is allowed than before.
    Widens,
    /// Neither.
    Changes,
    /// Less is allowed than before.
    Narrows,
}

/// Everything that differs between two manifests; empty when they mean the same.
pub fn plan(old: &Model, new: &Model) -> Vec<Change> {
    let mut changes = Vec::new();
    edges(old, new, &mut changes);
    partner_edges(old, new, &mut changes);
    store_edges(old, new, &mut changes);
    data(old, new, &mut changes);
    limits(old, new, &mut changes);
    names(old, new, &mut changes);
    gateway(old, new, &mut changes);
    door::of(old, new, &mut changes);
    login::of(old, new, &mut changes);
    waf::of(old, new, &mut changes);
    headers::of(old, new, &mut changes);
    content::of(old, new, &mut changes);
    services(old, new, &mut changes);
    promises(old, new, &mut changes);
    changes.sort();
    changes.dedup();
    changes
}

/// The changes as text, one a line: `+` widens, `-` narrows, `~` changes.
pub fn plan_text(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "no change in meaning\n".to_owned();
    }
    let mut text = changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}

/// The changes for programs.
pub fn plan_json(changes: &[Change]) -> Value {
    let list = changes.iter().map(|change| {
        json!({ "effect": change.effect.as_str(), "subject": change.subject, "text": change.text })
    });
    Value::Array(list.collect())
}

impl Effect {
    /// `widens`, `changes`, `narrows`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Widens => "widens",
            Self::Changes => "changes",
            Self::Narrows => "narrows",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.effect {
            Effect::Widens => '+',
            Effect::Changes => '~',
            Effect::Narrows => '-',
        };
        write!(f, "{sign} {:<9} {}", self.subject, self.text)
    }
}

fn note(changes: &mut Vec<Change>, effect: Effect, subject: &'static str, text: String) {
    changes.push(Change { effect, subject, text });
}

type Cells = BTreeMap<(Caller, String), &'static str>;

/// Who may do what. Roles that only inherit a line are not listed again for each heir.
fn cells(model: &Model) -> Cells {
    let matrix = Matrix::of(model);
    let mut cells = Cells::new();
    for row in &matrix.rows {
        for (caller, access) in matrix.callers.iter().zip(&row.cells) {
            let is_own = |access: &&Access| access.by == caller.name();
            if let Some(access) = access.as_ref().filter(is_own) {
                let name = format!("{}.{}", row.service, row.operation);
                cells.insert((caller.clone(), name), word(Some(access)));
            }
        }
    }
    cells
}

fn edges(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    let (before, after) = (cells(old), cells(new));
    let public = |cells: &Cells| -> BTreeSet<String> {
        let outside = cells.keys().filter(|(caller, _)| !matches!(caller, Caller::Service(_)));
        outside.map(|(_, operation)| operation.clone()).collect()
    };
    let (was_public, is_public) = (public(&before), public(&after));
    for ((caller, operation), access) in &after {
        let extent = if *access == "allowed" { String::new() } else { format!(" ({access})") };
        match before.get(&(caller.clone(), operation.clone())) {
            None => {
                note(changes, Effect::Widens, "edge", format!("{caller} → {operation}{extent}"));
            }
            Some(was) if was != access => {
                let effect = if *access == "allowed" { Effect::Widens } else { Effect::Narrows };
                note(
                    changes,
                    effect,
                    "edge",
                    format!("{caller} → {operation}: {was} becomes {access}"),
                );
            }
            Some(_) => {}
        }
    }
    for (caller, operation) in before.keys().filter(|key| !after.contains_key(*key)) {
        note(changes, Effect::Narrows, "edge", format!("{caller} → {operation}"));
    }
    for operation in is_public.difference(&was_public) {
        note(
            changes,
            Effect::Widens,
            "public",
            format!("{operation} can now be reached from outside"),
        );
    }
    for operation in was_public.difference(&is_public) {
        note(
            changes,
            Effect::Narrows,
            "public",
            format!("{operation} is no longer reached from outside"),
        );
    }
}

fn partner_edges(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    let edges = |model: &Model| -> BTreeSet<String> {
        let mut edges = BTreeSet::new();
        for (name, partner) in &model.partners {
            for (caller, grant) in partner
                .callers
                .iter()
                .flat_map(|(who, list)| list.iter().map(move |one| (who, one)))
            {
                edges.insert(format!("{caller} → {name} {} ({})", grant.operation, partner.url));
            }
        }
        edges
    };
    differ(&edges(old), &edges(new), "egress", changes);
}

/// A store is not inspected: gaining one is always worth a look.
fn store_edges(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    let edges = |model: &Model| -> BTreeSet<String> {
        let mut edges = BTreeSet::new();
        for (name, service) in &model.services {
            for (key, target) in &service.stores {
                edges.insert(format!("{name} → store {key} ({target}), not inspected"));
            }
        }
        edges
    };
    differ(&edges(old), &edges(new), "edge", changes);
}

fn data(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    let ways = |model: &Model| -> BTreeSet<String> {
        let ways = flows(model).into_iter().map(|flow| {
            let from =
                if flow.from.is_empty() { String::new() } else { format!(" from {}", flow.from) };
            let own = if flow.is_own { ", only their own" } else { "" };
            format!("{} leaves to {} {}{from}{own}", flow.class, flow.kind, flow.to)
        });
        ways.collect()
    };
    differ(&ways(old), &ways(new), "data", changes);
    let fields = |model: &Model| -> BTreeSet<String> {
        let classes = model.data.iter();
        classes
            .flat_map(|(name, class)| {
                class.fields.iter().map(move |field| format!("field `{field}` protected as {name}"))
            })
            .collect()
    };
    let detected = |model: &Model| -> BTreeSet<String> {
        let classes = model.data.iter();
        classes
            .flat_map(|(name, class)| {
                class.detect.iter().map(move |one| format!("{one} found and protected as {name}"))
            })
            .collect()
    };
    differ(&detected(new), &detected(old), "data", changes);
    // More protected fields allow less.
    differ(&fields(new), &fields(old), "data", changes);
}

fn differ(
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
    subject: &'static str,
    changes: &mut Vec<Change>,
) {
    for text in after.difference(before) {
        note(changes, Effect::Widens, subject, text.clone());
    }
    for text in before.difference(after) {
        note(changes, Effect::Narrows, subject, text.clone());
    }
}

fn limits(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    for service in new.services.values() {
        let Some(before) = old.services.get(&service.name) else { continue };
        for operation in
            service.operations.keys().filter(|name| before.operations.contains_key(*name))
        {
            let was = limit_text(old, &service.name, operation);
            let is = limit_text(new, &service.name, operation);
            if was != is {
                let text = format!("{}.{operation}: {was} becomes {is}", service.name);
                note(changes, Effect::Changes, "limit", text);
            }
        }
    }
    if old.limits.login.as_ref().map(|limit| limit.rate)
        != new.limits.login.as_ref().map(|limit| limit.rate)
    {
        note(changes, Effect::Changes, "limit", "the limit of sign-in attempts".to_owned());
    }
}

fn names(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    fn compare<A, B>(
        before: &BTreeMap<String, A>,
        after: &BTreeMap<String, B>,
        subject: &'static str,
        changes: &mut Vec<Change>,
    ) {
        for name in after.keys().filter(|name| !before.contains_key(*name)) {
            note(changes, Effect::Changes, subject, format!("{name} is new"));
        }
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            note(changes, Effect::Changes, subject, format!("{name} is gone"));
        }
    }
    compare(&old.services, &new.services, "service", changes);
    compare(&old.roles, &new.roles, "role", changes);
    compare(&old.partners, &new.partners, "partner", changes);
    compare(&old.secrets, &new.secrets, "secret", changes);
    for (name, role) in &new.roles {
        let Some(before) = old.roles.get(name) else { continue };
        for included in role.includes.iter().filter(|one| !before.includes.contains(one)) {
            note(changes, Effect::Widens, "role", format!("{name} now includes {included}"));
        }
        for included in before.includes.iter().filter(|one| !role.includes.contains(one)) {
            note(changes, Effect::Narrows, "role", format!("{name} no longer includes {included}"));
        }
        if before.mfa != role.mfa {
            let effect = if role.mfa { Effect::Narrows } else { Effect::Widens };
            note(changes, effect, "role", format!("second factor of {name}: {}", role.mfa));
        }
        if before.is_default != role.is_default {
            let effect = if role.is_default { Effect::Widens } else { Effect::Narrows };
            note(
                changes,
                effect,
                "role",
                format!("{name} given to everybody: {}", role.is_default),
            );
        }
    }
}

fn gateway(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    let (before, after) = (&old.gateway, &new.gateway);
    let mut changed = |effect, what: &str, was: String, is: String| {
        if was != is {
            note(changes, effect, "gateway", format!("{what}: {was} becomes {is}"));
        }
    };
    let mode = if after.mode == Mode::Observe { Effect::Widens } else { Effect::Narrows };
    changed(mode, "mode", format!("{:?}", before.mode), format!("{:?}", after.mode));
    let (was, is) = (before, after);
    changed(Effect::Changes, "host", was.host.clone(), is.host.clone());
    changed(Effect::Changes, "port", was.port.to_string(), is.port.to_string());
    changed(Effect::Changes, "login", format!("{:?}", was.login), format!("{:?}", is.login));
    let responses = (format!("{:?}", was.responses), format!("{:?}", is.responses));
    changed(Effect::Changes, "responses", responses.0, responses.1);
    changed(
        if is.refuses_unknown_parameters { Effect::Narrows } else { Effect::Widens },
        "unknown parameters refused",
        was.refuses_unknown_parameters.to_string(),
        is.refuses_unknown_parameters.to_string(),
    );
}

fn services(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    for service in new.services.values() {
        let Some(before) = old.services.get(&service.name) else { continue };
        let name = &service.name;
        let mut differs = |what: &str, is_different: bool| {
            if is_different {
                note(changes, Effect::Changes, "service", format!("{name}: {what} changed"));
            }
        };
        differs("upstream", before.upstreams != service.upstreams);
        differs("mount", before.mount != service.mount);
        differs("who reads `Authorization`", before.authorization != service.authorization);
        differs("command or folder", before.run != service.run || before.dir != service.dir);
        differs("variables", before.env != service.env);
        differs("host names", before.hosts != service.hosts);
        differs("place of an owner", !same_owners(before, service));
        traffic::of(before, service, changes);
        for (variable, secret) in &service.secrets {
            if before.secrets.get(variable) != Some(secret) {
                let text = format!("{name} receives {secret} as {variable}");
                note(changes, Effect::Widens, "secret", text);
            }
        }
        for (variable, secret) in
            before.secrets.iter().filter(|(key, _)| !service.secrets.contains_key(*key))
        {
            let text = format!("{name} receives {secret} as {variable}");
            note(changes, Effect::Narrows, "secret", text);
        }
        for (operation, is) in &service.operations {
            match before.operations.get(operation) {
                None => note(
                    changes,
                    Effect::Changes,
                    "operation",
                    format!("{name}.{operation} is new"),
                ),
                Some(was) if was.method != is.method || was.path != is.path => {
                    let text = format!("{name}.{operation} is now {} {}", is.method, is.path);
                    note(changes, Effect::Changes, "operation", text);
                }
                Some(_) => {}
            }
        }
        for operation in
            before.operations.keys().filter(|one| !service.operations.contains_key(*one))
        {
            note(changes, Effect::Changes, "operation", format!("{name}.{operation} is gone"));
        }
    }
}

fn same_owners(a: &crate::model::Service, b: &crate::model::Service) -> bool {
    a.own.len() == b.own.len()
        && a.own.iter().all(|(operation, rule)| {
            b.own.get(operation).is_some_and(|other| {
                (other.source, &other.name, other.equals) == (rule.source, &rule.name, rule.equals)
            })
        })
}

fn promises(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    let texts = |model: &Model| -> BTreeSet<String> {
        let all = model.expectations.iter();
        all.map(|one| format!("{}: {}", if one.is_always { "always" } else { "never" }, one.text))
            .collect()
    };
    let (before, after) = (texts(old), texts(new));
    for text in after.difference(&before) {
        note(changes, Effect::Narrows, "promise", format!("added, {text}"));
    }
    for text in before.difference(&after) {
        note(changes, Effect::Widens, "promise", format!("taken back, {text}"));
    }
    for (promise, _) in standing(new).into_iter().filter(|(_, holds)| !holds) {
        note(changes, Effect::Widens, "promise", format!("broken, {}", promise.text));
    }
}
