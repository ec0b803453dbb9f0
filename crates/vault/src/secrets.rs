//! Versioned secrets, by name.

use std::sync::Arc;

use ringwall_base::{Secret, Timestamp};
use ringwall_store::{Row, StoreError, Transaction, View};

use crate::context::TENANT;
use crate::envelope::seal;
use crate::ring::count_wrap;
use crate::vault::open_with;
use crate::{Actor, Context, Purpose, SecretError, UnsealError, Vault, check_name};

/// Reads and writes secrets on behalf of somebody. Each act is recorded before it is done.
#[derive(Debug)]
pub struct Secrets<'v> {
    vault: &'v Vault,
    actor: Actor,
}

/// A value that was read.
#[derive(Clone, Debug)]
pub struct Found {
    /// The bytes, as they were put in.
    pub value: Secret<Vec<u8>>,
    /// Which version it is.
    pub version: u64,
    /// When it was put in.
    pub created: Timestamp,
}

/// A secret in a list: everything but its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// The newest version.
    pub version: u64,
    /// How many versions are kept.
    pub versions: u64,
    /// When the oldest kept version was put in.
    pub created: Timestamp,
    /// When the newest version was put in.
    pub updated: Timestamp,
}

/// One version of a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Version {
    /// Its number. Numbers of a name are never used twice, also not after a removal.
    pub version: u64,
    /// When it was put in.
    pub created: Timestamp,
}

impl<'v> Secrets<'v> {
    pub(crate) fn new(vault: &'v Vault) -> Self {
        Self { vault, actor: Actor::default() }
    }

    /// The same secrets, on behalf of somebody.
    #[must_use]
    pub fn by(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Adds a version and returns its number. With `expected`, only if that is the newest version
    /// now (zero: only if there is no value).
    ///
    /// # Errors
    /// When the name or the length is wrong, somebody else was faster, or it could not be stored.
    pub fn set(
        &self,
        name: &str,
        value: &Secret<Vec<u8>>,
        expected: Option<u64>,
    ) -> Result<u64, SecretError> {
        check_name(name)?;
        let bytes = value.expose().len();
        if bytes > VALUE_BYTES_MAX {
            return Err(SecretError::Long { bytes, max: VALUE_BYTES_MAX });
        }
        self.recorded("secret-written", name, || {
            let (version, wraps) = self.insert(name, value, expected)?;
            // The value is safe; a key that cannot be replaced now will be at the next write.
            if let Err(error) = self.vault.wear(Purpose::Data, wraps) {
                self.vault.journal.failed("vault-rekeyed", "data", &self.actor, &error)?;
            }
            Ok(version)
        })
    }

    /// Gives the newest version, or the one that is asked for.
    ///
    /// # Errors
    /// When there is none, it does not open, or the audit log refuses.
    pub fn get(&self, name: &str, version: Option<u64>) -> Result<Found, SecretError> {
        check_name(name)?;
        self.recorded("secret-read", name, || {
            let row = self.vault.store.read(|view| find(view, name, version))?;
            let missing = || SecretError::Missing { name: name.to_owned(), version };
            let row = row.ok_or_else(missing)?;
            let (version, sealed, created): (u64, Vec<u8>, Timestamp) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let value = open_with(
                &self.vault.ring(),
                Purpose::Data,
                &secret_context(name, version),
                &sealed,
            );
            let unseal =
                |source: UnsealError| SecretError::Unseal { name: name.to_owned(), source };
            Ok(Found { value: value.map_err(unseal)?, version, created })
        })
    }

    /// Names, versions and times of all secrets.
    ///
    /// # Errors
    /// When the database or the audit log fails.
    pub fn list(&self) -> Result<Vec<Summary>, SecretError> {
        self.recorded("secret-listed", "*", || {
            let rows = self.vault.store.read(|view| view.query(LIST, &[]))?;
            Ok(rows.iter().map(summary).collect::<Result<_, StoreError>>()?)
        })
    }

    /// The kept versions of a secret, oldest first.
    ///
    /// # Errors
    /// When there is no such secret.
    pub fn versions(&self, name: &str) -> Result<Vec<Version>, SecretError> {
        check_name(name)?;
        self.recorded("secret-listed", name, || {
            let rows = self.vault.store.read(|view| view.query(VERSIONS, &[name.into()]))?;
            if rows.is_empty() {
                return Err(SecretError::Missing { name: name.to_owned(), version: None });
            }
            let version = |row: &Row| Ok(Version { version: row.get(0)?, created: row.get(1)? });
            Ok(rows.iter().map(version).collect::<Result<_, StoreError>>()?)
        })
    }

    /// Removes all versions for good: their wrapped data keys are overwritten, also in the
    /// database's log.
    ///
    /// # Errors
    /// When there is no such secret, or the database fails.
    pub fn remove(&self, name: &str) -> Result<(), SecretError> {
        check_name(name)?;
        self.recorded("secret-deleted", name, || {
            let held = name.to_owned();
            self.vault.store.write(move |transaction| delete(transaction, &held))?;
            Ok(self.vault.store.checkpoint()?)
        })
    }

    fn insert(
        &self,
        name: &str,
        value: &Secret<Vec<u8>>,
        expected: Option<u64>,
    ) -> Result<(u64, u64), SecretError> {
        let (name, value) = (name.to_owned(), value.clone());
        let (ring, entropy) = (self.vault.ring(), Arc::clone(&self.vault.entropy));
        let now = self.vault.journal.clock.now();
        self.vault.store.write(move |transaction| {
            let (last, current) = head(transaction, &name)?;
            if let Some(expected) = expected.filter(|expected| *expected != current) {
                return Err(SecretError::Conflict { current, expected });
            }
            let version = last.saturating_add(1);
            let kek = ring.current(Purpose::Data)?;
            let context = secret_context(&name, version);
            let wraps = count_wrap(transaction, kek, 1)?;
            let sealed = seal(kek.named(), &context, value.expose(), entropy.as_ref())?;
            let text = name.as_str();
            transaction.execute(ADVANCE, &[text.into(), version.into()])?;
            transaction.execute(
                "INSERT INTO vault_secret_version (name, version, kek, sealed, created)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                &[text.into(), version.into(), kek.id.as_str().into(), sealed.into(), now.into()],
            )?;
            Ok((version, wraps))
        })
    }

    /// Records the act, does it, and records also that it failed.
    fn recorded<T>(
        &self,
        action: &'static str,
        name: &str,
        act: impl FnOnce() -> Result<T, SecretError>,
    ) -> Result<T, SecretError> {
        self.vault.journal.record(action, name, &self.actor)?;
        let result = act();
        if let Err(error) = &result {
            self.vault.journal.failed(action, name, &self.actor, error)?;
        }
        result
    }
}

/// Where a version is bound to.
pub(crate) fn secret_context(name: &str, version: u64) -> Context<'_> {
    Context { tenant: TENANT, table: "vault_secret_version", path: name, version, field: "sealed" }
}

fn find(view: &View<'_>, name: &str, version: Option<u64>) -> Result<Option<Row>, StoreError> {
    view.first(
        "SELECT version, sealed, created FROM vault_secret_version
         WHERE name = ?1 AND (version = ?2 OR ?2 IS NULL) ORDER BY version DESC LIMIT 1",
        &[name.into(), version.into()],
    )
}

/// The last number that was given, and the newest version there is (zero: none).
fn head(view: &View<'_>, name: &str) -> Result<(u64, u64), StoreError> {
    let row = view.first(
        "SELECT last_version, is_removed FROM vault_secret WHERE name = ?1",
        &[name.into()],
    )?;
    let Some(row) = row else { return Ok((0, 0)) };
    let (last, is_removed): (u64, bool) = (row.get(0)?, row.get(1)?);
    Ok((last, if is_removed { 0 } else { last }))
}

fn delete(transaction: &Transaction<'_>, name: &str) -> Result<(), SecretError> {
    let removed =
        transaction.execute("DELETE FROM vault_secret_version WHERE name = ?1", &[name.into()])?;
    if removed == 0 {
        return Err(SecretError::Missing { name: name.to_owned(), version: None });
    }
    // The row stays for its number: a ciphertext from before the removal fits no later version.
    transaction
        .execute("UPDATE vault_secret SET is_removed = 1 WHERE name = ?1", &[name.into()])?;
    Ok(())
}

fn summary(row: &Row) -> Result<Summary, StoreError> {
    Ok(Summary {
        name: row.get(0)?,
        version: row.get(1)?,
        versions: row.get(2)?,
        created: row.get(3)?,
        updated: row.get(4)?,
    })
}

/// The longest value: a certificate chain or a service account file fits many times.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

const LIST: &str = "SELECT name, MAX(version), COUNT(*), MIN(created), MAX(created)
    FROM vault_secret_version GROUP BY name ORDER BY name";

const VERSIONS: &str =
    "SELECT version, created FROM vault_secret_version WHERE name = ?1 ORDER BY version";

const ADVANCE: &str = "INSERT INTO vault_secret (name, last_version, is_removed) VALUES (?1, ?2, 0)
    ON CONFLICT (name) DO UPDATE SET last_version = excluded.last_version, is_removed = 0";
