//! Since when a number has not changed.

use std::time::Duration;

use tokio::time::Instant;

/// Looked at once in a while by who owns it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    seen: u64,
    since: Instant,
}

impl Mark {
    pub(crate) fn at(now: Instant) -> Self {
        Self { seen: 0, since: now }
    }

    /// How long the number has been the same. It begins anew while `is_moving`.
    pub(crate) fn see(&mut self, number: u64, is_moving: bool, now: Instant) -> Duration {
        if is_moving || number != self.seen {
            *self = Self { seen: number, since: now };
        }
        now.duration_since(self.since)
    }
}
