//! Rates of many keys: one word for each key, in a table of fixed size.
//!
//! Counting is one keyed hash, a look at one bucket, and one compare-and-swap: no lock and no
//! allocation, because a limit must cost less than what it limits. Only a key that is new takes a
//! lock, so that two threads do not enter it twice. The table outlives a reload, so that an edited
//! manifest does not hand out fresh quotas.

mod pace;
mod word;

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub(crate) use pace::{Known, Pace, Verdict};
use word::{Word, ticks};

/// What is counted of all keys.
#[derive(Debug)]
pub(crate) struct Rates {
    // Seeded by the library, so that a client cannot choose keys that fall together.
    hasher: RandomState,
    buckets: Vec<Bucket>,
    /// Held by who enters a key, one for keys that share it: no key gets two slots.
    entering: Vec<Mutex<()>>,
    pushed_out: AtomicU64,
}

/// The table's name for something that is counted. Two keys that fall together would share a
/// quota: with 64 bits, of 100,000 keys one pair does in 3.7 thousand million tables.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Key(u64);

/// The part of a key that all keys of a limit share.
#[derive(Clone, Debug)]
pub(crate) struct Seed(DefaultHasher);

#[derive(Debug, Default)]
struct Bucket([Slot; SLOTS]);

#[derive(Debug, Default)]
struct Slot {
    key: AtomicU64,
    /// INVARIANT (generation): whoever gives the slot to another key changes the generation first,
    /// so that a count for the key before does not land on the new one.
    word: AtomicU64,
}

impl Rates {
    /// An empty table.
    pub(crate) fn new() -> Self {
        Self::with_buckets(BUCKETS)
    }

    fn with_buckets(count: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            buckets: (0..count).map(|_| Bucket::default()).collect(),
            entering: (0..LOCKS).map(|_| Mutex::default()).collect(),
            pushed_out: AtomicU64::new(0),
        }
    }

    /// What all keys of one limit have in common, hashed once.
    pub(crate) fn seed(&self, parts: impl Hash) -> Seed {
        let mut hasher = self.hasher.build_hasher();
        parts.hash(&mut hasher);
        Seed(hasher)
    }

    /// Counts one request of `key` that costs so much, at `now` (monotonic).
    pub(crate) fn count(&self, key: Key, pace: &Pace, cost: u32, now: Duration) -> Verdict {
        let now = ticks(now);
        self.change(key, now, |word| pace.count(word, cost, now)).1
    }

    /// Gives back what one request of `key` took.
    pub(crate) fn give_back(&self, key: Key, pace: &Pace, cost: u32, now: Duration) {
        let now = ticks(now);
        self.change(key, now, |word| (pace.give_back(word, cost, now), ()));
    }

    /// Takes over what all gateways together have counted for `key`, where that is more.
    pub(crate) fn learn(&self, key: Key, pace: &Pace, known: Known, now: Duration) {
        let now = ticks(now);
        self.change(key, now, |word| (pace.learn(word, known, now), ()));
    }

    /// What is counted for `key` now.
    pub(crate) fn known(&self, key: Key, pace: &Pace, now: Duration) -> Known {
        let now = ticks(now);
        let word = self.bucket(key).and_then(|bucket| bucket.find(key)).map(|(_, word)| word);
        pace.known(word.unwrap_or_default(), now)
    }

    /// How many keys had to go before they were idle.
    pub(crate) fn pushed_out(&self) -> u64 {
        self.pushed_out.load(Ordering::Relaxed)
    }

    /// Changes the word of a key. A change of nothing writes nothing.
    fn change<T>(&self, key: Key, now: u64, with: impl Fn(Word) -> (Option<Word>, T)) -> (bool, T) {
        let Some(bucket) = self.bucket(key) else { return (false, with(Word::default()).1) };
        loop {
            let found = bucket.find(key);
            let (next, told) = with(found.map_or_else(Word::default, |(_slot, word)| word));
            let Some(next) = next else { return (false, told) };
            let is_done = match found {
                Some((slot, word)) => slot.swap(word, next.of_generation(word)),
                None => self.enter(bucket, key, next, now),
            };
            if is_done {
                return (true, told);
            }
        }
    }

    /// Gives a slot of the bucket to a new key. `false` when another thread has entered it.
    fn enter(&self, bucket: &Bucket, key: Key, word: Word, now: u64) -> bool {
        let shared = usize::try_from(key.0 % LOCKS).unwrap_or(0);
        let lock = self.entering.get(shared).map(Mutex::lock);
        // A poisoned lock guards nothing that can be half done.
        let held = lock.map(|lock| lock.unwrap_or_else(PoisonError::into_inner));
        if bucket.find(key).is_some() {
            return false;
        }
        // Idle ones would start fresh anyway. When none is, the one that is idle soonest goes, so
        // that a flood of new keys does not wash out those who are over their rate.
        let words = bucket.0.iter().map(|slot| (slot, Word::of(&slot.word)));
        let free = words.filter(|(_slot, word)| !word.is_locked());
        // Lost to a count or to another new key that came in between: choose again.
        let Some((slot, old)) = free.min_by_key(|(_slot, word)| word.idle_at().max(now)) else {
            return false;
        };
        if !slot.swap(old, old.locked()) {
            return false;
        }
        if old.idle_at() > now {
            self.pushed_out.fetch_add(1, Ordering::Relaxed);
        }
        slot.key.store(key.0, Ordering::Release);
        slot.word.store(word.after(old).bits(), Ordering::Release);
        drop(held);
        true
    }

    fn bucket(&self, key: Key) -> Option<&Bucket> {
        // The upper half chooses the bucket, the lower one the lock.
        let upper = usize::try_from(key.0 >> 32).unwrap_or(0);
        self.buckets.get(upper & self.buckets.len().saturating_sub(1))
    }
}

impl Key {
    /// One of so many, evenly.
    pub(crate) fn spread(self, over: usize) -> usize {
        usize::try_from(self.0).unwrap_or(0).checked_rem(over).unwrap_or(0)
    }
}

impl Seed {
    /// The table's name for somebody who is counted: of this kind, with these bytes.
    pub(crate) fn key(&self, kind: u8, who: &[u8]) -> Key {
        let mut hasher = self.0.clone();
        hasher.write_u8(kind);
        hasher.write(who);
        // Zero is the name of an empty slot.
        Key(hasher.finish().max(1))
    }
}

impl Bucket {
    /// The slot of a key with its word as it was at one moment.
    fn find(&self, key: Key) -> Option<(&Slot, Word)> {
        self.0.iter().find_map(|slot| {
            if slot.key.load(Ordering::Acquire) != key.0 {
                return None;
            }
            // The word first: read the other way round, the slot could change hands in between.
            let word = Word::of(&slot.word);
            let is_its = slot.key.load(Ordering::Acquire) == key.0 && !word.is_locked();
            is_its.then_some((slot, word))
        })
    }
}

impl Slot {
    fn swap(&self, from: Word, to: Word) -> bool {
        let (from, to) = (from.bits(), to.bits());
        self.word.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// One or two cache lines of it are read for a key.
const SLOTS: usize = 8;

/// A power of two: 131,072 keys in all, 2 MiB.
const BUCKETS: usize = 16_384;

/// Enough that two cores rarely meet, even under a flood of new keys.
const LOCKS: u64 = 64;

#[cfg(test)]
mod tests;
