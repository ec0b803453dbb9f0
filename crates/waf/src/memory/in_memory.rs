//! Collections in this process, within so many bytes.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Delta, DeltaChange, Memory, Stored};

/// Parts with a lock each: more than processors, so that two requests seldom want the same.
const SHARDS: usize = 64;
/// What a collection of a usual size takes: some counters and their key.
const COLLECTION_BYTES_USUAL: usize = 1_024;
/// What a collection takes beside its key and its members.
const COLLECTION_BYTES: usize = 128;
/// What a member takes beside its text.
const MEMBER_BYTES: usize = 96;
/// The room of a number, whatever it is: a counter that is there can always count on.
const NUMBER_BYTES: usize = 20;

/// Keeps collections in this process, within a bound in bytes.
#[derive(Debug)]
pub struct InMemory {
    bytes_max: usize,
    /// What all shards hold.
    bytes: AtomicUsize,
    /// With a secret of this process: nobody can choose keys of one shard.
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug, Default)]
struct Shard {
    /// By name and key of the collection.
    collections: HashMap<Vec<u8>, Vec<Stored>>,
    /// When it was last swept; once in a second is enough.
    swept_secs: u64,
}

impl InMemory {
    /// Room for so many collections of 1 KiB, counted in bytes. When it is full and nothing in it
    /// has expired, what is new is not kept: whoever makes many keys, or long ones, cannot push out
    /// the counters of others. Counters that are there go on counting.
    pub fn new(collections: usize) -> Self {
        Self {
            bytes_max: collections.saturating_mul(COLLECTION_BYTES_USUAL),
            bytes: AtomicUsize::new(0),
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// About what it holds now.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn shard(&self, place: &[u8]) -> Option<MutexGuard<'_, Shard>> {
        let shards = u64::try_from(self.shards.len()).unwrap_or(u64::MAX);
        let number = self.hasher.hash_one(place).checked_rem(shards)?;
        self.shards.get(usize::try_from(number).ok()?).map(lock)
    }

    /// Holds so many bytes instead of so many, if that is not too much.
    fn resize(&self, before: usize, after: usize) -> bool {
        if after <= before {
            self.bytes.fetch_sub(before - after, Ordering::Relaxed);
            return true;
        }
        let more =
            |held: usize| held.checked_add(after - before).filter(|it| *it <= self.bytes_max);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Drops what expired until there is room, one shard after the other: nobody waits for all of
    /// them, and nobody can make it happen all the time.
    fn sweep(&self, room: usize, now_secs: u64) {
        for shard in &self.shards {
            if self.bytes().saturating_add(room) <= self.bytes_max {
                return;
            }
            let mut shard = lock(shard);
            if shard.swept_secs < now_secs {
                shard.swept_secs = now_secs;
                let freed = shard.sweep(now_secs);
                self.resize(freed, 0);
            }
        }
    }
}

impl InMemory {
    pub(super) fn load_at(&self, place: &[u8], now_secs: u64) -> Vec<Stored> {
        let Some(shard) = self.shard(place) else { return Vec::new() };
        let members = shard.collections.get(place).into_iter().flatten();
        members.filter(|member| member.expires_secs > now_secs).cloned().collect()
    }

    pub(super) fn apply_at(&self, place: &[u8], deltas: &[Delta], now_secs: u64) {
        let room = deltas.iter().map(delta_bytes).fold(COLLECTION_BYTES + place.len(), add);
        self.sweep(room, now_secs);
        let Some(mut shard) = self.shard(place) else { return };
        let before = shard.collections.remove(place).unwrap_or_default();
        let held = collection_bytes(place, &before);
        let mut after = before.clone();
        Delta::apply_all(deltas, &mut after, now_secs);
        if !self.resize(held, collection_bytes(place, &after)) {
            let small: Vec<Delta> = deltas.iter().filter(|it| fits(it, &before)).cloned().collect();
            after = before;
            Delta::apply_all(&small, &mut after, now_secs);
            self.resize(held, collection_bytes(place, &after));
        }
        if !after.is_empty() {
            shard.collections.insert(place.to_owned(), after);
        }
    }

    /// Puts others in the place of all members. Where there is no room, those that were there take
    /// their new values as long as these are no longer than before.
    pub(super) fn replace_at(&self, place: &[u8], mut after: Vec<Stored>, now_secs: u64) {
        after.retain(|member| member.expires_secs > now_secs);
        self.sweep(collection_bytes(place, &after), now_secs);
        let Some(mut shard) = self.shard(place) else { return };
        let before = shard.collections.remove(place).unwrap_or_default();
        let held = collection_bytes(place, &before);
        if !self.resize(held, collection_bytes(place, &after)) {
            after.retain(|new| {
                let old = before.iter().find(|old| old.name == new.name);
                old.is_some_and(|old| new.value.len() <= old.value.len().max(NUMBER_BYTES))
            });
            self.resize(held, collection_bytes(place, &after));
        }
        if !after.is_empty() {
            shard.collections.insert(place.to_owned(), after);
        }
    }
}

impl Memory for InMemory {
    fn load(&self, collection: &str, key: &[u8], now_secs: u64) -> Vec<Stored> {
        self.load_at(&place(collection, key), now_secs)
    }

    fn apply(&self, collection: &str, key: &[u8], deltas: &[Delta], now_secs: u64) {
        self.apply_at(&place(collection, key), deltas, now_secs);
    }
}

impl Shard {
    /// Drops what expired; gives what it took.
    fn sweep(&mut self, now_secs: u64) -> usize {
        let mut freed: usize = 0;
        self.collections.retain(|place, members| {
            let before = collection_bytes(place, members);
            members.retain(|member| member.expires_secs > now_secs);
            freed = add(freed, before.saturating_sub(collection_bytes(place, members)));
            !members.is_empty()
        });
        freed
    }
}

/// Whether a delta takes no room: what is there counts on, goes, or is no longer than before.
fn fits(delta: &Delta, members: &[Stored]) -> bool {
    members.iter().find(|member| member.name == delta.name).is_some_and(|old| match &delta.change {
        DeltaChange::Set(value) => value.len() <= old.value.len().max(NUMBER_BYTES),
        DeltaChange::Add(_) | DeltaChange::Delete | DeltaChange::Keep => true,
    })
}

/// No name of a collection has a zero in it.
pub(super) fn place(collection: &str, key: &[u8]) -> Vec<u8> {
    [collection.as_bytes(), b"\0", key].concat()
}

fn delta_bytes(delta: &Delta) -> usize {
    let value: &[u8] = if let DeltaChange::Set(value) = &delta.change { value } else { &[] };
    member_bytes(&delta.name, value)
}

/// Nothing, when there are no members.
fn collection_bytes(place: &[u8], members: &[Stored]) -> usize {
    let members = members.iter().map(|member| member_bytes(&member.name, &member.value));
    let all = members.fold(0, add);
    if all == 0 { 0 } else { add(all, COLLECTION_BYTES + place.len()) }
}

fn member_bytes(name: &[u8], value: &[u8]) -> usize {
    add(MEMBER_BYTES, name.len() + value.len().max(NUMBER_BYTES))
}

fn add(one: usize, other: usize) -> usize {
    one.saturating_add(other)
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
