//! Macros to text.

use crate::limits::EXPANDED_BYTES_MAX;
use crate::rule::Rule;
use crate::text::{Part, Reference, Template};
use crate::transaction::Transaction;
use crate::variable::Variable;

impl<'a> Transaction<'a> {
    /// The text with its macros expanded, cut where it gets too long.
    pub(super) fn expand(&self, rule: &'a Rule, template: &'a Template) -> &'a [u8] {
        if let Some(constant) = template.constant() {
            return constant;
        }
        if let [Part::Value(reference)] = template.parts.as_slice() {
            return self.value_of(rule, reference);
        }
        self.arena.write(128, |out| {
            for part in &template.parts {
                let text: &[u8] = match part {
                    Part::Text(text) => text,
                    Part::Value(reference) => self.value_of(rule, reference),
                };
                let room = EXPANDED_BYTES_MAX.saturating_sub(out.len());
                out.extend_from_slice(text.get(..room).unwrap_or(text));
            }
        })
    }

    /// The first value of a variable, or nothing.
    fn value_of(&self, rule: &'a Rule, reference: &'a Reference) -> &'a [u8] {
        if let Some(slot) = reference.slot {
            return self.tx.at(slot).unwrap_or_default();
        }
        match (reference.variable, &reference.key) {
            (Variable::MatchedVar, _) => {
                self.state.last_matched.as_ref().map_or(&[], |last| last.value)
            }
            (Variable::Rule, Some(key)) if !matches!(&**key, b"msg" | b"logdata") => {
                self.rule_property(rule, key)
            }
            // A message that names itself would never end.
            (Variable::Rule, Some(key)) => {
                let meta = &rule.meta;
                let own = if **key == *b"msg" { &meta.msg } else { &meta.logdata };
                own.as_ref().and_then(Template::constant).unwrap_or_default()
            }
            (variable, key) => self.first_value(variable, key.as_deref()),
        }
    }
}
