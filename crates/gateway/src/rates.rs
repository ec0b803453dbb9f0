//! Rates of many keys: the generic cell rate algorithm in a bounded table.
//!
//! One number per key, the theoretical arrival time: the moment at which the key is idle again. It
//! outlives a reload, so that an edited manifest does not hand out fresh quotas.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The arrival times of all keys.
#[derive(Debug)]
pub(crate) struct Rates {
    // Seeded by the library, so that a client cannot choose keys that fall together.
    hasher: RandomState,
    shards: Vec<Mutex<Times>>,
}

/// Arrival times by key, in monotonic nanoseconds.
type Times = HashMap<u128, u64>;

/// So many in so much time, all of them at once if need be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Pace {
    /// How many, at least one.
    pub(crate) count: u32,
    /// In which time.
    pub(crate) per: Duration,
}

/// What the table says to one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It may pass; so many more may follow at once, and all after `reset`.
    Pass { remaining: u64, reset: Duration },
    /// The next one passes after this time.
    Wait(Duration),
}

impl Rates {
    /// An empty table.
    pub(crate) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { hasher: RandomState::new(), shards }
    }

    /// The table's name for something that is counted.
    pub(crate) fn key(&self, parts: impl std::hash::Hash) -> u128 {
        // Two hashes of 64 bits: two keys that fall together would share a quota.
        let high = self.hasher.hash_one((0_u8, &parts));
        let low = self.hasher.hash_one((1_u8, &parts));
        u128::from(high) << 64 | u128::from(low)
    }

    /// Counts one request of `key` at `now` (monotonic).
    pub(crate) fn count(&self, key: u128, pace: Pace, now: Duration) -> Verdict {
        let (now, per) = (nanos(now), nanos(pace.per).max(1));
        let step = per.checked_div(u64::from(pace.count.max(1))).unwrap_or(per).max(1);
        let shard = usize::try_from(key & u128::from(SHARDS.saturating_sub(1))).unwrap_or(0);
        let Some(shard) = self.shards.get(shard) else { return Verdict::Wait(pace.per) };
        // A poisoned shard holds whole numbers still: every write is one insert.
        let mut times = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let arrival = times.get(&key).copied().unwrap_or(now).max(now);
        let next = arrival.saturating_add(step);
        let ahead = next.saturating_sub(now);
        if ahead > per.max(step) {
            return Verdict::Wait(Duration::from_nanos(ahead.saturating_sub(per)));
        }
        if times.len() >= KEYS_PER_SHARD && !times.contains_key(&key) {
            make_room(&mut times, now);
        }
        times.insert(key, next);
        let remaining = per.saturating_sub(ahead).checked_div(step).unwrap_or(0);
        Verdict::Pass { remaining, reset: Duration::from_nanos(ahead) }
    }
}

/// Forgets keys that are idle: they would start fresh anyway. When none is, the one that is idle
/// soonest goes, so that a flood of new keys cannot wash out those who are over their rate.
fn make_room(times: &mut Times, now: u64) {
    times.retain(|_key, arrival| *arrival > now);
    if times.len() >= KEYS_PER_SHARD {
        let soonest = times.iter().min_by_key(|(_key, arrival)| **arrival).map(|(key, _)| *key);
        if let Some(key) = soonest {
            times.remove(&key);
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A power of two: enough that two cores rarely meet.
const SHARDS: u32 = 64;

/// 65,536 keys in all, 3 MiB.
const KEYS_PER_SHARD: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { count: 3, per: Duration::from_secs(30) };

    #[test]
    fn the_last_of_a_burst_passes_and_the_next_waits() {
        let (rates, now) = (Rates::new(), Duration::from_secs(100));
        let key = rates.key("a");
        for remaining in [2, 1, 0] {
            let Verdict::Pass { remaining: got, .. } = rates.count(key, PACE, now) else {
                panic!("refused with {remaining} left");
            };
            assert_eq!(got, remaining);
        }
        assert_eq!(rates.count(key, PACE, now), Verdict::Wait(Duration::from_secs(10)));
        let almost = now + Duration::from_millis(9_999);
        assert_eq!(rates.count(key, PACE, almost), Verdict::Wait(Duration::from_millis(1)));
        let then = now + Duration::from_secs(10);
        assert!(matches!(rates.count(key, PACE, then), Verdict::Pass { remaining: 0, .. }));
        assert!(matches!(rates.count(key, PACE, then), Verdict::Wait(_)));
    }

    #[test]
    fn keys_do_not_share_a_quota() {
        let rates = Rates::new();
        let once = Pace { count: 1, per: Duration::from_secs(1) };
        for name in ["a", "b", "c"] {
            let key = rates.key(name);
            assert!(matches!(rates.count(key, once, Duration::ZERO), Verdict::Pass { .. }));
            assert!(matches!(rates.count(key, once, Duration::ZERO), Verdict::Wait(_)));
        }
    }

    #[test]
    fn a_flood_of_keys_does_not_wash_out_one_that_waits() {
        let rates = Rates::new();
        let day = Pace { count: 1, per: Duration::from_hours(24) };
        let second = Pace { count: 1, per: Duration::from_secs(1) };
        let key = rates.key("over");
        assert!(matches!(rates.count(key, day, Duration::ZERO), Verdict::Pass { .. }));
        for other in 0..75_000_u32 {
            rates.count(rates.key(other), second, Duration::ZERO);
        }
        assert!(matches!(rates.count(key, day, Duration::ZERO), Verdict::Wait(_)));
        let held: usize = rates.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(held <= 64 * KEYS_PER_SHARD);
    }
}
