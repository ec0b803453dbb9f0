//! Slows down guessing without locking anyone out.
//!
//! A lock would let a stranger lock the owner out (attack U7). Instead each failure doubles the wait
//! for the same account from the same network, and for the network as a whole.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Failed attempts, by account and network.
#[derive(Debug)]
pub(crate) struct Throttle {
    entries: Mutex<HashMap<Key, Entry>>,
    settings: Settings,
}

/// How soon guessing gets slow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Attempts in a row for one account from one network before the first wait.
    pub account_free: u32,
    /// Attempts in a row from one network before the first wait.
    pub network_free: u32,
    /// The first wait; each further failure doubles it.
    pub first_wait: Duration,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Key {
    Account(String, Prefix),
    Network(Prefix),
}

/// A /24 or a /64: what one household or one machine holds.
type Prefix = [u8; 8];

#[derive(Clone, Copy, Debug)]
struct Entry {
    failures: u32,
    next: Duration,
}

impl Settings {
    /// `count` attempts in `window`, then never faster than that rate.
    pub fn of_rate(count: u32, window: Duration) -> Self {
        let first_wait = window.checked_div(count).unwrap_or(window);
        Self { account_free: count.saturating_sub(1), first_wait, ..Self::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { account_free: 4, network_free: 30, first_wait: Duration::from_secs(1) }
    }
}

impl Throttle {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { entries: Mutex::default(), settings }
    }

    /// How long the caller must still wait; `None` when it may try now. The attempt itself counts as
    /// a failure until [`Throttle::succeed`], so that parallel attempts cannot share one turn.
    pub(crate) fn attempt(&self, account: &str, peer: IpAddr, now: Duration) -> Option<Duration> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.keys(account, peer);
        let wait = keys
            .iter()
            .filter_map(|(key, _)| entries.get(key))
            .filter_map(|entry| entry.next.checked_sub(now))
            .filter(|wait| !wait.is_zero())
            .max();
        if wait.is_some() {
            return wait;
        }
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, entry| entry.next + FORGET > now);
        }
        // Still full of recent failures: refuse for a moment rather than grow or forget.
        if entries.len() >= ENTRIES_MAX {
            return Some(Duration::from_secs(1));
        }
        for (key, free) in keys {
            let entry = entries.entry(key).or_insert(Entry { failures: 0, next: Duration::ZERO });
            if entry.next + FORGET < now {
                entry.failures = 0;
            }
            entry.failures = entry.failures.saturating_add(1);
            entry.next = now + self.delay(entry.failures.saturating_sub(free));
        }
        None
    }

    /// The attempt was the owner's: the account starts afresh from this network.
    pub(crate) fn succeed(&self, account: &str, peer: IpAddr) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let [(account, _), (network, _)] = self.keys(account, peer);
        entries.remove(&account);
        // One own account does not buy an attacker more guesses at others: one attempt is given
        // back, no more.
        if let Some(entry) = entries.get_mut(&network) {
            entry.failures = entry.failures.saturating_sub(1);
            entry.next = Duration::ZERO;
        }
    }

    /// The attempt was a good one, and says nothing of those before it.
    pub(crate) fn take_back(&self, account: &str, peer: IpAddr) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in self.keys(account, peer) {
            if let Some(entry) = entries.get_mut(&key) {
                entry.failures = entry.failures.saturating_sub(1);
            }
        }
    }

    /// The counters of an attempt, and how many failures each has free.
    fn keys(&self, account: &str, peer: IpAddr) -> [(Key, u32); 2] {
        let (prefix, settings) = (prefix(peer), self.settings);
        let account = Key::Account(account.to_owned(), prefix);
        [(account, settings.account_free), (Key::Network(prefix), settings.network_free)]
    }

    fn delay(&self, failures: u32) -> Duration {
        match failures {
            0 => Duration::ZERO,
            // One, two, four … times the first wait; five minutes at most, or the first wait.
            failures => {
                let wait = self.settings.first_wait.saturating_mul(1 << (failures - 1).min(9));
                wait.min(WAIT_MAX.max(self.settings.first_wait))
            }
        }
    }
}

/// The network of an address: an IPv4 /24, an IPv6 /64.
pub(crate) fn prefix(peer: IpAddr) -> Prefix {
    match peer.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            [4, a, b, c, 0, 0, 0, 0]
        }
        IpAddr::V6(address) => {
            let mut prefix = [0; 8];
            for (target, octet) in prefix.iter_mut().zip(address.octets()) {
                *target = octet;
            }
            prefix
        }
    }
}

const WAIT_MAX: Duration = Duration::from_mins(5);
const ENTRIES_MAX: usize = 100_000;
const FORGET: Duration = Duration::from_mins(15);

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    #[test]
    fn the_fifth_failure_has_to_wait_and_the_wait_doubles() {
        let throttle = Throttle::new(Settings::default());
        let mut now = Duration::from_secs(100);
        for _ in 0..5 {
            assert_eq!(throttle.attempt("ada", PEER, now), None);
        }
        assert_eq!(throttle.attempt("ada", PEER, now), Some(Duration::from_secs(1)));
        now += Duration::from_secs(1);
        assert_eq!(throttle.attempt("ada", PEER, now), None);
        assert_eq!(throttle.attempt("ada", PEER, now), Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_declared_rate_sets_the_free_attempts_and_the_first_wait() {
        let throttle = Throttle::new(Settings::of_rate(2, Duration::from_mins(1)));
        for _ in 0..2 {
            assert_eq!(throttle.attempt("ada", PEER, Duration::ZERO), None);
        }
        assert_eq!(throttle.attempt("ada", PEER, Duration::ZERO), Some(Duration::from_secs(30)));
    }

    #[test]
    fn the_owner_elsewhere_is_not_slowed_down() {
        let throttle = Throttle::new(Settings::default());
        for _ in 0..5 {
            throttle.attempt("ada", PEER, Duration::ZERO);
        }
        assert!(throttle.attempt("ada", PEER, Duration::ZERO).is_some());
        assert_eq!(throttle.attempt("ada", OTHER, Duration::ZERO), None);
    }

    #[test]
    fn many_accounts_from_one_network_are_slowed_down() {
        let throttle = Throttle::new(Settings::default());
        let tries = (0..40)
            .filter(|n| throttle.attempt(&format!("user{n}"), PEER, Duration::ZERO).is_none());
        assert_eq!(tries.count(), 31);
    }
}
