//! What was seen beside what was declared.

use std::collections::BTreeSet;

use ringwall_base::{Contract, ParameterPlace};

use super::draft::Standing;
use super::operation::Operation;
use super::path::Template;
use super::shape::{Members, Shape};
use super::support::Support;
use super::{Lessons, Needed};

/// What a document and the traffic do not have in common.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Drift {
    /// Seen and not declared: `POST /orders`, `GET /orders query.debug`, `POST /orders body.note`.
    pub shadow: Vec<String>,
    /// Declared and never seen.
    pub zombie: Vec<String>,
}

/// The operation that a request is for: of those that fit, the one with the fewest parameters.
pub fn operation_of<'o>(
    operations: impl IntoIterator<Item = &'o ringwall_base::Operation>,
    method: &str,
    path: &str,
) -> Option<&'o ringwall_base::Operation> {
    let own = Template::literal(path);
    let known = operations.into_iter().filter(|one| one.method == method);
    let known = known.map(|one| (Template::known(&one.path), one));
    let fitting = known.filter(|(template, _)| own.fits(template));
    fitting.min_by_key(|(template, _)| template.parameters()).map(|(_, one)| one)
}

impl Lessons {
    /// Compares with the operations of a document. What too few stand for is no shadow; what was
    /// seen at all is no zombie.
    pub fn drift(&self, contract: &Contract, needed: Needed) -> Drift {
        let mut drift = Drift::default();
        let declared: Vec<_> =
            contract.operations.iter().map(|one| (Template::known(&one.path), one)).collect();
        let fitting = |template: &Template, method: &str| {
            let fits = |(known, one): &&(Template, &ringwall_base::Operation)| {
                one.method == method && template.fits(known)
            };
            // The one with the fewest parameters is the one that a router takes.
            let all = declared.iter().filter(fits);
            all.min_by_key(|(known, _)| known.parameters()).map(|(_, one)| *one)
        };
        let is_known = |one: &Standing| fitting(&one.operation.template, &one.method).is_some();
        for one in self.standing(needed, is_known) {
            let template = &one.operation.template;
            let name = format!("{} {}", one.method, template.text());
            let Some(known) = fitting(template, &one.method) else {
                drift.shadow.push(name);
                continue;
            };
            let found = undeclared(known, &one.operation, needed);
            drift.shadow.extend(found.into_iter().map(|below| format!("{name} {below}")));
        }
        for (_, one) in &declared {
            let seen: Vec<&Operation> = self
                .operations
                .iter()
                .filter(|(key, slot)| {
                    let method = key.split(' ').next().unwrap_or_default();
                    let found = fitting(&slot.value.template, method);
                    found.is_some_and(|found| std::ptr::eq(found, *one))
                })
                .map(|(_, slot)| &slot.value)
                .collect();
            unseen(one, &seen, &mut drift.zombie);
        }
        drift
    }
}

/// Parameters and members that enough stand for and nobody declared.
fn undeclared(
    declared: &ringwall_base::Operation,
    seen: &Operation,
    needed: Needed,
) -> Vec<String> {
    let stands =
        |support: &Support| support.is_by(needed.callers) && support.samples >= needed.samples;
    let queries = declared.parameters.iter().filter(|one| one.place == ParameterPlace::Query);
    let queries: BTreeSet<&str> = queries.map(|one| one.name.as_str()).collect();
    let names = seen.query.known.iter().filter(|(_, slot)| stands(&slot.support));
    let names = names.filter(|(name, _)| !is_declared(name, &queries));
    let mut found: Vec<String> = names.map(|(name, _)| format!("query.{name}")).collect();
    let fields = fields_of(seen, stands).into_iter();
    let fields = fields.filter(|field| !declared.request_fields.contains(field));
    found.extend(fields.map(|field| format!("body.{field}")));
    found
}

fn unseen(declared: &ringwall_base::Operation, seen: &[&Operation], zombie: &mut Vec<String>) {
    let name = format!("{} {}", declared.method, declared.path);
    if seen.is_empty() {
        return zombie.push(name);
    }
    for parameter in declared.parameters.iter().filter(|one| one.place == ParameterPlace::Query) {
        let deep = format!("{}[", parameter.name);
        let is_seen = seen
            .iter()
            .flat_map(|one| one.query.known.iter())
            .any(|(known, _)| *known == parameter.name || known.starts_with(&deep));
        if !is_seen {
            zombie.push(format!("{name} query.{}", parameter.name));
        }
    }
    let fields: BTreeSet<String> = seen.iter().flat_map(|one| fields_of(one, |_| true)).collect();
    for field in declared.request_fields.iter().filter(|field| !fields.contains(*field)) {
        zombie.push(format!("{name} body.{field}"));
    }
}

/// Declared as it is, or as an object of which it is a member: `filter[state]`.
fn is_declared(name: &str, declared: &BTreeSet<&str>) -> bool {
    let stem = name.split('[').next().unwrap_or_default();
    declared.contains(name) || declared.contains(stem)
}

/// Names of all members of bodies, however deep.
fn fields_of(operation: &Operation, stands: impl Fn(&Support) -> bool + Copy) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, slot) in operation.bodies.iter() {
        if let Some(shape) = &slot.value.json {
            shape.names(stands, &mut names);
        }
        if let Some(members) = &slot.value.fields {
            members.names(stands, &mut names);
        }
    }
    names
}

impl Shape {
    fn names(&self, stands: impl Fn(&Support) -> bool + Copy, names: &mut BTreeSet<String>) {
        if let Some(items) = &self.items {
            items.names(stands, names);
        }
        if let Some(object) = &self.object {
            object.names(stands, names);
        }
    }
}

impl Members {
    fn names(&self, stands: impl Fn(&Support) -> bool + Copy, names: &mut BTreeSet<String>) {
        for (name, slot) in self.known.iter().filter(|(_, slot)| stands(&slot.support)) {
            names.insert(name.clone());
            slot.value.shape.names(stands, names);
        }
        if let Some(other) = &self.other {
            other.value.names(stands, names);
        }
    }
}
