//! What one service has to do now: requests under way, and how many of them may be tried again.

use std::sync::atomic::{AtomicU32, Ordering};

/// A service's load over all its endpoints and doors. It outlives reloads.
#[derive(Debug, Default)]
pub struct Load {
    active: AtomicU32,
    retrying: AtomicU32,
    turns: AtomicU32,
}

/// How many tries may be made again at one time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget {
    /// Of the requests under way.
    pub percent: u32,
    /// Also when hardly anything is under way.
    pub floor: u32,
}

/// A request under way. Dropped, it is over.
#[derive(Debug)]
#[must_use]
pub struct Place<'a>(&'a Load);

/// A try again under way. Dropped, it is over.
#[derive(Debug)]
#[must_use]
pub struct Retrying<'a>(&'a Load);

impl Load {
    /// A request begins, or there are `max` already: the circuit breaker.
    pub fn enter(&self, max: u32) -> Option<Place<'_>> {
        // Counted first, so that two who come at once cannot both be the last one.
        let before = self.active.fetch_add(1, Ordering::Relaxed);
        let place = Place(self);
        (before < max).then_some(place)
    }

    /// A try again begins, if the budget has room.
    pub fn retry(&self, budget: Budget) -> Option<Retrying<'_>> {
        let share = u64::from(self.active()).saturating_mul(u64::from(budget.percent)) / 100;
        let allowed = u32::try_from(share).unwrap_or(u32::MAX).max(budget.floor);
        let more = |now: u32| (now < allowed).then(|| now.saturating_add(1));
        let taken = self.retrying.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_before| Retrying(self))
    }

    /// Requests under way.
    pub fn active(&self) -> u32 {
        self.active.load(Ordering::Relaxed)
    }

    /// Tries again under way.
    pub fn retrying(&self) -> u32 {
        self.retrying.load(Ordering::Relaxed)
    }

    /// The next turn of the round robin.
    pub(crate) fn turn(&self) -> u32 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { percent: 20, floor: 3 }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Retrying<'_> {
    fn drop(&mut self) {
        self.0.retrying.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_breaker_lets_in_as_many_as_it_says_and_one_more_after_one_left() {
        let load = Load::default();
        let first = load.enter(2).unwrap();
        let second = load.enter(2).unwrap();
        assert!(load.enter(2).is_none());
        assert_eq!(load.active(), 2);
        drop(first);
        assert!(load.enter(2).is_some());
        drop(second);
        assert_eq!(load.active(), 0);
    }

    proptest! {
        #[test]
        fn retries_are_never_more_than_the_budget(active in 0_u32..200, percent in 0_u32..=100, floor in 0_u32..10) {
            let (load, budget) = (Load::default(), Budget { percent, floor });
            let places: Vec<_> = (0..active).map(|_| load.enter(u32::MAX)).collect();
            let held: Vec<_> = std::iter::from_fn(|| load.retry(budget)).collect();
            prop_assert_eq!(held.len(), usize::try_from((active * percent / 100).max(floor)).unwrap());
            drop((places, held));
            prop_assert_eq!(load.retrying(), 0);
        }
    }

    #[test]
    fn threads_together_stay_within_the_budget() {
        let (load, broke) = (Load::default(), AtomicBool::new(false));
        let budget = Budget { percent: 0, floor: 3 };
        let take = || {
            for _ in 0..20_000 {
                let held = load.retry(budget);
                broke.fetch_or(load.retrying() > 3, Ordering::Relaxed);
                drop(held);
            }
        };
        thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(take))));
        assert!(!broke.into_inner());
        assert_eq!(load.retrying(), 0);
    }
}
