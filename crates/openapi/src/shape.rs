//! Which members the schemas of a value declare, for cutting the others.
//!
//! A schema with `properties` and no `additionalProperties` is open for JSON Schema and closed
//! here: nobody who lists the fields of an answer means "and whatever else there is".

use std::collections::HashMap;

use crate::check::{Check, Direction};
use crate::node::Node;
use crate::schema::{Schema, SchemaId, SchemaSet};

/// What is declared about the members of one object.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// Schemas that apply in place.
    ids: Vec<SchemaId>,
    properties: HashMap<String, Vec<SchemaId>>,
    is_closed: bool,
    is_open: bool,
}

/// Schemas that are followed for one object; a document that needs more is left uncut there.
const APPLIED_MAX: usize = 256;

impl Shape {
    pub(crate) fn of(set: &SchemaSet, ids: &[SchemaId], node: &Node) -> Self {
        let mut shape = Self { ids: applied(set, ids, node), ..Self::default() };
        for id in shape.ids.clone() {
            if let Some(schema) = set.get(id) {
                shape.add(set, schema);
            }
        }
        shape
    }

    fn add(&mut self, set: &SchemaSet, schema: &Schema) {
        let object = &schema.object;
        for (name, id) in object.properties.iter().flatten() {
            self.properties.entry(name.clone()).or_default().push(*id);
        }
        let never = |id: SchemaId| set.get(id).is_some_and(|schema| schema.is_never);
        match object.additional.or(object.leftover) {
            Some(id) if never(id) => self.is_closed = true,
            Some(_) => self.is_open = true,
            None => self.is_closed |= object.properties.is_some(),
        }
    }

    /// Whether a member may stay.
    pub(crate) fn declares(&self, set: Option<&SchemaSet>, name: &str) -> bool {
        let Some(set) = set else { return true };
        if let Some(ids) = self.properties.get(name) {
            // `writeOnly`: passwords, which answers never carry.
            return !ids.iter().any(|id| set.get(*id).is_some_and(|schema| schema.is_write_only));
        }
        self.is_open || !self.is_closed || !self.matching(set, name).is_empty()
    }

    /// The schemas that apply to a member's value.
    pub(crate) fn below(&self, set: Option<&SchemaSet>, name: &str) -> Vec<SchemaId> {
        let Some(set) = set else { return Vec::new() };
        let mut below = self.properties.get(name).cloned().unwrap_or_default();
        below.extend(self.matching(set, name));
        if below.is_empty() {
            let schemas = self.ids.iter().filter_map(|id| set.get(*id));
            below.extend(schemas.filter_map(|schema| schema.object.additional));
        }
        below
    }

    fn matching(&self, set: &SchemaSet, name: &str) -> Vec<SchemaId> {
        let schemas = self.ids.iter().filter_map(|id| set.get(*id));
        let patterns = schemas.flat_map(|schema| &schema.object.patterns);
        patterns.filter(|(pattern, _)| pattern.is_match(name)).map(|(_, id)| *id).collect()
    }
}

/// The schemas that apply to an element of an array.
pub(crate) fn element(
    set: &SchemaSet,
    ids: &[SchemaId],
    node: &Node,
    index: usize,
) -> Vec<SchemaId> {
    let ids = applied(set, ids, node);
    let rules = ids.iter().filter_map(|id| set.get(*id)).map(|schema| &schema.array);
    rules.filter_map(|rules| rules.prefix.get(index).copied().or(rules.items)).collect()
}

/// The schemas themselves and those that they apply in place.
fn applied(set: &SchemaSet, ids: &[SchemaId], node: &Node) -> Vec<SchemaId> {
    let mut queue = ids.to_vec();
    let mut applied = Vec::new();
    while let Some(id) = queue.pop() {
        if applied.contains(&id) || applied.len() >= APPLIED_MAX {
            continue;
        }
        let Some(schema) = set.get(id) else { continue };
        applied.push(id);
        let combine = &schema.combine;
        queue.extend(&combine.all_of);
        let named = combine.discriminator.as_ref().and_then(|rule| {
            let name = node.get(&rule.property).and_then(Node::text)?;
            rule.mapping.get(name).copied()
        });
        if let Some(id) = named {
            queue.push(id);
        } else {
            queue.extend(fitting(set, &combine.any_of, node));
            queue.extend(fitting(set, &combine.one_of, node));
        }
        if let Some(condition) = &combine.condition {
            let holds = Check::new(set, Direction::Response).accepts(condition.test, node);
            queue.extend(if holds { condition.then } else { condition.otherwise });
        }
    }
    applied
}

/// The branches that accept the value; all of them when none does, because the value may still be
/// whole only without what is about to be cut.
fn fitting(set: &SchemaSet, branches: &[SchemaId], node: &Node) -> Vec<SchemaId> {
    if branches.len() <= 1 {
        return branches.to_vec();
    }
    let accepts = |id: &&SchemaId| Check::new(set, Direction::Response).accepts(**id, node);
    let fitting: Vec<SchemaId> = branches.iter().filter(accepts).copied().collect();
    if fitting.is_empty() { branches.to_vec() } else { fitting }
}
