//! Private keys of signers and of the CA, sealed, by purpose and id.

use std::sync::Arc;

use ringwall_base::{Secret, Timestamp};
use ringwall_store::{Row, StoreError};

use crate::context::TENANT;
use crate::envelope::seal;
use crate::ring::count_wrap;
use crate::vault::open_with;
use crate::{Actor, Context, KeyError, Purpose, UnsealError, Vault, check_name};

/// Reads and writes private keys. Reads at start-up are recorded as secret reads are.
#[derive(Debug)]
pub struct Keys<'v> {
    vault: &'v Vault,
}

/// A private key, usually PKCS#8.
pub type KeyBytes = Secret<Vec<u8>>;

/// A key in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// When it was last put in.
    pub changed: Timestamp,
}

impl<'v> Keys<'v> {
    pub(crate) fn new(vault: &'v Vault) -> Self {
        Self { vault }
    }

    /// Keeps a key, in the place of one with the same purpose and id.
    ///
    /// # Errors
    /// When it could not be recorded or stored.
    pub fn put(&self, purpose: &str, id: &str, bytes: &KeyBytes) -> Result<(), KeyError> {
        let path = path(purpose, id)?;
        let length = bytes.expose().len();
        if length > KEY_BYTES_MAX {
            return Err(KeyError::Long { bytes: length, max: KEY_BYTES_MAX });
        }
        self.vault.journal.record("key-written", &path, &Actor::default())?;
        let (ring, entropy) = (self.vault.ring(), Arc::clone(&self.vault.entropy));
        let now = self.vault.journal.clock.now();
        let (purpose, id, bytes) = (purpose.to_owned(), id.to_owned(), bytes.clone());
        self.vault.store.write(move |transaction| {
            let (purpose, id) = (purpose.as_str(), id.as_str());
            let row = transaction.first(
                "SELECT version FROM vault_key WHERE purpose = ?1 AND id = ?2",
                &[purpose.into(), id.into()],
            )?;
            let last: u64 = row.map_or(Ok(0), |row| row.get(0))?;
            let version = last.saturating_add(1);
            let kek = ring.current(Purpose::PrivateKey)?;
            let context = key_context(&path, version);
            count_wrap(transaction, kek, 1)?;
            let sealed = seal(kek.named(), &context, bytes.expose(), entropy.as_ref())?;
            transaction.execute(
                UPSERT,
                &[
                    purpose.into(),
                    id.into(),
                    version.into(),
                    kek.id.as_str().into(),
                    sealed.into(),
                    now.into(),
                ],
            )?;
            Ok(())
        })
    }

    /// Gives a key, or `None` when there is none.
    ///
    /// # Errors
    /// When it does not open, or the audit log refuses.
    pub fn get(&self, purpose: &str, id: &str) -> Result<Option<KeyBytes>, KeyError> {
        let path = path(purpose, id)?;
        let row = self.vault.store.read(|view| {
            view.first(
                "SELECT version, sealed FROM vault_key WHERE purpose = ?1 AND id = ?2",
                &[purpose.into(), id.into()],
            )
        })?;
        let Some(row) = row else { return Ok(None) };
        self.vault.journal.record("key-read", &path, &Actor::default())?;
        let (version, sealed): (u64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let context = key_context(&path, version);
        open_with(&self.vault.ring(), Purpose::PrivateKey, &context, &sealed)
            .map(Some)
            .map_err(|source: UnsealError| KeyError::Unseal { id: path.clone(), source })
    }

    /// The keys of a purpose, by id.
    ///
    /// # Errors
    /// When the database fails.
    pub fn list(&self, purpose: &str) -> Result<Vec<Listed>, KeyError> {
        let rows = self.vault.store.read(|view| {
            view.query(
                "SELECT id, changed FROM vault_key WHERE purpose = ?1 ORDER BY id",
                &[purpose.into()],
            )
        })?;
        let listed = |row: &Row| Ok(Listed { id: row.get(0)?, changed: row.get(1)? });
        Ok(rows.iter().map(listed).collect::<Result<_, StoreError>>()?)
    }

    /// Destroys a key; true if there was one.
    ///
    /// # Errors
    /// When it could not be recorded or removed.
    pub fn remove(&self, purpose: &str, id: &str) -> Result<bool, KeyError> {
        let path = path(purpose, id)?;
        self.vault.journal.record("key-deleted", &path, &Actor::default())?;
        let (purpose, id) = (purpose.to_owned(), id.to_owned());
        let removed = self.vault.store.write(move |transaction| {
            transaction.execute(
                "DELETE FROM vault_key WHERE purpose = ?1 AND id = ?2",
                &[purpose.as_str().into(), id.as_str().into()],
            )
        })?;
        self.vault.store.checkpoint()?;
        Ok(removed > 0)
    }
}

/// Where a key is bound to. A purpose has no slash, so a path has one reading.
pub(crate) fn key_context(path: &str, version: u64) -> Context<'_> {
    Context { tenant: TENANT, table: "vault_key", path, version, field: "sealed" }
}

fn path(purpose: &str, id: &str) -> Result<String, KeyError> {
    // A `/` in it is an empty part for the check.
    check_name(&purpose.replace('/', "//"))?;
    // A thumbprint is base64url and may begin with a dash, which a name may not.
    check_name(id.trim_start_matches('-'))?;
    Ok(format!("{purpose}/{id}"))
}

/// An RSA-4096 key has 2.4 KiB; a certificate chain that is kept with a key fits as well.
const KEY_BYTES_MAX: usize = 64 << 10;

const UPSERT: &str = "INSERT INTO vault_key (purpose, id, version, kek, sealed, changed)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (purpose, id) DO UPDATE SET version = excluded.version, kek = excluded.kek,
        sealed = excluded.sealed, changed = excluded.changed";
