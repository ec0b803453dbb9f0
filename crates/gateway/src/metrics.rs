//! RED metrics: rate, errors and duration of each operation and of each edge between services.
//!
//! Labels are names from the manifest and closed sets, never a person, an address, a path or a
//! token: their number is bounded by the manifest.

mod collections;
mod limits;
mod tally;

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub(crate) use collections::{CollectionFacts, CollectionMetrics};
pub(crate) use limits::{LimitFacts, LimitMetrics};
pub(crate) use tally::{Kind, Tally};

/// All counters of the gateway.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    duration: Family<Exchange, Histogram>,
    active: Gauge,
    allowed: Counter,
    denied: Counter,
    lost: Counter,
    matched: Family<Matched, Counter>,
    leaks: Family<Leaked, Counter>,
    pub(crate) limits: LimitMetrics,
    pub(crate) collections: CollectionMetrics,
}

/// One kind of exchange.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(crate) struct Exchange {
    /// `edge`, `inbound` or `outbound`.
    pub(crate) ringwall_door: &'static str,
    /// The calling service; empty at the edge.
    pub(crate) ringwall_caller: String,
    /// The service that is asked; empty when none was found.
    pub(crate) ringwall_service: String,
    /// Its operation.
    pub(crate) ringwall_operation: String,
    /// The method; `_OTHER` for one that is not registered.
    pub(crate) http_request_method: &'static str,
    /// The path template.
    pub(crate) http_route: String,
    /// The status.
    pub(crate) http_response_status_code: u16,
    /// The code of a refusal, empty for an answer.
    pub(crate) error_type: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Effect {
    effect: &'static str,
    policy: &'static str,
}

/// Who found something that must not leave.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Leaked {
    /// The name of the detector.
    detector: &'static str,
    /// `blocked`, `logged` or `masked`.
    action: &'static str,
}

/// What rules of the firewall matched.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Matched {
    /// `blocked`, `logged` or `passed`.
    action: &'static str,
    /// What the rule is about, from a closed list.
    category: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let make: fn() -> Histogram = histogram;
        let duration = Family::new_with_constructor(make);
        let (active, lost) = (Gauge::default(), Counter::default());
        let decisions = Family::<Effect, Counter>::default();
        let decided = |effect| {
            let effect = Effect { effect, policy: "manifest" };
            Counter::clone(&decisions.get_or_create(&effect))
        };
        let (allowed, denied) = (decided("allow"), decided("deny"));
        registry.register_with_unit(
            "http_server_request_duration",
            "Duration of requests until the head of the answer",
            Unit::Seconds,
            Family::clone(&duration),
        );
        registry.register(
            "http_server_active_requests",
            "Requests that wait for an answer",
            Gauge::clone(&active),
        );
        registry.register("ringwall_authz_decisions", "Decisions of the policy", decisions);
        registry.register(
            "ringwall_gateway_events_lost",
            "Events that the audit log did not take",
            Counter::clone(&lost),
        );
        let matched = Family::<Matched, Counter>::default();
        registry.register(
            "ringwall_waf_matches",
            "Matches of rules of the firewall, by what became of the request",
            Family::clone(&matched),
        );
        let leaks = Family::<Leaked, Counter>::default();
        registry.register(
            "ringwall_leaks",
            "What detectors found in answers, by what became of it",
            Family::clone(&leaks),
        );
        let limits = LimitMetrics::new(&mut registry);
        let collections = CollectionMetrics::new(&mut registry);
        Self {
            registry,
            duration,
            active,
            allowed,
            denied,
            lost,
            matched,
            leaks,
            limits,
            collections,
        }
    }

    /// Adds counters that are read when somebody asks.
    pub(crate) fn collect(&mut self, collector: Box<dyn Collector>) {
        self.registry.register_collector(collector);
    }

    /// Counts a request in.
    pub(crate) fn enter(&self) {
        self.active.inc();
    }

    /// Counts a request out.
    pub(crate) fn leave(&self, histogram: &Histogram, duration: Duration) {
        self.active.dec();
        histogram.observe(duration.as_secs_f64());
    }

    /// The counter of an exchange.
    pub(crate) fn histogram(&self, exchange: &Exchange) -> Histogram {
        Histogram::clone(&self.duration.get_or_create(exchange))
    }

    /// Counts a permit.
    pub(crate) fn allow(&self) {
        self.allowed.inc();
    }

    /// Counts a denial.
    pub(crate) fn deny(&self) {
        self.denied.inc();
    }

    /// Counts a match of a rule.
    pub(crate) fn matched(&self, action: &'static str, category: &'static str) {
        self.matched.get_or_create(&Matched { action, category }).inc();
    }

    /// Counts what a detector found.
    pub(crate) fn leaked(&self, detector: &'static str, action: &'static str) {
        self.leaks.get_or_create(&Leaked { detector, action }).inc();
    }

    /// Counts an event that the audit log did not take.
    pub(crate) fn lose(&self) {
        self.lost.inc();
    }

    /// All of it, in the `OpenMetrics` text format.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The method as a label: a client cannot make up new ones.
pub(crate) fn method_label(method: &http::Method) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or("_OTHER")
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

/// OpenTelemetry's semantic conventions for `http.server.request.duration`.
const BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
