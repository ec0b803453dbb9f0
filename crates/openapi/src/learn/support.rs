//! Who stands behind a fact, and maps that one caller cannot fill.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Lens;

/// How often something was seen, and by whom.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Support {
    pub(super) samples: u64,
    callers: Vec<u64>,
}

/// More callers are not told apart; nobody needs more to believe a fact.
pub(super) const CALLERS_MAX: usize = 16;

impl Support {
    pub(super) fn note(&mut self, caller: u64) {
        self.samples = self.samples.saturating_add(1);
        self.add(caller);
    }

    fn add(&mut self, caller: u64) {
        if self.callers.len() < CALLERS_MAX && !self.callers.contains(&caller) {
            self.callers.push(caller);
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.samples = self.samples.saturating_add(other.samples);
        for caller in &other.callers {
            self.add(*caller);
        }
    }

    pub(super) fn callers(&self) -> usize {
        self.callers.len()
    }

    /// Whether so many callers stand behind it. Of none, nothing is true.
    pub(super) fn is_by(&self, callers: usize) -> bool {
        self.callers() >= callers.clamp(1, CALLERS_MAX)
    }

    fn is_only_by(&self, caller: u64) -> bool {
        self.callers == [caller]
    }
}

/// Sizes by their bits: what is above a level is at least twice what is below.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Levels(BTreeMap<u8, Support>);

impl Levels {
    pub(super) fn note(&mut self, size: u128, caller: u64) {
        self.0.entry(level(size)).or_default().note(caller);
    }

    /// Notes how many there are.
    pub(super) fn count(&mut self, count: usize, caller: u64) {
        self.note(u128::try_from(count).unwrap_or(u128::MAX), caller);
    }

    /// Notes how many there were, all that often.
    pub(super) fn note_all(&mut self, count: usize, support: &Support) {
        let size = u128::try_from(count).unwrap_or(u128::MAX);
        self.0.entry(level(size)).or_default().join(support);
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (level, support) in &other.0 {
            self.0.entry(*level).or_default().join(support);
        }
    }

    /// The highest level that so many callers reached.
    pub(super) fn top(&self, callers: usize) -> Option<u8> {
        let mut above = Support::default();
        for (level, support) in self.0.iter().rev() {
            above.join(support);
            if above.is_by(callers) {
                return Some(*level);
            }
        }
        None
    }

    /// What lies above a level.
    pub(super) fn above(&self, level: u8) -> Support {
        let mut above = Support::default();
        for (_, support) in self.0.range(level.saturating_add(1)..) {
            above.join(support);
        }
        above
    }
}

fn level(size: u128) -> u8 {
    u8::try_from(u128::BITS.saturating_sub(size.leading_zeros())).unwrap_or(u8::MAX)
}

/// Things by name, a bounded number of them, and few of one caller alone.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Slots<T> {
    known: BTreeMap<String, Slot<T>>,
    /// What found no room.
    pub(super) lost: Support,
}

/// One thing.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Slot<T> {
    pub(super) support: Support,
    pub(super) value: T,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), lost: Support::default() }
    }
}

impl<T: Default> Slots<T> {
    /// Notes a name. `None` when there is no room for it.
    pub(super) fn note(&mut self, name: &str, max: usize, seen: &mut Seen<'_>) -> Option<&mut T> {
        if !self.known.contains_key(name) && !self.has_room(max, seen) {
            self.lost.note(seen.caller);
            return None;
        }
        let slot = self.known.entry(name.to_owned()).or_insert_with(|| {
            *seen.room = seen.room.saturating_sub(1);
            Slot { support: Support::default(), value: T::default() }
        });
        slot.support.note(seen.caller);
        Some(&mut slot.value)
    }

    fn has_room(&self, max: usize, seen: &Seen<'_>) -> bool {
        let own = || self.known.values().filter(|one| one.support.is_only_by(seen.caller)).count();
        *seen.room > 0
            && self.known.len() < max
            // Names that nobody else confirmed: whoever sends many keeps no room from others.
            && (seen.needed <= 1 || own() < OWN_MAX)
    }
}

impl<T> Slots<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Slot<T>)> {
        self.known.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut Slot<T>)> {
        self.known.iter_mut()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Slot<T>> {
        self.known.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.known.get_mut(name).map(|slot| &mut slot.value)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// Takes over what another one knows; `merge` joins what both know.
    pub(super) fn join(&mut self, other: Self, merge: impl Fn(&mut T, T)) {
        self.lost.join(&other.lost);
        for (name, slot) in other.known {
            match self.known.get_mut(&name) {
                Some(own) => {
                    own.support.join(&slot.support);
                    merge(&mut own.value, slot.value);
                }
                None => drop(self.known.insert(name, slot)),
            }
        }
    }
}

/// Names of one map that one caller alone stands for.
const OWN_MAX: usize = 8;

/// Who looks, and how much room there is.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) caller: u64,
    pub(super) needed: usize,
    pub(super) salt: u64,
    hidden: &'a BTreeSet<String>,
    /// Whether no value is kept where it looks now.
    pub(super) is_hidden: bool,
    pub(super) room: &'a mut usize,
}

impl<'a> Seen<'a> {
    pub(super) fn new(caller: u64, lens: &Lens<'a>, room: &'a mut usize) -> Self {
        let Lens { needed, hidden, salt } = *lens;
        Self { caller, needed: needed.callers, salt, hidden, is_hidden: false, room }
    }

    /// Looks below a name, and hides values where the name says so.
    pub(super) fn below<T>(&mut self, name: &str, look: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.is_hidden;
        let name = name.to_lowercase();
        self.is_hidden |=
            self.hidden.contains(&name) || SECRETS.iter().any(|word| name.contains(word));
        let found = look(self);
        self.is_hidden = before;
        found
    }
}

/// What is in the name of a field whose values nobody writes into a file.
const SECRETS: [&str; 10] =
    ["auth", "code", "credential", "key", "pass", "pin", "pwd", "secret", "session", "token"];
