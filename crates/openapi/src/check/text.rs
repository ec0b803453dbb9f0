//! `minLength`, `maxLength`, `pattern`. Lengths count characters, of files bytes.

use super::Check;
use crate::schema::TextRules;

impl Check<'_, '_> {
    pub(super) fn text(&mut self, rules: &TextRules, text: &str) {
        if rules.chars_min.is_some() || rules.chars_max.is_some() {
            // A binary value is as long as its bytes, however it was sent.
            let length = if rules.is_binary { text.len() } else { text.chars().count() };
            self.length(rules, length, "characters");
        }
        if rules.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
            self.fail("does not match the pattern".to_owned());
        }
    }

    pub(super) fn file(&mut self, rules: &TextRules, bytes: usize) {
        self.length(rules, bytes, "bytes");
        if rules.pattern.is_some() {
            self.fail("is no text, which the pattern is for".to_owned());
        }
    }

    fn length(&mut self, rules: &TextRules, length: usize, unit: &str) {
        if let Some(bound) = rules.chars_min.filter(|bound| length < *bound) {
            self.fail(format!("shorter than {bound} {unit}"));
        }
        if let Some(bound) = rules.chars_max.filter(|bound| length > *bound) {
            self.fail(format!("longer than {bound} {unit}"));
        }
    }
}
