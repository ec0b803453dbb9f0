//! `unevaluatedProperties` and `unevaluatedItems`: what no applicable schema speaks of.

use super::Check;
use crate::node::Node;
use crate::proof::Step;
use crate::schema::{Schema, SchemaId};

/// Applicable schemas inside one another that are followed.
const DEPTH_MAX: usize = 32;

/// Looks at one part that take as long as one step of a check.
const PARTS_A_STEP: usize = 16;

/// A member or an element.
#[derive(Clone, Copy, Debug)]
enum Part<'n> {
    Element(usize, &'n Node),
    Member(&'n str),
}

impl<'n> Check<'_, 'n> {
    pub(super) fn leftover(&mut self, schema: &Schema, node: &'n Node) {
        // Each part is held to each branch, which looks at all parts.
        if schema.object.leftover.is_some() || schema.array.leftover.is_some() {
            let parts = node.members().len().max(node.items().len());
            let applied = self.applied(schema, node).len().saturating_add(1);
            self.spend(parts.saturating_mul(parts).saturating_mul(applied) / PARTS_A_STEP);
        }
        if self.is_exhausted {
            return;
        }
        if let Some(id) = schema.object.leftover {
            for member in node.members() {
                let part = Part::Member(&member.name);
                self.rest_of(id, (schema, part), (node, &member.value));
            }
        }
        if let Some(id) = schema.array.leftover {
            for (index, item) in node.items().iter().enumerate() {
                self.rest_of(id, (schema, Part::Element(index, item)), (node, item));
            }
        }
    }

    fn rest_of(
        &mut self,
        id: SchemaId,
        (schema, part): (&Schema, Part<'n>),
        (node, value): (&'n Node, &'n Node),
    ) {
        if self.speaks_of(schema, part, node, 0) {
            return;
        }
        let step = match part {
            Part::Element(index, _) => Step::Index(index),
            Part::Member(name) => Step::Name(name),
        };
        self.below(step, |check| check.rest(id, value));
    }

    /// Whether a schema, or one that it applies in place, speaks of the member or element.
    fn speaks_of(&mut self, schema: &Schema, part: Part<'n>, node: &'n Node, depth: usize) -> bool {
        let own = match part {
            Part::Member(name) => schema.object.names_or_matches(name),
            Part::Element(index, item) => {
                let rules = &schema.array;
                let is_contained = rules.contains.is_some_and(|id| self.accepts(id, item));
                index < rules.prefix.len() || rules.items.is_some() || is_contained
            }
        };
        if own || depth > DEPTH_MAX {
            return own;
        }
        let branches = self.applied(schema, node);
        branches.into_iter().any(|id| {
            let Some(branch) = self.set.get(id) else { return false };
            let takes_rest = match part {
                Part::Member(_) => branch.object.leftover.is_some(),
                Part::Element(..) => branch.array.leftover.is_some(),
            };
            self.accepts(id, node)
                && (takes_rest || self.speaks_of(branch, part, node, depth.saturating_add(1)))
        })
    }

    /// The schemas that a schema applies to the same value.
    fn applied(&mut self, schema: &Schema, node: &'n Node) -> Vec<SchemaId> {
        let combine = &schema.combine;
        let lists = [&combine.all_of, &combine.any_of, &combine.one_of];
        let mut branches: Vec<SchemaId> = lists.into_iter().flatten().copied().collect();
        if let Some(condition) = &combine.condition {
            let test = self.accepts(condition.test, node);
            branches.extend(if test { condition.then } else { condition.otherwise });
            branches.extend(test.then_some(condition.test));
        }
        let dependent = schema.object.dependent_schemas.iter();
        let dependent = dependent.filter(|(name, _)| node.get(name).is_some());
        branches.extend(dependent.map(|(_, id)| *id));
        branches
    }
}
