//! Metrics of what rules remember: kept by the tables themselves, copied here when somebody looks.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What is known of the collections at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CollectionFacts {
    /// Changes that were not shared: too long, or without room on their way.
    pub(crate) left_out: u64,
    /// Requests for which no answer came in time.
    pub(crate) late: u64,
    /// Exchanges with the shared store that went well.
    pub(crate) exchanges: u64,
    /// Exchanges with the shared store that failed.
    pub(crate) failures: u64,
    /// Whether collections are shared now.
    pub(crate) is_shared: bool,
}

#[derive(Debug, Default)]
pub(crate) struct CollectionMetrics {
    left_out: Counter,
    late: Counter,
    exchanges: Counter,
    failures: Counter,
    shared: Gauge,
}

impl CollectionMetrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "ringwall_waf_collections_left_out",
            "Changes of what rules remember that were not shared: too long, or without room",
            Counter::clone(&metrics.left_out),
        );
        registry.register(
            "ringwall_waf_collections_late",
            "Requests that went on before the shared store told what others remember",
            Counter::clone(&metrics.late),
        );
        registry.register(
            "ringwall_waf_collections_exchanges",
            "Exchanges of what rules remember that went well",
            Counter::clone(&metrics.exchanges),
        );
        registry.register(
            "ringwall_waf_collections_failures",
            "Exchanges of what rules remember that failed",
            Counter::clone(&metrics.failures),
        );
        registry.register(
            "ringwall_waf_collections_shared",
            "1 while what rules remember is shared with other gateways",
            Gauge::clone(&metrics.shared),
        );
        metrics
    }

    pub(crate) fn set(&self, facts: CollectionFacts) {
        self.left_out.inner().store(facts.left_out, Ordering::Relaxed);
        self.late.inner().store(facts.late, Ordering::Relaxed);
        self.exchanges.inner().store(facts.exchanges, Ordering::Relaxed);
        self.failures.inner().store(facts.failures, Ordering::Relaxed);
        self.shared.set(i64::from(facts.is_shared));
    }
}
