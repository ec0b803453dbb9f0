//! Consistent hashing: a Maglev table (Eisenbud and others, NSDI 2016, section 3.4).
//!
//! One memory access finds the member of a key, for any number of members; a ring takes a binary
//! search, rendezvous hashing a look at everybody. Members that come and go move little more than
//! their own share of the keys. A member that is only out for a while stays in the table: the keys
//! that it cannot serve go by rendezvous hashing (see `tier`), so that the others' keys stay.

use crate::dice::mix;

/// Which member each of the slots belongs to.
#[derive(Debug)]
pub(crate) struct Table(Vec<u16>);

/// A member that still takes slots, in its own order of preference.
struct Taker {
    member: u16,
    next: u64,
    step: u64,
    weight: u64,
    credit: u64,
}

impl Table {
    /// A table for members with these keys and weights.
    pub(crate) fn new(members: &[(u64, u32)]) -> Self {
        if members.is_empty() {
            return Self(Vec::new());
        }
        let slots = u64::try_from(SLOTS).unwrap_or(1);
        let heaviest = members.iter().map(|(_, weight)| u64::from(*weight)).max().unwrap_or(1);
        let mut takers: Vec<Taker> = (0_u16..).zip(members).map(|one| taker(one, slots)).collect();
        let mut table: Vec<Option<u16>> = vec![None; SLOTS];
        let mut free = SLOTS;
        while free > 0 {
            for taker in takers.iter_mut().filter_map(|taker| taker.turn(heaviest)).take(free) {
                taker.take(&mut table, slots);
                free = free.saturating_sub(1);
            }
        }
        Self(table.into_iter().flatten().collect())
    }

    /// The member of a key.
    pub(crate) fn at(&self, key: u64) -> Option<usize> {
        let slot = key.checked_rem(u64::try_from(self.0.len()).ok()?)?;
        self.0.get(usize::try_from(slot).ok()?).copied().map(usize::from)
    }
}

impl Taker {
    /// Whether it may take a slot in this round: the heaviest in each, the others now and then.
    fn turn(&mut self, heaviest: u64) -> Option<&mut Self> {
        self.credit = self.credit.saturating_add(self.weight);
        self.credit = self.credit.checked_sub(heaviest)?;
        Some(self)
    }

    fn take(&mut self, table: &mut [Option<u16>], slots: u64) {
        loop {
            let at = usize::try_from(self.next).unwrap_or(0);
            self.next = self.next.wrapping_add(self.step).checked_rem(slots).unwrap_or(0);
            match table.get_mut(at) {
                Some(free @ None) => {
                    *free = Some(self.member);
                    return;
                }
                Some(Some(_)) => {}
                None => return,
            }
        }
    }
}

fn taker((member, (key, weight)): (u16, &(u64, u32)), slots: u64) -> Taker {
    let (offset, skip) = (mix(*key), mix(key ^ SKIP));
    Taker {
        member,
        next: offset.checked_rem(slots).unwrap_or(0),
        // The size is prime, so every step visits every slot.
        step: skip.checked_rem(slots.saturating_sub(1)).unwrap_or(0).saturating_add(1),
        weight: u64::from(*weight),
        credit: 0,
    }
}

/// A prime, and the same for every number of members: another size would move every key. With six
/// hundred members each has a hundred slots, and shares differ by one percent (the paper's section
/// 5.3). A table takes 128 KiB and is built in about a millisecond.
const SLOTS: usize = 65_521;

/// Makes a second hash out of a key.
const SKIP: u64 = 0x5851_f42d_4c95_7f2d;

#[cfg(test)]
mod tests;
