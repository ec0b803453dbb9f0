//! What is counted about upstreams, for Prometheus. Read when somebody asks, so that requests pay
//! for nothing but the counting itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use ringwall_balance::{Limiter, LimiterSettings};
use ringwall_base::Clock;

use super::{Endpoint, Registry, Upstreams};

/// Reports on all upstreams in use.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) registry: Arc<Registry>,
    /// Of the public door.
    pub(crate) house: Arc<Limiter>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A counter or a gauge of a service.
struct OfService {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    value: fn(&Upstreams) -> u64,
}

/// A counter or a gauge of an endpoint.
struct OfEndpoint {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    value: fn(&Endpoint, Duration) -> u64,
}

impl Collector for Report {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let all = self.registry.all();
        for metric in OF_SERVICE {
            let mut out = encoder.encode_descriptor(metric.name, metric.help, None, metric.kind)?;
            for one in &all {
                let labels = labels(one);
                let mut out = out.encode_family(&labels)?;
                put(&mut out, metric.kind, (metric.value)(one))?;
            }
        }
        failures(&mut encoder, &all)?;
        self.house(&mut encoder)?;
        let now = self.clock.monotonic();
        for metric in OF_ENDPOINT {
            let mut out = encoder.encode_descriptor(metric.name, metric.help, None, metric.kind)?;
            for (one, endpoint) in each(&all) {
                let [kind, service, caller] = labels(one);
                let labels = [kind, service, caller, ("server_address", endpoint.address())];
                let mut out = out.encode_family(&labels)?;
                put(&mut out, metric.kind, (metric.value)(&endpoint, now))?;
            }
        }
        Ok(())
    }
}

impl Report {
    fn house(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (name, help) = ("ringwall_gateway_shed", "Requests refused at the limit of the door");
        let mut out = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        put(&mut out, MetricType::Counter, self.house.shed())?;
        let (name, help) = ("ringwall_gateway_in_flight", "Requests let in at the public door");
        let mut out = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        put(&mut out, MetricType::Gauge, u64::from(self.house.in_flight()))
    }
}

fn failures(encoder: &mut DescriptorEncoder<'_>, all: &[Arc<Upstreams>]) -> fmt::Result {
    let help = "Attempts that failed, by how";
    let name = "ringwall_upstream_attempts_failed";
    let mut out = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for one in all {
        let [kind, service, caller] = labels(one);
        for (how, count) in one.counts().failures() {
            let labels = [kind, service, caller, ("error_type", how.label())];
            let mut out = out.encode_family(&labels)?;
            put(&mut out, MetricType::Counter, count.get())?;
        }
    }
    Ok(())
}

fn put(out: &mut MetricEncoder<'_>, kind: MetricType, value: u64) -> fmt::Result {
    if matches!(kind, MetricType::Counter) {
        out.encode_counter::<NoLabelSet, _, u64>(&value, None)
    } else {
        out.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))
    }
}

type Label<'a> = (&'static str, &'a str);

fn labels(one: &Upstreams) -> [Label<'_>; 3] {
    let name = one.name();
    [
        ("ringwall_kind", name.kind),
        ("ringwall_service", &name.service),
        ("ringwall_caller", &name.caller),
    ]
}

type Each<'a> = Vec<(&'a Upstreams, Arc<Endpoint>)>;

fn each(all: &[Arc<Upstreams>]) -> Each<'_> {
    let of = |one: &Arc<Upstreams>| one.endpoints();
    all.iter().flat_map(|one| of(one).into_iter().map(move |endpoint| (&**one, endpoint))).collect()
}

const fn counter(
    name: &'static str,
    help: &'static str,
    value: fn(&Upstreams) -> u64,
) -> OfService {
    OfService { name, help, kind: MetricType::Counter, value }
}

const fn gauge(name: &'static str, help: &'static str, value: fn(&Upstreams) -> u64) -> OfService {
    OfService { name, help, kind: MetricType::Gauge, value }
}

/// What is counted for a service.
const OF_SERVICE: [OfService; 12] = [
    gauge("ringwall_upstream_active_requests", "Requests under way to a service", |one| {
        u64::from(one.load().active())
    }),
    counter("ringwall_upstream_retries", "Attempts beyond the first", |one| {
        one.counts().retries.get()
    }),
    gauge("ringwall_upstream_active_retries", "Charged attempts under way", |one| {
        u64::from(one.load().retrying())
    }),
    counter(
        "ringwall_upstream_retry_budget_exhausted",
        "Attempts that the budget forbade",
        |one| one.counts().budget_exhausted.get(),
    ),
    counter("ringwall_upstream_breaker_open", "Requests refused by the circuit breaker", |one| {
        one.counts().overflows.get()
    }),
    counter("ringwall_upstream_shed", "Requests refused by the adaptive limit", |one| {
        one.counts().shed.get()
    }),
    gauge("ringwall_upstream_limit", "Requests that the adaptive limit lets in", |one| {
        u64::from(one.limiter().limit(UNBOUNDED))
    }),
    counter("ringwall_upstream_hedges", "Second attempts beside the first", |one| {
        one.counts().hedges.get()
    }),
    counter("ringwall_upstream_hedges_won", "Second attempts that answered first", |one| {
        one.counts().hedges_won.get()
    }),
    counter("ringwall_upstream_mirrored", "Copies that were sent", |one| {
        one.counts().mirrored.get()
    }),
    counter("ringwall_upstream_mirror_dropped", "Copies that were not sent", |one| {
        one.counts().mirror_dropped.get()
    }),
    gauge("ringwall_upstream_panic", "Whether health is ignored", |one| {
        u64::from(one.roster().is_panicking())
    }),
];

/// What is counted for an endpoint.
const OF_ENDPOINT: [OfEndpoint; 5] = [
    OfEndpoint {
        name: "ringwall_upstream_attempts",
        help: "Attempts at an endpoint that ended",
        kind: MetricType::Counter,
        value: |endpoint, _| endpoint.state().tally().requests,
    },
    OfEndpoint {
        name: "ringwall_upstream_endpoint_failures",
        help: "Attempts at an endpoint that failed",
        kind: MetricType::Counter,
        value: |endpoint, _| endpoint.state().tally().failures,
    },
    OfEndpoint {
        name: "ringwall_upstream_ejections",
        help: "How often an endpoint was left out",
        kind: MetricType::Counter,
        value: |endpoint, _| endpoint.state().tally().ejections,
    },
    OfEndpoint {
        name: "ringwall_upstream_in_flight",
        help: "Attempts under way at an endpoint",
        kind: MetricType::Gauge,
        value: |endpoint, _| u64::from(endpoint.state().in_flight()),
    },
    OfEndpoint {
        name: "ringwall_upstream_available",
        help: "Whether an endpoint is neither ejected nor unhealthy",
        kind: MetricType::Gauge,
        value: |endpoint, now| u64::from(endpoint.state().is_available(now)),
    },
];

/// Shows the limit itself and not the bound of one manifest.
const UNBOUNDED: LimiterSettings = LimiterSettings { max: u32::MAX, is_adaptive: true };
