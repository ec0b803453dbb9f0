//! The mean of logarithms of latencies over a short time.
//!
//! The geometric mean and not the mean: one request in a hundred that takes a thousand times as
//! long moves it by 7 %, while a queue, which slows everybody down, moves it as much as it should.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Samples of the moment.
#[derive(Debug)]
pub(crate) struct Window {
    ends_at: AtomicU64,
    count: AtomicU32,
    sum: AtomicU64,
}

impl Window {
    pub(crate) const fn new() -> Self {
        Self { ends_at: AtomicU64::new(0), count: AtomicU32::new(0), sum: AtomicU64::new(0) }
    }

    /// Adds a latency.
    pub(crate) fn add(&self, latency: Duration) {
        self.sum.fetch_add(u64::from(log2(latency)), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// The mean, when the window is over and has enough to tell. One caller gets it.
    pub(crate) fn close(&self, now: u64) -> Option<u32> {
        let ends_at = self.ends_at.load(Ordering::Relaxed);
        if ends_at == 0 {
            // The first answers are the fastest ones: a window of them alone would tell a lie.
            self.ends_at.store(now.saturating_add(WINDOW), Ordering::Relaxed);
            return None;
        }
        if now < ends_at || self.count.load(Ordering::Relaxed) < SAMPLES_MIN {
            return None;
        }
        let next = now.saturating_add(WINDOW);
        self.ends_at.compare_exchange(ends_at, next, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        // A sample that comes between the two lines is counted half: nothing beside a window.
        let sum = self.sum.swap(0, Ordering::Relaxed);
        let count = self.count.swap(0, Ordering::Relaxed);
        u32::try_from(sum.checked_div(u64::from(count))?).ok()
    }
}

/// The logarithm of microseconds to base 2, in 1,024ths; between powers of two a straight line,
/// which is at most 0.09 off.
fn log2(latency: Duration) -> u32 {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1);
    let whole = micros.ilog2();
    // The ten bits below the highest one.
    let mantissa = (u128::from(micros) << 10 >> whole) & 1_023;
    (whole << 10).saturating_add(u32::try_from(mantissa).unwrap_or(0))
}

/// Two to the power of minus this many 1,024ths, times `value`.
pub(crate) fn halve(value: u32, times: u32) -> u32 {
    let whole = value.checked_shr(times >> 10).unwrap_or(0);
    // A straight line from 1 to one half.
    let part = u64::from(whole).saturating_mul(u64::from(times & 1_023)) >> 11;
    whole.saturating_sub(u32::try_from(part).unwrap_or(0))
}

/// Ten windows a second: a limit follows within one.
const WINDOW: u64 = 100_000;

/// Fewer are noise; the window lasts until it has them.
const SAMPLES_MIN: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_and_powers_are_inverse() {
        assert_eq!(log2(Duration::from_micros(1)), 0);
        assert_eq!(log2(Duration::from_micros(1_024)), 10 << 10);
        assert_eq!(log2(Duration::from_micros(1_536)), (10 << 10) + 512);
        assert_eq!(log2(Duration::ZERO), 0);
        assert_eq!(
            [halve(100, 0), halve(100, 1_024), halve(100, 512), halve(100, 3_072)],
            [100, 50, 75, 12]
        );
        assert_eq!(halve(100, u32::MAX), 0);
        assert!(log2(Duration::MAX) > 60 << 10);
    }

    #[test]
    fn a_window_closes_once_and_only_with_enough_samples() {
        let window = Window::new();
        assert_eq!(window.close(1), None);
        for _ in 0..9 {
            window.add(Duration::from_micros(1_024));
        }
        assert_eq!(window.close(100_001), None);
        window.add(Duration::from_micros(1_024));
        assert_eq!(window.close(100_000), None);
        assert_eq!(window.close(100_001), Some(10 << 10));
        for _ in 0..10 {
            window.add(Duration::from_micros(2_048));
        }
        assert_eq!(window.close(200_000), None);
        assert_eq!(window.close(200_001), Some(11 << 10));
    }
}
