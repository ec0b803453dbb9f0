//! Upstream connections: idle ones per thread and target, last in first out.
//!
//! The last one used is the least likely to have been closed by the other side, and unused ones
//! age at the bottom. No lock, no wake across threads; only the number of open connections of a
//! target is counted over all threads.

mod shelf;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, Sleep};

use crate::h1::Link;
use crate::target::Queue;
use crate::wire::Wire;
use crate::{Body, HeadLimits, SendError, Target, h2_client, send};

/// Limits of upstream connections.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// Idle connections kept for one target on one thread.
    pub idle_max: usize,
    /// An idle connection older than this is not used again. Shorter than what upstreams allow:
    /// gunicorn closes after 2 s, so a connection idle for longer must prove itself (see `send`).
    pub idle_time: Duration,
    /// A connection is used no longer than this: a rotated certificate takes over within it.
    pub age: Duration,
    /// To connect, TLS included; and to wait for a connection when no more may be opened.
    pub connect_time: Duration,
    /// From the last byte of the request that could be sent to the head of its answer. A long
    /// upload lasts at most twice as long after it stopped.
    pub head_time: Duration,
    /// Of an answer.
    pub head: HeadLimits,
    /// HTTP/2: streams open at once on one connection. Upstreams may allow fewer.
    pub streams_max: usize,
    /// HTTP/2: how long a connection with open streams may be silent before it is asked for a sign
    /// of life. gRPC servers count one in less than five minutes as an attack.
    pub ping_every: Duration,
}

/// Sends requests to upstreams over kept connections. One for all threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pool {
    settings: PoolSettings,
}

/// An open connection, and what is needed to keep it.
pub(crate) struct Lease {
    pub(crate) link: Link,
    pub(crate) settings: PoolSettings,
    /// When it was taken last.
    pub(crate) used: Instant,
    /// Rings when an answer may be overdue.
    pub(crate) alarm: Option<Pin<Box<Sleep>>>,
    target: u64,
    opened: Instant,
    /// One of the connections that the target may have.
    permit: OwnedSemaphorePermit,
    queue: Arc<Queue>,
    /// Counts it as in use on this thread.
    busy: Option<shelf::Busy>,
}

impl Pool {
    /// A pool with these limits.
    pub fn new(settings: PoolSettings) -> Self {
        Self { settings }
    }

    /// Sends a request and returns the head of the answer; its body holds the connection. Boxed,
    /// because it is handed on many times on its way.
    ///
    /// Runs inside a `LocalSet`: what a connection needs beside its requests is a task of its thread.
    /// The request's URI is in origin form and it has one `Host`. A `101` answer carries the
    /// upgraded connection: see [`crate::Upgrade`].
    ///
    /// A kept connection that died before it took a byte is replaced once by a fresh one; so is
    /// one that died later without a word, if the method is idempotent and there is no body.
    ///
    /// # Errors
    /// [`SendError::is_not_sent`] says whether another target may be tried.
    pub async fn send(
        &self,
        target: &Target,
        request: Box<Request<Body>>,
    ) -> Result<Response<Body>, SendError> {
        send::send(&self.settings, target, request).await
    }

    /// Closes this thread's idle connections to a target that is gone.
    pub fn forget(&self, target: &Target) {
        shelf::forget(target.id());
        h2_client::forget(target.id());
    }
}

impl Lease {
    pub(crate) fn new(
        link: Link,
        settings: PoolSettings,
        target: &Target,
        permit: OwnedSemaphorePermit,
    ) -> Box<Self> {
        let now = Instant::now();
        Box::new(Self {
            link,
            settings,
            used: now,
            alarm: None,
            target: target.id(),
            opened: now,
            permit,
            queue: Arc::clone(target.queue()),
            busy: Some(shelf::Busy::new(target.id())),
        })
    }

    /// Keeps the connection for the next request, if it may live on.
    pub(crate) fn give_back(mut self: Box<Self>) {
        let now = Instant::now();
        self.link.shrink();
        self.busy = None;
        let is_young = now.duration_since(self.opened) <= self.settings.age;
        // What was not written would be written into the next request, or it into that.
        let is_between = self.link.unread().is_empty() && self.link.waiting() == 0;
        if is_young && is_between {
            shelf::put(self, now);
        }
    }

    /// Notes that the answer broke off.
    pub(crate) fn broke(&self) {
        self.queue.broke();
    }

    /// The connection is no longer HTTP; its place stays taken as long as a tunnel holds it.
    pub(crate) fn into_wire(self: Box<Self>) -> (Wire, OwnedSemaphorePermit) {
        let Self { link, permit, .. } = *self;
        (link.wire, permit)
    }
}

/// Takes the connection that was used last, if one is good. `is_careful` asks the system about it
/// even if it was used a moment ago: what is sent on it cannot be sent again.
pub(crate) fn take(
    settings: &PoolSettings,
    target: &Target,
    is_careful: bool,
) -> Option<Box<Lease>> {
    shelf::take(settings, target.id(), is_careful)
}

/// Closes this thread's connections that rested for too long, or that the other side has closed.
pub(crate) fn sweep() {
    shelf::sweep(Instant::now());
}

/// Whether this thread uses connections to the target, so that one may be free in a moment.
pub(crate) fn is_busy(target: &Target) -> bool {
    shelf::is_busy(target.id())
}

/// Resolves to the next connection that comes free on this thread.
pub(crate) fn next_free(target: &Target) -> oneshot::Receiver<Box<Lease>> {
    shelf::wait(target.id())
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            idle_max: 256,
            idle_time: Duration::from_secs(30),
            age: Duration::from_mins(10),
            connect_time: Duration::from_secs(5),
            head_time: Duration::from_mins(1),
            head: HeadLimits { head_bytes_max: 64 * 1_024, ..HeadLimits::default() },
            streams_max: 100,
            ping_every: Duration::from_secs(310),
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("target", &self.target).finish_non_exhaustive()
    }
}
