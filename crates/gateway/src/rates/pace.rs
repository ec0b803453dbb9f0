//! How often something may happen: a rate with its burst, or a quota of a longer time.
//!
//! A rate is the generic cell rate algorithm: the word is the theoretical arrival time, the moment
//! at which the key is idle again. A quota is a window that begins with the first request of a key
//! and counts what was used: "100,000 per day" must not mean 200,000 for who waited a day.

use std::time::Duration;

use super::word::{USED_MAX, Word, ticks, time};

/// How often.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Pace {
    kind: Kind,
    count: u32,
    per: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// One takes `step`, and `room` may be taken ahead of time.
    Rate { step: u64, room: u64 },
    /// So many until the window ends.
    Quota { window: u64, max: u64 },
}

/// What the table says to one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It may pass; so many more may follow at once, and all after `reset`.
    Pass { remaining: u64, reset: Duration },
    /// The next one passes after this time.
    Wait(Duration),
}

/// How far a key is, in words that do not depend on one process's clock.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Known {
    /// Of a rate: the time until the key is idle. Of a quota: until its window ends.
    pub(crate) ahead: Duration,
    /// Of a quota: how much of it is used.
    pub(crate) used: u64,
}

impl Pace {
    /// So many in so much time, of which `burst` at once.
    pub(crate) fn rate(count: u32, per: Duration, burst: u32) -> Self {
        let (count, burst) = (count.max(1), burst.max(1));
        let whole = ticks(per).max(1);
        let share = |times: u32| {
            let ticks = u128::from(whole).saturating_mul(u128::from(times));
            u64::try_from(ticks.checked_div(u128::from(count)).unwrap_or(1)).unwrap_or(u64::MAX)
        };
        let step = share(1).max(1);
        Self { kind: Kind::Rate { step, room: share(burst).max(step) }, count, per }
    }

    /// So many in a window that begins with the first.
    pub(crate) fn quota(count: u32, per: Duration) -> Self {
        let max = u64::from(count.max(1)).min(USED_MAX);
        Self { kind: Kind::Quota { window: ticks(per).max(1), max }, count: count.max(1), per }
    }

    /// How many in its time.
    pub(crate) const fn allowed(&self) -> u32 {
        self.count
    }

    /// Its time.
    pub(crate) const fn per(&self) -> Duration {
        self.per
    }

    /// Whether it counts in a window.
    pub(crate) const fn is_quota(&self) -> bool {
        matches!(self.kind, Kind::Quota { .. })
    }

    /// What one request of this cost takes: ticks of a rate, or so much of a quota.
    pub(crate) fn charge(&self, cost: u32) -> u64 {
        match self.kind {
            // More than the room would never pass: it takes all of it.
            Kind::Rate { step, room } => step.saturating_mul(u64::from(cost)).min(room),
            Kind::Quota { max, .. } => u64::from(cost).min(max),
        }
    }

    /// The time that a charge takes of a rate.
    pub(crate) const fn time_of(&self, charge: u64) -> Duration {
        match self.kind {
            Kind::Rate { .. } => time(charge),
            Kind::Quota { .. } => Duration::ZERO,
        }
    }

    /// Counts one request of this cost; the word to write, if it passes.
    pub(super) fn count(&self, word: Word, cost: u32, now: u64) -> (Option<Word>, Verdict) {
        let charge = self.charge(cost);
        match self.kind {
            Kind::Rate { step, room } => {
                let next = word.as_arrival().max(now).saturating_add(charge);
                let ahead = next.saturating_sub(now);
                if let Some(wait) = ahead.checked_sub(room).filter(|wait| *wait > 0) {
                    return (None, Verdict::Wait(time(wait)));
                }
                let remaining = room.saturating_sub(ahead).checked_div(step).unwrap_or(0);
                (Some(Word::arrival(next)), Verdict::Pass { remaining, reset: time(ahead) })
            }
            Kind::Quota { window, max } => {
                let (end, used) = open(word, window, now);
                let used = used.saturating_add(charge);
                let reset = time(end.saturating_sub(now));
                let Some(remaining) = max.checked_sub(used) else {
                    return (None, Verdict::Wait(reset));
                };
                (Some(Word::window(end, used)), Verdict::Pass { remaining, reset })
            }
        }
    }

    /// The word without one request of this cost. What is idle or has ended owes nothing.
    pub(super) fn give_back(&self, word: Word, cost: u32, now: u64) -> Option<Word> {
        if word.idle_at() <= now {
            return None;
        }
        let charge = self.charge(cost);
        Some(match self.kind {
            Kind::Rate { .. } => Word::arrival(word.as_arrival().saturating_sub(charge)),
            Kind::Quota { .. } => {
                let (end, used) = word.as_window();
                Word::window(end, used.saturating_sub(charge))
            }
        })
    }

    /// The word with what is known from elsewhere, if that is more.
    pub(super) fn learn(&self, word: Word, known: Known, now: u64) -> Option<Word> {
        let ahead = ticks(known.ahead);
        let next = match self.kind {
            Kind::Rate { room, .. } => {
                let ahead = ahead.min(room.saturating_mul(DEBT_MAX));
                Word::arrival(now.saturating_add(ahead).max(word.as_arrival()))
            }
            Kind::Quota { window, .. } => {
                let ahead = ahead.min(window);
                let (end, used) = open(word, window, now);
                // The window is the one that began first: everybody's ends at the same time.
                let end = if used == 0 { u64::MAX } else { end };
                Word::window(end.min(now.saturating_add(ahead)), used.max(known.used))
            }
        };
        (next.of_generation(word) != word).then_some(next)
    }

    /// What the word says.
    pub(super) fn known(&self, word: Word, now: u64) -> Known {
        match self.kind {
            Kind::Rate { .. } => {
                Known { ahead: time(word.as_arrival().saturating_sub(now)), used: 0 }
            }
            Kind::Quota { window, .. } => {
                let (end, used) = open(word, window, now);
                Known { ahead: time(end.saturating_sub(now)), used }
            }
        }
    }
}

/// The window that is open now: the one of the word, or a new one.
fn open(word: Word, window: u64, now: u64) -> (u64, u64) {
    let (end, used) = word.as_window();
    if end > now { (end, used) } else { (now.saturating_add(window), 0) }
}

/// Gateways that fill their bursts at once run into debt, which is paid back. More than that of
/// 64 gateways is nonsense in the store, and must not lock a person out for years.
const DEBT_MAX: u64 = 64;
