//! An HTTP/2 connection. Framing has one reading here; what is left is checked on each request.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Interval, interval};

use crate::connection::Context;
use crate::guard::has_dot_segment;
use crate::h1::{leave, stopped};
use crate::patient::Patient;
use crate::refusal::refusal_response;
use crate::unread::{Returning, Unread};
use crate::{Answer, Body, Peer, Settings, Violation};

/// Serves until the connection ends, the door drains or the connection is old.
pub(crate) async fn serve<S>(stream: S, context: &Arc<Context>, peer: Arc<Peer>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let settings = &context.settings;
    let begun = Rc::new(Cell::new(0_u64));
    let counter = Rc::clone(&begun);
    let (answerer, asker) = (Arc::clone(&context.answer), Arc::clone(&peer));
    let mut unread = Unread::new(settings);
    let (body_time, home) = (settings.body_idle_time, unread.home());
    let service = service_fn(move |request: Request<Incoming>| {
        counter.set(counter.get().saturating_add(1));
        let home = home.clone();
        let request = request.map(|body| Patient::body(Returning::body(body, home), body_time));
        answer(Arc::clone(&answerer), Arc::clone(&asker), request)
    });
    let connection = builder(settings).serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let mut leaving = pin!(leave(peer.presence()));
    let mut is_leaving = false;
    let mut age = Age::new(settings);
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, door = %peer.door, "connection ended");
                }
                return;
            }
            // GOAWAY at once, on an idle connection too.
            () = leaving.as_mut(), if !is_leaving => {
                is_leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            () = stopped(peer.presence()), if is_leaving => return,
            () = unread.drain() => return,
            () = age.old(&begun) => connection.as_mut().graceful_shutdown(),
        }
    }
}

async fn answer(
    answer: Arc<dyn Answer>,
    peer: Arc<Peer>,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    Ok(match check(&request) {
        Ok(()) => answer.answer(peer, request).await,
        Err(violation) => refusal_response(violation, answer.refused(&peer, violation)),
    })
}

/// What HTTP/2 framing leaves open: two names for the host, and the path.
fn check(request: &Request<Body>) -> Result<(), Violation> {
    if request.method() == Method::CONNECT {
        return Err(Violation::Connect);
    }
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let mut hosts = request.headers().get_all(HOST).iter();
    match (authority, hosts.next(), hosts.next()) {
        (_, Some(_), Some(_)) => return Err(Violation::Hosts),
        (None, None, None) => return Err(Violation::Host),
        (Some(authority), Some(host), None)
            if !authority.as_bytes().eq_ignore_ascii_case(host.as_bytes()) =>
        {
            return Err(Violation::Authority);
        }
        (Some(_) | None, Some(_) | None, None) | (_, None, Some(_)) => {}
    }
    // RFC 9110 section 4.2.4: user information is for tricking people.
    if authority.is_some_and(|authority| authority.contains('@')) {
        return Err(Violation::Authority);
    }
    if has_dot_segment(request.uri().path().as_bytes()) {
        return Err(Violation::DotSegment);
    }
    Ok(())
}

fn builder(settings: &Settings) -> http2::Builder<OnThisThread> {
    let mut builder = http2::Builder::new(OnThisThread);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.streams_max)
        .max_pending_accept_reset_streams(settings.pending_resets_max)
        .max_local_error_reset_streams(settings.local_resets_max)
        .max_header_list_size(settings.header_list_bytes_max)
        .keep_alive_interval(settings.idle_time)
        .keep_alive_timeout(settings.head_time);
    builder
}

/// When a connection has had enough: requests, years, or none of the former for long.
struct Age {
    ticks: Interval,
    opened: Instant,
    seen: u64,
    since: Instant,
    limits: (u64, Duration, Duration),
}

impl Age {
    fn new(settings: &Settings) -> Self {
        let now = Instant::now();
        let shortest = settings.connection_age.min(settings.idle_time);
        let quarter = shortest.checked_div(4).unwrap_or(shortest);
        let period = quarter.clamp(Duration::from_millis(10), PERIOD_MAX);
        let limits =
            (settings.requests_per_connection_max, settings.connection_age, settings.idle_time);
        Self { ticks: interval(period), opened: now, seen: 0, since: now, limits }
    }

    /// Streams that are open go on after a GOAWAY, so an idle time without new ones is enough.
    async fn old(&mut self, begun: &Cell<u64>) {
        let (begun_max, age_max, idle_max) = self.limits;
        loop {
            let now = self.ticks.tick().await;
            if begun.get() != self.seen {
                self.seen = begun.get();
                self.since = now;
            }
            if self.seen >= begun_max
                || now.duration_since(self.opened) >= age_max
                || now.duration_since(self.since) >= idle_max
            {
                return;
            }
        }
    }
}

/// Streams are tasks of the thread that accepted their connection.
#[derive(Clone, Copy, Debug)]
struct OnThisThread;

impl<F: Future<Output = ()> + 'static> Executor<F> for OnThisThread {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

const PERIOD_MAX: Duration = Duration::from_secs(5);
