//! One thing in a request or response that the document does not allow.

use std::fmt;

/// One thing that the document does not allow. Texts name the rule and never echo long values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Which part of the exchange, which decides the status of the refusal.
    pub kind: ViolationKind,
    /// RFC 6901 pointer into the body, or `path.id`, `query.page`, `header.x-tag`, `cookie.sid`.
    pub pointer: String,
    /// What is wrong, such as `shorter than 3 characters`.
    pub message: String,
}

/// Which part of the exchange is wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ViolationKind {
    /// The request body: 400 or 422.
    Body,
    /// The body's type is not one of the declared: 415.
    MediaType,
    /// A path, query, header or cookie parameter: 400.
    Parameter,
    /// The response: 502.
    Response,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.message),
            pointer => write!(f, "{pointer}: {}", self.message),
        }
    }
}

/// More are not reported: the first ones are enough to mend a client, and a log line is finite.
pub(crate) const REPORTED_MAX: usize = 20;
