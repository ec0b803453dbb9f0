//! How many bytes of bodies are held for rules at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound over all requests.
#[derive(Debug)]
pub(super) struct Room {
    taken: AtomicUsize,
    bytes_max: usize,
}

impl Room {
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { taken: AtomicUsize::new(0), bytes_max }
    }

    /// Takes so much, or nothing when there is no room for it.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let more = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Gives back what was taken.
    pub(super) fn give_back(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_can_be_taken_again_and_no_more_than_there_is() {
        let room = Room::new(10);
        assert!(room.take(6) && room.take(4));
        assert!(!room.take(1));
        room.give_back(4);
        assert!(!room.take(5) && !room.take(usize::MAX));
        assert!(room.take(4));
    }
}
