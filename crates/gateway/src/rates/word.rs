//! What is counted of one key, in the 64 bits that one compare-and-swap can change.
//!
//! ```text
//!  63      57  56  55                            0
//! | generation | K | K=0: arrival time in ticks    |
//! |            |   | K=1: end (28), used (28)      |
//! ```

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One key's word.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Word(u64);

impl Word {
    pub(super) fn of(word: &AtomicU64) -> Self {
        Self(word.load(Ordering::Acquire))
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Of a rate: when the key is idle again.
    pub(super) fn arrival(at: u64) -> Self {
        Self(at.min(PAYLOAD))
    }

    /// Of a quota: when its window ends, and how much of it is used.
    pub(super) fn window(end: u64, used: u64) -> Self {
        let end = end.div_ceil(WINDOW_TICKS).min(HALF);
        Self(WINDOW | end << HALF_BITS | used.min(HALF))
    }

    /// The arrival time; zero, which is long ago, when a quota was counted here.
    pub(super) const fn as_arrival(self) -> u64 {
        if self.0 & WINDOW == 0 { self.0 & PAYLOAD } else { 0 }
    }

    /// End and use of the window; one that has ended when a rate was counted here.
    pub(super) const fn as_window(self) -> (u64, u64) {
        if self.0 & WINDOW == 0 { (0, 0) } else { (self.end(), self.0 & HALF) }
    }

    /// From when on the word says no more than that nothing was counted.
    pub(super) const fn idle_at(self) -> u64 {
        if self.0 & WINDOW == 0 { self.0 & PAYLOAD } else { self.end() }
    }

    /// Whether its slot is changing hands.
    pub(super) const fn is_locked(self) -> bool {
        self.0 & ODD != 0
    }

    /// The same content, while its slot changes hands.
    pub(super) const fn locked(self) -> Self {
        Self(self.0 | ODD)
    }

    /// This content in the same hands as `other`.
    pub(super) const fn of_generation(self, other: Self) -> Self {
        Self(self.0 & CONTENT | other.0 & GENERATION)
    }

    /// This content in the hands after those of `other`.
    pub(super) const fn after(self, other: Self) -> Self {
        let next = (other.0 & GENERATION).wrapping_add(ODD).wrapping_add(ODD);
        Self(self.0 & CONTENT | next & GENERATION)
    }

    const fn end(self) -> u64 {
        ((self.0 & PAYLOAD) >> HALF_BITS).saturating_mul(WINDOW_TICKS)
    }
}

/// Time as the table counts it: 32 ns, so that 73 years fit into a word.
pub(super) fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() >> TICK_BITS).unwrap_or(PAYLOAD).min(PAYLOAD)
}

/// The time of so many ticks.
pub(super) const fn time(ticks: u64) -> Duration {
    Duration::from_nanos(ticks.saturating_mul(1 << TICK_BITS))
}

/// The most that a quota can count, 268 million.
pub(super) const USED_MAX: u64 = HALF;

const TICK_BITS: u32 = 5;
const PAYLOAD: u64 = (1 << 56) - 1;
const WINDOW: u64 = 1 << 56;
const ODD: u64 = 1 << 57;
const CONTENT: u64 = WINDOW | PAYLOAD;
const GENERATION: u64 = !CONTENT;
const HALF_BITS: u32 = 28;
const HALF: u64 = (1 << HALF_BITS) - 1;

/// The grain in which a window's end is kept, 8.6 s: with 28 bits, 73 years as well.
const WINDOW_TICKS: u64 = 1 << 28;
