//! `minLength`, `maxLength`, `pattern`. Lengths count characters, not bytes.

use super::Check;
use crate::schema::TextRules;

impl Check<'_> {
    pub(super) fn text(&mut self, rules: &TextRules, text: &str) {
        let chars = text.chars().count();
        if let Some(bound) = rules.chars_min.filter(|bound| chars < *bound) {
            self.fail(format!("shorter than {bound} characters"));
        }
        if let Some(bound) = rules.chars_max.filter(|bound| chars > *bound) {
            self.fail(format!("longer than {bound} characters"));
        }
        if rules.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
            self.fail("does not match the pattern".to_owned());
        }
    }
}
