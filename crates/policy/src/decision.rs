//! An answer to a question, and where it comes from.

use ringwall_base::Place;

/// An answer. Rules are indexes for `Engine::origin`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Permitted.
    Allow {
        /// The line that permits it.
        rule: usize,
        /// Permitted only for the caller's own objects: whoever forwards must see to it.
        own: bool,
    },
    /// Not permitted.
    Deny {
        /// Why.
        reason: DenyReason,
        /// The line that forbids it, or else the one that comes nearest to permitting it.
        nearest: Option<usize>,
    },
}

impl Decision {
    /// Whether it permits, however narrowly.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }
}

/// Why something is not permitted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DenyReason {
    /// A Cedar policy could not be evaluated. Cedar itself would skip it, and a skipped `forbid`
    /// would permit: hence a denial.
    Failed,
    /// A Cedar policy forbids it.
    Forbidden,
    /// A service may do this only on behalf of a person, and there is none.
    NeedsPerson,
    /// No line grants it to this caller.
    NotGranted,
    /// No line grants it to the anonymous, but one does to people.
    NotSignedIn,
    /// There is no such operation.
    UnknownOperation,
}

/// Where a rule stands: a grant of the manifest, or a policy of a Cedar file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// The grant's name, or the policy's `@id` (else `policy0`, ...).
    pub id: String,
    /// The line.
    pub place: Place,
}
