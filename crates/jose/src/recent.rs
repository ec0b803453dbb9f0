//! A bounded memory of what was used lately, for tokens that were verified or signed.
//!
//! Two generations in each shard: what is new or used again is young, and when the young are half
//! of all, those that stayed old are forgotten. So a flood of new keys costs nobody who is in use
//! their place, no order of use is kept, and nothing is ever forgotten all at once.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values by key. Two keys are the same only when all their bytes are.
pub struct Recent<V> {
    /// Seeded by the library, so that nobody can choose keys that fall together.
    hasher: RandomState,
    shards: Vec<Mutex<Shard<V>>>,
    young_max: usize,
}

type Generation<V> = HashMap<u64, Slot<V>>;

struct Shard<V> {
    young: Generation<V>,
    old: Generation<V>,
}

struct Slot<V> {
    key: Box<[u8]>,
    value: V,
}

impl<V: Clone> Recent<V> {
    /// An empty memory for at most `entries_max` values.
    pub fn new(entries_max: usize) -> Self {
        let shard = || Mutex::new(Shard { young: HashMap::new(), old: HashMap::new() });
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| shard()).collect(),
            young_max: (entries_max / (2 * SHARDS)).max(1),
        }
    }

    /// The value that was put under exactly this key, if it is still remembered.
    pub fn get(&self, key: &[u8]) -> Option<V> {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(hash)?;
        if let Some(slot) = shard.young.get(&hash) {
            return (*slot.key == *key).then(|| slot.value.clone());
        }
        if *shard.old.get(&hash)?.key != *key {
            return None;
        }
        let slot = shard.old.remove(&hash)?;
        let value = slot.value.clone();
        let forgotten = shard.add(hash, slot, self.young_max);
        drop(shard);
        drop(forgotten);
        Some(value)
    }

    /// Remembers a value; another one under this key is forgotten.
    pub fn put(&self, key: &[u8], value: V) {
        let hash = self.hasher.hash_one(key);
        let Some(mut shard) = self.shard(hash) else { return };
        let forgotten = shard.add(hash, Slot { key: key.into(), value }, self.young_max);
        drop(shard);
        // Outside of the lock: it can be many.
        drop(forgotten);
    }

    /// How many values are remembered.
    pub fn len(&self) -> usize {
        let shards = self.shards.iter().map(|shard| shard.lock());
        let shards = shards.map(|shard| shard.unwrap_or_else(PoisonError::into_inner));
        shards.map(|shard| shard.young.len().saturating_add(shard.old.len())).sum()
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
    /// Adds to the young, and returns what is forgotten for it.
    fn add(&mut self, hash: u64, slot: Slot<V>, young_max: usize) -> Option<Generation<V>> {
        let is_full = self.young.len() >= young_max && !self.young.contains_key(&hash);
        let forgotten = is_full.then(|| {
            let young = std::mem::take(&mut self.young);
            std::mem::replace(&mut self.old, young)
        });
        self.old.remove(&hash);
        self.young.insert(hash, slot);
        forgotten
    }
}

impl<V> fmt::Debug for Recent<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").field("young_max", &self.young_max).finish_non_exhaustive()
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
        let slot = Slot { key: Box::from(&b"mallory"[..]), value: 2 };
        recent.shard(hash).unwrap().add(hash, slot, 10);
        assert_eq!(recent.get(b"alice"), None);
        let slot = Slot { key: Box::from(&b"mallory"[..]), value: 2 };
        let mut shard = recent.shard(hash).unwrap();
        shard.young.clear();
        shard.old.insert(hash, slot);
        drop(shard);
        assert_eq!(recent.get(b"alice"), None);
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
