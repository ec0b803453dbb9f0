//! Idle upstream connections: per thread and target, last in first out.
//!
//! The last one used is the least likely to have been closed by the other side, and unused ones
//! age at the bottom. No lock, no wake across threads.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use crate::guard::Cue;
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
    /// To connect, TLS included.
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
    pub(crate) sender: SendRequest<Body>,
    pub(crate) cue: Arc<Cue>,
    pub(crate) target: u64,
    pub(crate) opened: Instant,
    pub(crate) settings: PoolSettings,
}

#[derive(Debug)]
struct Idle {
    lease: Lease,
    since: Instant,
}

thread_local! {
    /// Owned by the thread as its sockets are: a connection cannot be driven from another one.
    static IDLE: RefCell<Shelf> = RefCell::default();
}

#[derive(Debug, Default)]
struct Shelf {
    by_target: HashMap<u64, Vec<Idle>>,
    swept: Option<Instant>,
}

impl Pool {
    /// A pool with these limits.
    pub fn new(settings: PoolSettings) -> Self {
        Self { settings }
    }

    /// Sends a request and returns the head of the answer; its body holds the connection.
    ///
    /// The request's URI is in origin form and it has one `Host`. A `101` answer carries the
    /// upgraded connection: see [`crate::Upgrade`].
    ///
    /// A kept connection that died before it took a byte is replaced once by a fresh one; so is
    /// one that died later, if the method is idempotent and there is no body.
    ///
    /// # Errors
    /// [`SendError::is_not_sent`] says whether another target may be tried.
    pub async fn send(
        &self,
        target: &Target,
        request: Request<Body>,
    ) -> Result<Response<Body>, SendError> {
        send::send(&self.settings, target, request).await
    }

    /// Closes this thread's idle connections to a target that is gone.
    pub fn forget(&self, target: &Target) {
        IDLE.with_borrow_mut(|shelf| shelf.by_target.remove(&target.id()));
        h2_client::forget(target.id());
    }
}

impl Lease {
    /// Keeps the connection for the next request, if it may live on.
    pub(crate) fn give_back(self) {
        let now = Instant::now();
        if self.sender.is_closed() || now.duration_since(self.opened) > self.settings.age {
            return;
        }
        IDLE.with_borrow_mut(|shelf| {
            let idle = shelf.by_target.entry(self.target).or_default();
            if idle.len() < self.settings.idle_max {
                idle.push(Idle { lease: self, since: now });
            }
        });
    }
}

/// Takes the connection that was used last, with the time it was idle.
pub(crate) fn take(settings: &PoolSettings, target: u64) -> Option<(Lease, Duration)> {
    let now = Instant::now();
    IDLE.with_borrow_mut(|shelf| {
        shelf.sweep(settings, now);
        let idle = shelf.by_target.get_mut(&target)?;
        while let Some(Idle { lease, since }) = idle.pop() {
            let rested = now.duration_since(since);
            let is_young = now.duration_since(lease.opened) <= settings.age;
            if rested <= settings.idle_time && is_young && lease.sender.is_ready() {
                return Some((lease, rested));
            }
        }
        None
    })
}

impl Shelf {
    /// Drops what is closed or too old, for all targets, at most once in a while.
    fn sweep(&mut self, settings: &PoolSettings, now: Instant) {
        if self.swept.is_some_and(|at| now.duration_since(at) < SWEEP_EVERY) {
            return;
        }
        self.swept = Some(now);
        self.by_target.retain(|_, idle| {
            idle.retain(|one| {
                !one.lease.sender.is_closed() && now.duration_since(one.since) <= settings.idle_time
            });
            !idle.is_empty()
        });
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            idle_max: 64,
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

/// A sweep visits all idle connections of the thread; once a second is nothing beside requests.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
