//! Discovery: addresses that the manifest leaves to DNS or to a file.
//!
//! One task for the process looks each name up when its time is over, and hands what it stands for
//! to everybody who uses it. What cannot be looked up leaves the last good addresses in place, and
//! that is said: a name server that is away is no reason to forget where everything is.

mod list;
mod lookup;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ringwall_base::{Class, Event, Outcome};
use ringwall_net::Resolver;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::Core;
use crate::upstreams::Found;
pub use list::{ListError, read_list};
use lookup::{Looked, Places, Seen};

/// Keeps endpoints up to date. Names are those of the manifest in force.
#[derive(Debug)]
pub struct Discovery {
    core: Arc<Core>,
    places: Arc<Places>,
    watched: BTreeMap<String, Watched>,
    running: JoinSet<Named>,
}

/// What became of a name.
type Named = (String, Looked);

/// One name.
#[derive(Debug)]
struct Watched {
    due: Instant,
    running: Option<Id>,
    failures: u32,
    found: Vec<Found>,
    seen: Seen,
}

impl Discovery {
    /// Looks names up by `resolver`, and files in `folder`.
    pub fn new(core: Arc<Core>, resolver: Resolver, folder: PathBuf) -> Self {
        let places = Arc::new(Places { resolver, folder });
        Self { core, places, watched: BTreeMap::new(), running: JoinSet::new() }
    }

    /// Looks everything up once, for as long as that.
    pub async fn settle(&mut self, within: Duration) {
        let all = async {
            self.look();
            while let Some(done) = self.running.join_next_with_id().await {
                self.take(done);
            }
        };
        // Who is late is asked again later: a name that cannot be looked up stops nobody.
        timeout(within, all).await.unwrap_or_default();
    }

    /// Goes on for as long as it is polled.
    pub async fn run(mut self) {
        let mut turns = interval(LOOK_EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = turns.tick() => self.look(),
                Some(done) = self.running.join_next_with_id() => self.take(done),
            }
        }
    }

    /// Follows the manifest, and begins what is due.
    fn look(&mut self) {
        let now = Instant::now();
        let upstreams = self.core.all_upstreams();
        let names: BTreeSet<String> = upstreams.iter().flat_map(|one| one.sources()).collect();
        self.watched.retain(|name, _| names.contains(name));
        self.core.stale().retain(|name, _| names.contains(name));
        for name in names {
            let watched = self.watched.entry(name.clone()).or_insert_with(|| Watched::new(now));
            if watched.due <= now && watched.running.is_none() {
                let (places, seen) = (Arc::clone(&self.places), watched.seen);
                watched.running = Some(self.running.spawn(look(places, name, seen)).id());
            }
        }
        // A service that is new may use a name that is known.
        self.watched.iter().for_each(|(name, watched)| self.hand_out(name, &watched.found));
    }

    fn take(&mut self, done: Result<(Id, Named), JoinError>) {
        let done = match done {
            Ok((_id, done)) => Some(done),
            Err(error) => self.died(&error),
        };
        let Some((name, looked)) = done else { return };
        let Some(watched) = self.watched.get_mut(&name) else { return };
        watched.running = None;
        let now = Instant::now();
        let in_time = |wait: Duration| now.checked_add(wait).unwrap_or(now);
        match looked {
            Looked::Same(seen) => {
                watched.seen = seen;
                watched.due = in_time(FILE_EVERY);
            }
            Looked::Found { found, hold, seen } => {
                watched.seen = seen;
                watched.due = in_time(hold.clamp(HOLD_MIN, HOLD_MAX));
                let (is_new, was_failing) = (watched.found != found, watched.failures > 0);
                watched.failures = 0;
                watched.found = found;
                self.core.stale().remove(&name);
                if is_new || was_failing {
                    let count = watched.found.len();
                    let why = format!("{name}: {count} addresses");
                    tell(&self.core, "upstreams-found", Outcome::Success, why);
                }
                self.hand_out(
                    &name,
                    &self.watched.get(&name).map(|one| one.found.clone()).unwrap_or_default(),
                );
            }
            Looked::Failed { why, seen } => {
                watched.seen = seen;
                let wait = RETRY.saturating_mul(
                    1_u32.checked_shl(watched.failures.min(DOUBLINGS)).unwrap_or(1),
                );
                watched.due = in_time(wait);
                watched.failures = watched.failures.saturating_add(1);
                if self.core.stale().insert(name.clone(), why.clone()).is_none() {
                    let kept = watched.found.len();
                    let why = format!("{name}: {why}; {kept} addresses stay");
                    tell(&self.core, "upstreams-stale", Outcome::Failure, why);
                }
            }
        }
    }

    /// A look-up that never came back: a failure like any other, so that the name is looked up again.
    fn died(&self, error: &JoinError) -> Option<Named> {
        tracing::error!(%error, "a look-up ended early");
        let is_it = |watched: &Watched| watched.running == Some(error.id());
        let (name, watched) = self.watched.iter().find(|(_, watched)| is_it(watched))?;
        let why = "the look-up ended early".to_owned();
        Some((name.clone(), Looked::Failed { why, seen: watched.seen }))
    }

    fn hand_out(&self, name: &str, found: &[Found]) {
        if found.is_empty() {
            return;
        }
        for one in self.core.all_upstreams() {
            if one.sources().iter().any(|source| source == name) && !one.has(name, found) {
                one.replace(name, found.to_vec(), self.core.seams().clock.monotonic());
            }
        }
    }
}

impl Watched {
    fn new(now: Instant) -> Self {
        Self { due: now, running: None, failures: 0, found: Vec::new(), seen: Seen::default() }
    }
}

async fn look(places: Arc<Places>, name: String, seen: Seen) -> Named {
    let looked = places.look(&name, seen).await;
    (name, looked)
}

/// Writes down what happened to a name or an endpoint.
pub(crate) fn tell(core: &Core, action: &'static str, outcome: Outcome, reason: String) {
    let event = Event {
        at: core.seams().clock.now(),
        action,
        class: Class::Group,
        outcome,
        reason: Some(reason),
        ..Event::default()
    };
    if core.seams().sink.put(event).is_err() {
        core.ledger().metrics.lose();
    }
}

/// How soon a changed manifest is followed.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often a file is looked at.
const FILE_EVERY: Duration = Duration::from_millis(500);

/// Some name servers say zero: not asked more than once a second.
const HOLD_MIN: Duration = Duration::from_secs(1);

/// A record that holds for days is looked at again: addresses do move before that.
const HOLD_MAX: Duration = Duration::from_mins(5);

/// After a failure, doubling.
const RETRY: Duration = Duration::from_secs(1);

/// 32 s at most.
const DOUBLINGS: u32 = 5;
