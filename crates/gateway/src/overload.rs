//! How many requests the public door has under way, and who is let go when there are too many.

use std::sync::Arc;

use ringwall_balance::{Admitted, Limiter, LimiterSettings, Priority};
use ringwall_manifest::Overload;

use crate::Refusal;
use crate::stage::authenticate::Caller;

/// The limit of the public door. What it counts outlives reloads.
#[derive(Debug)]
pub(crate) struct Floodgate {
    limiter: Arc<Limiter>,
    settings: LimiterSettings,
}

impl Floodgate {
    /// `None` when the manifest sets no limit.
    pub(crate) fn build(overload: Option<&Overload>, limiter: &Arc<Limiter>) -> Option<Self> {
        let max = overload?.in_flight_max;
        // What each service can do is found out for each service: a slow one must not cost the
        // others their share.
        let settings = LimiterSettings { max, is_adaptive: false };
        Some(Self { limiter: Arc::clone(limiter), settings })
    }

    /// Lets a request in, or refuses it.
    pub(crate) fn enter(&self, caller: &Caller) -> Result<Admitted<'_>, Refusal> {
        let admitted = self.limiter.enter(priority(caller), self.settings);
        admitted.ok_or(Refusal::Overloaded {
            why: "the gateway has as many requests under way as it may have",
        })
    }
}

/// By what was proved, not by what a request says of itself: a made-up token buys no priority. The
/// gateway's own pages and its health never come here.
pub(crate) fn priority(caller: &Caller) -> Priority {
    match (caller.subject(), caller.service()) {
        (None, None) => Priority::Anonymous,
        _ => Priority::Known,
    }
}
