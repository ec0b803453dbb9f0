//! One exchange with an upstream: connect or reuse, send, wait for the head of the answer.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::UPGRADE;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ringwall_base::Fault;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::guard::{Cue, Guarded, Violation};
use crate::pool::{self, Lease, PoolSettings};
use crate::{Body, Protocol, Socket, Target, h2_client};

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
            Self::Malformed(_) | Self::Lost(_) | Self::Time => false,
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
    mut request: Request<Body>,
) -> Result<Response<Body>, SendError> {
    let _counted = target.enter();
    if target.settings().protocol == Protocol::Http2 {
        // On the heap, so that HTTP/1, which is the usual case, need not carry its size.
        return Box::pin(h2_client::send(settings, target, request)).await;
    }
    if let Some((lease, rested)) = pool::take(settings, target.id()) {
        // A copy costs two allocations. A connection used a moment ago is alive, so none is made.
        let copy = (rested > TRUSTED_REST).then(|| Copy::of(&request)).flatten();
        match exchange(settings, lease, request).await {
            Ok(response) => return Ok(response),
            Err(Failed { error: SendError::NotSent(_), request: Some(unsent) }) => {
                request = *unsent;
            }
            Err(Failed { error: error @ SendError::Lost(_), .. }) => match copy {
                Some(copy) => request = copy.into_request(),
                None => return Err(error),
            },
            Err(failed) => return Err(failed.error),
        }
    }
    let lease = connect(settings, target).await?;
    exchange(settings, lease, request).await.map_err(|failed| failed.error)
}

/// An error, with the request if none of it was taken.
struct Failed {
    error: SendError,
    request: Option<Box<Request<Body>>>,
}

async fn exchange(
    settings: &PoolSettings,
    mut lease: Lease,
    request: Request<Body>,
) -> Result<Response<Body>, Failed> {
    lease.cue.expect(request.method() == Method::HEAD);
    let is_upgrade = request.headers().contains_key(UPGRADE);
    let sent = lease.sender.try_send_request(request);
    match patiently(settings.head_time, &lease.cue, sent).await? {
        // A switch that nobody asked for would turn answers into a stream.
        Ok(response) if is_switch(&response) && !is_upgrade => {
            Err(SendError::Malformed(Violation::Unsolicited).into())
        }
        Ok(response) => Ok(receive(lease, response)),
        Err(mut failed) => {
            let request = failed.take_message().map(Box::new);
            let error = failed.into_error();
            let error = match (lease.cue.violation(), &request) {
                (Some(violation), _) => SendError::Malformed(violation),
                (None, Some(_)) => SendError::NotSent(io::Error::other(error)),
                (None, None) => SendError::Lost(io::Error::other(error)),
            };
            Err(Failed { error, request })
        }
    }
}

/// Waits for the head, from the last byte that was sent on: a long upload is no slow answer.
async fn patiently<T>(
    limit: Duration,
    cue: &Cue,
    sent: impl Future<Output = T>,
) -> Result<T, SendError> {
    let mut sent = pin!(sent);
    loop {
        let writes = cue.writes();
        match timeout(limit, sent.as_mut()).await {
            Ok(answered) => return Ok(answered),
            Err(_) if cue.writes() != writes => {}
            Err(_) => return Err(SendError::Time),
        }
    }
}

fn receive(lease: Lease, response: Response<hyper::body::Incoming>) -> Response<Body> {
    // An upgraded connection is no longer ours to keep.
    if is_switch(&response) {
        return response.map(|_| Body::Empty);
    }
    response.map(|incoming| Body::upstream(incoming, lease))
}

fn is_switch<B>(response: &Response<B>) -> bool {
    response.status() == StatusCode::SWITCHING_PROTOCOLS
}

async fn connect(settings: &PoolSettings, target: &Target) -> Result<Lease, SendError> {
    let deadline = deadline(settings.connect_time);
    let socket = timeout_at(deadline, target.dial().dial())
        .await
        .map_err(|_elapsed| SendError::ConnectTime)?
        .map_err(SendError::Connect)?;
    match (socket, target.tls()) {
        (Socket::Tcp(stream), None) => open(settings, target, stream).await,
        (Socket::Unix(stream), None) => open(settings, target, stream).await,
        (Socket::Tcp(stream), Some(tls)) => {
            let connector = TlsConnector::from(Arc::clone(&tls.config));
            let stream = timeout_at(deadline, connector.connect(tls.name.clone(), stream))
                .await
                .map_err(|_elapsed| SendError::ConnectTime)?
                .map_err(SendError::Handshake)?;
            open(settings, target, stream).await
        }
        (Socket::Unix(_), Some(_)) => {
            Err(SendError::Handshake(io::Error::other("TLS over a Unix socket is not offered")))
        }
    }
}

async fn open<S>(settings: &PoolSettings, target: &Target, stream: S) -> Result<Lease, SendError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let cue = Arc::new(Cue::default());
    let guarded = Guarded::response(stream, settings.head, Arc::clone(&cue));
    let (sender, driver) = http1::Builder::new()
        .handshake(TokioIo::new(guarded))
        .await
        .map_err(|error| SendError::NotSent(io::Error::other(error)))?;
    tokio::task::spawn_local(async move {
        if let Err(error) = driver.with_upgrades().await {
            tracing::debug!(%error, "upstream connection ended");
        }
    });
    Ok(Lease { sender, cue, target: target.id(), opened: Instant::now(), settings: *settings })
}

fn deadline(after: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(after).unwrap_or(now)
}

/// What is needed to send a request again.
struct Copy {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Copy {
    /// Only of what may be sent twice: RFC 9110 section 9.2.2, and nothing that streams.
    fn of(request: &Request<Body>) -> Option<Self> {
        (request.method().is_idempotent() && request.body().is_empty()).then(|| Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
        })
    }

    fn into_request(self) -> Request<Body> {
        let mut request = Request::new(Body::Empty);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        request
    }
}

impl From<SendError> for Failed {
    fn from(error: SendError) -> Self {
        Self { error, request: None }
    }
}

/// After this much rest a connection may have been closed with the notice still on its way.
const TRUSTED_REST: Duration = Duration::from_millis(500);
