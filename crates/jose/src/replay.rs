//! Remembers what was used, until it is too old to pass anyway.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use ringwall_base::Timestamp;

/// Used proofs. Each shard has two halves, of which the older is forgotten whole, so that there is no
/// sweep to trigger (attack Q5). Who uses more than a share is refused alone.
#[derive(Debug)]
pub struct Replays {
    memory: Duration,
    shards: Vec<Mutex<Shard>>,
    shard_max: usize,
    holder_max: u32,
}

/// What came of a use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Use {
    /// It is the first one, and is remembered.
    First,
    /// It was used before.
    Again,
    /// There is no room to remember it: its holder uses too many, or all together do.
    Full,
}

#[derive(Debug, Default)]
struct Shard {
    turn: u64,
    now: Half,
    before: Half,
}

#[derive(Debug, Default)]
struct Half {
    used: HashSet<Key>,
    by_holder: HashMap<Key, u32>,
}

type Key = [u8; 16];

impl Replays {
    /// Remembers at least for `memory`, in whole seconds.
    pub fn new(memory: Duration) -> Self {
        Self::bounded(memory, ENTRIES_MAX, HOLDER_MAX)
    }

    fn bounded(memory: Duration, entries_max: usize, holder_max: u32) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { memory, shards, shard_max: entries_max / SHARDS, holder_max }
    }

    /// Notes that `holder` uses `id`.
    pub fn note(&self, holder: &str, id: &str, now: Timestamp) -> Use {
        let turn = now.secs().checked_div(self.memory.as_secs()).unwrap_or_default();
        let (holder, key) = (hash(&[holder]), hash(&[holder, id]));
        let shard = self.shards.get(usize::from(holder[0]) % SHARDS);
        let Some(shard) = shard else { return Use::Full };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.turn_to(turn);
        if shard.now.used.contains(&key) || shard.before.used.contains(&key) {
            return Use::Again;
        }
        let is_full = shard.now.used.len() >= self.shard_max;
        let count = shard.now.by_holder.entry(holder).or_default();
        if is_full || *count >= self.holder_max {
            return Use::Full;
        }
        *count = count.saturating_add(1);
        shard.now.used.insert(key);
        Use::First
    }
}

impl Shard {
    /// One step, however far the clock went: a jump forgets nothing that may still pass. After a jump
    /// back the next step is a whole turn away.
    fn turn_to(&mut self, turn: u64) {
        if turn > self.turn {
            std::mem::swap(&mut self.now, &mut self.before);
            self.now.used.clear();
            self.now.by_holder.clear();
            self.turn = turn;
        } else if self.turn.saturating_sub(turn) > 1 {
            self.turn = turn.saturating_add(1);
        }
    }
}

/// Of texts with their lengths, so that no two lists are one.
fn hash(texts: &[&str]) -> Key {
    let mut hash = Context::new(&SHA256);
    for text in texts {
        hash.update(&text.len().to_be_bytes());
        hash.update(text.as_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(hash.finish().as_ref().get(..16).unwrap_or(&[0; 16]));
    key
}

/// Data plane threads meet here.
const SHARDS: usize = 64;

/// A turn of a minute: 35,000 uses a second by many holders. Both halves of all shards, full, are
/// about 70 MiB; they are empty where no proofs are used.
const ENTRIES_MAX: usize = 2_097_152;

/// Of one holder: 1,000 a second.
const HOLDER_MAX: u32 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn what_was_used_is_remembered_for_as_long_as_promised() {
        for start in [1_800_000_000, 1_800_000_059, 1_800_000_030] {
            let replays = Replays::new(MINUTE);
            let at = Timestamp::from_secs(start);
            assert_eq!(replays.note("key", "1", at), Use::First);
            assert_eq!(replays.note("key", "1", at), Use::Again);
            assert_eq!(replays.note("other", "1", at), Use::First, "another holder");
            assert_eq!(replays.note("ke", "y1", at), Use::First, "no confusion of holder and id");
            assert_eq!(replays.note("key", "1", at.plus(MINUTE)), Use::Again);
            assert_eq!(replays.note("key", "1", at.plus(MINUTE * 3)), Use::First);
        }
    }

    #[test]
    fn a_jump_of_the_clock_forgets_nothing_that_may_still_pass() {
        for jump in [MINUTE * 2, Duration::from_hours(24)] {
            let (replays, at) = (Replays::new(MINUTE), Timestamp::from_secs(1_800_000_059));
            replays.note("key", "1", at);
            let there = at.plus(jump);
            assert_eq!(replays.note("key", "1", there), Use::Again);
            replays.note("key", "2", there);
            for back in [0, 1, 30, 60] {
                let back = at.plus(Duration::from_secs(back));
                assert_eq!(replays.note("key", "1", back), Use::Again, "{jump:?} {back}");
            }
            // It goes on forgetting, and does not wait until the clock is there again.
            replays.note("key", "3", at.plus(MINUTE * 3));
            replays.note("key", "4", at.plus(MINUTE * 4));
            assert_eq!(replays.note("key", "2", at.plus(MINUTE * 5)), Use::First, "{jump:?}");
        }
    }

    #[test]
    fn who_uses_too_many_is_refused_alone_and_goes_on_in_the_next_turn() {
        let (replays, at) = (Replays::bounded(MINUTE, 1_000_000, 3), Timestamp::from_secs(6_000));
        for id in ["1", "2", "3"] {
            assert_eq!(replays.note("key", id, at), Use::First);
        }
        assert_eq!(replays.note("key", "4", at), Use::Full);
        assert_eq!(replays.note("key", "1", at), Use::Again, "that is known all the same");
        assert_eq!(replays.note("other", "1", at), Use::First);
        assert_eq!(replays.note("key", "4", at.plus(MINUTE)), Use::First);
        let replays = Replays::bounded(MINUTE, SHARDS, 3);
        assert_eq!(replays.note("key", "1", at), Use::First);
        assert_eq!(replays.note("key", "2", at), Use::Full, "of all together");
    }
}
