//! Collections that outlive a transaction: `IP`, `SESSION`, `USER`, `GLOBAL`, `RESOURCE`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Keeps collections between transactions. The caller decides where: in memory, or shared.
pub trait Memory: std::fmt::Debug + Send + Sync {
    /// The members of a collection, without those that expired.
    fn load(&self, collection: &str, key: &[u8], now_secs: u64) -> Vec<Stored>;

    /// Replaces the members of a collection.
    fn save(&self, collection: &str, key: &[u8], members: Vec<Stored>);
}

/// A member of a kept collection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stored {
    /// In lower case.
    pub name: Vec<u8>,
    /// As text, as all values are.
    pub value: Vec<u8>,
    /// Seconds since the epoch after which it is gone.
    pub expires_secs: u64,
}

/// Keeps nothing: each transaction begins with empty collections.
#[derive(Clone, Copy, Debug)]
pub struct NoMemory;

impl Memory for NoMemory {
    fn load(&self, _collection: &str, _key: &[u8], _now_secs: u64) -> Vec<Stored> {
        Vec::new()
    }

    fn save(&self, _collection: &str, _key: &[u8], _members: Vec<Stored>) {}
}

/// Keeps a bounded number of collections in this process.
#[derive(Debug)]
pub struct InMemory {
    collections_max: usize,
    kept: Mutex<HashMap<(String, Vec<u8>), Vec<Stored>>>,
}

impl InMemory {
    /// Room for so many collections. When it is full and none has expired, a new one is not kept:
    /// whoever makes many keys cannot push out the counters of others.
    pub fn new(collections_max: usize) -> Self {
        Self { collections_max, kept: Mutex::new(HashMap::new()) }
    }
}

impl Memory for InMemory {
    fn load(&self, collection: &str, key: &[u8], now_secs: u64) -> Vec<Stored> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (collection.to_owned(), key.to_vec());
        let Some(members) = kept.get_mut(&place) else {
            // A full house is swept when somebody new comes.
            if kept.len() >= self.collections_max {
                kept.retain(|_, members| members.iter().any(|one| one.expires_secs > now_secs));
            }
            return Vec::new();
        };
        members.retain(|member| member.expires_secs > now_secs);
        if members.is_empty() {
            kept.remove(&place);
            return Vec::new();
        }
        members.clone()
    }

    fn save(&self, collection: &str, key: &[u8], members: Vec<Stored>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (collection.to_owned(), key.to_vec());
        if members.is_empty() {
            kept.remove(&place);
        } else if kept.len() < self.collections_max || kept.contains_key(&place) {
            kept.insert(place, members);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(expires_secs: u64) -> Vec<Stored> {
        vec![Stored { name: b"n".to_vec(), value: b"1".to_vec(), expires_secs }]
    }

    #[test]
    fn what_expired_is_gone_and_a_full_house_takes_nobody_in() {
        let memory = InMemory::new(1);
        memory.save("ip", b"a", member(10));
        assert_eq!(memory.load("ip", b"a", 9), member(10));
        memory.save("ip", b"b", member(10));
        assert_eq!(memory.load("ip", b"b", 9), []);
        assert_eq!(memory.load("ip", b"b", 11), []);
        memory.save("ip", b"b", member(20));
        assert_eq!(memory.load("ip", b"b", 11), member(20));
    }
}
