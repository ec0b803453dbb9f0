//! What passed here and was not yet said to the shared store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limit::Limit;
use crate::rates::Key;

/// All notes, by the key of the local table.
#[derive(Debug)]
pub(crate) struct Notes {
    is_open: AtomicBool,
    shards: Vec<Mutex<Shard>>,
    left_out: AtomicU64,
}

type Shard = HashMap<Key, Note>;

/// What passed under one name.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) key: Key,
    pub(crate) limit: Arc<Limit>,
    /// The name that all gateways give it.
    pub(crate) name: String,
    /// How much, as [`crate::rates::Pace::charge`] counts it.
    pub(crate) charge: u64,
    /// When the first of it passed.
    pub(crate) since: Duration,
}

impl Notes {
    pub(crate) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { is_open: AtomicBool::new(false), shards, left_out: AtomicU64::new(0) }
    }

    /// Whether counts are shared.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Starts to note, or stops and forgets.
    pub(crate) fn open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
        if !is_open {
            drop(self.take());
        }
    }

    /// Notes what passed. A limit is kept locally also when there is no room for the note.
    pub(crate) fn note(
        &self,
        (key, limit): (Key, &Arc<Limit>),
        cost: u32,
        at: Duration,
        name: impl FnOnce() -> String,
    ) {
        let Some(mut shard) = self.shard(key) else { return };
        let charge = limit.pace.charge(cost);
        if let Some(note) = shard.get_mut(&key) {
            note.charge = note.charge.saturating_add(charge);
            return;
        }
        let name = name();
        if shard.len() >= NOTES_PER_SHARD || name.len() > NAME_BYTES_MAX {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let limit = Arc::clone(limit);
        shard.insert(key, Note { key, limit, name, charge, since: at });
    }

    /// Takes all notes.
    pub(crate) fn take(&self) -> Vec<Note> {
        let lock = |shard: &Mutex<Shard>| {
            std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner))
        };
        self.shards.iter().flat_map(|shard| lock(shard).into_values()).collect()
    }

    /// How much was noted since the notes were taken.
    pub(crate) fn charge(&self, key: Key) -> u64 {
        self.shard(key).and_then(|shard| shard.get(&key).map(|note| note.charge)).unwrap_or(0)
    }

    /// Adds a note that could not be said.
    pub(crate) fn put_back(&self, note: Note) {
        let Some(mut shard) = self.shard(note.key) else { return };
        if let Some(newer) = shard.get_mut(&note.key) {
            newer.charge = newer.charge.saturating_add(note.charge);
            newer.since = newer.since.min(note.since);
        } else if shard.len() < NOTES_PER_SHARD {
            shard.insert(note.key, note);
        } else {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many notes found no room.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    fn shard(&self, key: Key) -> Option<MutexGuard<'_, Shard>> {
        let shard = self.shards.get(key.spread(SHARDS))?;
        // A poisoned shard holds whole notes still: every change is one step.
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Enough that two cores rarely meet.
const SHARDS: usize = 16;

/// 65,536 names between two exchanges, as many as a flood of new addresses can make.
const NOTES_PER_SHARD: usize = 4_096;

/// Longer than any subject: a store's name for a count.
const NAME_BYTES_MAX: usize = 512;
