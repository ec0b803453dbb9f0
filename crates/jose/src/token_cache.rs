//! Remembers verified tokens: a hit costs a hash, a miss costs a signature.
//!
//! A cache belongs to one profile and one [`Expected`], so that a token accepted by one verifier is
//! never a hit for another (attack J22). Only verified tokens are in it: a flood of bad ones
//! changes nothing. What the caller makes of a token is kept beside it, for as long as the caller
//! reads tokens in the same way.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::Timestamp;

use crate::key_set::KeySet;
use crate::profile::Profile;
use crate::recent::Recent;
use crate::verify::{Expected, VerifyError};

/// A bounded cache of verified tokens of one kind, and of what was made of each.
pub struct TokenCache<P: Profile, T> {
    expected: Expected,
    entries: Recent<Known<P, T>>,
}

type Known<P, T> = Arc<Entry<<P as Profile>::Claims, T>>;

struct Entry<C, T> {
    claims: Arc<C>,
    made: Arc<T>,
    reading: u64,
    /// The fingerprint of the key set that verified it.
    keys: [u8; 32],
    /// Verified at, and remembered until.
    at: Timestamp,
    until: Timestamp,
}

impl<P: Profile, T> TokenCache<P, T> {
    /// An empty cache for at most `entries_max` tokens.
    pub fn new(expected: Expected, entries_max: usize) -> Self {
        Self { expected, entries: Recent::new(entries_max) }
    }

    /// What the tokens must say.
    pub const fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Verifies a token, or remembers that these keys verified it, and gives what `make` makes of
    /// its claims. That is remembered too, for as long as `reading` stays the same. Revocation is
    /// the caller's to check, at each use.
    ///
    /// # Errors
    /// As [`KeySet::verify`]. Refusals are not remembered: they cost the attacker's budget.
    pub fn verify(
        &self,
        keys: &KeySet,
        token: &str,
        (now, reading): (Timestamp, u64),
        make: impl FnOnce(&Arc<P::Claims>) -> T,
    ) -> Result<Arc<T>, VerifyError> {
        let id = digest(&SHA256, token.as_bytes());
        let known = self.known(keys, id.as_ref(), now);
        if let Some(known) = known.as_ref().filter(|known| known.reading == reading) {
            return Ok(Arc::clone(&known.made));
        }
        let (claims, at, until) = if let Some(known) = known {
            (Arc::clone(&known.claims), known.at, known.until)
        } else {
            let verified = keys.verify_timed::<P>(token, &self.expected, now)?;
            (Arc::new(verified.claims), now, verified.expires.min(now.plus(REMEMBER_MAX)))
        };
        let made = Arc::new(make(&claims));
        let keys = *keys.fingerprint();
        let entry = Entry { claims, made: Arc::clone(&made), reading, keys, at, until };
        self.entries.put(id.as_ref(), Arc::new(entry));
        Ok(made)
    }

    /// What was made of a token that is remembered. Never verifies one.
    pub fn recall(
        &self,
        keys: &KeySet,
        token: &str,
        (now, reading): (Timestamp, u64),
    ) -> Option<Arc<T>> {
        let id = digest(&SHA256, token.as_bytes());
        let known = self.known(keys, id.as_ref(), now)?;
        (known.reading == reading).then(|| Arc::clone(&known.made))
    }

    /// By the token's hash, not the token itself: memory that leaks must not give tokens away.
    fn known(&self, keys: &KeySet, id: &[u8], now: Timestamp) -> Option<Known<P, T>> {
        let known = self.entries.get(id)?;
        // Both ways: a clock that was set back must not make a token good before its time.
        let is_fresh = known.at <= now && now < known.until;
        (is_fresh && known.keys == *keys.fingerprint()).then_some(known)
    }
}

impl<P: Profile, T> fmt::Debug for TokenCache<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// A token is verified again after ten minutes at the latest: should a bit of an entry flip, it
/// does not stay so for the hour that a token may live. With 100,000 live tokens it is 167 a
/// second, 1 % of a core.
const REMEMBER_MAX: Duration = Duration::from_mins(10);
