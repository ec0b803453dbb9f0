//! Where keys and certificates are kept: a seam, because this package knows no vault.

use std::fmt::Debug;

use ringwall_base::Secret;

/// A record: what is in it opens doors.
pub type Record = Secret<Vec<u8>>;

/// Keeps a few small records, sealed.
pub trait Custody: Debug + Send + Sync {
    /// The record of this name, if there is one.
    ///
    /// # Errors
    /// When it cannot be read or opened.
    fn get(&self, name: &str) -> Result<Option<Record>, CustodyError>;

    /// Replaces the record of this name. It is durable when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put(&self, name: &str, value: &Record) -> Result<(), CustodyError>;
}

/// Why a record was not read or written.
#[derive(Debug, thiserror::Error)]
#[error("the vault does not keep ACME keys: {0}")]
pub struct CustodyError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
