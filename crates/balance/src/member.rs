//! A place in a group: an endpoint with the weight and the zone that the manifest gives it.

use std::sync::Arc;

use crate::State;

/// One endpoint of a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// What is known of it.
    pub state: Arc<State>,
    /// How much it takes beside the others; zero counts as one, the most is 1,000.
    pub weight: u32,
    /// Where it stands in the order of failover: all of rank 0 before any of rank 1.
    pub rank: u8,
}

impl Member {
    pub(crate) fn weight(&self) -> u32 {
        self.weight.clamp(1, WEIGHT_MAX)
    }
}

/// A thousandth is the finest share that anybody gives.
pub(crate) const WEIGHT_MAX: u32 = 1_000;
