//! `items`, `prefixItems`, `minItems`, `maxItems`, `uniqueItems`, `contains`.

use super::Check;
use crate::node::{Data, Node};
use crate::proof::Step;
use crate::schema::ArrayRules;

/// Larger arrays are not compared pair by pair, but refused: the cost is quadratic.
const UNIQUE_MAX: usize = 2_000;

impl<'n> Check<'_, 'n> {
    pub(super) fn array(&mut self, rules: &ArrayRules, items: &'n [Node]) {
        if let Some(bound) = rules.items_min.filter(|bound| items.len() < *bound) {
            self.fail(format!("fewer than {bound} elements"));
        }
        if let Some(bound) = rules.items_max.filter(|bound| items.len() > *bound) {
            self.fail(format!("more than {bound} elements"));
        }
        if rules.is_unique && !self.is_unique(items) {
            self.fail("elements are not unique".to_owned());
        }
        for (index, item) in items.iter().enumerate() {
            if let Some(id) = rules.prefix.get(index).copied().or(rules.items) {
                self.below(Step::Index(index), |check| check.value(id, item));
            }
        }
        self.contains(rules, items);
    }

    fn is_unique(&mut self, items: &[Node]) -> bool {
        // Texts, the usual case, are sorted; the rest is compared pair by pair.
        let mut texts: Vec<&str> = items.iter().filter_map(Node::text).collect();
        texts.sort_unstable();
        let rest: Vec<&Data> = items
            .iter()
            .map(|item| &item.data)
            .filter(|data| !matches!(data, Data::Text(_)))
            .collect();
        if rest.len() > UNIQUE_MAX {
            self.is_exhausted = true;
        }
        let texts_unique = texts.windows(2).all(|pair| pair.first() != pair.last());
        let is_new =
            |(index, data): (usize, &&Data)| !rest.get(..index).unwrap_or_default().contains(data);
        texts_unique && !self.is_exhausted && rest.iter().enumerate().all(is_new)
    }

    fn contains(&mut self, rules: &ArrayRules, items: &'n [Node]) {
        let Some(id) = rules.contains else { return };
        let count = items.iter().filter(|item| self.accepts(id, item)).count();
        if count < rules.contains_min.unwrap_or(1)
            || rules.contains_max.is_some_and(|bound| count > bound)
        {
            self.fail("does not contain the declared elements".to_owned());
        }
    }
}
