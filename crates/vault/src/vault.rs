//! The unsealed vault.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ringwall_base::{Clock, Entropy, Secret, Sink};
use ringwall_store::{Store, StoreError, View};

use crate::envelope::{Envelope, seal};
use crate::journal::{Actor, Journal};
use crate::ring::{Kek, Ring, WRAPS_MAX, WRAPS_WARN, count_wrap};
use crate::{
    Context, Keys, OpenError, Purpose, RootKey, RotateError, SealError, Secrets, UnsealError,
};

/// Seals and opens values. Share it as `Arc<Vault>`; dropping it forgets all keys.
#[derive(Debug)]
pub struct Vault {
    pub(crate) store: Arc<Store>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) journal: Journal,
    /// A snapshot that is replaced whole; a writer takes it with it to the database's thread.
    pub(crate) ring: RwLock<Arc<Ring>>,
    /// Also the lock that lets only one rotation run: a key that is wrapped by the old root while
    /// the root changes would be lost.
    pub(crate) root: Mutex<RootKey>,
    /// Uses of the current keys that are counted in the database and not yet spent.
    reserve: Mutex<BTreeMap<Purpose, u64>>,
}

impl Vault {
    /// Unseals the store. The first time, it makes the keys.
    ///
    /// # Errors
    /// [`OpenError::WrongRootKey`] before anything else is tried.
    pub fn open(
        store: Arc<Store>,
        root: RootKey,
        entropy: Arc<dyn Entropy>,
        clock: Arc<dyn Clock>,
        sink: Arc<dyn Sink>,
    ) -> Result<Self, OpenError> {
        let journal = Journal { clock, sink };
        let actor = Actor::default();
        match store.read(stored_check)? {
            Some(check) if check != root.check() => {
                let error = OpenError::WrongRootKey;
                journal.failed("vault-unsealed", "root", &actor, &error)?;
                return Err(error);
            }
            Some(_) => journal.record("vault-unsealed", "root", &actor)?,
            None => {
                journal.record("vault-created", "root", &actor)?;
                initialize(&store, &root, &journal, &entropy)?;
            }
        }
        let ring = store.read(|view| Ring::load(view, &root))?;
        Ok(Self {
            store,
            entropy,
            journal,
            ring: RwLock::new(Arc::new(ring)),
            root: Mutex::new(root),
            reserve: Mutex::default(),
        })
    }

    /// The versioned secrets.
    pub fn secrets(&self) -> Secrets<'_> {
        Secrets::new(self)
    }

    /// The sealed private keys.
    pub fn keys(&self) -> Keys<'_> {
        Keys::new(self)
    }

    /// Seals a value that another package keeps in its own table.
    ///
    /// # Errors
    /// When randomness or the database fails.
    pub fn seal(
        &self,
        purpose: Purpose,
        context: &Context<'_>,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        self.spend(purpose)?;
        let ring = self.ring();
        seal(ring.current(purpose)?.named(), context, plaintext, self.entropy.as_ref())
    }

    /// Opens what [`Vault::seal`] made for the same purpose and place.
    ///
    /// # Errors
    /// When it was changed, moved, or is no sealed value.
    pub fn unseal(
        &self,
        purpose: Purpose,
        context: &Context<'_>,
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, UnsealError> {
        open_with(&self.ring(), purpose, context, sealed)
    }

    pub(crate) fn ring(&self) -> Arc<Ring> {
        // The ring is replaced in one assignment: a panic elsewhere leaves it whole.
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces a key that was used often enough.
    pub(crate) fn wear(&self, purpose: Purpose, wraps: u64) -> Result<(), RotateError> {
        if wraps >= WRAPS_MAX {
            return self.rotate_kek(purpose);
        }
        if wraps == WRAPS_WARN {
            self.journal.record("vault-key-worn", purpose.name(), &Actor::default())?;
        }
        Ok(())
    }

    /// Counts a use, in the database once per [`RESERVE`].
    fn spend(&self, purpose: Purpose) -> Result<(), SealError> {
        let mut reserve = self.reserve.lock().unwrap_or_else(PoisonError::into_inner);
        let left = reserve.entry(purpose).or_default();
        if *left == 0 {
            let kek = Arc::clone(self.ring().current(purpose)?);
            self.store.write::<_, StoreError, _>(move |t| count_wrap(t, &kek, RESERVE))?;
            *left = RESERVE;
        }
        *left = left.saturating_sub(1);
        Ok(())
    }
}

/// Opens a value with the key that it names, if that key is of the right purpose.
pub(crate) fn open_with(
    ring: &Ring,
    purpose: Purpose,
    context: &Context<'_>,
    sealed: &[u8],
) -> Result<Secret<Vec<u8>>, UnsealError> {
    let envelope = Envelope::parse(sealed)?;
    let kek = ring.get(envelope.kek)?;
    if kek.purpose != purpose {
        return Err(UnsealError::UnknownKey);
    }
    envelope.open(&kek.key, context)
}

fn stored_check(view: &View<'_>) -> Result<Option<Vec<u8>>, StoreError> {
    let row = view.first("SELECT key_check FROM vault_root WHERE id = 1", &[])?;
    row.map(|row| row.get(0)).transpose()
}

fn initialize(
    store: &Store,
    root: &RootKey,
    journal: &Journal,
    entropy: &Arc<dyn Entropy>,
) -> Result<(), OpenError> {
    let (root, entropy, now) = (root.clone(), Arc::clone(entropy), journal.clock.now());
    store.write(move |transaction| {
        transaction.execute(
            "INSERT INTO vault_root (id, key_check, changed) VALUES (1, ?1, ?2)",
            &[root.check().into(), now.into()],
        )?;
        for purpose in Purpose::ALL {
            let kek = Kek::generate(purpose, 1, entropy.as_ref())?;
            kek.insert(transaction, &root, now, entropy.as_ref())?;
        }
        Ok::<_, OpenError>(())
    })
}

/// A crash loses at most this many uses, and counts them all the same.
const RESERVE: u64 = 1_024;
