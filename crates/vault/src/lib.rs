//! Envelope encryption, the key hierarchy, versioned secrets and sealed private keys.
//!
//! Start with [`Vault::open`], then [`Vault::secrets`] and [`Vault::keys`]. A root key, which is
//! only in memory, wraps one ring of key-encryption keys per purpose; those wrap a fresh data key
//! for every value. Everything in the database is useless without the root key.
//!
//! Never: opens a socket, tries one key after another, gives a value that was not recorded first,
//! returns something else than what was put in. A rollback of the *whole* database is not seen
//! here: the audit log's head, kept elsewhere, shows it.

mod vault;
mod secrets;
mod keys;
mod rotate;
mod name;
mod root_key;
mod root_file;
mod ring;
mod envelope;
mod context;
mod aead;
mod journal;
mod schema;
mod error;

pub use context::Context;
pub use error::{KeyError, OpenError, RotateError, SealError, SecretError, UnsealError};
pub use journal::Actor;
pub use keys::{KeyBytes, Keys, Listed};
pub use name::{NameError, check_name};
pub use ring::Purpose;
pub use root_file::RootFile;
pub use root_key::{RootKey, RootKeyError};
pub use schema::MIGRATIONS;
pub use secrets::{Found, Secrets, Summary, VALUE_BYTES_MAX, Version};
pub use vault::Vault;
