//! Session tickets (RFC 5077, RFC 8446 section 4.6.1) under keys that turn.
//!
//! Whoever gets a ticket key reads every TLS 1.2 session that was resumed under it, so a key lives
//! for two turns only: one in which it seals, one in which it still opens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use rustls::server::ProducesTickets;

use crate::TlsError;

/// The ticket keys of a public door. All its threads and names share them.
#[derive(Debug)]
pub struct Tickets {
    keys: ArcSwap<Keys>,
    interval_secs: AtomicU64,
}

#[derive(Debug)]
struct Keys {
    current: Arc<Key>,
    previous: Option<Arc<Key>>,
}

struct Key {
    name: [u8; NAME_BYTES],
    sealing: RandomizedNonceKey,
}

impl Tickets {
    /// Keys that are turned every `interval`, by whoever holds them.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new(interval: Duration) -> Result<Arc<Self>, TlsError> {
        let keys = Keys { current: Key::new()?, previous: None };
        let interval_secs = AtomicU64::new(interval.as_secs());
        Ok(Arc::new(Self { keys: ArcSwap::from_pointee(keys), interval_secs }))
    }

    /// How often the keys are to be turned. Clients are told that a ticket is good for so long.
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_secs.load(Ordering::Relaxed))
    }

    /// Turns the keys so often from now on.
    pub fn set_interval(&self, interval: Duration) {
        self.interval_secs.store(interval.as_secs(), Ordering::Relaxed);
    }

    /// Seals with a new key from now on. The key before still opens, the one before that is gone.
    ///
    /// # Errors
    /// When the system gives no randomness; the old keys stay.
    pub fn turn(&self) -> Result<(), TlsError> {
        let previous = Some(Arc::clone(&self.keys.load().current));
        self.keys.store(Arc::new(Keys { current: Key::new()?, previous }));
        Ok(())
    }

    /// Forgets all keys: every client shakes hands in full again.
    ///
    /// # Errors
    /// When the system gives no randomness; the old keys stay.
    pub fn forget(&self) -> Result<(), TlsError> {
        self.keys.store(Arc::new(Keys { current: Key::new()?, previous: None }));
        Ok(())
    }
}

impl Key {
    fn new() -> Result<Arc<Self>, TlsError> {
        let (mut name, mut bytes) = ([0_u8; NAME_BYTES], [0_u8; KEY_BYTES]);
        aws_lc_rs::rand::fill(&mut name).map_err(|_unspecified| TlsError::Randomness)?;
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_unspecified| TlsError::Randomness)?;
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, &bytes);
        bytes.fill(0);
        let sealing = sealing.map_err(|_unspecified| TlsError::Randomness)?;
        Ok(Arc::new(Self { name, sealing }))
    }

    /// Name, nonce, sealed state, tag. The name is bound to what it names.
    fn seal(&self, state: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = state.to_vec();
        let nonce =
            self.sealing.seal_in_place_append_tag(Aad::from(self.name), &mut sealed).ok()?;
        let mut ticket = Vec::with_capacity(sealed.len().checked_add(NAME_BYTES + NONCE_LEN)?);
        ticket.extend_from_slice(&self.name);
        ticket.extend_from_slice(nonce.as_ref());
        ticket.append(&mut sealed);
        Some(ticket)
    }

    fn open(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let sealed = ticket.strip_prefix(&self.name)?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut state = sealed.to_vec();
        let opened = self.sealing.open_in_place(nonce, Aad::from(self.name), &mut state).ok()?;
        let length = opened.len();
        state.truncate(length);
        Some(state)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    /// RFC 8446 section 4.6.1: a week at most.
    fn lifetime(&self) -> u32 {
        u32::try_from(self.interval().min(LIFETIME_MAX).as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.keys.load().current.seal(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let keys = self.keys.load();
        let opened = keys.current.open(cipher);
        opened.or_else(|| keys.previous.as_ref().and_then(|previous| previous.open(cipher)))
    }
}

const NAME_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const LIFETIME_MAX: Duration = Duration::from_hours(7 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_for_one_turn_after_its_own_and_no_longer() {
        let tickets = Tickets::new(Duration::from_hours(12)).unwrap();
        let ticket = tickets.encrypt(b"state").unwrap();
        assert_eq!(tickets.decrypt(&ticket).as_deref(), Some(&b"state"[..]));
        tickets.turn().unwrap();
        assert_eq!(tickets.decrypt(&ticket).as_deref(), Some(&b"state"[..]));
        tickets.turn().unwrap();
        assert_eq!(tickets.decrypt(&ticket), None);
    }

    #[test]
    fn a_changed_ticket_does_not_open() {
        let tickets = Tickets::new(Duration::from_hours(12)).unwrap();
        let ticket = tickets.encrypt(b"state").unwrap();
        for index in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[index] ^= 1;
            assert_eq!(tickets.decrypt(&changed), None, "byte {index}");
            assert_eq!(tickets.decrypt(&ticket[..index]), None, "length {index}");
        }
        tickets.forget().unwrap();
        assert_eq!(tickets.decrypt(&ticket), None);
    }
}
