//! Active health checks: every endpoint of a service that asks for them, from one place.
//!
//! One task for the process checks, not each worker: an app with eight gateways in front of it
//! gets eight questions in each interval and no more. Intervals are jittered, so that endpoints are
//! not asked all at once. What is found is a mark on the endpoint; choosing is the balancer's work,
//! and when hardly any is well it asks them all the same.

mod check;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ringwall_base::Outcome;
use ringwall_manifest::Health;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::Core;
use crate::discovery::tell;
use crate::upstreams::Endpoint;

/// Checks endpoints for as long as it is polled, inside a `LocalSet`: its connections stay on the
/// thread.
#[derive(Debug)]
pub struct Checks {
    core: Arc<Core>,
    known: BTreeMap<usize, Known>,
    running: JoinSet<Checked>,
}

/// What a check found at which endpoint.
type Checked = (usize, Result<(), String>);

/// An endpoint to check, its service, and how.
type Wanted = (Arc<Endpoint>, String, Health);

/// One endpoint.
#[derive(Debug)]
struct Known {
    /// Held, so that no other endpoint gets its place in memory while it is known.
    endpoint: Arc<Endpoint>,
    service: String,
    rule: Health,
    due: Instant,
    is_running: bool,
    is_healthy: bool,
    /// Answers in a row that say the other thing.
    against: u32,
}

impl Checks {
    /// Checks by the manifest in force.
    pub fn new(core: Arc<Core>) -> Self {
        Self { core, known: BTreeMap::new(), running: JoinSet::new() }
    }

    /// Goes on for as long as it is polled.
    pub async fn run(mut self) {
        let mut turns = interval(LOOK_EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = turns.tick() => self.look(),
                Some(done) = self.running.join_next() => self.take(done),
            }
        }
    }

    /// Follows the manifest and what names stand for, and begins what is due.
    fn look(&mut self) {
        let now = Instant::now();
        let mut wanted: BTreeMap<usize, Wanted> = BTreeMap::new();
        for (service, rule) in self.core.health_rules().iter() {
            for endpoint in self.core.upstreams(service).iter().flat_map(|one| one.endpoints()) {
                let key = Arc::as_ptr(&endpoint).addr();
                wanted.insert(key, (endpoint, service.clone(), rule.clone()));
            }
        }
        let clock = Arc::clone(&self.core.seams().clock);
        self.known.retain(|key, known| {
            let stays = wanted.get(key).is_some_and(|(_, _, rule)| *rule == known.rule);
            if !stays && !known.is_healthy {
                // Nobody would ever take the mark away.
                known.endpoint.mark(true, clock.monotonic());
            }
            stays
        });
        for (key, (endpoint, service, rule)) in wanted {
            if !self.known.contains_key(&key) {
                let due = now.checked_add(self.share_of(rule.every.min(FIRST_WITHIN)));
                let known = Known {
                    endpoint,
                    service,
                    rule,
                    due: due.unwrap_or(now),
                    is_running: false,
                    is_healthy: true,
                    against: 0,
                };
                self.known.insert(key, known);
            }
        }
        self.begin(now);
    }

    fn begin(&mut self, now: Instant) {
        let pool = self.core.seams().pool;
        for (key, known) in &mut self.known {
            if known.due > now || known.is_running || self.running.len() >= AT_ONCE_MAX {
                continue;
            }
            known.is_running = true;
            let (key, endpoint, rule) = (*key, Arc::clone(&known.endpoint), known.rule.clone());
            self.running.spawn_local(async move {
                let outcome = check::run(&pool, &endpoint, &rule).await;
                (key, outcome)
            });
        }
    }

    fn take(&mut self, done: Result<Checked, JoinError>) {
        let Ok((key, outcome)) = done else { return };
        let Some(every) = self.known.get(&key).map(|known| known.rule.every) else { return };
        // Nine to eleven tenths of the interval.
        let tenth = every.checked_div(10).unwrap_or_default();
        let wait =
            every.saturating_sub(tenth).saturating_add(self.share_of(tenth.saturating_mul(2)));
        let Some(known) = self.known.get_mut(&key) else { return };
        known.is_running = false;
        known.due = Instant::now().checked_add(wait).unwrap_or(known.due);
        if outcome.is_ok() == known.is_healthy {
            known.against = 0;
            return;
        }
        known.against = known.against.saturating_add(1);
        let needed = if known.is_healthy { known.rule.unhealthy } else { known.rule.healthy };
        if known.against < needed {
            return;
        }
        (known.is_healthy, known.against) = (outcome.is_ok(), 0);
        known.endpoint.mark(known.is_healthy, self.core.seams().clock.monotonic());
        let (action, result, why) = match outcome {
            Ok(()) => ("upstream-healthy", Outcome::Success, String::new()),
            Err(why) => ("upstream-unhealthy", Outcome::Failure, format!(": {why}")),
        };
        let reason = format!("{} at {}{why}", known.service, known.endpoint.address());
        tell(&self.core, action, result, reason);
    }

    /// A part of a time, drawn by chance. Without randomness, none of it.
    fn share_of(&self, time: Duration) -> Duration {
        let mut byte = [0; 1];
        let drawn = self.core.seams().entropy.fill(&mut byte).map(|()| byte);
        let [part] = drawn.unwrap_or_default();
        time.saturating_mul(u32::from(part)).checked_div(256).unwrap_or_default()
    }
}

/// How soon a changed manifest is followed, and the grain of intervals.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A new endpoint is checked at once, but not all new ones in the same moment.
const FIRST_WITHIN: Duration = Duration::from_secs(1);

/// Checks under way.
const AT_ONCE_MAX: usize = 64;
