//! An HTTP/1 connection: guard, hyper, handler, watchdog.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::connection::Context;
use crate::drain::Presence;
use crate::guard::{Cue, Guarded};
use crate::refusal::refusal_response;
use crate::unread::{Returning, read_on};
use crate::watchdog::{Finding, Watchdog};
use crate::{Answer, Body, Peer, Violation};

/// Serves until the connection ends, the door drains or the watchdog bites.
pub(crate) async fn serve<S>(stream: S, context: &Arc<Context>, peer: Arc<Peer>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let cue = Arc::new(Cue::default());
    let guarded = Guarded::request(stream, context.settings.head, Arc::clone(&cue));
    let exchanges = Rc::new(Exchanges {
        answer: Arc::clone(&context.answer),
        peer: Arc::clone(&peer),
        cue: Arc::clone(&cue),
        begun: Cell::new(0),
        begun_max: context.settings.requests_per_connection_max,
        opened: Instant::now(),
        age_max: context.settings.connection_age,
        unread_bytes_max: context.settings.unread_bytes_max,
        unread_time: context.settings.unread_time,
    });
    let service = service_fn(move |request| Rc::clone(&exchanges).answer(request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The watchdog holds the time of a head, and answers.
        .header_read_timeout(None)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(guarded), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut watchdog = Watchdog::new(&context.settings, Arc::clone(&cue));
    let mut leaving = pin!(leave_idle(peer.presence()));
    let mut is_leaving = false;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, door = %peer.door, "connection ended");
                }
                return;
            }
            () = leaving.as_mut(), if !is_leaving => {
                // hyper would wait for a first request, which may never come.
                if cue.is_unused() {
                    return;
                }
                is_leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            () = stopped(peer.presence()), if is_leaving => return,
            finding = watchdog.finding() => match finding {
                Finding::Dead => return,
                Finding::Idle => connection.as_mut().graceful_shutdown(),
                Finding::Slow => cue.mark_slow(),
            },
        }
    }
}

/// The requests of one connection.
struct Exchanges {
    answer: Arc<dyn Answer>,
    peer: Arc<Peer>,
    cue: Arc<Cue>,
    begun: Cell<u64>,
    begun_max: u64,
    opened: Instant,
    age_max: Duration,
    unread_bytes_max: usize,
    unread_time: Duration,
}

impl Exchanges {
    async fn answer(
        self: Rc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let number = self.begun.get().saturating_add(1);
        self.begun.set(number);
        let mut response = match self.violation(number) {
            Some(violation) => self.refuse(violation),
            None => self.ask(request, number).await,
        };
        self.cue.answered(response.status() == StatusCode::SWITCHING_PROTOCOLS);
        let is_draining = self.peer.presence().is_some_and(Presence::is_draining);
        if number >= self.begun_max || self.opened.elapsed() >= self.age_max || is_draining {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Asks the handler, and drops its answer when the rest of the request breaks the framing.
    async fn ask(&self, request: Request<Incoming>, number: u64) -> Response<Body> {
        // A client that waits for `100 Continue` sends nothing that could be read on.
        let is_waiting = request.headers().contains_key(EXPECT);
        let (home, mut dropped) = mpsc::channel(1);
        let request = request.map(|body| Returning::body(body, home));
        let mut answering = self.answer.answer(Arc::clone(&self.peer), request);
        let answered = poll_fn(|cx| match self.violation(number) {
            Some(violation) => Poll::Ready(Err(violation)),
            None => answering.as_mut().poll(cx).map(Ok),
        });
        let answered = answered.await;
        drop(answering);
        if !is_waiting && let Ok(body) = dropped.try_recv() {
            // A connection that is closed with bytes unread is reset, and takes the answer with it.
            read_on(body, self.unread_bytes_max, self.unread_time).await;
        }
        match answered {
            Ok(response) => response,
            Err(violation) => self.refuse(violation),
        }
    }

    fn violation(&self, number: u64) -> Option<Violation> {
        let refused = self.cue.refused()?;
        (refused.message == number).then_some(refused.violation)
    }

    fn refuse(&self, violation: Violation) -> Response<Body> {
        refusal_response(violation, self.answer.refused(&self.peer, violation))
    }
}

pub(crate) async fn leave(presence: Option<&Presence>) {
    match presence {
        Some(presence) => presence.draining().await,
        None => std::future::pending().await,
    }
}

/// An idle connection stays a little longer: its client may be about to send.
pub(crate) async fn leave_idle(presence: Option<&Presence>) {
    match presence {
        Some(presence) => presence.idle_over().await,
        None => std::future::pending().await,
    }
}

pub(crate) async fn stopped(presence: Option<&Presence>) {
    match presence {
        Some(presence) => presence.stopped().await,
        None => std::future::pending().await,
    }
}
