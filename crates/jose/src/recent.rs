//! A bounded memory of what was used lately, for tokens that were verified or signed.
//!
//! Each shard is a clock: a use marks its slot, and a new value takes the place of the first that
//! the hand finds unmarked, while the hand takes the marks away. So a flood of new keys costs
//! nobody who is in use their place, a hit writes one bit, and up to the bound nothing is forgotten.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values by key. Two keys are the same only when all their bytes are.
pub struct Recent<V> {
    /// Seeded by the library, so that nobody can choose keys that fall together.
    hasher: RandomState,
    shards: Vec<Mutex<Shard<V>>>,
    slots_max: usize,
}

struct Shard<V> {
    by_hash: HashMap<u64, usize>,
    slots: Vec<Slot<V>>,
    hand: usize,
}

struct Slot<V> {
    hash: u64,
    key: Box<[u8]>,
    value: V,
    /// Since the hand went by.
    is_used: bool,
}

impl<V: Clone> Recent<V> {
    /// An empty memory for at most `entries_max` values.
    pub fn new(entries_max: usize) -> Self {
        let shard = || Mutex::new(Shard { by_hash: HashMap::new(), slots: Vec::new(), hand: 0 });
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| shard()).collect(),
            slots_max: (entries_max / SHARDS).max(1),
        }
    }

    /// The value that was put under exactly this key, if it is still remembered.
    pub fn get(&self, key: &[u8]) -> Option<V> {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(hash)?;
        let at = *shard.by_hash.get(&hash)?;
        let slot = shard.slots.get_mut(at).filter(|slot| *slot.key == *key)?;
        slot.is_used = true;
        Some(slot.value.clone())
    }

    /// Remembers a value; another one under this key is forgotten.
    pub fn put(&self, key: &[u8], value: V) {
        let hash = self.hasher.hash_one(key);
        let Some(mut shard) = self.shard(hash) else { return };
        let slot = Slot { hash, key: key.into(), value, is_used: false };
        let forgotten = shard.put(slot, self.slots_max);
        drop(shard);
        // Outside of the lock.
        drop(forgotten);
    }

    /// How many values are remembered.
    pub fn len(&self) -> usize {
        let shards = self.shards.iter().map(|shard| shard.lock());
        let shards = shards.map(|shard| shard.unwrap_or_else(PoisonError::into_inner));
        shards.map(|shard| shard.slots.len()).sum()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, hash: u64) -> Option<MutexGuard<'_, Shard<V>>> {
        // The map below uses the low bits.
        let shard = self.shards.get(usize::from(hash.to_be_bytes()[0]) % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<V> Shard<V> {
    /// Keeps a slot, and returns the one that is forgotten for it.
    fn put(&mut self, slot: Slot<V>, slots_max: usize) -> Option<Slot<V>> {
        let known = self.by_hash.get(&slot.hash).copied();
        if known.is_none() && self.slots.len() < slots_max {
            self.by_hash.insert(slot.hash, self.slots.len());
            self.slots.push(slot);
            return None;
        }
        let at = known.unwrap_or_else(|| self.turn());
        let place = self.slots.get_mut(at)?;
        let hash = slot.hash;
        let forgotten = std::mem::replace(place, slot);
        self.by_hash.remove(&forgotten.hash);
        self.by_hash.insert(hash, at);
        Some(forgotten)
    }

    /// The next place that was not used since the hand went by. Ends after one turn at the latest:
    /// by then no mark is left.
    fn turn(&mut self) -> usize {
        loop {
            let at = self.hand;
            self.hand = at.saturating_add(1);
            match self.slots.get_mut(at) {
                None => self.hand = 0,
                Some(slot) if slot.is_used => slot.is_used = false,
                Some(_) => return at,
            }
        }
    }
}

impl<V> fmt::Debug for Recent<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").field("slots_max", &self.slots_max).finish_non_exhaustive()
    }
}

/// Data plane threads meet here.
const SHARDS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_key_and_replaced() {
        let recent = Recent::new(1_000);
        assert!(recent.is_empty());
        recent.put(b"alice", 1);
        recent.put(b"alice2", 2);
        assert_eq!((recent.get(b"alice"), recent.get(b"alice2")), (Some(1), Some(2)));
        assert_eq!((recent.get(b"alic"), recent.get(b"")), (None, None));
        recent.put(b"alice", 3);
        assert_eq!((recent.get(b"alice"), recent.len()), (Some(3), 2));
    }

    #[test]
    fn two_keys_of_one_hash_are_not_taken_for_each_other() {
        let recent = Recent::new(1_000);
        recent.put(b"alice", 1);
        let hash = recent.hasher.hash_one(&b"alice"[..]);
        let slot = Slot { hash, key: Box::from(&b"mallory"[..]), value: 2, is_used: false };
        recent.shard(hash).unwrap().put(slot, 10);
        assert_eq!(recent.get(b"alice"), None);
        assert_eq!(recent.len(), 1, "one place for one hash");
    }

    #[test]
    fn up_to_three_quarters_of_the_bound_nothing_is_forgotten() {
        // Not all of it: keys fall unevenly into shards.
        let recent = Recent::new(131_072);
        for number in 0..100_000_u32 {
            recent.put(&number.to_be_bytes(), number);
        }
        for number in 0..100_000_u32 {
            assert_eq!(recent.get(&number.to_be_bytes()), Some(number));
        }
    }

    #[test]
    fn a_flood_stays_within_the_bound_and_does_not_wash_out_what_is_used() {
        let recent = Recent::new(1_280);
        recent.put(b"used", 0);
        for number in 1..100_000_u32 {
            recent.put(&number.to_be_bytes(), number);
            assert_eq!(recent.get(b"used"), Some(0), "after {number}");
        }
        assert!(recent.len() <= 1_280);
        assert_eq!(recent.get(&99_999_u32.to_be_bytes()), Some(99_999));
        assert_eq!(recent.get(&1_u32.to_be_bytes()), None);
    }
}
