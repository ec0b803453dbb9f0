//! Why a message is refused.

use std::fmt;

/// What is wrong with a message, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// What kind of wrong.
    pub kind: Kind,
    /// The field, such as `order.items.0.name`; empty for the message itself. Keys of maps are
    /// a `*`: a client chose them.
    pub path: String,
    /// What is wrong. Never repeats content.
    pub why: &'static str,
}

/// Kinds of wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Readers may read it in more than one way: a field twice, two members of a `oneof`, a number
    /// out of the range of its type.
    Ambiguous,
    /// An `Any` of a type that is not in the set.
    Foreign,
    /// Over a limit of [`crate::Limits`].
    Limit,
    /// Not the wire format.
    Malformed,
    /// A required field is missing.
    Required,
    /// Text that is not UTF-8.
    Text,
    /// A field, or a value of a closed enum, that the descriptor does not know.
    Unknown,
}

/// A violation whose place is not said yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault(pub(crate) Kind, pub(crate) &'static str);

impl Violation {
    pub(crate) fn new(fault: Fault, path: &str) -> Self {
        Self { kind: fault.0, path: plain(path, PATH_CHARS_MAX), why: fault.1 }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "message" } else { &self.path };
        write!(formatter, "{path}: {}", self.why)
    }
}

/// A text that a client chose, short and plain.
pub(crate) fn plain(text: &str, chars_max: usize) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_.[]/*".contains(c) { c } else { '?' };
    text.chars().take(chars_max).map(plain).collect()
}

const PATH_CHARS_MAX: usize = 200;
