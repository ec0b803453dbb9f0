//! What is learned about one endpoint while requests come. It outlives reloads.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// One endpoint's health, load and counts. Aligned to cache lines, so that threads that work with
/// different endpoints do not slow each other down.
#[derive(Debug)]
#[repr(align(128))]
pub struct State {
    key: u64,
    in_flight: AtomicU32,
    /// Failures since the last success.
    pub(crate) failures: AtomicU32,
    /// When it failed last, in microseconds.
    pub(crate) failed_at: AtomicU64,
    /// Active checks found it unhealthy.
    is_down: AtomicBool,
    /// The last ejection was because nothing accepts connections there.
    pub(crate) is_unreachable: AtomicBool,
    /// Monotonic microseconds; before it nothing is sent there. Zero: never ejected, or proved
    /// good since. After it, and before a success, one request at a time may try.
    pub(crate) out_until: AtomicU64,
    /// Ejections that count towards the length of the next.
    pub(crate) ejections: AtomicU32,
    /// When it joined or came back, for the slow start. Zero: long ago.
    joined: AtomicU64,
    /// What was counted, and as it was when its success rate was judged last.
    pub(crate) counts: Counts,
    pub(crate) judged: Counts,
}

/// Requests and failures, counted up.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) ejections: AtomicU64,
}

/// Counts of one endpoint, for metrics.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Attempts that ended.
    pub requests: u64,
    /// Those that failed.
    pub failures: u64,
    /// How often it was ejected.
    pub ejections: u64,
    /// Attempts on their way.
    pub in_flight: u32,
}

/// An attempt on its way. Dropped, it is over.
#[derive(Debug)]
#[must_use]
pub struct Busy<'a>(&'a State);

impl State {
    /// An endpoint that nothing is known about. `key` is the hash of its stable name: consistent
    /// hashing goes by it. `joined` begins its slow start; without it, it has its weight at once.
    pub fn new(key: u64, joined: Option<Duration>) -> Self {
        Self {
            key,
            in_flight: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            failed_at: AtomicU64::new(0),
            is_down: AtomicBool::new(false),
            is_unreachable: AtomicBool::new(false),
            out_until: AtomicU64::new(0),
            ejections: AtomicU32::new(0),
            joined: AtomicU64::new(joined.map_or(0, |now| micros(now).max(1))),
            counts: Counts::default(),
            judged: Counts::default(),
        }
    }

    /// An attempt begins.
    pub fn enter(&self) -> Busy<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }

    /// What an active check found. Back from unhealthy it starts slowly.
    pub fn mark(&self, is_healthy: bool, now: Duration) {
        let was_down = self.is_down.swap(!is_healthy, Ordering::Relaxed);
        if is_healthy && was_down {
            self.rejoin(micros(now));
        }
    }

    /// Whether active checks found it healthy, and it is not ejected.
    pub fn is_available(&self, now: Duration) -> bool {
        self.is_open(micros(now))
    }

    /// Attempts on their way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// What was counted.
    pub fn tally(&self) -> Tally {
        Tally {
            requests: self.counts.requests.load(Ordering::Relaxed),
            failures: self.counts.failures.load(Ordering::Relaxed),
            ejections: self.counts.ejections.load(Ordering::Relaxed),
            in_flight: self.in_flight(),
        }
    }

    pub(crate) const fn key(&self) -> u64 {
        self.key
    }

    pub(crate) fn is_open(&self, now: u64) -> bool {
        if self.is_down.load(Ordering::Relaxed) {
            return false;
        }
        match self.out_until.load(Ordering::Relaxed) {
            0 => true,
            // Nobody knows whether it is well again: one request finds out, not a herd.
            until => until <= now && self.in_flight() == 0,
        }
    }

    /// Whether something may be listening there.
    pub(crate) fn is_reachable(&self) -> bool {
        !self.is_unreachable.load(Ordering::Relaxed)
    }

    /// Whether it is neither found unhealthy nor ejected nor on trial.
    pub fn is_sound(&self) -> bool {
        !self.is_down.load(Ordering::Relaxed) && self.out_until.load(Ordering::Relaxed) == 0
    }

    /// Whether nothing is held against it.
    pub(crate) fn is_spotless(&self) -> bool {
        self.streak() == 0 && self.out_until.load(Ordering::Relaxed) == 0
    }

    /// Whether its time out is over, and it has not answered well since.
    pub(crate) fn is_on_trial(&self, now: u64) -> bool {
        let until = self.out_until.load(Ordering::Relaxed);
        until != 0 && until <= now
    }

    /// Failures in a row, as long as the last is recent: who is never asked can never do better.
    pub(crate) fn recent_streak(&self, now: u64) -> u32 {
        let streak = self.streak();
        let age = now.saturating_sub(self.failed_at.load(Ordering::Relaxed));
        if streak == 0 || age >= RECENT { 0 } else { streak }
    }

    /// Failures in a row.
    pub(crate) fn streak(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Whether it is ejected now.
    pub(crate) fn is_out(&self, now: u64) -> bool {
        self.out_until.load(Ordering::Relaxed) > now
    }

    /// A stay of this length out of the pool is over for good: it works.
    pub(crate) fn recover(&self, now: u64) {
        self.failures.store(0, Ordering::Relaxed);
        // An answer to a request from before the ejection proves nothing about now.
        if self.is_on_trial(now) {
            self.is_unreachable.store(false, Ordering::Relaxed);
            self.out_until.store(0, Ordering::Relaxed);
            self.rejoin(now);
        }
    }

    /// The share of its weight that a newcomer gets, in 1,024ths: a tenth at once, then evenly up.
    pub(crate) fn ramp(&self, now: u64, slow_start: u64) -> u32 {
        if slow_start == 0 {
            return RAMP_FULL;
        }
        let joined = self.joined.load(Ordering::Relaxed);
        let age = now.saturating_sub(joined);
        if joined == 0 || age >= slow_start {
            return RAMP_FULL;
        }
        let full = u64::from(RAMP_FULL);
        let share = age.saturating_mul(full).checked_div(slow_start).unwrap_or(full);
        u32::try_from(share).unwrap_or(RAMP_FULL).max(RAMP_FIRST)
    }

    fn rejoin(&self, now: u64) {
        self.joined.store(now.max(1), Ordering::Relaxed);
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// So long a failure is held against an endpoint that is not ejected for it.
const RECENT: u64 = 1_000_000;

/// The whole weight.
pub(crate) const RAMP_FULL: u32 = 1_024;

/// A tenth: enough to warm caches, too little to drown in.
const RAMP_FIRST: u32 = 102;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_gets_a_tenth_then_more_then_all() {
        let state = State::new(1, Some(Duration::from_secs(100)));
        let ramp = |secs: u64| state.ramp(micros(Duration::from_secs(secs)), 10_000_000);
        assert_eq!(
            [ramp(100), ramp(105), ramp(109), ramp(110), ramp(500)],
            [102, 512, 921, 1024, 1024]
        );
        assert_eq!(state.ramp(0, 0), RAMP_FULL);
    }

    #[test]
    fn a_mark_takes_it_out_and_back_to_a_slow_start() {
        let state = State::new(1, None);
        state.mark(false, Duration::from_secs(50));
        assert!(!state.is_available(Duration::from_secs(50)));
        state.mark(true, Duration::from_secs(61));
        assert!(state.is_available(Duration::from_secs(61)));
        assert_eq!(state.ramp(61_000_000, 10_000_000), RAMP_FIRST);
        state.mark(true, Duration::from_secs(70));
        assert_eq!(state.ramp(71_000_000, 10_000_000), RAMP_FULL);
    }
}
