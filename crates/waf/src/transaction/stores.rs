//! `TX`, and the collections that are kept.

use std::collections::{BTreeMap, HashMap};

use crate::limits::DYNAMIC_MEMBERS_MAX;
use crate::rule::Store;

/// The names of `TX` members that stand in rules, and the places of these members.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    places: HashMap<Box<[u8]>, u32>,
    /// In the order of the names.
    sorted: Vec<(Box<[u8]>, u32)>,
}

impl Slots {
    pub(crate) fn new(places: HashMap<Box<[u8]>, u32>) -> Self {
        let mut sorted: Vec<_> = places.iter().map(|(name, slot)| (name.clone(), *slot)).collect();
        sorted.sort_unstable();
        Self { places, sorted }
    }
}

/// The members of `TX`: those that rules name have places, the others a map.
#[derive(Debug)]
pub(crate) struct TxStore<'a> {
    names: &'a Slots,
    slots: Vec<Option<&'a [u8]>>,
    others: BTreeMap<Vec<u8>, &'a [u8]>,
}

impl<'a> TxStore<'a> {
    pub(crate) fn new(names: &'a Slots) -> Self {
        Self { names, slots: vec![None; names.sorted.len()], others: BTreeMap::new() }
    }

    /// By a name in lower case.
    pub(crate) fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        match self.names.places.get(name) {
            Some(slot) => self.at(*slot),
            None => self.others.get(name).copied(),
        }
    }

    pub(crate) fn at(&self, slot: u32) -> Option<&'a [u8]> {
        usize::try_from(slot).ok().and_then(|slot| *self.slots.get(slot)?)
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
        let place = usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot));
        if let Some(place) = place {
            *place = value;
        }
    }

    /// All members, in no order that means anything, but always in the same.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &'a [u8])> {
        let named = self.names.sorted.iter();
        let named = named.filter_map(|(name, slot)| Some((&**name, self.at(*slot)?)));
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
    pub(crate) is_changed: bool,
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
