//! Collections that outlive a transaction: `IP`, `SESSION`, `USER`, `GLOBAL`, `RESOURCE`.
//!
//! A transaction reads a collection once and hands back what it changed, never the whole: two
//! requests of one key that both count are two counts, wherever the collections are.

mod in_memory;
mod replica;

use std::collections::BTreeMap;

use crate::cursor::atoi;
use crate::limits::DYNAMIC_MEMBERS_MAX;

pub use in_memory::InMemory;
pub use replica::{Found, Replica, Told};

/// Keeps collections between transactions. The caller decides where: in memory, or shared.
pub trait Memory: std::fmt::Debug + Send + Sync {
    /// The members of a collection, without those that expired.
    fn load(&self, collection: &str, key: &[u8], now_secs: u64) -> Vec<Stored>;

    /// Changes members of a collection. Each delta is applied to the member as it is now, which
    /// may be newer than what was loaded, and by one at a time: [`Delta::applied`] says how. There
    /// is at most one delta for a name, so that their order means nothing.
    fn apply(&self, collection: &str, key: &[u8], deltas: &[Delta], now_secs: u64);
}

/// A member of a kept collection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stored {
    /// In lower case.
    pub name: Vec<u8>,
    /// As text, as all values are.
    pub value: Vec<u8>,
    /// Seconds since the epoch from which on it is gone.
    pub expires_secs: u64,
}

/// What a transaction did to one member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delta {
    /// In lower case.
    pub name: Vec<u8>,
    /// What became of the value.
    pub change: DeltaChange,
    /// When it expires from now on (`expirevar`); `None`: as before.
    pub expires_secs: Option<u64>,
    /// When it expires if it was not there before.
    pub first_expires_secs: u64,
}

/// What became of a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DeltaChange {
    /// So much was added to it, or taken away; what is not there counts as 0.
    Add(i64),
    /// It is gone.
    Delete,
    /// It is as before; only its time may be another. What is not there stays away.
    Keep,
    /// It is another one.
    Set(Vec<u8>),
}

impl Delta {
    /// Nothing yet, for a member that a transaction is about to change.
    pub(crate) fn new(name: Vec<u8>, first_expires_secs: u64) -> Self {
        Self { name, change: DeltaChange::Keep, expires_secs: None, first_expires_secs }
    }

    /// One change more, after those before.
    pub(crate) fn then(&mut self, next: DeltaChange) {
        let was_deleted = self.change == DeltaChange::Delete;
        if was_deleted && next != DeltaChange::Keep {
            // It is made anew, and so is its time.
            self.expires_secs = Some(self.first_expires_secs);
        }
        let before = std::mem::replace(&mut self.change, DeltaChange::Keep);
        self.change = match (before, next) {
            (before, DeltaChange::Keep) => before,
            (DeltaChange::Add(sum), DeltaChange::Add(more)) => {
                DeltaChange::Add(sum.saturating_add(more))
            }
            (DeltaChange::Set(text), DeltaChange::Add(more)) => DeltaChange::Set(sum(&text, more)),
            (DeltaChange::Delete, DeltaChange::Add(more)) => DeltaChange::Set(sum(b"", more)),
            (_, DeltaChange::Delete) => {
                self.expires_secs = None;
                DeltaChange::Delete
            }
            (_, next) => next,
        };
    }

    /// What a later transaction did, after this.
    pub(crate) fn and_then(&mut self, later: &Self, now_secs: u64) {
        let ends_secs = self.expires_secs.unwrap_or(self.first_expires_secs);
        if ends_secs <= now_secs && self.change != DeltaChange::Delete {
            // What it did is over: the later one began anew.
            self.clone_from(later);
            return;
        }
        if self.change == DeltaChange::Delete {
            self.first_expires_secs = later.first_expires_secs;
        }
        self.then(later.change.clone());
        self.expires_secs = later.expires_secs.or(self.expires_secs);
    }

    /// The member after this delta; `None`: there is none.
    pub fn applied(&self, before: Option<&Stored>) -> Option<Stored> {
        let old = before.map_or(&b""[..], |before| &before.value);
        let value = match &self.change {
            DeltaChange::Add(amount) => sum(old, *amount),
            DeltaChange::Delete => return None,
            DeltaChange::Keep => before?.value.clone(),
            DeltaChange::Set(value) => value.clone(),
        };
        let known = before.map_or(self.first_expires_secs, |before| before.expires_secs);
        let expires_secs = self.expires_secs.unwrap_or(known);
        Some(Stored { name: self.name.clone(), value, expires_secs })
    }

    /// Members after deltas, for a memory that can hold a collection still meanwhile: those that
    /// expired are gone, and there are at most as many as one collection may have.
    pub fn apply_all(deltas: &[Self], members: &mut Vec<Stored>, now_secs: u64) {
        members.retain(|member| member.expires_secs > now_secs);
        let mut known: BTreeMap<Vec<u8>, Stored> =
            members.drain(..).map(|member| (member.name.clone(), member)).collect();
        for delta in deltas {
            let before = known.get(&delta.name);
            match delta.applied(before) {
                Some(after) if before.is_some() || known.len() < DYNAMIC_MEMBERS_MAX => {
                    known.insert(after.name.clone(), after);
                }
                Some(_) => {}
                None => drop(known.remove(&delta.name)),
            }
        }
        members.extend(known.into_values());
    }
}

fn sum(text: &[u8], amount: i64) -> Vec<u8> {
    atoi(text).saturating_add(amount).to_string().into_bytes()
}

/// Keeps nothing: each transaction begins with empty collections.
#[derive(Clone, Copy, Debug)]
pub struct NoMemory;

impl Memory for NoMemory {
    fn load(&self, _collection: &str, _key: &[u8], _now_secs: u64) -> Vec<Stored> {
        Vec::new()
    }

    fn apply(&self, _collection: &str, _key: &[u8], _deltas: &[Delta], _now_secs: u64) {}
}

#[cfg(test)]
mod tests;
