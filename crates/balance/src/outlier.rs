//! Leaves members out that fail where others do not.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::Group;
use crate::state::{State, micros};

/// When a member is left out, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EjectSettings {
    /// Failures in a row.
    pub after: u32,
    /// For how long the first time; then double, up to thirty times as long.
    pub stay: Duration,
    /// How many of the group may be out for failing, in percent. Clients can cause failures: they
    /// must not be able to empty the group. Members that accept no connection do not count.
    pub max_percent: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// With an answer that is not the member's failure.
    Success,
    /// With a 5xx, a broken answer, or none in time.
    Failure,
    /// No connection could be made.
    Unreachable,
}

impl Group {
    /// Notes how an attempt at a member ended. `true` when the member is left out from now on.
    pub fn report(&self, index: usize, outcome: Outcome, now: Duration) -> bool {
        let Some(state) = self.state(index) else { return false };
        state.counts.requests.fetch_add(1, Ordering::Relaxed);
        if outcome == Outcome::Success {
            // Read first: on the usual path this line stays shared.
            if !state.is_spotless() {
                state.recover(micros(now));
            }
            return false;
        }
        state.counts.failures.fetch_add(1, Ordering::Relaxed);
        state.failed_at.store(micros(now), Ordering::Relaxed);
        let streak = state.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let is_over = outcome == Outcome::Unreachable
            || streak >= self.settings().eject.after
            || state.is_on_trial(micros(now));
        is_over && self.eject(state, outcome, micros(now))
    }

    pub(crate) fn eject(&self, state: &State, outcome: Outcome, now: u64) -> bool {
        // To leave out the only one is to leave out all.
        if self.len() < 2 {
            return false;
        }
        let _counting = self.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_out(now) {
            return false;
        }
        let settings = &self.settings().eject;
        let stay = match outcome {
            Outcome::Unreachable => UNREACHABLE_STAY,
            Outcome::Failure | Outcome::Success => {
                if self.out_for_failing(now).saturating_add(1) > self.out_max() {
                    return false;
                }
                settings.stay
            }
        };
        let times = state.ejections.fetch_add(1, Ordering::Relaxed).min(DOUBLINGS_MAX);
        let doubled = micros(stay).saturating_mul(1_u64.checked_shl(times).unwrap_or(1));
        let stay = doubled.min(micros(stay).saturating_mul(STAYS_MAX));
        state.is_unreachable.store(outcome == Outcome::Unreachable, Ordering::Relaxed);
        state.out_until.store(now.saturating_add(stay).max(1), Ordering::Relaxed);
        state.counts.ejections.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn out_for_failing(&self, now: u64) -> usize {
        let states = self.members().iter().map(|member| &member.state);
        states.filter(|state| state.is_out(now) && state.is_reachable()).count()
    }

    fn out_max(&self) -> usize {
        let percent = usize::try_from(self.settings().eject.max_percent).unwrap_or(100).min(100);
        self.len().saturating_mul(percent) / 100
    }
}

impl Default for EjectSettings {
    fn default() -> Self {
        Self { after: 5, stay: Duration::from_secs(10), max_percent: 50 }
    }
}

/// A service that restarts is back within a second.
const UNREACHABLE_STAY: Duration = Duration::from_secs(1);

const DOUBLINGS_MAX: u32 = 5;

/// Half a minute for what is unreachable, five minutes for what fails: somebody has to look.
const STAYS_MAX: u64 = 30;

#[cfg(test)]
mod tests;
