//! Who answers for a service: its endpoints, and what is known of them.
//!
//! [`Upstreams`] live as long as a manifest names them, over reloads: health, load and limits are
//! not forgotten because a line elsewhere changed. A manifest sets the [`Plan`]; names whose
//! addresses change are filled in by [`Upstreams::replace`].

mod plan;
mod backend;
mod counts;
mod mirror;
mod registry;
mod report;
mod roster;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use ringwall_balance::{Limiter, Load, State};
use ringwall_net::{Target, TargetSettings};

use crate::Reach;
pub(crate) use backend::{
    Asker, Backend, Canary, Mirroring, REQUESTS_MAX, TRIES_MAX, Tries, limit,
};
pub(crate) use counts::{Counts, Failing};
pub(crate) use mirror::Original;
pub(crate) use plan::Plan;
use plan::Source;
pub(crate) use registry::Registry;
pub(crate) use report::Report;
use roster::Build;
pub(crate) use roster::{Placed, Roster};

/// The endpoints of one service, as one kind of door reaches them.
#[derive(Debug)]
pub struct Upstreams {
    name: Name,
    reach: Arc<dyn Reach>,
    roster: ArcSwap<Roster>,
    load: Arc<Load>,
    limiter: Limiter,
    counts: Counts,
    seeds: AtomicU64,
    known: Mutex<Known>,
}

/// Which endpoints these are.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Name {
    /// `app`, `canary`, `mirror` or `door`.
    pub(crate) kind: &'static str,
    /// The service that answers.
    pub(crate) service: String,
    /// The service that asks; empty unless `door`.
    pub(crate) caller: String,
}

/// One endpoint.
#[derive(Debug)]
pub struct Endpoint {
    address: String,
    target: Arc<Target>,
    settings: TargetSettings,
    state: Arc<State>,
}

/// An endpoint that a name stands for at the moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// `host:port`, or `unix:` with a path.
    pub address: String,
    /// How much it takes beside the others.
    pub weight: u32,
    /// Its place in the order of failover within its zone: the priority of an SRV record.
    pub rank: u8,
}

/// What rosters are made of.
#[derive(Debug, Default)]
struct Known {
    plan: Plan,
    /// What names stand for, by the name as the manifest has it.
    found: BTreeMap<String, Vec<Found>>,
}

impl Upstreams {
    pub(crate) fn new(name: Name, reach: Arc<dyn Reach>) -> Self {
        let load = Arc::new(Load::default());
        Self {
            name,
            reach,
            roster: ArcSwap::from_pointee(Roster::empty(&load)),
            load,
            limiter: Limiter::new(),
            counts: Counts::default(),
            seeds: AtomicU64::new(0),
            known: Mutex::default(),
        }
    }

    /// Names of the manifest whose addresses change: `dns:…`, `srv:…`, `file:…`.
    pub fn sources(&self) -> Vec<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let names = known.plan.members.iter().filter_map(|planned| match &planned.source {
            Source::Name(name) => Some(name.clone()),
            Source::Address(_) | Source::Door(_) => None,
        });
        names.collect()
    }

    /// What a name stands for from `now` on. The endpoints of other names stay, and so does what is
    /// known of those that stay; new ones start slowly. An empty list is obeyed: it is for the
    /// caller to keep the last one when a name cannot be looked up.
    pub fn replace(&self, source: &str, endpoints: Vec<Found>, now: Duration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.found.insert(source.to_owned(), endpoints);
        self.rebuild(&known, now);
    }

    /// Whether a name stands for these already.
    pub(crate) fn has(&self, source: &str, endpoints: &[Found]) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.found.get(source).is_some_and(|found| found == endpoints)
    }

    /// The endpoints of the moment.
    pub fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.roster.load().endpoints().to_vec()
    }

    /// Puts a manifest's plan in force.
    pub(crate) fn apply(&self, plan: Plan, now: Duration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.plan = plan;
        let names: BTreeSet<String> = known.plan.names().map(str::to_owned).collect();
        known.found.retain(|name, _| names.contains(name));
        self.rebuild(&known, now);
    }

    pub(crate) const fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) fn roster(&self) -> Arc<Roster> {
        self.roster.load_full()
    }

    pub(crate) const fn load(&self) -> &Arc<Load> {
        &self.load
    }

    pub(crate) const fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    pub(crate) const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Different for each request.
    pub(crate) fn seed(&self) -> u64 {
        self.seeds.fetch_add(SEED_STEP, Ordering::Relaxed)
    }

    fn rebuild(&self, known: &Known, now: Duration) {
        let before = self.roster.load();
        let build = Build { upstreams: self, known, before: &before, now };
        self.roster.store(Arc::new(build.roster()));
    }
}

impl Endpoint {
    /// Where it is, as the manifest or the name has it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How it is reached.
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// What an active check found at this monotonic time: an unhealthy one is asked only when
    /// hardly any other is left.
    pub fn mark(&self, is_healthy: bool, now: Duration) {
        self.state.mark(is_healthy, now);
    }

    /// Whether it is asked: neither ejected nor found unhealthy at this monotonic time.
    pub fn is_available(&self, now: Duration) -> bool {
        self.state.is_available(now)
    }

    pub(crate) const fn state(&self) -> &Arc<State> {
        &self.state
    }
}

/// Attempts at one request count up from its seed.
const SEED_STEP: u64 = 16;

#[cfg(test)]
mod tests;
