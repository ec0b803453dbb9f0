//! `allOf`, `anyOf`, `oneOf`, `not`, `if`, and the discriminator.

use super::Check;
use crate::node::Node;
use crate::schema::{CombineRules, Discriminator, SchemaId};

impl<'n> Check<'_, 'n> {
    pub(super) fn combine(&mut self, rules: &CombineRules, node: &'n Node) {
        for id in &rules.all_of {
            self.value(*id, node);
        }
        if let Some(rule) = &rules.discriminator {
            self.discriminated(rule, node);
        } else {
            self.any(&rules.any_of, node);
            self.one(&rules.one_of, node);
        }
        if rules.not.is_some_and(|id| self.accepts(id, node)) {
            self.fail("is of an excluded kind".to_owned());
        }
        if let Some(condition) = &rules.condition {
            let branch = if self.accepts(condition.test, node) {
                condition.then
            } else {
                condition.otherwise
            };
            if let Some(id) = branch {
                self.value(id, node);
            }
        }
    }

    fn any(&mut self, branches: &[SchemaId], node: &'n Node) {
        match branches {
            [] => {}
            // The only branch may say what is wrong.
            [id] => self.value(*id, node),
            branches => {
                if !branches.iter().any(|id| self.accepts(*id, node)) {
                    self.fail("is of none of the declared kinds".to_owned());
                }
            }
        }
    }

    fn one(&mut self, branches: &[SchemaId], node: &'n Node) {
        if branches.len() <= 1 {
            self.any(branches, node);
            return;
        }
        match branches.iter().filter(|id| self.accepts(**id, node)).count() {
            0 => self.fail("is of none of the declared kinds".to_owned()),
            1 => {}
            _ => self.fail("is of more than one of the declared kinds".to_owned()),
        }
    }

    /// The named branch alone decides, and says what is wrong.
    fn discriminated(&mut self, rule: &Discriminator, node: &'n Node) {
        let name = node.get(&rule.property).and_then(Node::text);
        match name.and_then(|name| rule.mapping.get(name)) {
            Some(id) => self.value(*id, node),
            None => self.fail("names none of the declared kinds".to_owned()),
        }
    }
}
