//! What all doors share, and what outlives a reload: rates, health, tokens, counters.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use ringwall_balance::Limiter;
use ringwall_base::{
    Class, Clock, Entropy, Event, Outcome, RequestId, Sessions, SignError, Signer, Sink,
};
use ringwall_jose::Expected;
use ringwall_manifest::{Health, Mode, Model};
use ringwall_net::{Peer, Pool, Target, TargetSettings, Violation};
use ringwall_openapi::Schemas;
use ringwall_waf::Ruleset;

use crate::exchange::{self, Notes, Sharing};
use crate::firewall::{Commons, Firewall};
use crate::learner::Learner;
use crate::ledger::Ledger;
use crate::local::Local;
use crate::metrics::{CollectionFacts, LimitFacts};
use crate::pages::Pages;
use crate::pipeline::House;
use crate::rates::Rates;
use crate::record::Opening;
use crate::snapshot::{BuildError, Contracts, Snapshot};
use crate::stage::authenticate::{Keys, Tokens};
use crate::tenure::{TenureSettings, Terms};
use crate::upstreams::{Name, Registry, Report, Upstreams};

/// Where a request comes in.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Door {
    /// The public door: people and programs, by cookie or token.
    Edge,
    /// In front of a service, for other services: mutual TLS.
    Inbound {
        /// The service behind it.
        service: String,
    },
    /// Behind a service, for its own calls: plain, reachable by that service only.
    Outbound {
        /// The service that alone can reach it.
        caller: String,
        /// The service that it leads to. `None`: the host of each request says it.
        callee: Option<String>,
    },
}

/// How endpoints are reached. Asked when a snapshot is built; what it gives is kept over reloads,
/// so a dialer must follow an app that moves.
pub trait Reach: Debug + Send + Sync {
    /// A service's app at one of its addresses.
    fn app(&self, service: &str, address: &str, settings: TargetSettings) -> Arc<Target>;

    /// The inbound door of `callee`, spoken to over mutual TLS as `caller`.
    fn door(&self, caller: &str, callee: &str) -> Option<Arc<Target>>;
}

/// The keys that sign identity tokens for services. Asked for each token: keys rotate.
pub trait Signers: Debug + Send + Sync {
    /// The key that signs now.
    ///
    /// # Errors
    /// When none is active.
    fn current(&self) -> Result<Arc<dyn Signer>, SignError>;
}

/// Everything that varies.
#[derive(Clone, Debug)]
pub struct Seams {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The audit log.
    pub sink: Arc<dyn Sink>,
    /// Who holds a session.
    pub sessions: Arc<dyn Sessions>,
    /// The keys that tokens are verified with.
    pub keys: Arc<dyn Keys>,
    /// Sign identity tokens for services.
    pub signers: Arc<dyn Signers>,
    /// The fleet's own pages.
    pub local: Option<Arc<dyn Local>>,
    /// How endpoints are reached.
    pub reach: Arc<dyn Reach>,
    /// Connections to them.
    pub pool: Pool,
    /// How long tunnels and streams may last.
    pub tenure: TenureSettings,
    /// Whether refusals tell their reason to the client: in development only.
    pub is_dev: bool,
}

/// Names that cannot be looked up, and why.
type Stale = BTreeMap<String, String>;

/// Services whose endpoints are checked, and how.
type HealthRules = Vec<(String, Health)>;

/// All doors, and what they share.
#[derive(Debug)]
pub struct Core {
    seams: Seams,
    terms: Arc<Terms>,
    ledger: Arc<Ledger>,
    rates: Arc<Rates>,
    notes: Arc<Notes>,
    sharing: exchange::State,
    stale: Mutex<Stale>,
    health: ArcSwap<HealthRules>,
    tokens: Mutex<Option<Arc<Tokens>>>,
    upstreams: Arc<Registry>,
    overload: Arc<Limiter>,
    commons: Arc<Commons>,
    snapshot: ArcSwapOption<Snapshot>,
    pages: ArcSwapOption<Pages>,
    version: AtomicU64,
    readings: AtomicU64,
}

impl Core {
    /// Doors that refuse everything, until a manifest is loaded.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new(seams: Seams) -> Result<Arc<Self>, std::io::Error> {
        let (clock, sink) = (Arc::clone(&seams.clock), Arc::clone(&seams.sink));
        let mut ledger = Ledger::new(clock, sink, &*seams.entropy, seams.is_dev)?;
        let upstreams = Arc::new(Registry::new(Arc::clone(&seams.reach)));
        let (registry, clock) = (Arc::clone(&upstreams), Arc::clone(&seams.clock));
        let overload = Arc::new(Limiter::new());
        let house = Arc::clone(&overload);
        ledger.metrics.collect(Box::new(Report { registry, house, clock }));
        let terms = Terms {
            settings: seams.tenure,
            keys: Arc::clone(&seams.keys),
            sessions: Arc::clone(&seams.sessions),
            clock: Arc::clone(&seams.clock),
            sink: Arc::clone(&seams.sink),
            standing: ArcSwapOption::empty(),
        };
        Ok(Arc::new(Self {
            seams,
            terms: Arc::new(terms),
            ledger: Arc::new(ledger),
            rates: Arc::new(Rates::new()),
            notes: Arc::new(Notes::new()),
            sharing: exchange::State::default(),
            stale: Mutex::default(),
            health: ArcSwap::default(),
            tokens: Mutex::default(),
            upstreams,
            overload,
            commons: Arc::new(Commons::new(COLLECTIONS_MAX)),
            snapshot: ArcSwapOption::empty(),
            pages: ArcSwapOption::empty(),
            version: AtomicU64::new(0),
            readings: AtomicU64::new(0),
        }))
    }

    /// Puts a manifest in force for all requests that come from now on, and returns its version.
    /// Requests on their way end by the manifest that admitted them; tunnels and streams end where
    /// this one does not permit them.
    ///
    /// `rules` are those of the firewall: without them, a manifest that has one on is refused.
    ///
    /// # Errors
    /// When something in it cannot be enforced. What was in force stays.
    pub fn load(
        &self,
        model: &Model,
        schemas: &BTreeMap<String, Arc<Schemas>>,
        rules: Option<&Arc<Ruleset>>,
    ) -> Result<u64, BuildError> {
        self.load_contracts(model, Contracts { schemas, descriptors: &BTreeMap::new() }, rules)
    }

    /// As [`Core::load`], with the descriptors of services that speak gRPC.
    ///
    /// # Errors
    /// As [`Core::load`].
    pub fn load_contracts(
        &self,
        model: &Model,
        contracts: Contracts<'_>,
        rules: Option<&Arc<Ruleset>>,
    ) -> Result<u64, BuildError> {
        let version = self.version.load(Ordering::Relaxed).saturating_add(1);
        let firewall = Firewall::build(model, rules, &self.commons)?;
        let snapshot = Snapshot::build((model, contracts), firewall, self, version)?;
        self.version.store(version, Ordering::Relaxed);
        self.ledger.learner.hide(model);
        snapshot.apply(self.seams.clock.monotonic());
        let rules = model.services.values();
        let rules = rules.filter_map(|one| Some((one.name.clone(), one.health.clone()?)));
        self.health.store(Arc::new(rules.collect()));
        self.terms.standing.store(Some(Arc::clone(snapshot.standing())));
        self.snapshot.store(Some(Arc::new(snapshot)));
        Ok(version)
    }

    /// Keeps shapes of requests, for services whose manifest says so.
    pub fn learner(&self) -> &Learner {
        &self.ledger.learner
    }

    /// Who answers for a service of the manifest in force: its app, its canary and its mirror. They
    /// are the same over reloads.
    pub fn upstreams(&self, service: &str) -> Vec<Arc<Upstreams>> {
        self.upstreams.of(service)
    }

    /// Puts the operator's error pages in the place of the plain ones.
    pub fn show(&self, pages: Option<Pages>) {
        self.pages.store(pages.map(Arc::new));
    }

    /// A door. Doors of services that the manifest does not have refuse everything.
    pub fn house(self: &Arc<Self>, door: Door) -> Arc<House> {
        Arc::new(House::new(Arc::clone(self), door))
    }

    /// All counters, in the `OpenMetrics` text format.
    ///
    /// # Errors
    /// Never, in practice: writing to a string does not fail.
    pub fn metrics(&self) -> Result<String, fmt::Error> {
        self.ledger.metrics.limits.set(LimitFacts {
            pushed_out: self.rates.pushed_out(),
            left_out: self.notes.left_out(),
            exchanges: self.sharing.exchanges(),
            failures: self.sharing.failures(),
            is_shared: self.sharing.get() == Sharing::Up,
        });
        self.ledger.metrics.collections.set(CollectionFacts {
            left_out: self.commons.replica.left_out(),
            late: self.commons.late(),
            exchanges: self.commons.sharing.exchanges(),
            failures: self.commons.sharing.failures(),
            is_shared: self.commons.sharing.get() == Sharing::Up,
        });
        self.ledger.metrics.text()
    }

    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full()
    }

    pub(crate) fn pages(&self) -> Option<Arc<Pages>> {
        self.pages.load_full()
    }

    pub(crate) const fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    pub(crate) const fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

    pub(crate) const fn seams(&self) -> &Seams {
        &self.seams
    }

    /// How the exchange of counts with other gateways goes.
    pub fn sharing_state(&self) -> Sharing {
        self.sharing.get()
    }

    /// Names whose last good addresses are used because they cannot be looked up, and why.
    pub fn stale_names(&self) -> BTreeMap<String, String> {
        self.stale().clone()
    }

    pub(crate) fn stale(&self) -> MutexGuard<'_, Stale> {
        self.stale.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Services whose endpoints are checked, and how.
    pub(crate) fn health_rules(&self) -> Arc<HealthRules> {
        self.health.load_full()
    }

    pub(crate) fn all_upstreams(&self) -> Vec<Arc<Upstreams>> {
        self.upstreams.all()
    }

    pub(crate) const fn sharing(&self) -> &exchange::State {
        &self.sharing
    }

    pub(crate) const fn commons(&self) -> &Arc<Commons> {
        &self.commons
    }

    pub(crate) const fn notes(&self) -> &Arc<Notes> {
        &self.notes
    }

    pub(crate) const fn rates(&self) -> &Arc<Rates> {
        &self.rates
    }

    /// A number that no other snapshot has, also none that was built at the same time.
    pub(crate) fn reading(&self) -> u64 {
        self.readings.fetch_add(1, Ordering::Relaxed)
    }

    /// The cache of access tokens; a new one only when other tokens are expected.
    pub(crate) fn tokens(&self, expected: &Expected) -> Arc<Tokens> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tokens.as_ref().filter(|known| known.expected() == expected) {
            return Arc::clone(known);
        }
        let fresh = Arc::new(Tokens::new(expected, TOKENS_MAX));
        *tokens = Some(Arc::clone(&fresh));
        fresh
    }

    /// The upstreams of this name, the same over reloads.
    pub(crate) fn open(&self, name: Name) -> Arc<Upstreams> {
        self.upstreams.open(name)
    }

    /// Counts what the public door has under way.
    pub(crate) const fn overload(&self) -> &Arc<Limiter> {
        &self.overload
    }

    /// Records a request that was refused before it became one.
    pub(crate) fn refused(&self, door: &Door, peer: &Peer, violation: Violation) -> RequestId {
        let id = self.ledger.request_id();
        let event = Event {
            at: self.ledger.clock.now(),
            action: "request-rejected",
            class: Class::Group,
            outcome: Outcome::Failure,
            source: Some(peer.address.ip().to_canonical().to_string()),
            service: door.service().map(str::to_owned),
            status: Some(violation.status().as_u16()),
            request: Some(id.to_string()),
            code: Some(violation.code()),
            reason: Some(violation.reason().to_owned()),
            stage: Some("normalize"),
            ..Event::default()
        };
        if self.ledger.sink.put(event).is_err() {
            self.ledger.metrics.lose();
        }
        id
    }
}

impl Door {
    /// What a record needs to know.
    pub(crate) fn opening(&self, snapshot: Option<&Snapshot>) -> Opening {
        Opening {
            door: self.label(),
            continues_traces: *self != Self::Edge,
            mode: snapshot.map_or(Mode::Block, Snapshot::mode),
            writes_allowed: snapshot.is_none_or(Snapshot::writes_allowed),
            manifest: snapshot.map_or(0, Snapshot::version),
        }
    }

    const fn label(&self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Inbound { .. } => "inbound",
            Self::Outbound { .. } => "outbound",
        }
    }

    fn service(&self) -> Option<&str> {
        match self {
            Self::Edge => None,
            Self::Inbound { service } => Some(service),
            Self::Outbound { callee, .. } => callee.as_deref(),
        }
    }
}

/// 2^17 tokens of about a kilobyte each: 100,000 that live at once are not verified twice. Only
/// tokens that we signed can fill it.
const TOKENS_MAX: usize = 131_072;

/// Counters that rules keep, such as those by address: 2^16 of 1 KiB each, 64 MiB at most.
const COLLECTIONS_MAX: usize = 65_536;
