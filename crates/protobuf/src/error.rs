//! Why a descriptor set is not accepted.

use crate::violation::Fault;

/// What is wrong with a descriptor set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// Not a `FileDescriptorSet` at all.
    #[error("not a descriptor set: {0}")]
    Malformed(&'static str),
    /// It has no service, so nothing can be called.
    #[error("the descriptor set has no service")]
    NoService,
    /// Larger than its limits.
    #[error("the descriptor set has more than {limit} {what}")]
    TooLarge {
        /// Of what: `bytes`, `messages and enums`, `members`, `messages inside one another`.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A type that a field or a method names is not in it.
    #[error(
        "`{user}` names `{name}`, which is not in the set: write it with all imports (protoc --include_imports)"
    )]
    Missing {
        /// The field or method.
        user: String,
        /// The type.
        name: String,
    },
    /// Two things of one name, or two fields of one number.
    #[error("`{name}` is declared twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// Something is declared in a way that does not exist, or that we do not read.
    #[error("`{name}`: {why}")]
    Declaration {
        /// The message, field, enum or file.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        Self::Malformed(fault.1)
    }
}
