//! One upstream: how it is reached, and what its connections may cost.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use http::header::UPGRADE;
use http::{Request, Version};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::{ClientTls, Dial};

/// What is spoken with an upstream.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Protocol {
    /// HTTP/1.1, one request at a time on a connection.
    #[default]
    Http1,
    /// HTTP/2 with prior knowledge (RFC 9113 section 3.3), over TLS by ALPN.
    Http2,
    /// What the client of each request speaks, by its version: to a door of ours, which has both.
    /// Upgrades go by HTTP/1.1.
    AsClient,
}

impl Protocol {
    pub(crate) fn is_h2<B>(self, request: &Request<B>) -> bool {
        match self {
            Self::Http1 => false,
            Self::Http2 => true,
            Self::AsClient => {
                request.version() == Version::HTTP_2 && !request.headers().contains_key(UPGRADE)
            }
        }
    }
}

/// What connections to one upstream speak, and how many there may be over all threads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TargetSettings {
    /// What is spoken.
    pub protocol: Protocol,
    /// Open connections. A request that needs one more waits.
    pub connections_max: usize,
    /// Requests that wait for a connection, or over HTTP/2 for a stream of one. One more is [`crate::SendError::Overflow`].
    pub pending_max: usize,
}

/// One upstream endpoint. Its idle connections are kept per thread under its number, so a target
/// lives as long as the endpoint is in use, over reloads too.
#[derive(Debug)]
pub struct Target {
    id: u64,
    dial: Arc<dyn Dial>,
    tls: Option<ClientTls>,
    settings: TargetSettings,
    in_flight: AtomicUsize,
    queue: Arc<Queue>,
}

/// The connections that a target may have over all threads, who waits for one, and what became of
/// their answers.
#[derive(Debug)]
pub(crate) struct Queue {
    places: Arc<Semaphore>,
    pending: AtomicUsize,
    broken: AtomicUsize,
    wanted: Notify,
}

impl Target {
    /// A plain target, or one that is spoken to over mutual TLS.
    pub fn new(dial: Arc<dyn Dial>, tls: Option<ClientTls>) -> Arc<Self> {
        Self::with(dial, tls, TargetSettings::default())
    }

    /// The same, with what is spoken and what it may cost.
    pub fn with(
        dial: Arc<dyn Dial>,
        tls: Option<ClientTls>,
        settings: TargetSettings,
    ) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let places = settings.connections_max.clamp(1, Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(places));
        let (pending, broken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let queue = Arc::new(Queue { places, pending, broken, wanted: Notify::new() });
        Arc::new(Self { id, dial, tls, settings, in_flight: AtomicUsize::new(0), queue })
    }

    /// Requests that wait for the head of their answer, over all threads. What balancing compares.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether an answer broke off after its head, of which nobody was told yet: each is told once.
    /// Whoever took the head as a success learns it here.
    pub fn take_broken(&self) -> bool {
        // Read first: on the usual path this line stays shared.
        let (broken, order) = (&self.queue.broken, Ordering::Relaxed);
        broken.load(order) > 0
            && broken.fetch_update(order, order, |count| count.checked_sub(1)).is_ok()
    }

    /// Nobody wants to know of those that broke off until now.
    pub fn forget_broken(&self) {
        if self.queue.broken.load(Ordering::Relaxed) > 0 {
            self.queue.broken.store(0, Ordering::Relaxed);
        }
    }

    /// Opens a connection and closes it again: whether anybody is there.
    ///
    /// # Errors
    /// When nobody is. The caller limits the time.
    pub async fn knock(&self) -> io::Result<()> {
        self.dial.dial().await.map(drop)
    }

    pub(crate) fn settings(&self) -> TargetSettings {
        self.settings
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

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Waits in the queue, if there is room.
    pub(crate) fn pend(&self) -> Option<Pending<'_>> {
        let before = self.queue.pending.fetch_add(1, Ordering::Relaxed);
        let pending = Pending(&self.queue);
        let has_room = before < self.settings.pending_max;
        if has_room {
            self.queue.wanted.notify_waiters();
        }
        has_room.then_some(pending)
    }

    pub(crate) fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }
}

impl Queue {
    /// The right to open one more connection.
    pub(crate) fn try_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// The same, when one comes free. In order of arrival, over all threads.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// An answer broke off.
    pub(crate) fn broke(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
    }

    /// Resolves when somebody else begins to wait, on whatever thread.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// How many wait, on all threads.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Whether somebody waits, on whatever thread.
    pub(crate) fn is_wanted(&self) -> bool {
        self.pending.load(Ordering::Relaxed) > 0
    }
}

/// Waits while it lives.
#[derive(Debug)]
pub(crate) struct Pending<'a>(&'a Queue);

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.pending.fetch_sub(1, Ordering::Relaxed);
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

impl Default for TargetSettings {
    fn default() -> Self {
        Self { protocol: Protocol::Http1, connections_max: 1_024, pending_max: 1_024 }
    }
}
