//! The members of one zone, in the order that the method wants them.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::Method;
use crate::alias::Alias;
use crate::member::Member;
use crate::table::Table;
use crate::turns::Turns;

/// All members of one rank.
#[derive(Debug)]
pub(crate) struct Tier {
    /// Where they are in the group.
    indexes: Vec<usize>,
    order: Order,
    /// Rolls below it, and not below that of the tier before, come here: hundredths.
    below: AtomicU32,
    /// Weight of the members that can be asked, as last counted.
    weight: AtomicU32,
}

#[derive(Debug)]
enum Order {
    Drawn(Alias),
    Hashed(Table),
    Turns(Turns),
}

impl Tier {
    pub(crate) fn new(members: &[Member], rank: u8, method: Method) -> Self {
        let (indexes, mine): (Vec<usize>, Vec<&Member>) =
            members.iter().enumerate().filter(|(_, member)| member.rank == rank).unzip();
        let weights: Vec<u32> = mine.iter().map(|member| member.weight()).collect();
        let order = match method {
            Method::Least => Order::Drawn(Alias::new(&weights)),
            Method::RoundRobin => Order::Turns(Turns::new(&weights)),
            Method::Hash => {
                let keyed = mine.iter().map(|member| (member.state.key(), member.weight()));
                Order::Hashed(Table::new(&keyed.collect::<Vec<_>>()))
            }
        };
        let weight = AtomicU32::new(weights.iter().sum());
        Self { indexes, order, below: AtomicU32::new(0), weight }
    }

    /// One per rank, in order of failover.
    pub(crate) fn all(members: &[Member], method: Method) -> Vec<Self> {
        let mut ranks: Vec<u8> = members.iter().map(|member| member.rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
        ranks.into_iter().map(|rank| Self::new(members, rank, method)).collect()
    }

    /// Members of it, as places in the group.
    pub(crate) fn indexes(&self) -> &[usize] {
        &self.indexes
    }

    /// A member by weight, for 32 random bits.
    pub(crate) fn draw(&self, bits: u32) -> Option<usize> {
        match &self.order {
            Order::Drawn(alias) => self.indexes.get(alias.draw(bits)?).copied(),
            Order::Hashed(_) | Order::Turns(_) => None,
        }
    }

    /// The member of a turn.
    pub(crate) fn turn(&self, turn: u32) -> Option<usize> {
        match &self.order {
            Order::Turns(turns) => self.indexes.get(turns.at(turn)?).copied(),
            Order::Drawn(_) | Order::Hashed(_) => None,
        }
    }

    /// The member of a key.
    pub(crate) fn hashed(&self, key: u64) -> Option<usize> {
        match &self.order {
            Order::Hashed(table) => self.indexes.get(table.at(key)?).copied(),
            Order::Drawn(_) | Order::Turns(_) => None,
        }
    }

    /// Notes what was counted: where its rolls end, and what weight can be asked.
    pub(crate) fn note(&self, below: u32, weight: u32) {
        self.below.store(below, Ordering::Relaxed);
        self.weight.store(weight, Ordering::Relaxed);
    }

    /// Whether a roll of 0 to 99 that no tier before it took comes here.
    pub(crate) fn takes(&self, roll: u32) -> bool {
        roll < self.below.load(Ordering::Relaxed)
    }

    /// Weight of the members that can be asked.
    pub(crate) fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }
}
