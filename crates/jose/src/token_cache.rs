//! Remembers verified tokens: a hit costs a hash, a miss costs a signature.
//!
//! A cache belongs to one profile and one [`Expected`], so that a token accepted by one verifier is
//! never a hit for another (attack J22).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::Timestamp;

use crate::key_set::KeySet;
use crate::profile::Profile;
use crate::verify::{Expected, VerifyError};

/// A bounded cache of verified tokens of one kind.
pub struct TokenCache<P: Profile> {
    expected: Expected,
    shards: Vec<Locked<P::Claims>>,
    entries_max: usize,
}

/// The revocation state and the key set that entries were verified under.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
struct Epoch {
    revocations: u64,
    keys: [u8; 32],
}

type Id = [u8; 32];

struct Shard<C> {
    epoch: Epoch,
    entries: HashMap<Id, Entry<C>>,
}

type Locked<C> = Mutex<Shard<C>>;

struct Entry<C> {
    claims: Arc<C>,
    until: Timestamp,
}

impl<P: Profile> TokenCache<P> {
    /// An empty cache for at most `entries_max` tokens.
    pub fn new(expected: Expected, entries_max: usize) -> Self {
        let shard = || Mutex::new(Shard { epoch: Epoch::default(), entries: HashMap::new() });
        let shards = (0..SHARDS).map(|_| shard()).collect();
        Self { expected, shards, entries_max: entries_max.div_ceil(SHARDS) }
    }

    /// What the tokens must say.
    pub const fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Verifies a token, or remembers that it was verified. `epoch` counts revocations: when it or
    /// the key set changes, everything remembered is forgotten.
    ///
    /// # Errors
    /// As [`KeySet::verify`]. Refusals are not remembered: they cost the attacker's budget.
    pub fn verify(
        &self,
        keys: &KeySet,
        epoch: u64,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<P::Claims>, VerifyError> {
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        let epoch = Epoch { revocations: epoch, keys: *keys.fingerprint() };
        if let Some(claims) = self.hit(&id, epoch, now) {
            return Ok(claims);
        }
        let verified = keys.verify_timed::<P>(token, &self.expected, now)?;
        let until = verified.expires.min(now.plus(REMEMBER_MAX));
        let claims = Arc::new(verified.claims);
        self.remember(id, epoch, Entry { claims: Arc::clone(&claims), until }, now);
        Ok(claims)
    }

    fn hit(&self, id: &Id, epoch: Epoch, now: Timestamp) -> Option<Arc<P::Claims>> {
        let shard = self.shard(id)?.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.entries.get(id).filter(|entry| shard.epoch == epoch && now < entry.until);
        entry.map(|entry| Arc::clone(&entry.claims))
    }

    fn remember(&self, id: Id, epoch: Epoch, entry: Entry<P::Claims>, now: Timestamp) {
        let Some(shard) = self.shard(&id) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.epoch != epoch {
            shard.entries.clear();
            shard.epoch = epoch;
        }
        if shard.entries.len() >= self.entries_max {
            shard.entries.retain(|_, entry| now < entry.until);
        }
        // Still full: forget all rather than keep an order. A flood of new tokens pays for each
        // with a valid signature, so this is rare, and it bounds the memory.
        if shard.entries.len() >= self.entries_max {
            shard.entries.clear();
        }
        shard.entries.insert(id, entry);
    }

    fn shard(&self, id: &Id) -> Option<&Locked<P::Claims>> {
        let [first, ..] = id;
        self.shards.get(usize::from(*first) & (SHARDS - 1))
    }
}

impl<P: Profile> fmt::Debug for TokenCache<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// A power of two; data plane threads meet here.
const SHARDS: usize = 16;

/// A token is verified again after a minute at the latest.
const REMEMBER_MAX: Duration = Duration::from_mins(1);
