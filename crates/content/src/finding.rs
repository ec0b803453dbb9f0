//! What is wrong with content, and how bad that is.

use std::fmt;

use crate::limits::{FINDINGS_MAX, SHOWN_CHARS_MAX};

/// One thing that is wrong. Texts name the rule and never repeat content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// What of the content it is about.
    pub cause: Cause,
    /// Where: the form's field, the path of a GraphQL field, `body`.
    pub place: String,
    /// What is wrong, such as `an archive that unpacks to too many times its size`.
    pub message: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Grade {
    /// A server would run it, it would fill a machine, or it has more than one reading: harmful
    /// wherever it is sent.
    Danger,
    /// It does something when it is opened, as an SVG image with scripts. Some services want that.
    Active,
    /// Harmful where only some kinds of files are expected.
    Strict,
}

/// What of the content a finding is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// How it is made.
    Form,
    /// How much it is.
    Size,
    /// What kind it is of.
    Type,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Findings, up to their limit.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    place: String,
    /// What does something when it is opened is wanted: it takes no other's place.
    passes_active: bool,
}

impl Findings {
    /// None so far; of what does something when it is opened, none ever where that passes.
    pub(crate) fn new(passes_active: bool) -> Self {
        Self { passes_active, ..Self::default() }
    }

    /// What is found from now on is found there.
    pub(crate) fn at(&mut self, place: &str) {
        self.place = shown(place);
    }

    pub(crate) fn danger(&mut self, message: impl Into<String>) {
        self.add(Grade::Danger, Cause::Form, message.into());
    }

    pub(crate) fn strict(&mut self, message: impl Into<String>) {
        self.add(Grade::Strict, Cause::Form, message.into());
    }

    /// It does something when it is opened.
    pub(crate) fn active(&mut self, message: impl Into<String>) {
        self.add(Grade::Active, Cause::Form, message.into());
    }

    /// It is another kind than it may be.
    pub(crate) fn kind(&mut self, grade: Grade, message: impl Into<String>) {
        self.add(grade, Cause::Type, message.into());
    }

    /// It is more than it may be.
    pub(crate) fn size(&mut self, grade: Grade, message: impl Into<String>) {
        self.add(grade, Cause::Size, message.into());
    }

    pub(crate) fn into_list(self) -> Vec<Finding> {
        self.list
    }

    fn add(&mut self, grade: Grade, cause: Cause, message: String) {
        if self.passes_active && grade == Grade::Active {
            return;
        }
        let finding = Finding { grade, cause, place: self.place.clone(), message };
        if self.list.contains(&finding) {
            return;
        }
        if self.list.len() < FINDINGS_MAX {
            self.list.push(finding);
        } else if grade == Grade::Danger
            && let Some(last) = self.list.iter_mut().rfind(|one| one.grade != Grade::Danger)
        {
            // Many small findings hide no large one.
            *last = finding;
        }
    }
}

/// A name that a client chose, short and plain.
pub(crate) fn shown(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_.[] /+;=".contains(c) { c } else { '?' };
    name.chars().take(SHOWN_CHARS_MAX).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_findings_hide_no_large_one() {
        let mut findings = Findings::default();
        for number in 0..FINDINGS_MAX {
            findings.strict(format!("small {number}"));
        }
        findings.strict("one too many");
        findings.danger("large");
        let list = findings.into_list();
        assert_eq!(list.len(), FINDINGS_MAX);
        assert_eq!(list.last().map(|one| one.message.as_str()), Some("large"));
    }

    #[test]
    fn what_passes_hides_nothing_that_does_not() {
        let mut findings = Findings::new(true);
        for number in 0..FINDINGS_MAX {
            findings.active(format!("wanted {number}"));
        }
        findings.strict("not wanted");
        assert_eq!(findings.into_list().len(), 1);
    }

    #[test]
    fn a_place_is_short_and_plain() {
        assert_eq!(shown("photo\n\u{202e}<b>"), "photo???b?");
        assert_eq!(shown(&"a".repeat(99)).len(), SHOWN_CHARS_MAX);
    }
}
