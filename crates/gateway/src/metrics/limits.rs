//! Metrics of limits: kept by the tables themselves, copied here when somebody looks.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What is known of the limits at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitFacts {
    /// Keys that had to leave the table before they were idle.
    pub(crate) pushed_out: u64,
    /// Counts that found no room on their way to the shared store.
    pub(crate) left_out: u64,
    /// Exchanges with the shared store that went well.
    pub(crate) exchanges: u64,
    /// Exchanges with the shared store that failed.
    pub(crate) failures: u64,
    /// Whether counts are shared now.
    pub(crate) is_shared: bool,
}

#[derive(Debug, Default)]
pub(crate) struct LimitMetrics {
    pushed_out: Counter,
    left_out: Counter,
    exchanges: Counter,
    failures: Counter,
    shared: Gauge,
}

impl LimitMetrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "ringwall_limit_keys_pushed_out",
            "Keys that left the table of limits before they were idle",
            Counter::clone(&metrics.pushed_out),
        );
        registry.register(
            "ringwall_limit_shared_left_out",
            "Counts that found no room on their way to the shared store",
            Counter::clone(&metrics.left_out),
        );
        registry.register(
            "ringwall_limit_shared_exchanges",
            "Exchanges with the shared store that went well",
            Counter::clone(&metrics.exchanges),
        );
        registry.register(
            "ringwall_limit_shared_failures",
            "Exchanges with the shared store that failed",
            Counter::clone(&metrics.failures),
        );
        registry.register(
            "ringwall_limit_shared",
            "1 while limits are shared with other gateways",
            Gauge::clone(&metrics.shared),
        );
        metrics
    }

    pub(crate) fn set(&self, facts: LimitFacts) {
        self.pushed_out.inner().store(facts.pushed_out, Ordering::Relaxed);
        self.left_out.inner().store(facts.left_out, Ordering::Relaxed);
        self.exchanges.inner().store(facts.exchanges, Ordering::Relaxed);
        self.failures.inner().store(facts.failures, Ordering::Relaxed);
        self.shared.set(i64::from(facts.is_shared));
    }
}
