//! Replaces keys. Each rotation is one transaction: after a crash the old key or the new one is in
//! force, and never a mixture.

use std::sync::{Arc, PoisonError};

use ringwall_base::Entropy;
use ringwall_store::{Transaction, Value};

use crate::envelope::Envelope;
use crate::keys::key_context;
use crate::ring::{Kek, Ring, count_wrap};
use crate::secrets::secret_context;
use crate::{Actor, Context, Purpose, RootKey, RotateError, SealError, Vault};

impl Vault {
    /// Wraps all key-encryption keys with a new root key. Values are not touched. The caller keeps
    /// the new key before this call and forgets the old one after it (see [`crate::RootFile`]).
    ///
    /// # Errors
    /// When it could not be recorded or stored; the old root key is then still the right one.
    pub fn rotate_root(&self, new: RootKey) -> Result<(), RotateError> {
        self.replace_root(new)?;
        // Until then the log still has the keys as the old root key wrapped them.
        Ok(self.store.checkpoint()?)
    }

    /// The rotation itself. An error means that the old key is in force; what comes after it can
    /// fail without changing that the new one is.
    pub(crate) fn replace_root(&self, new: RootKey) -> Result<(), RotateError> {
        let Ok(mut root) = self.root.lock() else { return Err(RotateError::Poisoned) };
        self.journal.record("vault-rekeyed", "root", &Actor::default())?;
        let (ring, entropy) = (self.ring(), Arc::clone(&self.entropy));
        let (held, now) = (new.clone(), self.journal.clock.now());
        self.store.write(move |transaction| {
            for kek in ring.iter() {
                let wrapped = kek.wrap(&held, entropy.as_ref())?;
                transaction.execute(
                    "UPDATE vault_kek SET wrapped = ?2 WHERE id = ?1",
                    &[kek.id.as_str().into(), wrapped.into()],
                )?;
            }
            transaction.execute(
                "UPDATE vault_root SET key_check = ?1, changed = ?2 WHERE id = 1",
                &[held.check().into(), now.into()],
            )?;
            Ok::<_, SealError>(())
        })?;
        *root = new;
        Ok(())
    }

    /// Makes a new key for a purpose and wraps the data keys of all secrets and private keys with
    /// it. The old version stays for what other packages sealed.
    ///
    /// # Errors
    /// When it could not be recorded or stored, or a stored value does not open; the old key is
    /// then in force.
    pub fn rotate_kek(&self, purpose: Purpose) -> Result<(), RotateError> {
        let Ok(root) = self.root.lock() else { return Err(RotateError::Poisoned) };
        self.journal.record("vault-rekeyed", purpose.name(), &Actor::default())?;
        let old = self.ring();
        let version = old.current(purpose)?.version.saturating_add(1);
        let kek = Kek::generate(purpose, version, self.entropy.as_ref())?;
        let new = Arc::new(old.with(kek));
        let (held_root, now) = (root.clone(), self.journal.clock.now());
        let (held, entropy) = (Arc::clone(&new), Arc::clone(&self.entropy));
        self.store.write(move |transaction| {
            let kek = held.current(purpose)?;
            kek.insert(transaction, &held_root, now, entropy.as_ref())?;
            rewrap_all(transaction, &held, kek, entropy.as_ref())
        })?;
        // A write that took the old ring with it is still good: its key stays in the ring.
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = new;
        drop(root);
        Ok(())
    }
}

fn rewrap_all(
    transaction: &Transaction<'_>,
    ring: &Ring,
    kek: &Kek,
    entropy: &dyn Entropy,
) -> Result<(), SealError> {
    let (select, update, of): (&str, &str, Bind) = match kek.purpose {
        Purpose::Data => {
            (SELECT_SECRETS, UPDATE_SECRET, |path, version| secret_context(path, version))
        }
        Purpose::PrivateKey => {
            (SELECT_KEYS, UPDATE_KEY, |path, version| key_context(path, version))
        }
    };
    let mut count = 0;
    for row in transaction.query(select, &[kek.id.as_str().into()])? {
        let (path, version, sealed): (String, u64, Vec<u8>) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let envelope = Envelope::parse(&sealed).map_err(SealError::Old)?;
        let old = ring.get(envelope.kek).map_err(SealError::Old)?;
        let sealed = envelope.rewrap(&old.key, kek.named(), &of(&path, version), entropy)?;
        let values: [Value; 4] =
            [path.as_str().into(), version.into(), kek.id.as_str().into(), sealed.into()];
        transaction.execute(update, &values)?;
        count += 1;
    }
    count_wrap(transaction, kek, count)?;
    Ok(())
}

/// Where a row's value is bound to, from its path and version.
type Bind = for<'a> fn(&'a str, u64) -> Context<'a>;

const SELECT_SECRETS: &str =
    "SELECT name, version, sealed FROM vault_secret_version WHERE kek <> ?1";

const UPDATE_SECRET: &str =
    "UPDATE vault_secret_version SET kek = ?3, sealed = ?4 WHERE name = ?1 AND version = ?2";

const SELECT_KEYS: &str =
    "SELECT purpose || '/' || id, version, sealed FROM vault_key WHERE kek <> ?1";

const UPDATE_KEY: &str = "UPDATE vault_key SET kek = ?3, sealed = ?4
    WHERE purpose || '/' || id = ?1 AND version = ?2";
