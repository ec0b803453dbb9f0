//! Opaque access tokens: `rwa_`, 256 bits, and a checksum that secret scanners and junk meet first.
//!
//! Behind each is a token as all others are, signed and with the same claims, which the client never
//! sees: whoever takes an access token swaps it for that one and goes on as ever, so that every check
//! is the same and every revocation counts.
//!
//! INVARIANT (neither half alone): a row is found by an HMAC of the token under a key of the vault,
//! and what it holds opens only with the token itself. The disk gives no token, and memory neither.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::hmac;
use ringwall_base::{Secret, SignError, Timestamp};
use ringwall_store::{Store, StoreError};

use crate::keys::KeyError;
use crate::refresh::{open, seal};
use crate::seams::Seams;
use crate::secret_text;
use crate::sweep::in_steps;
use crate::tables::INSTANCE;

/// The tokens that are good, by their hash.
#[derive(Debug)]
pub(crate) struct OpaqueTokens {
    pepper: hmac::Key,
    live: RwLock<Live>,
}

#[derive(Debug, Default)]
struct Live {
    by_hash: HashMap<Hash, Kept>,
    by_client: HashMap<Arc<str>, usize>,
}

#[derive(Debug)]
struct Kept {
    client: Arc<str>,
    sealed: Arc<[u8]>,
    expires: Timestamp,
}

type Hash = [u8; 32];

impl OpaqueTokens {
    /// Reads the tokens that are still good. The first start makes the pepper.
    pub(crate) fn load(seams: &Seams) -> Result<Self, KeyError> {
        let pepper = if let Some(pepper) = seams.vault.get(PEPPER, "1")? {
            pepper
        } else {
            let fresh = seams.random::<32>().map_err(|_none| ringwall_jose::KeyError::Generate)?;
            let fresh = Secret::new(fresh.to_vec());
            seams.vault.put(PEPPER, "1", &fresh)?;
            fresh
        };
        let pepper = hmac::Key::new(hmac::HMAC_SHA256, pepper.expose());
        let tokens = Self { pepper, live: RwLock::default() };
        tokens.refresh(&seams.store, seams.clock.now())?;
        Ok(tokens)
    }

    /// Reads them again: another process may have given some.
    pub(crate) fn refresh(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let rows = store.read(|view| {
            view.query(
                "SELECT hash, client_id, sealed, expires FROM identity_opaque_token
                 WHERE tenant_id = ?1 AND expires > ?2",
                &[INSTANCE.into(), now.into()],
            )
        })?;
        let mut there = Live::default();
        for row in rows {
            let hash = Hash::try_from(row.get::<Vec<u8>>(0)?);
            let hash = hash.map_err(|_length| StoreError::Column { index: 0 })?;
            let (client, sealed) = (row.get::<String>(1)?.into(), row.get::<Vec<u8>>(2)?.into());
            there.insert(hash, Kept { client, sealed, expires: row.get(3)? });
        }
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = there;
        Ok(())
    }

    /// A token that stands for this one until it expires.
    pub(crate) fn issue(
        &self,
        seams: &Seams,
        client_id: &str,
        (inner, expires): (String, Timestamp),
    ) -> Result<String, SignError> {
        if !self.has_room(client_id) {
            tracing::warn!(client_id, "the client has too many opaque tokens");
            return Err(SignError::Failed);
        }
        let token = secret_text::of(
            PREFIX,
            &seams.random::<64>().map_err(|_unavailable| SignError::Failed)?,
        );
        let sealed = seal(&Secret::new(token.clone()), &Secret::new(inner));
        let sealed = sealed.map_err(|_unspecific| SignError::Failed)?;
        let (hash, row) = (self.hash(&token), sealed.clone());
        let client = client_id.to_owned();
        let written = seams.store.write(move |transaction| {
            transaction.execute(
                "INSERT INTO identity_opaque_token (tenant_id, hash, client_id, sealed, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                &[
                    INSTANCE.into(),
                    hash.as_slice().into(),
                    (&client).into(),
                    row.as_slice().into(),
                    expires.into(),
                ],
            )
        });
        if let Err(error) = written {
            tracing::error!(%error, "an opaque token was not kept");
            return Err(SignError::Failed);
        }
        let kept = Kept { client: client_id.into(), sealed: sealed.into(), expires };
        self.live.write().unwrap_or_else(PoisonError::into_inner).insert(hash, kept);
        Ok(token)
    }

    /// The token that this one stands for. Junk is told by its checksum, before any key is used.
    pub(crate) fn swap(&self, token: &str, now: Timestamp) -> Option<String> {
        if !secret_text::is_one(PREFIX, token) {
            return None;
        }
        let hash = self.hash(token);
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let kept = live.by_hash.get(&hash).filter(|kept| now < kept.expires)?;
        let sealed = Arc::clone(&kept.sealed);
        drop(live);
        open(&Secret::new(token.to_owned()), sealed.to_vec())
            .ok()
            .map(|inner| inner.expose().clone())
    }

    /// Removes what has expired.
    pub(crate) fn sweep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        self.live.write().unwrap_or_else(PoisonError::into_inner).sweep(now);
        in_steps(
            store,
            "DELETE FROM identity_opaque_token WHERE tenant_id = ?1 AND hash IN
             (SELECT hash FROM identity_opaque_token
             WHERE tenant_id = ?1 AND expires <= ?2 LIMIT ?3)",
            now,
        )
    }

    fn has_room(&self, client_id: &str) -> bool {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let own = live.by_client.get(client_id).copied().unwrap_or_default();
        live.by_hash.len() < TOKENS_MAX && own < CLIENT_TOKENS_MAX
    }

    fn hash(&self, token: &str) -> Hash {
        let mut hash = Hash::default();
        let tag = hmac::sign(&self.pepper, token.as_bytes());
        for (target, byte) in hash.iter_mut().zip(tag.as_ref()) {
            *target = *byte;
        }
        hash
    }
}

impl Live {
    fn insert(&mut self, hash: Hash, kept: Kept) {
        *self.by_client.entry(Arc::clone(&kept.client)).or_default() += 1;
        self.by_hash.insert(hash, kept);
    }

    fn sweep(&mut self, now: Timestamp) {
        let Self { by_hash, by_client } = self;
        by_hash.retain(|_, kept| now < kept.expires);
        by_client.clear();
        for kept in by_hash.values() {
            *by_client.entry(Arc::clone(&kept.client)).or_default() += 1;
        }
    }
}

const PREFIX: &str = "rwa_";

/// Where the vault keeps the pepper.
const PEPPER: &str = "identity-opaque-pepper";

/// Of about a kilobyte each.
const TOKENS_MAX: usize = 100_000;

/// Of one client, so that none takes all the room: 16 a second, each for ten minutes.
const CLIENT_TOKENS_MAX: usize = 10_000;
