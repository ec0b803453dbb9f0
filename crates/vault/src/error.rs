//! Why the vault did not do what it was asked for. No text has a value or a key in it.

use std::io;

use ringwall_base::{Fault, SinkError};
use ringwall_store::StoreError;

use crate::{NameError, RootKeyError};

/// Why the vault stays sealed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The audit log does not take the event.
    #[error("the audit log refused, so the vault stays sealed")]
    Audit(#[from] SinkError),
    /// A stored key does not open, although the root key is right.
    #[error("key `{id}` is damaged")]
    Damaged {
        /// The key's id.
        id: String,
        /// How.
        #[source]
        source: UnsealError,
    },
    /// The root key cannot be read.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// A new key could not be made.
    #[error("the first keys cannot be made")]
    Seal(#[from] SealError),
    /// The database does not answer.
    #[error("the secret store cannot be read")]
    Store(#[from] StoreError),
    /// Nothing was tried with it.
    #[error("this is not the root key of this store")]
    WrongRootKey,
}

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The crypto library refused.
    #[error("the value could not be encrypted")]
    Cipher,
    /// No randomness: nothing is sealed with weak bytes.
    #[error("no randomness is to be had")]
    Entropy(#[source] io::Error),
    /// What was to be wrapped anew does not open.
    #[error("the stored value does not open")]
    Old(#[source] UnsealError),
    /// The database does not answer.
    #[error("the secret store cannot be written")]
    Store(#[from] StoreError),
    /// There is no key for the purpose.
    #[error("no key is there to encrypt with")]
    UnknownKey,
}

/// Why a sealed value does not open.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnsealError {
    /// Changed, moved to another place, or sealed with another key.
    #[error("the stored value was changed or moved")]
    Damaged,
    /// Not the form of a sealed value.
    #[error("the stored value is not in the form of a sealed one")]
    Malformed,
    /// Its key is not in the ring.
    #[error("the key of the stored value is unknown")]
    UnknownKey,
}

/// Why a secret was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The audit log does not take the event: what is not recorded does not happen.
    #[error("the audit log refused, so the secret stays where it is")]
    Audit(#[from] SinkError),
    /// Somebody wrote a version in between.
    #[error("the secret is at version {current}, not at {expected}")]
    Conflict {
        /// What is there; zero when there is no value.
        current: u64,
        /// What was expected.
        expected: u64,
    },
    /// Longer than [`crate::VALUE_BYTES_MAX`].
    #[error("the value has {bytes} bytes; at most {max} are kept")]
    Long {
        /// How long it is.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// There is no such secret, or it has no such version.
    #[error("there is no secret `{name}`{}", version.map_or_else(String::new, |v| format!(" at version {v}")))]
    Missing {
        /// Its name.
        name: String,
        /// The version that was asked for, if one was.
        version: Option<u64>,
    },
    /// The name has the wrong form.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Encrypting failed.
    #[error("the secret cannot be encrypted")]
    Seal(#[from] SealError),
    /// The database failed.
    #[error("the secret store does not answer")]
    Store(#[from] StoreError),
    /// What is stored does not open.
    #[error("the secret `{name}` does not open")]
    Unseal {
        /// Its name.
        name: String,
        /// How.
        #[source]
        source: UnsealError,
    },
}

/// Why a private key was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The audit log does not take the event.
    #[error("the audit log refused, so the key stays where it is")]
    Audit(#[from] SinkError),
    /// Longer than any key is.
    #[error("the key has {bytes} bytes; at most {max} are kept")]
    Long {
        /// How long it is.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Purpose or id has the wrong form.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Encrypting failed.
    #[error("the key cannot be encrypted")]
    Seal(#[from] SealError),
    /// The database failed.
    #[error("the key store does not answer")]
    Store(#[from] StoreError),
    /// What is stored does not open.
    #[error("the key `{id}` does not open")]
    Unseal {
        /// Its id.
        id: String,
        /// How.
        #[source]
        source: UnsealError,
    },
}

/// Why keys were not rotated. The old ones are in force.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The audit log does not take the event.
    #[error("the audit log refused, so the keys stay")]
    Audit(#[from] SinkError),
    /// Another rotation ended in a panic; open the vault again.
    #[error("an earlier rotation did not end")]
    Poisoned,
    /// The new root key's file cannot be written.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// Wrapping failed.
    #[error("a key cannot be wrapped")]
    Seal(#[from] SealError),
    /// The database failed.
    #[error("the keys cannot be stored")]
    Store(#[from] StoreError),
}

impl SecretError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Conflict { .. } | Self::Long { .. } | Self::Missing { .. } | Self::Name(_) => {
                Fault::Caller
            }
            Self::Store(error) => error.fault(),
            Self::Audit(_) => Fault::Upstream,
            Self::Seal(_) | Self::Unseal { .. } => Fault::Ours,
        }
    }
}
