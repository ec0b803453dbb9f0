//! `properties`, `required`, `additionalProperties` and the other keywords of objects.

use super::{Check, Direction, Step};
use crate::compile::short;
use crate::node::{Data, Member, Node};
use crate::schema::{ObjectRules, Schema, SchemaId};

impl Check<'_> {
    pub(super) fn object(&mut self, rules: &ObjectRules, members: &[Member]) {
        if let Some(bound) = rules.members_min.filter(|bound| members.len() < *bound) {
            self.fail(format!("fewer than {bound} members"));
        }
        if let Some(bound) = rules.members_max.filter(|bound| members.len() > *bound) {
            self.fail(format!("more than {bound} members"));
        }
        let has = |name: &str| members.iter().any(|member| member.name == name);
        for name in rules.required.iter().filter(|name| !has(name)) {
            if !self.belongs_to_the_other_side(rules, name) {
                self.fail(format!("`{}` is missing", short(name)));
            }
        }
        for (name, needed) in rules.dependent_required.iter().filter(|(name, _)| has(name)) {
            for other in needed.iter().filter(|other| !has(other)) {
                self.fail(format!("`{}` needs `{}`", short(name), short(other)));
            }
        }
        for member in members {
            self.member(rules, member);
        }
        if rules.dependent_schemas.is_empty() {
            return;
        }
        let node = Node::new(Data::Object(members.to_vec()));
        for (_, id) in rules.dependent_schemas.iter().filter(|(name, _)| has(name)) {
            self.value(*id, &node);
        }
    }

    fn member(&mut self, rules: &ObjectRules, member: &Member) {
        if let Some(id) = rules.names {
            let name = Node::new(Data::Text(member.name.clone()));
            self.below(Step::Name(&member.name), |check| check.value(id, &name));
        }
        let declared = rules.properties.as_ref().and_then(|map| map.get(&member.name)).copied();
        let matched: Vec<SchemaId> = rules
            .patterns
            .iter()
            .filter(|(pattern, _)| pattern.is_match(&member.name))
            .map(|(_, id)| *id)
            .collect();
        // OpenAPI: a request must not send what only answers carry.
        let is_read_only = declared.and_then(|id| self.set.get(id)).is_some_and(|s| s.is_read_only);
        self.below(Step::Name(&member.name), |check| {
            if is_read_only && check.direction == Direction::Request {
                check.fail("is read-only".to_owned());
            }
            for id in declared.iter().chain(&matched) {
                check.value(*id, &member.value);
            }
            if declared.is_none() && matched.is_empty() {
                check.additional(rules, &member.value);
            }
        });
    }

    fn additional(&mut self, rules: &ObjectRules, value: &Node) {
        let Some(id) = rules.additional else { return };
        if self.set.get(id).is_some_and(|schema| schema.is_never) {
            self.fail("is not a declared field".to_owned());
        } else {
            self.value(id, value);
        }
    }

    /// `required` counts only where the property may be sent.
    fn belongs_to_the_other_side(&self, rules: &ObjectRules, name: &str) -> bool {
        let id = rules.properties.as_ref().and_then(|map| map.get(name)).copied();
        id.and_then(|id| self.set.get(id)).is_some_and(|schema| match self.direction {
            Direction::Request => schema.is_read_only,
            Direction::Response => schema.is_write_only,
        })
    }

    /// `unevaluatedProperties`: members that no applicable schema declares.
    pub(super) fn leftover(&mut self, schema: &Schema, leftover: SchemaId, node: &Node) {
        for member in node.members() {
            if !self.declares(schema, &member.name, node, 0) {
                self.below(Step::Name(&member.name), |check| check.value(leftover, &member.value));
            }
        }
    }

    /// Whether a schema, or one that it applies in place, declares the member.
    fn declares(&mut self, schema: &Schema, name: &str, node: &Node, depth: usize) -> bool {
        let rules = &schema.object;
        let own = rules.properties.as_ref().is_some_and(|map| map.contains_key(name))
            || rules.patterns.iter().any(|(pattern, _)| pattern.is_match(name))
            || rules.additional.is_some();
        if own || depth > 32 {
            return own;
        }
        let combine = &schema.combine;
        let mut branches: Vec<SchemaId> = [&combine.all_of, &combine.any_of, &combine.one_of]
            .into_iter()
            .flatten()
            .copied()
            .collect();
        if let Some(condition) = &combine.condition {
            let test = self.accepts(condition.test, node);
            branches.extend(if test { condition.then } else { condition.otherwise });
            branches.extend(test.then_some(condition.test));
        }
        let has = |name: &String| node.get(name).is_some();
        branches.extend(
            rules.dependent_schemas.iter().filter(|(name, _)| has(name)).map(|(_, id)| *id),
        );
        branches.into_iter().any(|id| {
            let Some(branch) = self.set.get(id) else { return false };
            let passes_on = depth.saturating_add(1);
            self.accepts(id, node)
                && (branch.object.leftover.is_some()
                    || self.declares(branch, name, node, passes_on))
        })
    }
}
