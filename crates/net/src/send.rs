//! One exchange with an upstream: connect or reuse, send, wait for the head of the answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use ringwall_base::Fault;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::guard::{Machine, Violation};
use crate::h1::{Failed, Link, exchange};
use crate::pool::{self, Lease, PoolSettings};
use crate::wire::Wire;
use crate::{Body, Socket, Target, h2_client};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The connection could not be made.
    #[error("upstream cannot be reached")]
    Connect(#[source] io::Error),
    /// The connection was not made in time.
    #[error("upstream did not accept the connection in time")]
    ConnectTime,
    /// The TLS handshake failed: a wrong identity, an unknown root.
    #[error("upstream is not who it should be")]
    Handshake(#[source] io::Error),
    /// The body of the request broke off or was refused while it was sent: it says nothing of the
    /// upstream.
    #[error("the request broke off before it was answered")]
    GivenUp,
    /// The answer breaks the framing of HTTP or its limits.
    #[error("upstream answered with malformed HTTP: {}", .0.reason())]
    Malformed(Violation),
    /// The connection ended before it took the request.
    #[error("upstream closed before it took the request")]
    NotSent(#[source] io::Error),
    /// HTTP/2: the upstream says that it has not looked at the request (RFC 9113 section 8.7).
    #[error("upstream refused the stream")]
    RefusedStream(#[source] io::Error),
    /// The connection ended before an answer; the request may have been worked on.
    #[error("upstream closed before it answered")]
    Lost(#[source] io::Error),
    /// There are as many connections and waiting requests as there may be. Nothing was sent.
    #[error("upstream has as many connections and waiting requests as it may have")]
    Overflow,
    /// No answer in time; the request may have been worked on.
    #[error("upstream did not answer in time")]
    Time,
}

impl SendError {
    /// Whether no byte of the request was taken, so that any request may be tried elsewhere.
    pub fn is_not_sent(&self) -> bool {
        match self {
            Self::Connect(_)
            | Self::ConnectTime
            | Self::Handshake(_)
            | Self::NotSent(_)
            | Self::RefusedStream(_)
            | Self::Overflow => true,
            Self::GivenUp | Self::Malformed(_) | Self::Lost(_) | Self::Time => false,
        }
    }

    /// Whether an HTTP/2 upstream said that it did not look at the request: any may be sent again,
    /// to the same target too.
    pub fn is_refused_stream(&self) -> bool {
        matches!(self, Self::RefusedStream(_))
    }

    /// Whether it was too slow: 504, else 502.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Time | Self::ConnectTime)
    }

    /// Who must act.
    pub fn fault(&self) -> Fault {
        Fault::Upstream
    }
}

pub(crate) async fn send(
    settings: &PoolSettings,
    target: &Target,
    mut request: Box<Request<Body>>,
) -> Result<Response<Body>, SendError> {
    let _counted = target.enter();
    if target.settings().protocol.is_h2(&request) {
        // On the heap, so that HTTP/1, which is the usual case, need not carry its size.
        return Box::pin(h2_client::send(settings, target, *request)).await;
    }
    let mut body = std::mem::take(request.body_mut());
    let is_careful = !body.is_empty() || !request.method().is_idempotent();
    if let Some(lease) = pool::take(settings, target, is_careful) {
        match exchange(lease, &request, body).await {
            Ok(response) => return Ok(response),
            Err(Failed { error, unsent: None }) => return Err(error),
            // It died in the pool, or as it was taken: once more, on a fresh one.
            Err(Failed { unsent: Some(unsent), .. }) => body = *unsent,
        }
    }
    // A handshake takes ten times the room of an exchange, which every request would be charged.
    let lease = Box::pin(lease(settings, target)).await?;
    exchange(lease, &request, body).await.map_err(|failed| failed.error)
}

/// A connection, when none is idle: one that comes free, or a new one.
async fn lease(settings: &PoolSettings, target: &Target) -> Result<Box<Lease>, SendError> {
    let place = target.queue().try_place();
    if place.is_some() && !pool::is_busy(target) {
        return connect(settings, target, place).await;
    }
    let free = pool::next_free(target);
    if place.is_some() {
        // One is often free before a handshake would be through (hyperium/hyper#4134).
        return match timeout(FREE_SOON, free).await {
            Ok(Ok(lease)) => Ok(lease),
            Ok(Err(_)) | Err(_) => connect(settings, target, place).await,
        };
    }
    let Some(pending) = target.pend() else { return Err(SendError::Overflow) };
    let wait = async {
        let place = tokio::select! {
            biased;
            Ok(lease) = free => return Ok(lease),
            place = target.queue().place() => place,
        };
        // Who has a place waits no longer: no other connection has to make room.
        drop(pending);
        connect(settings, target, place).await
    };
    timeout(settings.connect_time, wait).await.unwrap_or(Err(SendError::ConnectTime))
}

async fn connect(
    settings: &PoolSettings,
    target: &Target,
    place: Option<OwnedSemaphorePermit>,
) -> Result<Box<Lease>, SendError> {
    let Some(place) = place else { return Err(SendError::Overflow) };
    let wire = timeout(settings.connect_time, wire(target));
    let wire = wire.await.map_err(|_elapsed| SendError::ConnectTime)??;
    let link = Link::new(wire, Machine::response(settings.head));
    Ok(Lease::new(link, *settings, target, place))
}

async fn wire(target: &Target) -> Result<Wire, SendError> {
    let socket = target.dial().dial().await.map_err(SendError::Connect)?;
    match (socket, target.tls()) {
        (Socket::Tcp(stream), None) => Ok(Wire::Tcp(stream)),
        (Socket::Unix(stream), None) => Ok(Wire::Unix(stream)),
        (Socket::Tcp(stream), Some(tls)) => {
            let connector = TlsConnector::from(Arc::clone(&tls.config));
            let stream = connector.connect(tls.name.clone(), stream).await;
            Ok(Wire::Dialed(Box::new(stream.map_err(SendError::Handshake)?)))
        }
        (Socket::Unix(_), Some(_)) => {
            Err(SendError::Handshake(io::Error::other("TLS over a Unix socket is not offered")))
        }
    }
}

/// How long a request waits for a connection in use before it opens another.
const FREE_SOON: Duration = Duration::from_millis(1);
