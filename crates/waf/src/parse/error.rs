//! What stops a load: the file, the line, the cause, and what to write instead.

use std::fmt;

/// Everything that was wrong with a set of rules. A set with one error is not used.
#[derive(Debug)]
pub struct LoadError {
    /// In the order of the files; at least one, and not more than 50.
    pub errors: Vec<RuleError>,
}

/// One mistake and its place.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {cause}")]
pub struct RuleError {
    /// The file as the caller named it.
    pub file: String,
    /// The line on which the directive begins, from 1.
    pub line: u32,
    /// What is wrong.
    pub cause: Cause,
}

/// A kind of mistake.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// A directive has too few or too many arguments.
    #[error("`{directive}` takes {want}")]
    Arguments {
        /// The directive.
        directive: String,
        /// What it takes.
        want: &'static str,
    },
    /// A value is not one of those that are possible.
    #[error("`{value}` is no value for {what}")]
    BadValue {
        /// What the value is for.
        what: &'static str,
        /// The value as it stands in the file.
        value: String,
    },
    /// A member of a chain has what only the first rule may have, or a chain does not end.
    #[error("a chain is broken: {0}")]
    Chain(&'static str),
    /// `SecDefaultAction` breaks one of its rules.
    #[error("`SecDefaultAction` {0}")]
    DefaultAction(&'static str),
    /// Two rules have one id.
    #[error("rule id {id} is used before at {first}")]
    DuplicateId {
        /// The id.
        id: u64,
        /// Where the first rule stands.
        first: String,
    },
    /// A file that is named cannot be had.
    #[error("cannot read `{path}`: {why}")]
    File {
        /// The file as it is named.
        path: String,
        /// What the caller's library said.
        why: String,
    },
    /// A bound is passed.
    #[error("more than {max} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// A rule has no id.
    #[error("the rule has no `id`")]
    MissingId,
    /// A regular expression does not compile.
    #[error("the pattern does not compile: {why}")]
    Pattern {
        /// What the regex engine says.
        why: String,
    },
    /// A quote is not closed.
    #[error("a quote is not closed")]
    Quote,
    /// A name that does not exist.
    #[error("unknown {what} `{name}`")]
    Unknown {
        /// What kind of name.
        what: &'static str,
        /// The name.
        name: String,
        /// The nearest name that exists.
        near: Option<&'static str>,
    },
    /// Known, but this engine does not have it, and to ignore it would be to protect less in silence.
    #[error("{what} `{name}` is not supported")]
    Unsupported {
        /// What kind of name.
        what: &'static str,
        /// The name.
        name: String,
    },
}

impl Cause {
    pub(crate) fn bad_value(what: &'static str, value: &[u8]) -> Self {
        Self::BadValue { what, value: shown(value) }
    }

    pub(crate) fn unknown(
        what: &'static str,
        name: &[u8],
        known: impl Iterator<Item = &'static str>,
    ) -> Self {
        let name = shown(name);
        let near = nearest(&name, known);
        Self::Unknown { what, name, near }
    }

    pub(crate) fn unsupported(what: &'static str, name: &[u8]) -> Self {
        Self::Unsupported { what, name: shown(name) }
    }

    /// What to write instead, when that can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::MissingId => Some("add `id:N` with a number that no other rule has".to_owned()),
            Self::Quote => Some("close it, or end the line with `\\` to go on".to_owned()),
            Self::Pattern { .. } => Some(
                "write it without look-around and back references: matching takes linear time"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.errors.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
            if let Some(hint) = error.cause.hint() {
                write!(f, "; {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}

/// Text of a rule file for an error message: short, and valid UTF-8.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 120;
    let text = String::from_utf8_lossy(bytes);
    if text.chars().count() <= SHOWN_MAX {
        return text.into_owned();
    }
    text.chars().take(SHOWN_MAX).chain("…".chars()).collect()
}

/// The known name with the fewest edits, when those are few.
fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let bound = 1 + name.len() / 4;
    known
        .map(|one| (distance(lower.as_bytes(), one.to_ascii_lowercase().as_bytes()), one))
        .filter(|(edits, _)| *edits <= bound)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, one)| one)
}

fn distance(one: &[u8], other: &[u8]) -> usize {
    if one.len().abs_diff(other.len()) > 8 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, a) in one.iter().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(other) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = changed.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_proposed() {
        let known = ["SecRule", "SecMarker", "SecAction"];
        assert_eq!(nearest("SecRul", known.into_iter()), Some("SecRule"));
        assert_eq!(nearest("secmaker", known.into_iter()), Some("SecMarker"));
        assert_eq!(nearest("ProxyPass", known.into_iter()), None);
        assert_eq!(distance(b"kitten", b"sitting"), 3);
    }
}
