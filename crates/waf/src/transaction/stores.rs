//! `TX`, and the collections that are kept.

use std::collections::{BTreeMap, HashMap};

use crate::limits::DYNAMIC_MEMBERS_MAX;
use crate::memory::Delta;
use crate::rule::Store;
use crate::text::CheapHash;

/// The names of `TX` members that stand in rules, and the places of these members.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    places: HashMap<Box<[u8]>, u32, CheapHash>,
    /// By place.
    names: Vec<Box<[u8]>>,
}

impl Slots {
    pub(crate) fn new(places: HashMap<Box<[u8]>, u32>) -> Self {
        let mut names = vec![Box::default(); places.len()];
        for (name, slot) in &places {
            names
                .get_mut(*slot as usize)
                .into_iter()
                .for_each(|it: &mut Box<[u8]>| it.clone_from(name));
        }
        Self { places: places.into_iter().collect(), names }
    }
}

/// The members of `TX`: those that rules name have places, the others a map.
#[derive(Debug)]
pub(crate) struct TxStore<'a> {
    names: &'a Slots,
    slots: Vec<Slot<'a>>,
    /// The places that were ever set, in that order.
    used: Vec<u32>,
    others: BTreeMap<Vec<u8>, &'a [u8]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot<'a> {
    value: Option<&'a [u8]>,
    is_used: bool,
}

impl<'a> TxStore<'a> {
    pub(crate) fn new(names: &'a Slots) -> Self {
        let slots = vec![Slot::default(); names.names.len()];
        Self { names, slots, used: Vec::with_capacity(128), others: BTreeMap::new() }
    }

    /// By a name in lower case.
    pub(crate) fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        match self.names.places.get(name) {
            Some(slot) => self.at(*slot),
            None => self.others.get(name).copied(),
        }
    }

    pub(crate) fn at(&self, slot: u32) -> Option<&'a [u8]> {
        self.slots.get(slot as usize)?.value
    }

    pub(crate) fn set(&mut self, name: &[u8], value: Option<&'a [u8]>) {
        if let Some(slot) = self.names.places.get(name) {
            self.set_at(*slot, value);
            return;
        }
        match value {
            None => {
                self.others.remove(name);
            }
            Some(value) => {
                let has_room = self.others.len() < DYNAMIC_MEMBERS_MAX;
                if has_room || self.others.contains_key(name) {
                    self.others.insert(name.to_vec(), value);
                }
            }
        }
    }

    pub(crate) fn set_at(&mut self, slot: u32, value: Option<&'a [u8]>) {
        let Some(place) = self.slots.get_mut(slot as usize) else { return };
        place.value = value;
        if !std::mem::replace(&mut place.is_used, true) {
            self.used.push(slot);
        }
    }

    /// All members, in no order that means anything, but always in the same.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &'a [u8])> {
        let named = self
            .used
            .iter()
            .filter_map(|slot| Some((&**self.names.names.get(*slot as usize)?, self.at(*slot)?)));
        named.chain(self.others.iter().map(|(name, value)| (&**name, *value)))
    }
}

/// A member of a kept collection and when it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) value: &'a [u8],
    pub(crate) expires_secs: u64,
}

/// The kept collections that this transaction opened.
#[derive(Debug, Default)]
pub(crate) struct Persistent<'a> {
    pub(crate) open: Vec<Opened<'a>>,
}

/// A kept collection with its key.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) store: Store,
    pub(crate) key: &'a [u8],
    pub(crate) members: BTreeMap<Vec<u8>, Kept<'a>>,
    /// What this transaction changed, by name.
    pub(crate) deltas: BTreeMap<Vec<u8>, Delta>,
}

impl Opened<'_> {
    /// What was done to a member, to add to it. Names beyond the bound are not kept.
    pub(crate) fn delta(&mut self, key: &[u8], first_expiry: u64) -> Option<&mut Delta> {
        if self.deltas.len() >= DYNAMIC_MEMBERS_MAX && !self.deltas.contains_key(key) {
            return None;
        }
        let new = || Delta::new(key.to_vec(), first_expiry);
        Some(self.deltas.entry(key.to_vec()).or_insert_with(new))
    }
}

impl<'a> Persistent<'a> {
    pub(crate) fn get(&self, store: Store) -> Option<&Opened<'a>> {
        self.open.iter().find(|opened| opened.store == store)
    }

    pub(crate) fn get_mut(&mut self, store: Store) -> Option<&mut Opened<'a>> {
        self.open.iter_mut().find(|opened| opened.store == store)
    }
}

/// The name under which a collection is kept.
pub(crate) fn name(store: Store) -> &'static str {
    match store {
        Store::Global => "global",
        Store::Ip => "ip",
        Store::Resource => "resource",
        Store::Session => "session",
        Store::Tx => "tx",
        Store::User => "user",
    }
}
