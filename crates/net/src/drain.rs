//! Ending without losing an answer: who is still here, and when they must be gone.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::admission::Permit;

/// What a door tells its connections.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Phase {
    /// Serve.
    #[default]
    Open,
    /// Finish what was begun, accept nothing new, be gone by then.
    Draining(Instant),
}

/// A connection that still lives. Its tunnel, if it becomes one, holds it on.
#[derive(Debug)]
pub(crate) struct Presence {
    phase: watch::Receiver<Phase>,
    _permit: Option<Permit>,
    _alive: watch::Receiver<()>,
}

impl Presence {
    pub(crate) fn new(
        phase: watch::Receiver<Phase>,
        permit: Option<Permit>,
        alive: watch::Receiver<()>,
    ) -> Self {
        Self { phase, _permit: permit, _alive: alive }
    }

    /// Returns when the drain begins.
    pub(crate) async fn draining(&self) {
        let mut phase = self.phase.clone();
        // A door whose owner is gone drains too.
        phase.wait_for(|phase| *phase != Phase::Open).await.ok();
    }

    /// Returns when the deadline of a drain has passed.
    pub(crate) async fn stopped(&self) {
        self.draining().await;
        let phase = *self.phase.borrow();
        if let Phase::Draining(deadline) = phase {
            tokio::time::sleep_until(deadline).await;
        }
    }
}

/// The moment by which all must be gone.
pub(crate) fn deadline(within: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(within).unwrap_or(now)
}
