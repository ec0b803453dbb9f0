//! Collections of which other processes have copies.
//!
//! Rules read and change the copy that is here, and wait for nobody. What they changed is noted and
//! handed to whoever tells the others ([`Replica::take`]); what all together came to replaces the
//! copy ([`Replica::learn`]), with what was changed here since then. A change is handed out once:
//! whoever takes it tells it until it is heard.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::in_memory::place;
use super::{Delta, DeltaChange, InMemory, Memory, Stored};

/// A copy in this process of what several keep together, while it is shared; else collections of
/// this process alone.
#[derive(Debug)]
pub struct Replica {
    local: InMemory,
    is_shared: AtomicBool,
    /// With a secret of this process, as [`InMemory`] has one.
    hasher: RandomState,
    /// By place of the collection. INVARIANT: a collection changes, and is learned, under the lock
    /// of its shard; so what was handed out and what is noted are together all that was changed.
    shards: Vec<Mutex<HashMap<Vec<u8>, Note>>>,
    /// Collections that somebody waits for.
    urgent: Mutex<Vec<Vec<u8>>>,
    noted: AtomicUsize,
    changes: AtomicUsize,
    left_out: AtomicU64,
}

/// What is to be said of a collection, and when it was heard of last.
#[derive(Debug, Default)]
struct Note {
    deltas: BTreeMap<Vec<u8>, Delta>,
    /// It was read or changed since it was handed out.
    is_used: bool,
    learned_secs: Option<u64>,
}

/// A collection as a transaction finds it.
#[derive(Debug)]
pub struct Found {
    /// Its members, without those that expired.
    pub members: Vec<Stored>,
    /// Whether it was heard of lately. It is not the first time a process sees it, nor after a while
    /// without use; whoever can wait a moment sees more.
    pub is_fresh: bool,
}

/// A collection to tell others of, and to ask them for.
#[derive(Debug)]
pub struct Told {
    /// Which one: its name, a zero, its key.
    pub place: Vec<u8>,
    /// What was changed here since it was told last. At most [`Replica::MEMBERS_MAX`].
    pub deltas: Vec<Delta>,
    /// The copy, these changes included: for others that know nothing of it. Bounded likewise.
    pub members: Vec<Stored>,
}

impl Replica {
    /// What is longer than this is not shared: names of members, in bytes.
    pub const NAME_BYTES_MAX: usize = 256;
    /// The same for their values.
    pub const VALUE_BYTES_MAX: usize = 1_024;
    /// More members of one collection are not shared.
    pub const MEMBERS_MAX: usize = 256;
    /// Names and values of one collection that are shared.
    pub const COLLECTION_BYTES_MAX: usize = 16 * 1_024;

    /// Not shared yet. Room as in [`InMemory::new`].
    pub fn new(collections: usize) -> Self {
        Self {
            local: InMemory::new(collections),
            is_shared: AtomicBool::new(false),
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            urgent: Mutex::default(),
            noted: AtomicUsize::new(0),
            changes: AtomicUsize::new(0),
            left_out: AtomicU64::new(0),
        }
    }

    /// Begins to note what changes, or ends it and forgets the notes.
    pub fn share(&self, is_shared: bool) {
        self.is_shared.store(is_shared, Ordering::Relaxed);
        if is_shared {
            return;
        }
        for shard in &self.shards {
            lock(shard).retain(|_, note| self.drop_note(note));
        }
        lock(&self.urgent).clear();
    }

    /// Changes that found no room in the notes, or were too long to be shared: they hold here only.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// A collection, and whether it was heard of lately; when not, it is wanted at once.
    pub fn find(&self, collection: &str, key: &[u8], now_secs: u64) -> Found {
        let place = place(collection, key);
        let is_fresh = !self.is_shared() || self.ask(&place, now_secs);
        Found { members: self.local.load_at(&place, now_secs), is_fresh }
    }

    /// Whether a collection was heard of lately, or nobody can be asked for it.
    pub fn is_fresh(&self, collection: &str, key: &[u8], now_secs: u64) -> bool {
        let place = place(collection, key);
        !self.is_shared()
            || self
                .shard(&place)
                .is_none_or(|shard| shard.get(&place).is_none_or(|note| note.is_fresh(now_secs)))
    }

    /// What is to be told now: all that was used since the last time.
    pub fn take(&self, now_secs: u64) -> Vec<Told> {
        lock(&self.urgent).clear();
        let mut all = Vec::new();
        for shard in &self.shards {
            lock(shard).retain(|place, note| {
                let is_due = note.is_used || !note.deltas.is_empty();
                let stays = is_due || note.is_fresh(now_secs);
                all.extend(is_due.then(|| self.told(place, note, now_secs)));
                stays || self.drop_note(note)
            });
        }
        all
    }

    /// The same for what somebody waits for.
    pub fn take_urgent(&self, now_secs: u64) -> Vec<Told> {
        let urgent = std::mem::take(&mut *lock(&self.urgent));
        let one = |place: Vec<u8>| {
            let mut shard = self.shard(&place)?;
            let note = shard.get_mut(&place).filter(|note| note.is_used)?;
            Some(self.told(&place, note, now_secs))
        };
        urgent.into_iter().filter_map(one).collect()
    }

    /// Takes over what all together came to. What changed here since it was told is added; what is
    /// too long to be shared stays, and what found no room where all is kept.
    pub fn learn(&self, place: &[u8], members: Vec<Stored>, now_secs: u64) {
        let Some(mut shard) = self.shard(place) else { return };
        let is_full = is_full(&members);
        let mut after = members;
        for one in self.local.load_at(place, now_secs) {
            if !is_shareable(&one) {
                after.retain(|other| other.name != one.name);
                after.push(one);
            } else if is_full && !after.iter().any(|other| other.name == one.name) {
                after.push(one);
            }
        }
        if let Some(note) = shard.get_mut(place) {
            note.learned_secs = Some(now_secs);
            let deltas: Vec<Delta> = note.deltas.values().cloned().collect();
            Delta::apply_all(&deltas, &mut after, now_secs);
        }
        self.local.replace_at(place, after, now_secs);
    }

    fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Relaxed)
    }

    /// Wants to hear of a collection; says whether it was heard of lately.
    fn ask(&self, place: &[u8], now_secs: u64) -> bool {
        let Some(mut shard) = self.shard(place) else { return true };
        let Some(note) = self.note(&mut shard, place) else { return true };
        let was_used = std::mem::replace(&mut note.is_used, true);
        if note.is_fresh(now_secs) {
            return true;
        }
        if was_used {
            return false;
        }
        let mut urgent = lock(&self.urgent);
        let has_room = urgent.len() < URGENT_MAX;
        if has_room {
            urgent.push(place.to_owned());
        }
        !has_room
    }

    fn told(&self, place: &[u8], note: &mut Note, now_secs: u64) -> Told {
        note.is_used = false;
        let mut bytes: usize = 0;
        let mut deltas = Vec::new();
        while let Some(first) = note.deltas.first_entry() {
            bytes = bytes.saturating_add(delta_bytes(first.get()));
            let is_full = deltas.len() >= Self::MEMBERS_MAX || bytes > Self::COLLECTION_BYTES_MAX;
            if is_full && !deltas.is_empty() {
                break;
            }
            deltas.push(first.remove());
        }
        self.changes.fetch_sub(deltas.len(), Ordering::Relaxed);
        let mut room = Self::COLLECTION_BYTES_MAX;
        let mut has_room = |one: &Stored| {
            let after = room.checked_sub(one.name.len().saturating_add(one.value.len()));
            after.inspect(|after| room = *after).is_some()
        };
        let members = self.local.load_at(place, now_secs).into_iter();
        let members = members.filter(|one| is_shareable(one) && has_room(one));
        Told { place: place.to_owned(), deltas, members: members.take(Self::MEMBERS_MAX).collect() }
    }

    fn note<'a>(
        &self,
        shard: &'a mut HashMap<Vec<u8>, Note>,
        place: &[u8],
    ) -> Option<&'a mut Note> {
        if place.len() > PLACE_BYTES_MAX {
            return None;
        }
        if !shard.contains_key(place) {
            let more = |noted: usize| noted.checked_add(1).filter(|noted| *noted <= NOTES_MAX);
            self.noted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        }
        Some(shard.entry(place.to_owned()).or_default())
    }

    /// Counts a note out, which does not stay.
    fn drop_note(&self, note: &Note) -> bool {
        self.noted.fetch_sub(1, Ordering::Relaxed);
        self.changes.fetch_sub(note.deltas.len(), Ordering::Relaxed);
        false
    }

    fn write_down(&self, note: Option<&mut Note>, deltas: &[Delta], now_secs: u64) {
        let Some(note) = note else {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        };
        note.is_used = true;
        for delta in deltas {
            if let Some(before) = note.deltas.get_mut(&delta.name) {
                before.and_then(delta, now_secs);
                continue;
            }
            let more = |all: usize| all.checked_add(1).filter(|all| *all <= CHANGES_MAX);
            let has_room = is_delta_shareable(delta)
                && self.changes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
            if has_room {
                note.deltas.insert(delta.name.clone(), delta.clone());
            } else {
                self.left_out.fetch_add(1, Ordering::Relaxed);
            }
        }
        let before = note.deltas.len();
        // A value that became too long while it waited is of this process alone, too.
        note.deltas.retain(|_, delta| is_delta_shareable(delta));
        let gone = before.saturating_sub(note.deltas.len());
        self.changes.fetch_sub(gone, Ordering::Relaxed);
    }

    fn shard(&self, place: &[u8]) -> Option<MutexGuard<'_, HashMap<Vec<u8>, Note>>> {
        let shards = u64::try_from(self.shards.len()).unwrap_or(u64::MAX);
        let number = self.hasher.hash_one(place).checked_rem(shards)?;
        self.shards.get(usize::try_from(number).ok()?).map(lock)
    }
}

impl Memory for Replica {
    fn load(&self, collection: &str, key: &[u8], now_secs: u64) -> Vec<Stored> {
        self.find(collection, key, now_secs).members
    }

    fn apply(&self, collection: &str, key: &[u8], deltas: &[Delta], now_secs: u64) {
        let place = place(collection, key);
        if !self.is_shared() {
            return self.local.apply_at(&place, deltas, now_secs);
        }
        let Some(mut shard) = self.shard(&place) else { return };
        self.local.apply_at(&place, deltas, now_secs);
        self.write_down(self.note(&mut shard, &place), deltas, now_secs);
    }
}

impl Note {
    fn is_fresh(&self, now_secs: u64) -> bool {
        self.learned_secs.is_some_and(|then| now_secs.saturating_sub(then) < FRESH_SECS)
    }
}

fn is_shareable(one: &Stored) -> bool {
    one.name.len() <= Replica::NAME_BYTES_MAX && one.value.len() <= Replica::VALUE_BYTES_MAX
}

/// Whether a collection may have no room for one member more.
fn is_full(members: &[Stored]) -> bool {
    let bytes: usize = members.iter().map(|one| one.name.len() + one.value.len()).sum();
    let left = Replica::COLLECTION_BYTES_MAX.saturating_sub(bytes);
    let longest = Replica::NAME_BYTES_MAX + Replica::VALUE_BYTES_MAX;
    members.len() >= Replica::MEMBERS_MAX || left < longest
}

fn is_delta_shareable(delta: &Delta) -> bool {
    let value: &[u8] = if let DeltaChange::Set(value) = &delta.change { value } else { &[] };
    delta.name.len() <= Replica::NAME_BYTES_MAX && value.len() <= Replica::VALUE_BYTES_MAX
}

fn delta_bytes(delta: &Delta) -> usize {
    let value = if let DeltaChange::Set(value) = &delta.change { value.len() } else { 0 };
    delta.name.len().saturating_add(value)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Parts with a lock each, as in [`InMemory`].
const SHARDS: usize = 64;

/// A collection with a longer name is of this process alone: callers choose names, and notes are not to
/// be as large as what they send. With all notes that there may be, 16 MiB.
const PLACE_BYTES_MAX: usize = 1_024;

/// Collections noted at once: those of some seconds. Beyond it, what is changed holds here only.
const NOTES_MAX: usize = 16_384;

/// Changes noted at once; with values as long as may be, 40 MiB.
const CHANGES_MAX: usize = 32_768;

/// Collections that are asked for at once; more are not waited for.
const URGENT_MAX: usize = 1_024;

/// What was heard of so long ago is asked for again before it is believed: short, because nobody
/// tells of a collection that is not used here, and long enough that of the requests of one page only
/// the first one waits. While a collection is in use it is heard of ten times a second.
const FRESH_SECS: u64 = 2;

#[cfg(test)]
mod tests;
