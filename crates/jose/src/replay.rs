//! Remembers what was used, until it is too old to pass anyway.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use ringwall_base::Timestamp;

/// Used proofs: two halves, of which the older is forgotten whole (attack Q5: no sweep to trigger).
#[derive(Debug)]
pub struct Replays {
    memory: Duration,
    halves: Mutex<Halves>,
}

#[derive(Debug, Default)]
struct Halves {
    turn: u64,
    now: HashSet<[u8; 16]>,
    before: HashSet<[u8; 16]>,
}

impl Replays {
    /// Remembers at least for `memory`, in whole seconds.
    pub fn new(memory: Duration) -> Self {
        Self { memory, halves: Mutex::default() }
    }

    /// Whether this is the first use of `id` by `holder`. When the memory is full the answer is no.
    pub fn first(&self, holder: &str, id: &str, now: Timestamp) -> bool {
        let turn = now.secs().checked_div(self.memory.as_secs()).unwrap_or_default();
        let key = key(holder, id);
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back forgets nothing.
        if turn > halves.turn {
            let now = std::mem::take(&mut halves.now);
            let is_next = halves.turn.checked_add(1) == Some(turn);
            halves.before = if is_next { now } else { HashSet::new() };
            halves.turn = turn;
        }
        let is_full = halves.now.len() >= ENTRIES_MAX;
        !is_full && !halves.before.contains(&key) && halves.now.insert(key)
    }
}

fn key(holder: &str, id: &str) -> [u8; 16] {
    let mut hash = Context::new(&SHA256);
    hash.update(&holder.len().to_be_bytes());
    hash.update(holder.as_bytes());
    hash.update(id.as_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(hash.finish().as_ref().get(..16).unwrap_or(&[0; 16]));
    key
}

/// Sixteen bytes each: 16 MiB at most, and 4,000 proofs a second for four minutes.
const ENTRIES_MAX: usize = 500_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_is_remembered_for_as_long_as_promised() {
        for start in [1_800_000_000, 1_800_000_059, 1_800_000_030] {
            let replays = Replays::new(Duration::from_mins(1));
            let at = Timestamp::from_secs(start);
            assert!(replays.first("key", "1", at));
            assert!(!replays.first("key", "1", at));
            assert!(replays.first("other", "1", at), "another holder");
            assert!(replays.first("ke", "y1", at), "no confusion of holder and id");
            assert!(!replays.first("key", "1", at.plus(Duration::from_secs(59))));
            assert!(!replays.first("key", "1", at.minus(Duration::from_mins(5))), "set back");
            assert!(replays.first("key", "1", at.plus(Duration::from_mins(2))));
        }
    }
}
