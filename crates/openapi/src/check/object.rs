//! `properties`, `required`, `additionalProperties` and the other keywords of objects.

use super::{Check, Direction};
use crate::compile::short;
use crate::node::{Data, Member, Node};
use crate::proof::Step;
use crate::schema::{ObjectRules, SchemaId};

impl<'n> Check<'_, 'n> {
    pub(super) fn object(&mut self, rules: &ObjectRules, members: &'n [Member], node: &'n Node) {
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
        for (_, id) in rules.dependent_schemas.iter().filter(|(name, _)| has(name)) {
            self.value(*id, node);
        }
    }

    fn member(&mut self, rules: &ObjectRules, member: &'n Member) {
        if let Some(id) = rules.names {
            self.name(id, &member.name);
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
            if let Some(id) = rules.additional.filter(|_| declared.is_none() && matched.is_empty())
            {
                check.rest(id, &member.value);
            }
        });
    }

    /// `propertyNames`: the name as a value. It lives shorter than what is checked.
    fn name(&mut self, id: SchemaId, name: &'n str) {
        let node = Node::new(Data::Text(name.to_owned()));
        let mut apart = Check { steps: self.steps, ..Check::new(self.set, self.direction) };
        apart.value(id, &node);
        (self.steps, self.is_exhausted) = (apart.steps, self.is_exhausted || apart.is_exhausted);
        for found in apart.found {
            self.below(Step::Name(name), |check| check.fail(found.message));
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
}
