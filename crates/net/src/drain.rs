//! Ending without losing an answer: who is still here, and when they must be gone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::admission::Permit;
use crate::counts::{Counted, Counts};

/// What a door tells its connections.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Phase {
    /// Serve.
    #[default]
    Open,
    /// Finish what was begun, accept nothing new.
    Draining(Leave),
}

/// When connections have to go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Leave {
    /// Until then an idle HTTP/1 connection may still begin a request, which is its last. A client
    /// that sends one while we close would see it lost.
    pub(crate) idle_until: Instant,
    /// Then everything ends.
    pub(crate) by: Instant,
}

/// How a drain goes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Drain {
    /// Requests and tunnels end within that time.
    pub within: Duration,
    /// So long a connection that is kept alive may begin one more request.
    pub idle: Duration,
}

/// A connection that still lives. Its tunnel, if it becomes one, holds it on.
#[derive(Debug)]
pub(crate) struct Presence {
    phase: watch::Receiver<Phase>,
    place: (Permit, Counted),
    _alive: watch::Receiver<()>,
}

impl Presence {
    pub(crate) fn new(
        phase: watch::Receiver<Phase>,
        place: (Permit, Counted),
        alive: watch::Receiver<()>,
    ) -> Self {
        Self { phase, place, _alive: alive }
    }

    /// Where what happens here is counted.
    pub(crate) fn counts(&self) -> &Arc<Counts> {
        self.place.1.counts()
    }

    /// What the door tells.
    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.clone()
    }

    /// Returns when the drain begins.
    pub(crate) async fn draining(&self) {
        let mut phase = self.phase.clone();
        // A door whose owner is gone drains too.
        phase.wait_for(|phase| *phase != Phase::Open).await.ok();
    }

    /// Returns when the deadline of a drain has passed.
    pub(crate) async fn stopped(&self) {
        if let Some(leave) = self.leave().await {
            tokio::time::sleep_until(leave.by).await;
        }
    }

    /// When the drain began, how it goes; `None` when the door's owner is gone.
    pub(crate) async fn leave(&self) -> Option<Leave> {
        self.draining().await;
        match *self.phase.borrow() {
            Phase::Draining(leave) => Some(leave),
            Phase::Open => None,
        }
    }
}

/// Returns when the drain of a connection's door begins.
pub(crate) async fn leave(presence: Option<&Presence>) {
    match presence {
        Some(presence) => presence.draining().await,
        None => std::future::pending().await,
    }
}

/// Returns when the connection must be gone.
pub(crate) async fn stopped(presence: Option<&Presence>) {
    match presence {
        Some(presence) => presence.stopped().await,
        None => std::future::pending().await,
    }
}

impl Drain {
    /// Within that time, without waiting for idle connections.
    pub fn within(within: Duration) -> Self {
        Self { within, idle: Duration::ZERO }
    }

    /// Seen from now.
    pub(crate) fn leave(self) -> Leave {
        let now = Instant::now();
        let later = |time| now.checked_add(time).unwrap_or(now);
        Leave { idle_until: later(self.idle.min(self.within)), by: later(self.within) }
    }
}
