//! Limits that several gateways keep together.
//!
//! Every gateway counts for itself, in its own table, and a request waits for nothing else. What
//! passed is noted, said to the shared store ten times a second, and what comes back (the count of
//! all) is taken over where it is more. How far all together can exceed a limit is in
//! `docs/rationale.md`. When the store is away, local limits stay, and that is said; what was
//! noted meanwhile is said later.

mod notes;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ringwall_base::{Class, Event, Outcome};
use ringwall_store::{Count, Shared, SharedError, Tally, Total};
use tokio::time::{MissedTickBehavior, interval};

use crate::Core;
use crate::rates::Known;
pub(crate) use notes::{Note, Notes};

/// Exchanges counts with other gateways while [`Exchange::run`] is polled. Dropped, the gateway
/// counts for itself alone again.
#[derive(Debug)]
pub struct Exchange {
    core: Arc<Core>,
    shared: Arc<dyn Shared>,
    turn: u64,
}

/// How the exchange goes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Sharing {
    /// Counts are not shared.
    #[default]
    Off,
    /// The first exchange is on its way.
    Starting,
    /// Counts are exchanged.
    Up,
    /// The store is away, and every gateway counts for itself.
    Away(String),
}

/// What other parts see of the exchange.
#[derive(Debug, Default)]
pub(crate) struct State {
    sharing: Mutex<Sharing>,
    /// Counts those who shared: one that ends late must not end its successor.
    turn: AtomicU64,
    exchanges: AtomicU64,
    failures: AtomicU64,
}

impl Exchange {
    pub(crate) fn new(core: Arc<Core>, shared: Arc<dyn Shared>) -> Self {
        core.notes().open(true);
        let turn = core.sharing().begin();
        Self { core, shared, turn }
    }

    /// Exchanges counts for as long as it is polled.
    pub async fn run(self) {
        let mut turns = interval(EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            let outcome = self.once().await;
            self.core.tell_sharing(&outcome);
            if outcome.is_err() {
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    /// Says what was counted since the last time, and learns what all counted.
    async fn once(&self) -> Result<(), SharedError> {
        let mut notes = self.core.notes().take();
        if notes.is_empty() {
            // Nobody asks: whether the store is there is looked at all the same.
            return self.shared.exchange(&[]).await.map(drop);
        }
        while !notes.is_empty() {
            let rest = notes.split_off(NAMES_MAX.min(notes.len()));
            let sent = self.core.seams().clock.monotonic();
            let tallies: Vec<Tally> = notes.iter().map(|note| self.tally(note, sent)).collect();
            match self.shared.exchange(&tallies).await {
                Ok(totals) => {
                    notes.iter().zip(totals).for_each(|(note, all)| self.learn(note, all, sent));
                }
                Err(error) => {
                    // It may have been counted: said again, it counts too much rather than not.
                    notes.into_iter().chain(rest).for_each(|note| self.put_back(note, sent));
                    return Err(error);
                }
            }
            notes = rest;
        }
        Ok(())
    }

    fn tally(&self, note: &Note, now: Duration) -> Tally {
        let pace = &note.limit.pace;
        let known = self.core.rates().known(note.key, pace, now);
        let count = if pace.is_quota() {
            Count::Quota { used: note.charge, total: known.used, ends: known.ahead }
        } else {
            let taken = pace.time_of(note.charge);
            let age = now.saturating_sub(note.since);
            // What we know can be as old as an exchange is long; said as new, it would grow each
            // time. Less that much it is never too high, and only a store that lost it needs it.
            Count::Rate { taken, age, ahead: known.ahead.saturating_sub(SLACK) }
        };
        Tally { name: note.name.clone(), count }
    }

    fn learn(&self, note: &Note, all: Total, sent: Duration) {
        if all == Total::default() {
            return;
        }
        // What passed since it was said is not yet in the count of all.
        let since = self.core.notes().charge(note.key);
        let pace = &note.limit.pace;
        let known = if pace.is_quota() {
            Known { ahead: all.ahead, used: all.used.saturating_add(since) }
        } else {
            Known { ahead: all.ahead.saturating_add(pace.time_of(since)), used: 0 }
        };
        self.core.rates().learn(note.key, pace, known, sent);
    }

    fn put_back(&self, note: Note, now: Duration) {
        let pace = &note.limit.pace;
        // Paid back by time alone: it would change nothing, and take a place.
        let is_over =
            !pace.is_quota() && pace.time_of(note.charge) <= now.saturating_sub(note.since);
        if !is_over {
            self.core.notes().put_back(note);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.core.sharing().end(self.turn) {
            self.core.notes().open(false);
        }
    }
}

impl Core {
    /// Shares counts with other gateways from now on. [`Exchange::run`] has to be polled.
    pub fn share(self: &Arc<Self>, shared: Arc<dyn Shared>) -> Exchange {
        Exchange::new(Arc::clone(self), shared)
    }

    fn tell_sharing(&self, outcome: &Result<(), SharedError>) {
        self.tell(self.sharing(), outcome, ["limits-store-away", "limits-store-back"]);
    }

    /// How an exchange goes; changes are in the audit log.
    pub(crate) fn tell(
        &self,
        state: &State,
        outcome: &Result<(), SharedError>,
        [away, back]: [&'static str; 2],
    ) {
        let next = match outcome {
            Ok(()) => Sharing::Up,
            Err(error) => Sharing::Away(chain(error)),
        };
        let State { exchanges, failures, .. } = state;
        let counter = if outcome.is_ok() { exchanges } else { failures };
        counter.fetch_add(1, Ordering::Relaxed);
        let before = state.set(next.clone());
        let (action, outcome, reason) = match (before, next) {
            (Sharing::Up, Sharing::Up) | (Sharing::Away(_), Sharing::Away(_)) => return,
            (_, Sharing::Away(why)) => (away, Outcome::Failure, Some(why)),
            (_, Sharing::Up | Sharing::Off | Sharing::Starting) => (back, Outcome::Success, None),
        };
        let event = Event {
            at: self.seams().clock.now(),
            action,
            class: Class::Group,
            outcome,
            reason,
            ..Event::default()
        };
        if self.seams().sink.put(event).is_err() {
            self.ledger().metrics.lose();
        }
    }
}

impl State {
    /// The first exchange is on its way. Returns the number of whoever shares now.
    pub(crate) fn begin(&self) -> u64 {
        self.set(Sharing::Starting);
        self.turn.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Ends sharing, unless somebody else has begun since.
    pub(crate) fn end(&self, turn: u64) -> bool {
        let is_last = self.turn.load(Ordering::Relaxed) == turn;
        if is_last {
            self.set(Sharing::Off);
        }
        is_last
    }

    /// How it goes now.
    pub(crate) fn get(&self) -> Sharing {
        self.sharing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many exchanges went well.
    pub(crate) fn exchanges(&self) -> u64 {
        self.exchanges.load(Ordering::Relaxed)
    }

    /// How many exchanges failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    fn set(&self, next: Sharing) -> Sharing {
        std::mem::replace(&mut self.sharing.lock().unwrap_or_else(PoisonError::into_inner), next)
    }
}

fn chain(error: &SharedError) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// How often counts are exchanged: what another gateway let pass is known this much later.
pub(crate) const EVERY: Duration = Duration::from_millis(100);

/// After a failure: soon enough, and no storm on a store that starts.
pub(crate) const RETRY: Duration = Duration::from_secs(1);

/// Longer than an exchange can take.
const SLACK: Duration = Duration::from_secs(3);

/// Names said at once.
const NAMES_MAX: usize = 128;
