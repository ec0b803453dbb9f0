//! Requests to upstreams that speak HTTP/2: streams of few shared connections.
//!
//! [`shelf`] keeps the connections of a thread, [`open`] makes them, [`drive`] keeps them alive and
//! ends them. A request that is dropped resets its stream at once.

mod drive;
mod link;
mod open;
mod shelf;

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version};
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::h2::exchange::is_grpc;
use crate::h2::pump::{Stopped, pump};
use crate::pool::PoolSettings;
use crate::{Body, FromClient, Interim, SendError, StreamBody, Target, Violation};
pub(crate) use link::Hold;
use shelf::Granted;
pub(crate) use shelf::forget;

/// Sends a request on a stream of a shared connection.
pub(crate) async fn send(
    settings: &PoolSettings,
    target: &Target,
    request: Request<Body>,
) -> Result<Response<Body>, SendError> {
    if request.headers().contains_key(UPGRADE) {
        return Err(not_sent("an upgrade has no meaning in HTTP/2"));
    }
    let (parts, body) = request.into_parts();
    let parts = outgoing(parts, target.tls().is_some())?;
    // What streams cannot be sent twice.
    let copy = if body.is_empty() { body.spare().map(|body| (head(&parts), body)) } else { None };
    let is_safe = parts.method.is_idempotent();
    let granted = shelf::grant(settings, target).await?;
    let is_kept = granted.is_kept;
    let error = match exchange(settings, granted, Request::from_parts(parts, ()), body).await {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    let is_died = is_safe && matches!(error, SendError::Lost(_));
    let (Some((copy, body)), true) = (copy, is_kept && (error.is_not_sent() || is_died)) else {
        return Err(error);
    };
    let granted = shelf::grant(settings, target).await?;
    exchange(settings, granted, copy, body).await
}

async fn exchange(
    settings: &PoolSettings,
    Granted { link, mut hold, .. }: Granted,
    head: Request<()>,
    body: Body,
) -> Result<Response<Body>, SendError> {
    let mut sender = link.sender();
    if let Err(error) = poll_fn(|cx| sender.poll_ready(cx)).await {
        link.retire();
        return Err(SendError::NotSent(io::Error::other(error)));
    }
    let back = Back::of(&head, &body);
    let is_over = body.is_empty();
    let (response, stream) = sender
        .send_request(head, is_over)
        .map_err(|error| SendError::NotSent(io::Error::other(error)))?;
    drop(sender);
    let sent = Rc::new(Upload::default());
    if !is_over {
        hold.pump(&spawn_local(upload(body, stream, settings.head_time, Rc::clone(&sent))));
    }
    let reads = link.meter().reads();
    match patiently(settings.head_time, &sent.moved, answer(response, back)).await {
        Some(Ok(response)) => Ok(receive(response, hold)),
        // The stream was reset because of its body: any client could say that of any upstream.
        Some(Err(_)) if sent.is_given_up.get() => Err(SendError::GivenUp),
        Some(Err(error)) => Err(classify(error)),
        None => {
            // Nothing at all came meanwhile: perhaps nobody is there any more.
            if link.meter().reads() == reads {
                link.retire();
            }
            Err(SendError::Time)
        }
    }
}

/// How far a body was sent.
#[derive(Debug, Default)]
struct Upload {
    /// Counts pieces.
    moved: Cell<u64>,
    /// Whether the body itself broke off.
    is_given_up: Cell<bool>,
}

async fn upload(body: Body, mut stream: SendStream<Bytes>, stall: Duration, sent: Rc<Upload>) {
    let progress = || sent.moved.set(sent.moved.get().saturating_add(1));
    if let Err(stopped) = pump(body, &mut stream, stall, progress).await {
        sent.is_given_up.set(matches!(stopped, Stopped::Broken));
        tracing::debug!(?stopped, "request body not sent to its end");
    }
}

/// The answer; what comes before it goes to the client that waits.
async fn answer(
    mut response: ResponseFuture,
    back: Option<Back>,
) -> Result<Response<RecvStream>, h2::Error> {
    poll_fn(|cx| {
        if let Some(back) = &back {
            while let Poll::Ready(Some(Ok(early))) = response.poll_informational(cx) {
                back.send(early);
            }
        }
        Pin::new(&mut response).poll(cx)
    })
    .await
}

/// The way back for interim answers.
enum Back {
    Asked(Interim),
    /// To a client of HTTP/1 that sent no body.
    Client(FromClient),
}

impl Back {
    fn of(head: &Request<()>, body: &Body) -> Option<Self> {
        if let Some(interim) = head.extensions().get::<Interim>() {
            return Some(Self::Asked(interim.clone()));
        }
        if let Body::Client(client) = body { client.again().map(Self::Client) } else { None }
    }

    fn send(&self, early: Response<()>) {
        let (parts, ()) = early.into_parts();
        match self {
            Self::Asked(interim) => interim.send(parts.status, parts.headers),
            Self::Client(client) => client.interim(parts.status, &parts.headers),
        }
    }
}

/// Waits for the head, from the last piece of the body that was taken: a long upload is no slow
/// answer. `None` when it took too long.
async fn patiently<T>(
    limit: Duration,
    moved: &Cell<u64>,
    answer: impl Future<Output = T>,
) -> Option<T> {
    let mut answer = std::pin::pin!(answer);
    loop {
        let before = moved.get();
        match timeout(limit, answer.as_mut()).await {
            Ok(answered) => return Some(answered),
            Err(_) if moved.get() != before => {}
            Err(_) => return None,
        }
    }
}

fn receive(response: Response<RecvStream>, hold: Hold) -> Response<Body> {
    let (parts, recv) = response.into_parts();
    if recv.is_end_stream() {
        return Response::from_parts(parts, Body::Empty);
    }
    let length = parts.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let body = StreamBody::of_upstream(recv, length, STREAM_IDLE, hold);
    Response::from_parts(parts, Body::Stream(body))
}

/// What an error says about the request.
fn classify(error: h2::Error) -> SendError {
    if error.is_remote() && error.is_go_away() {
        // RFC 9113 section 6.8: streams above the last one named were not looked at.
        return SendError::NotSent(io::Error::other(error));
    }
    if error.is_remote() && error.reason() == Some(Reason::REFUSED_STREAM) {
        return SendError::RefusedStream(io::Error::other(error));
    }
    if error.is_library() {
        return SendError::Malformed(Violation::Stream);
    }
    SendError::Lost(io::Error::other(error))
}

/// The head as HTTP/2 writes it: no hop-by-hop field (RFC 9113 section 8.2.2), the host as authority.
fn outgoing(mut parts: Parts, is_secure: bool) -> Result<Parts, SendError> {
    for name in HOP {
        parts.headers.remove(name);
    }
    // `TE` ends at each hop, and this one passes trailers on. gRPC does not go without it.
    if is_grpc(&parts.headers) {
        parts.headers.insert(TE, HeaderValue::from_static("trailers"));
    } else {
        parts.headers.remove(TE);
    }
    let host = parts.headers.remove(HOST);
    let named = host.as_ref().and_then(|value| Authority::try_from(value.as_bytes()).ok());
    let uri = std::mem::take(&mut parts.uri).into_parts();
    let Some(authority) = named.or(uri.authority) else {
        return Err(not_sent("the request names no host"));
    };
    let mut full = http::uri::Parts::default();
    full.scheme = Some(if is_secure { Scheme::HTTPS } else { Scheme::HTTP });
    full.authority = Some(authority);
    full.path_and_query = uri.path_and_query;
    parts.uri = Uri::from_parts(full).map_err(|_invalid| not_sent("the target is not a URI"))?;
    parts.version = Version::HTTP_2;
    Ok(parts)
}

/// What is needed to send a request again.
fn head(parts: &Parts) -> Request<()> {
    let mut copy = Request::new(());
    *copy.method_mut() = Method::clone(&parts.method);
    *copy.uri_mut() = Uri::clone(&parts.uri);
    *copy.headers_mut() = HeaderMap::clone(&parts.headers);
    *copy.version_mut() = Version::HTTP_2;
    if let Some(interim) = parts.extensions.get::<Interim>() {
        copy.extensions_mut().insert(interim.clone());
    }
    copy
}

fn not_sent(why: &'static str) -> SendError {
    SendError::NotSent(io::Error::other(why))
}

const HOP: [HeaderName; 6] = [
    CONNECTION,
    // Whoever reads the body asks for it.
    EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    UPGRADE,
];

/// An answer that stands still for this long is not read on. Longer than any poll: the connection
/// is asked for signs of life all the while.
const STREAM_IDLE: Duration = Duration::from_hours(1);
