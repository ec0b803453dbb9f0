//! Signing keys: one per purpose, published before they sign, kept until their last token is dead.
//!
//! INVARIANT (one key, one purpose): no key signs two kinds of tokens, so that even a verifier that
//! forgets to look at `typ` cannot mistake one for the other.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use ringwall_base::{Algorithm, SignError, Signer, SinkError, Timestamp};
use ringwall_jose::{Jwk, JwkError, JwkSet, KeySet, PrivateKey, base64url_encode};
use ringwall_store::{Row, StoreError};

use crate::record::Record;
use crate::revocations::HOLD;
use crate::seams::{KeyVaultError, Seams};
use crate::settings::Settings;
use crate::tables::INSTANCE;

/// What a key signs.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Purpose {
    /// Access tokens, Ed25519.
    Access,
    /// Access tokens for clients that want ES256.
    AccessEs256,
    /// ID tokens.
    Id,
    /// ID tokens for clients that want RS256. Made when the first one is there.
    IdRs256,
    /// `rw-int+jwt`: what doors tell services.
    Internal,
    /// `logout+jwt`: what tells applications that a session has ended.
    Logout,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// It signs.
    Active,
    /// It is in the key set and does not sign yet.
    Published,
    /// It signs no more; its tokens still verify.
    Retiring,
}

/// A key as an operator sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyRow {
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs.
    pub purpose: Purpose,
    /// Where it is in its life.
    pub state: KeyState,
    /// Since when it is in the key set.
    pub published: Timestamp,
    /// Since when it signs.
    pub activated: Option<Timestamp>,
    /// Since when it signs no more.
    pub retired: Option<Timestamp>,
}

/// Why keys could not be read, made or turned.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The change is not in the audit log.
    #[error("the change could not be recorded")]
    Audit(#[from] SinkError),
    /// The crypto library made none.
    #[error("no key could be made")]
    Generate(#[from] ringwall_jose::KeyError),
    /// A stored public key does not read.
    #[error("a signing key is malformed")]
    Malformed(#[from] JwkError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] KeyVaultError),
}

/// All keys of this issuer: the rows, and what is made of them.
#[derive(Debug)]
pub(crate) struct KeyRing {
    snapshot: ArcSwap<Snapshot>,
    /// Turning reads, decides and writes: one at a time.
    turning: Mutex<()>,
}

/// A row and its key.
type Held = (KeyRow, Arc<PrivateKey>);

/// The keys at one moment, ready for use.
#[derive(Debug)]
pub(crate) struct Snapshot {
    rows: Vec<Held>,
    /// For access tokens only.
    pub(crate) access: Arc<KeySet>,
    /// For ID tokens only, those of retired keys too.
    pub(crate) id: Arc<KeySet>,
    pub(crate) internal: Arc<KeySet>,
    pub(crate) internal_jwks: String,
    /// The public document: keys of all tokens that leave the house.
    pub(crate) jwks: Bytes,
    pub(crate) etag: String,
}

/// Signs with the key that was active when it was taken.
#[derive(Debug)]
pub(crate) struct ActiveSigner {
    key: Arc<PrivateKey>,
}

impl Purpose {
    pub(crate) const ALL: [Self; 6] =
        [Self::Access, Self::AccessEs256, Self::Id, Self::IdRs256, Self::Internal, Self::Logout];

    /// Its name in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::AccessEs256 => "access-es256",
            Self::Id => "id",
            Self::IdRs256 => "id-rs256",
            Self::Internal => "internal",
            Self::Logout => "logout",
        }
    }

    const fn algorithm(self) -> Algorithm {
        match self {
            Self::Access | Self::Internal => Algorithm::EdDsa,
            Self::AccessEs256 | Self::Id | Self::Logout => Algorithm::Es256,
            Self::IdRs256 => Algorithm::Rs256,
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// Where the vault keeps the private half.
    fn vault_purpose(self) -> String {
        format!("identity-{}", self.name())
    }
}

impl KeyState {
    const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Published => "published",
            Self::Retiring => "retiring",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Published, Self::Retiring]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

impl KeyRing {
    /// Reads the keys, and makes the first of each purpose, which signs at once: nobody has an
    /// older key set that it could be missing from.
    pub(crate) fn open(seams: &Seams, settings: &Settings) -> Result<Self, KeyError> {
        let snapshot = ArcSwap::from_pointee(Snapshot::load(seams)?);
        let ring = Self { snapshot, turning: Mutex::new(()) };
        ring.turn(seams, settings)?;
        Ok(ring)
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The key that signs for this purpose now.
    pub(crate) fn signer(&self, purpose: Purpose) -> Result<ActiveSigner, SignError> {
        let snapshot = self.snapshot.load();
        let mut rows = snapshot.rows.iter();
        rows.find(|(row, _)| row.purpose == purpose && row.state == KeyState::Active)
            .map(|(_, key)| ActiveSigner { key: Arc::clone(key) })
            .ok_or(SignError::NoKey)
    }

    /// The keys as rows.
    pub(crate) fn rows(&self) -> Vec<KeyRow> {
        self.snapshot.load().rows.iter().map(|(row, _)| row.clone()).collect()
    }

    /// Publishes a new key for a purpose; it will sign when everyone can know it.
    pub(crate) fn rotate(&self, seams: &Seams, purpose: Purpose) -> Result<(), KeyError> {
        let _turning = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        make(seams, purpose, KeyState::Published)?;
        self.reload(seams)
    }

    /// Takes a key out of use at once: it leaked. If it was the active one, a new one signs now.
    pub(crate) fn revoke(
        &self,
        seams: &Seams,
        settings: &Settings,
        kid: &str,
    ) -> Result<(), KeyError> {
        {
            let _turning = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
            let rows = self.rows();
            if let Some(row) = rows.iter().find(|row| row.kid == kid) {
                destroy(seams, row, "key-revoked")?;
            }
            self.reload(seams)?;
        }
        self.turn(seams, settings)
    }

    /// Moves every key to the state that its age asks for. Call it now and then.
    pub(crate) fn turn(&self, seams: &Seams, settings: &Settings) -> Result<(), KeyError> {
        let _turning = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        let now = seams.clock.now();
        let mut has_changed = false;
        for purpose in Purpose::ALL {
            let rows: Vec<KeyRow> =
                self.rows().into_iter().filter(|row| row.purpose == purpose).collect();
            // RSA is slow to make and large to publish: nobody has it who did not ask.
            if purpose == Purpose::IdRs256 && rows.is_empty() {
                continue;
            }
            has_changed |= turn_purpose(seams, settings, purpose, &rows, now)?;
        }
        if has_changed { self.reload(seams) } else { Ok(()) }
    }

    /// Makes the first key of a purpose, if there is none. It signs at once.
    pub(crate) fn ensure(&self, seams: &Seams, purpose: Purpose) -> Result<(), KeyError> {
        let _turning = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        if self.rows().iter().any(|row| row.purpose == purpose) {
            return Ok(());
        }
        make(seams, purpose, KeyState::Active)?;
        self.reload(seams)
    }

    fn reload(&self, seams: &Seams) -> Result<(), KeyError> {
        self.snapshot.store(Arc::new(Snapshot::load(seams)?));
        Ok(())
    }
}

fn turn_purpose(
    seams: &Seams,
    settings: &Settings,
    purpose: Purpose,
    rows: &[KeyRow],
    now: Timestamp,
) -> Result<bool, KeyError> {
    let active = rows.iter().find(|row| row.state == KeyState::Active);
    let next = rows.iter().find(|row| row.state == KeyState::Published);
    let mut has_changed = false;
    match (active, next) {
        (None, None) => {
            make(seams, purpose, KeyState::Active)?;
            has_changed = true;
        }
        (None, Some(next)) => {
            promote(seams, next)?;
            has_changed = true;
        }
        (Some(active), Some(next)) if now >= next.published.plus(settings.key_publish) => {
            activate(seams, active, next)?;
            has_changed = true;
        }
        (Some(active), None) => {
            let since = active.activated.unwrap_or(active.published);
            if now.plus(settings.key_publish) >= since.plus(settings.key_life) {
                make(seams, purpose, KeyState::Published)?;
                has_changed = true;
            }
        }
        (Some(_), Some(_)) => {}
    }
    for row in rows.iter().filter(|row| row.state == KeyState::Retiring) {
        // Its last token lives at most `HOLD` after it stopped signing.
        if row.retired.is_some_and(|retired| now >= retired.plus(HOLD)) {
            destroy(seams, row, "key-destroyed")?;
            has_changed = true;
        }
    }
    Ok(has_changed)
}

fn make(seams: &Seams, purpose: Purpose, state: KeyState) -> Result<(), KeyError> {
    let key = PrivateKey::generate(purpose.algorithm())?;
    let kid = key.key_id().to_owned();
    // The vault first: a row without its key would be worse than a key without its row.
    seams.vault.put(&purpose.vault_purpose(), &kid, &key.to_pkcs8()?)?;
    let now = seams.clock.now();
    let activated = (state == KeyState::Active).then_some(now);
    let row_kid = kid.clone();
    seams.store.write(move |transaction| {
        transaction.execute(
            "INSERT INTO identity_key (tenant_id, kid, purpose, state, published, activated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[
                INSTANCE.into(),
                (&row_kid).into(),
                purpose.name().into(),
                state.name().into(),
                now.into(),
                activated.into(),
            ],
        )
    })?;
    record(seams, "key-created", purpose, &kid)
}

fn activate(seams: &Seams, old: &KeyRow, new: &KeyRow) -> Result<(), KeyError> {
    let (old_kid, new_kid, now) = (old.kid.clone(), new.kid.clone(), seams.clock.now());
    seams.store.write(move |transaction| {
        transaction.execute(
            "UPDATE identity_key SET state = 'retiring', retired = ?3
             WHERE tenant_id = ?1 AND kid = ?2",
            &[INSTANCE.into(), (&old_kid).into(), now.into()],
        )?;
        transaction.execute(ACTIVATE, &[INSTANCE.into(), (&new_kid).into(), now.into()])
    })?;
    record(seams, "key-rotated", new.purpose, &new.kid)
}

fn promote(seams: &Seams, row: &KeyRow) -> Result<(), KeyError> {
    let (kid, now) = (row.kid.clone(), seams.clock.now());
    seams.store.write(move |transaction| {
        transaction.execute(ACTIVATE, &[INSTANCE.into(), (&kid).into(), now.into()])
    })?;
    record(seams, "key-rotated", row.purpose, &row.kid)
}

fn destroy(seams: &Seams, row: &KeyRow, action: &'static str) -> Result<(), KeyError> {
    let kid = row.kid.clone();
    seams.store.write(move |transaction| {
        transaction.execute(
            "DELETE FROM identity_key WHERE tenant_id = ?1 AND kid = ?2",
            &[INSTANCE.into(), (&kid).into()],
        )
    })?;
    seams.vault.remove(&row.purpose.vault_purpose(), &row.kid)?;
    record(seams, action, row.purpose, &row.kid)
}

fn record(
    seams: &Seams,
    action: &'static str,
    purpose: Purpose,
    kid: &str,
) -> Result<(), KeyError> {
    let record = Record::of(action).sync().operation(format!("{} {kid}", purpose.name()));
    Ok(record.put(seams.clock.as_ref(), seams.sink.as_ref())?)
}

impl Snapshot {
    fn load(seams: &Seams) -> Result<Self, KeyError> {
        let found = seams.store.read(|view| {
            view.query(
                "SELECT kid, purpose, state, published, activated, retired FROM identity_key
                 WHERE tenant_id = ?1 ORDER BY published",
                &[INSTANCE.into()],
            )
        })?;
        let mut rows = Vec::new();
        for row in &found {
            let Some(row) = key_row(row)? else { continue };
            let sealed = seams.vault.get(&row.purpose.vault_purpose(), &row.kid)?;
            // A row without its key (a crash while it was destroyed) signs and verifies nothing.
            let Some(sealed) = sealed else { continue };
            let key = PrivateKey::from_pkcs8(row.purpose.algorithm(), &sealed)?;
            rows.push((row, Arc::new(key)));
        }
        let set = |purposes: &[Purpose]| -> Result<JwkSet, JwkError> {
            let keys = rows.iter().filter(|(row, _)| purposes.contains(&row.purpose));
            JwkSet::new(keys.map(|(_, key)| key.public().clone()).collect::<Vec<Jwk>>())
        };
        let access = set(&[Purpose::Access, Purpose::AccessEs256])?;
        let public = set(&[
            Purpose::Access,
            Purpose::AccessEs256,
            Purpose::Id,
            Purpose::IdRs256,
            Purpose::Logout,
        ])?;
        let id = set(&[Purpose::Id, Purpose::IdRs256])?;
        let internal = set(&[Purpose::Internal])?;
        let jwks = Bytes::from(public.to_json().to_string());
        let etag = format!("\"{}\"", base64url_encode(digest(&SHA256, &jwks)));
        Ok(Self {
            access: Arc::new(KeySet::from_jwks(&access)?),
            id: Arc::new(KeySet::from_jwks(&id)?),
            internal: Arc::new(KeySet::from_jwks(&internal)?),
            internal_jwks: internal.to_json().to_string(),
            jwks,
            etag,
            rows,
        })
    }
}

/// A row of a purpose or state that we do not know is a newer program's, and is left alone.
fn key_row(row: &Row) -> Result<Option<KeyRow>, StoreError> {
    let purpose = Purpose::parse(&row.get::<String>(1)?);
    let state = KeyState::parse(&row.get::<String>(2)?);
    let (Some(purpose), Some(state)) = (purpose, state) else { return Ok(None) };
    Ok(Some(KeyRow {
        kid: row.get(0)?,
        purpose,
        state,
        published: row.get(3)?,
        activated: row.get(4)?,
        retired: row.get(5)?,
    }))
}

impl Signer for ActiveSigner {
    fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    fn key_id(&self) -> &str {
        self.key.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.key.sign(message)
    }
}

const ACTIVATE: &str = "UPDATE identity_key SET state = 'active', activated = ?3
    WHERE tenant_id = ?1 AND kid = ?2";
