//! How many requests may be under way, found out from how long they take.
//!
//! A gradient, not AIMD: AIMD needs a latency that somebody declared bad, or errors, and swings by
//! half around it. A gradient compares with the latency that the service has without a queue, so
//! nothing has to be declared, and it comes to rest with a short queue and a full service. The
//! weak point of a gradient is a base line that was learned in a queue: it starts small, so that
//! the first base line is a good one, and when the limit was reached for half a minute, fewer are let
//! in for two windows and the base line is measured anew (a probe).

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::state::micros;
use crate::window::{Window, halve};

/// Who is let in first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Priority {
    /// Nobody in particular: the first to be let go.
    Anonymous,
    /// A person or a service that is known.
    Known,
    /// Health checks and control: while anything works at all.
    Control,
}

/// The bounds of a limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LimiterSettings {
    /// The most under way.
    pub max: u32,
    /// Whether latency lowers it. Otherwise it is the maximum.
    pub is_adaptive: bool,
}

/// A limit of requests under way. It outlives reloads.
#[derive(Debug)]
pub struct Limiter {
    limit: AtomicU32,
    in_flight: AtomicU32,
    shed: AtomicU64,
    /// `shed` when the last window closed.
    shed_before: AtomicU64,
    window: Window,
    /// The lowest mean of a window, as a logarithm. `u32::MAX`: none yet.
    baseline: AtomicU32,
    is_starting: AtomicBool,
    /// Since when the limit was reached in every window; zero: it was not in the last.
    full_since: AtomicU64,
    /// Windows of a probe to come.
    probe: AtomicU8,
    /// The limit to go back to after a probe.
    kept: AtomicU32,
}

/// A request that was let in. Dropped, it is over, and nothing is learned of it.
#[derive(Debug)]
#[must_use]
pub struct Admitted<'a> {
    limiter: &'a Limiter,
    settings: LimiterSettings,
}

impl Limiter {
    /// A limit that nothing is known about: small, and quick to grow.
    pub const fn new() -> Self {
        Self {
            limit: AtomicU32::new(LIMIT_FIRST),
            in_flight: AtomicU32::new(0),
            shed: AtomicU64::new(0),
            shed_before: AtomicU64::new(0),
            window: Window::new(),
            baseline: AtomicU32::new(u32::MAX),
            is_starting: AtomicBool::new(true),
            full_since: AtomicU64::new(0),
            probe: AtomicU8::new(0),
            kept: AtomicU32::new(LIMIT_FIRST),
        }
    }

    /// Lets a request in, or not.
    pub fn enter(&self, priority: Priority, settings: LimiterSettings) -> Option<Admitted<'_>> {
        let limit = self.limit(settings);
        let allowed = match priority {
            // A fifth is left for those who are known.
            Priority::Anonymous => limit.saturating_sub(limit / 5).max(1),
            Priority::Known => limit,
            Priority::Control => limit.saturating_add(limit / 4).saturating_add(CONTROL_SPARE),
        };
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let admitted = Admitted { limiter: self, settings };
        if before < allowed {
            return Some(admitted);
        }
        self.shed.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// The limit of the moment.
    pub fn limit(&self, settings: LimiterSettings) -> u32 {
        if settings.is_adaptive {
            self.limit.load(Ordering::Relaxed).min(settings.max)
        } else {
            settings.max
        }
    }

    /// Requests that were not let in.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// Requests under way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    fn learn(&self, latency: Duration, now: Duration, settings: LimiterSettings) {
        self.window.add(latency);
        let now = micros(now);
        let Some(mean) = self.window.close(now) else { return };
        match self.probe.load(Ordering::Relaxed) {
            0 => self.adjust(mean, now, settings),
            // What was under way when the probe began is in this window: it tells nothing.
            2 => self.probe.store(1, Ordering::Relaxed),
            _ => self.end_probe(mean),
        }
    }

    fn adjust(&self, mean: u32, now: u64, settings: LimiterSettings) {
        let baseline = self.lower(mean);
        let slower = mean.saturating_sub(baseline.saturating_add(TOLERANCE));
        let limit = self.limit(settings);
        // A limit that nobody reaches says nothing by not being reached, and helps nobody.
        if !self.was_full(limit) {
            self.full_since.store(0, Ordering::Relaxed);
            return;
        }
        if slower == 0 {
            self.put(limit.saturating_add(self.growth(limit)), settings);
        } else {
            self.is_starting.store(false, Ordering::Relaxed);
            // As few as can be, and still slow: it is no queue, the base line was luck.
            if limit <= LIMIT_MIN {
                self.baseline.store(baseline.midpoint(mean), Ordering::Relaxed);
            }
            let wanted = halve(limit, slower.min(STEP_MAX)).saturating_add(limit.isqrt());
            // Half way: one window is not the whole truth.
            self.put(limit.midpoint(wanted), settings);
        }
        let since = self.full_since.load(Ordering::Relaxed);
        if since == 0 {
            self.full_since.store(now, Ordering::Relaxed);
        } else if now.saturating_sub(since) >= PROBE_AFTER {
            self.begin_probe(limit, settings);
        }
    }

    fn was_full(&self, limit: u32) -> bool {
        let shed = self.shed();
        self.shed_before.swap(shed, Ordering::Relaxed) != shed
            || self.in_flight().saturating_mul(2) >= limit
    }

    // A quarter of the way at a time: the lowest of many windows is luck, not the service.
    fn lower(&self, mean: u32) -> u32 {
        let known = self.baseline.load(Ordering::Relaxed);
        let lower = match known {
            u32::MAX => mean,
            known => known.saturating_sub(known.saturating_sub(mean) / 4),
        };
        self.baseline.store(lower, Ordering::Relaxed);
        lower
    }

    fn growth(&self, limit: u32) -> u32 {
        if self.is_starting.load(Ordering::Relaxed) { limit / 2 } else { limit.isqrt() }
    }

    fn begin_probe(&self, limit: u32, settings: LimiterSettings) {
        self.kept.store(limit, Ordering::Relaxed);
        self.put(limit / 4, settings);
        self.full_since.store(0, Ordering::Relaxed);
        self.probe.store(2, Ordering::Relaxed);
    }

    fn end_probe(&self, mean: u32) {
        self.baseline.store(mean, Ordering::Relaxed);
        self.limit.store(self.kept.load(Ordering::Relaxed), Ordering::Relaxed);
        self.probe.store(0, Ordering::Relaxed);
    }

    fn put(&self, limit: u32, settings: LimiterSettings) {
        let limit = limit.clamp(LIMIT_MIN.min(settings.max), settings.max);
        self.limit.store(limit, Ordering::Relaxed);
    }
}

impl Admitted<'_> {
    /// The head of the answer came after this time.
    pub fn answered(self, latency: Duration, now: Duration) {
        if self.settings.is_adaptive {
            self.limiter.learn(latency, now, self.settings);
        }
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.limiter.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

/// Where it starts: more than a small service can do, and grown to thousands within a second.
const LIMIT_FIRST: u32 = 64;

/// Never less: a service that hangs for a moment is not cut off from finding out that it is back.
const LIMIT_MIN: u32 = 8;

/// Half as slow again as the base line is no queue yet: log2(1.5) in 1,024ths.
const TOLERANCE: u32 = 599;

/// One window halves the limit at most.
const STEP_MAX: u32 = 1_024;

/// So long the limit may be reached before the base line is doubted.
const PROBE_AFTER: u64 = 30_000_000;

/// More than all health checks of a fleet at a time.
const CONTROL_SPARE: u32 = 8;

#[cfg(test)]
mod tests;
