//! Compares success rates: a member that fails now and then, and its neighbours do not, is found
//! although it never fails many times in a row.

use std::sync::atomic::Ordering;

use crate::state::{Counts, State};
use crate::{Group, Outcome};

impl Group {
    /// Judges the time since the last judgement, when that was long enough ago.
    pub(crate) fn judge_if_due(&self, now: u64) {
        let due = self.judge_at.load(Ordering::Relaxed);
        if now < due {
            return;
        }
        let next = now.saturating_add(JUDGE_EVERY);
        let turn = self.judge_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        if turn.is_ok() {
            self.judge(now);
        }
    }

    fn judge(&self, now: u64) {
        let rates: Vec<(&State, u64)> = self
            .members()
            .iter()
            .filter_map(|member| {
                member.state.forgive(now);
                member.state.take_rate().map(|rate| (&*member.state, rate))
            })
            .collect();
        for (index, (state, rate)) in rates.iter().enumerate() {
            let others = rates.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<u64> = others.map(|(_, (_, rate))| *rate).collect();
            if others.len() >= OTHERS_MIN && is_outlier(*rate, &others) {
                self.eject(state, Outcome::Failure, now);
            }
        }
    }
}

impl State {
    /// Successes in a thousand since the last time, if there were enough requests to tell.
    fn take_rate(&self) -> Option<u64> {
        let since = |of: fn(&Counts) -> &std::sync::atomic::AtomicU64| {
            let (now, then) = (of(&self.counts), of(&self.judged));
            let count = now.load(Ordering::Relaxed);
            count.saturating_sub(then.swap(count, Ordering::Relaxed))
        };
        let (requests, failures) =
            (since(|counts| &counts.requests), since(|counts| &counts.failures));
        let successes = requests.saturating_sub(failures);
        let rate = successes.saturating_mul(1_000).checked_div(requests)?;
        (requests >= REQUESTS_MIN).then_some(rate)
    }

    /// A quiet time shortens the next ejection.
    fn forgive(&self, now: u64) {
        if !self.is_out(now) && self.streak() == 0 {
            let less = |times: u32| times.checked_sub(1);
            // Nothing to forgive is no failure.
            self.ejections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok();
        }
    }
}

/// Whether a rate is below those of the others by more than they differ among themselves.
fn is_outlier(rate: u64, others: &[u64]) -> bool {
    let count = u64::try_from(others.len()).unwrap_or(u64::MAX).max(1);
    let mean = others.iter().sum::<u64>() / count;
    let squares = others.iter().map(|other| other.abs_diff(mean).saturating_pow(2)).sum::<u64>();
    let deviation = (squares / count).isqrt();
    let margin = (deviation.saturating_mul(DEVIATIONS_TENTHS) / 10).max(MARGIN_MIN);
    rate.saturating_add(margin) < mean
}

/// Long enough for a hundred requests at ten a second.
const JUDGE_EVERY: u64 = 10_000_000;

/// Fewer say nothing about a rate.
const REQUESTS_MIN: u64 = 100;

/// Two others agree; one other would only accuse.
const OTHERS_MIN: usize = 2;

/// 1.9 standard deviations, as Envoy.
const DEVIATIONS_TENTHS: u64 = 19;

/// A hundred in a thousand: when the others are perfect, a single failure is no crime.
const MARGIN_MIN: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_rate_far_below_the_others_is_an_outlier() {
        assert!(is_outlier(899, &[1_000, 1_000]));
        assert!(!is_outlier(900, &[1_000, 1_000]));
        assert!(!is_outlier(700, &[1_000, 600, 800]));
        assert!(is_outlier(400, &[1_000, 900, 950]));
        assert!(!is_outlier(1_000, &[0, 0]));
    }
}
