//! The ring of key-encryption keys: versions per purpose, each wrapped by the root key.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringwall_base::{Entropy, Timestamp};
use ringwall_store::{Row, StoreError, Transaction, Value, View};

use crate::aead::{Cipher, Key};
use crate::context::TENANT;
use crate::{Context, OpenError, RootKey, SealError, UnsealError};

/// What a key is for. A value sealed for one purpose does not open with a key of another.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Purpose {
    /// Secrets and personal data.
    Data,
    /// Private keys of signers and of the CA.
    PrivateKey,
}

/// One version of a key.
#[derive(Debug)]
pub(crate) struct Kek {
    pub(crate) id: String,
    pub(crate) purpose: Purpose,
    pub(crate) version: u64,
    pub(crate) key: Key,
}

/// All keys, by id. Immutable: a rotation makes a new one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring(BTreeMap<String, Arc<Kek>>);

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Data, Self::PrivateKey];

    /// As it stands in the database and in key ids.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::PrivateKey => "private-key",
        }
    }
}

impl Kek {
    /// Makes the next version for a purpose.
    pub(crate) fn generate(
        purpose: Purpose,
        version: u64,
        entropy: &dyn Entropy,
    ) -> Result<Self, SealError> {
        let id = format!("{TENANT}.{}.{version}", purpose.name());
        Ok(Self { id, purpose, version, key: Key::generate(entropy)? })
    }

    /// The id with the key, as envelopes take them.
    pub(crate) fn named(&self) -> (&str, &Key) {
        (&self.id, &self.key)
    }

    pub(crate) fn insert(
        &self,
        transaction: &Transaction<'_>,
        root: &RootKey,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(), SealError> {
        let wrapped = self.wrap(root, entropy)?;
        let row: [Value; 5] = [
            self.id.as_str().into(),
            self.purpose.name().into(),
            self.version.into(),
            wrapped.into(),
            now.into(),
        ];
        transaction.execute(
            "INSERT INTO vault_kek (id, purpose, version, wrapped, wraps, created)
             VALUES (?1, ?2, ?3, ?4, 0, ?5)",
            &row,
        )?;
        Ok(())
    }

    pub(crate) fn wrap(&self, root: &RootKey, entropy: &dyn Entropy) -> Result<Vec<u8>, SealError> {
        let bound = bound(&self.id, self.version);
        Cipher::Wrap.seal(root.wrapping(), &bound, self.key.expose(), entropy)
    }
}

impl Ring {
    /// Unwraps all keys.
    pub(crate) fn load(view: &View<'_>, root: &RootKey) -> Result<Self, OpenError> {
        let rows = view.query("SELECT id, purpose, version, wrapped FROM vault_kek", &[])?;
        let keks: Result<Vec<Kek>, OpenError> =
            rows.iter().map(|row| unwrap_row(row, root)).collect();
        Ok(keks?.into_iter().fold(Self::default(), |ring, kek| ring.with(kek)))
    }

    /// The same ring and one more key.
    #[must_use]
    pub(crate) fn with(&self, kek: Kek) -> Self {
        let mut all = self.0.clone();
        all.insert(kek.id.clone(), Arc::new(kek));
        Self(all)
    }

    pub(crate) fn get(&self, id: &str) -> Result<&Arc<Kek>, UnsealError> {
        self.0.get(id).ok_or(UnsealError::UnknownKey)
    }

    /// The key that seals now.
    pub(crate) fn current(&self, purpose: Purpose) -> Result<&Arc<Kek>, SealError> {
        self.0
            .values()
            .filter(|kek| kek.purpose == purpose)
            .max_by_key(|kek| kek.version)
            .ok_or(SealError::UnknownKey)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Kek>> {
        self.0.values()
    }
}

/// Counts one more use of a key and returns how many there are now.
pub(crate) fn count_wrap(
    transaction: &Transaction<'_>,
    kek: &Kek,
    by: u64,
) -> Result<u64, StoreError> {
    let row = transaction.first(
        "UPDATE vault_kek SET wraps = wraps + ?2 WHERE id = ?1 RETURNING wraps",
        &[kek.id.as_str().into(), by.into()],
    )?;
    row.map_or(Ok(0), |row| row.get(0))
}

fn unwrap_row(row: &Row, root: &RootKey) -> Result<Kek, OpenError> {
    let (id, purpose, version): (String, String, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let damaged = |source| OpenError::Damaged { id: id.clone(), source };
    let purpose = Purpose::ALL
        .into_iter()
        .find(|known| known.name() == purpose)
        .ok_or_else(|| damaged(UnsealError::Malformed))?;
    let wrapped: Vec<u8> = row.get(3)?;
    let key = Cipher::Wrap
        .open(root.wrapping(), &bound(&id, version), &wrapped)
        .and_then(|bytes| Key::from_bytes(bytes).ok_or(UnsealError::Malformed))
        .map_err(damaged)?;
    Ok(Kek { id, purpose, version, key })
}

fn bound(id: &str, version: u64) -> Vec<u8> {
    Context { tenant: TENANT, table: "vault_kek", path: id, version, field: "wrapped" }
        .bind("root", Cipher::Wrap.name())
}

/// Uses of one key after which the operator is warned.
pub(crate) const WRAPS_WARN: u64 = 1 << 28;

/// Uses of one key after which it is replaced: a quarter of SP 800-38D's 2^32 with random nonces.
pub(crate) const WRAPS_MAX: u64 = 1 << 30;
