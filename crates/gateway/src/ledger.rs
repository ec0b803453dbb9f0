//! What records are made of: ids, the clock, the audit log and the counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringwall_base::{Clock, Entropy, RequestId, Sink};

use crate::learner::Learner;
use crate::metrics::Metrics;
use crate::trace::Trace;

/// Opens records. One for all doors.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where events go.
    pub(crate) sink: Arc<dyn Sink>,
    /// Counters.
    pub(crate) metrics: Metrics,
    /// Keeps shapes of requests, where the manifest says so.
    pub(crate) learner: Learner,
    /// Whether a refusal tells its reason to the client.
    pub(crate) is_dev: bool,
    numbers: AtomicU64,
}

impl Ledger {
    /// # Errors
    /// When there is no randomness.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        sink: Arc<dyn Sink>,
        entropy: &dyn Entropy,
        is_dev: bool,
    ) -> Result<Self, std::io::Error> {
        let mut seed = [0_u8; 8];
        entropy.fill(&mut seed)?;
        let numbers = AtomicU64::new(u64::from_ne_bytes(seed));
        Ok(Self {
            clock,
            sink,
            metrics: Metrics::new(),
            learner: Learner::default(),
            is_dev,
            numbers,
        })
    }

    /// A name for a request. Names are told apart by it, nothing is kept secret by it: hence a
    /// seeded counter through a mixer, not a system call for each request.
    pub(crate) fn request_id(&self) -> RequestId {
        RequestId::from_bits(self.number())
    }

    /// A trace that begins here.
    pub(crate) fn trace(&self) -> Trace {
        let id = u128::from(self.number()) << 64 | u128::from(self.number());
        Trace { id: id.max(1), is_sampled: true }
    }

    /// `SplitMix64` (Steele, Lea, Flood, 2014).
    pub(crate) fn number(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.numbers.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
