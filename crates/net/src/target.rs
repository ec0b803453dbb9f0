//! One upstream: how it is reached, and what its connections may cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::{ClientTls, Dial};

/// One upstream endpoint. Its idle connections are kept per thread under its number, so a target
/// lives as long as the endpoint is in use, over reloads too.
#[derive(Debug)]
pub struct Target {
    id: u64,
    dial: Arc<dyn Dial>,
    tls: Option<ClientTls>,
    in_flight: AtomicUsize,
}

impl Target {
    /// A plain target, or one that is spoken to over mutual TLS.
    pub fn new(dial: Arc<dyn Dial>, tls: Option<ClientTls>) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { id, dial, tls, in_flight: AtomicUsize::new(0) })
    }

    /// Requests that wait for the head of their answer, over all threads. What balancing compares.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn dial(&self) -> &dyn Dial {
        &*self.dial
    }

    pub(crate) fn tls(&self) -> Option<&ClientTls> {
        self.tls.as_ref()
    }

    pub(crate) fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }
}

/// Counts while it lives.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a Target);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
