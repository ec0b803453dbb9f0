//! One request of an HTTP/2 connection, from its head to the last byte of its answer.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use tokio::time::timeout;

use super::check::check;
use super::meter::Meter;
use super::pump::{Stopped, at_once, pump};
use super::stream_body::{Patience, StreamBody, Upload};
use super::tunnel::{Waiting, clean, translate};
use crate::curb::refuse;
use crate::refusal::refusal_response;
use crate::{Answer, Answering, Body, Curb, Interim, Peer, Settings, Violation, date};

/// What all requests of a connection have in common.
#[derive(Debug)]
pub(super) struct Exchanges {
    pub(super) answer: Arc<dyn Answer>,
    pub(super) peer: Arc<Peer>,
    pub(super) settings: Settings,
    pub(super) meter: Rc<Meter>,
    /// Requests that came.
    pub(super) begun: Cell<u64>,
    /// Requests that are not over.
    pub(super) open: Cell<usize>,
}

/// Counts an exchange while it lives.
struct Open(Rc<Exchanges>);

impl Exchanges {
    /// Answers one request. What is rare is boxed: the task is as large as the largest thing that it
    /// may wait for.
    pub(super) async fn run(
        self: Rc<Self>,
        request: Box<Request<RecvStream>>,
        mut respond: SendResponse<Bytes>,
    ) {
        let _open = Open::enter(&self);
        let is_head = *request.method() == Method::HEAD;
        let upload = Rc::new(Upload::default());
        let mut waiting = None;
        let response = match self.begin(request, &upload, &mut waiting) {
            Ok(asked) => asked.answer(&mut respond).await,
            Err(violation) => Some(self.refuse(violation)),
        };
        if upload.stood_still.get() {
            self.peer.curb(Curb::SlowBody);
        }
        // Nobody waits any more. What is dropped here is what was begun for the request.
        let Some(response) = response else { return };
        upload.is_answered.set(true);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS
            && let Some(waiting) = waiting
        {
            return Box::pin(tunnel(response, respond, waiting)).await;
        }
        if self.send(response, respond, is_head).await == Err(Stopped::Stalled) {
            self.peer.curb(Curb::StalledStream);
            self.answer.refused(&self.peer, Violation::Stalled);
        }
        let unread = RefCell::take(&upload.unread);
        if let Some(unread) = unread {
            // A reset in the middle of an upload can cost a client its answer.
            let drained = drain(unread, self.settings.unread_bytes_max);
            Box::pin(timeout(self.settings.unread_time, drained)).await.unwrap_or_default();
        }
    }

    fn receive(
        &self,
        request: Request<RecvStream>,
        upload: &Rc<Upload>,
        waiting: &mut Option<Waiting>,
    ) -> Result<Request<Body>, Violation> {
        let (mut parts, recv) = request.into_parts();
        let checked = check(&parts, &self.settings.head);
        if parts.method == Method::CONNECT && checked.is_ok() {
            *waiting = Some(translate(&mut parts, recv)?);
            return Ok(Request::from_parts(parts, Body::Empty));
        }
        if recv.is_end_stream() {
            return checked.map(|()| Request::from_parts(parts, Body::Empty));
        }
        let length = parts.headers.get(CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
        let answered = self.settings.stream_idle_time;
        let unanswered =
            if is_grpc(&parts.headers) { answered } else { self.settings.body_idle_time };
        let patience = Patience { unanswered, answered };
        let body = StreamBody::of_client(recv, length, patience, Rc::clone(upload));
        checked.map(|()| Request::from_parts(parts, Body::Stream(body)))
    }

    /// Hands the request to the one who answers.
    fn begin(
        &self,
        request: Box<Request<RecvStream>>,
        upload: &Rc<Upload>,
        waiting: &mut Option<Waiting>,
    ) -> Result<Asked<'_>, Violation> {
        let mut request = self.receive(*request, upload, waiting)?;
        let interim = Interim::new();
        request.extensions_mut().insert(interim.clone());
        let answering = self.answer.answer(Arc::clone(&self.peer), request);
        Ok(Asked { answering, interim })
    }

    async fn send(
        &self,
        response: Response<Body>,
        mut respond: SendResponse<Bytes>,
        is_head: bool,
    ) -> Result<(), Stopped> {
        let (mut parts, mut body) = response.into_parts();
        if parts.status.is_informational() {
            // An interim answer cannot be the last one (RFC 9113 section 8.1).
            respond.send_reset(Reason::INTERNAL_ERROR);
            return Err(Stopped::Broken);
        }
        for name in HOP {
            parts.headers.remove(name);
        }
        if !parts.headers.contains_key(DATE)
            && let Some(now) = date::value()
        {
            parts.headers.insert(DATE, now);
        }
        let is_bodiless = is_head
            || parts.status == StatusCode::NO_CONTENT
            || parts.status == StatusCode::NOT_MODIFIED;
        if !is_bodiless
            && !parts.headers.contains_key(CONTENT_LENGTH)
            && let Some(length) = body.size_hint().exact()
        {
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let is_over = is_bodiless || body.is_end_stream();
        let head = Response::from_parts(parts, ());
        let mut stream = respond.send_response(head, is_over).map_err(|_closed| Stopped::Gone)?;
        if is_over {
            return Ok(());
        }
        if let Body::Full(whole) = &mut body
            && let Some(bytes) = whole.take()
        {
            *whole = at_once(bytes, &mut stream)?;
            if whole.is_none() {
                return Ok(());
            }
        }
        Box::pin(pump(body, &mut stream, self.settings.write_idle_time, || {})).await
    }

    fn refuse(&self, violation: Violation) -> Response<Body> {
        refusal_response(violation, refuse(&*self.answer, &self.peer, violation))
    }
}

/// A request that somebody is answering.
struct Asked<'a> {
    answering: Answering<'a>,
    interim: Interim,
}

impl Asked<'_> {
    /// `None` when the client took the request back, or is gone.
    async fn answer(mut self, respond: &mut SendResponse<Bytes>) -> Option<Response<Body>> {
        poll_fn(|cx| {
            let answered = self.answering.as_mut().poll(cx);
            // Before the answer, also when both come at once.
            while let Poll::Ready(hint) = self.interim.poll_next(cx) {
                // A client that is gone is found below.
                respond.send_informational(hint).ok();
            }
            match answered {
                Poll::Ready(response) => Poll::Ready(Some(response)),
                Poll::Pending => respond.poll_reset(cx).map(|_reason| None),
            }
        })
        .await
    }
}

impl Open {
    fn enter(exchanges: &Rc<Exchanges>) -> Self {
        exchanges.begun.set(exchanges.begun.get().saturating_add(1));
        exchanges.open.set(exchanges.open.get().saturating_add(1));
        Self(Rc::clone(exchanges))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}

/// Answers an extended CONNECT (RFC 8441 section 5), and waits for the end of the tunnel.
async fn tunnel(response: Response<Body>, mut respond: SendResponse<Bytes>, waiting: Waiting) {
    let (mut parts, _) = response.into_parts();
    clean(&mut parts.headers);
    parts.status = StatusCode::OK;
    // A client that has gone away needs no tunnel.
    if let Ok(stream) = respond.send_response(Response::from_parts(parts, ()), false) {
        waiting.run(stream).await;
    }
}

/// Reads on. After `bytes_max` the window is not opened again, so that the client has to stop, and
/// looks for its answer: a reset instead would cost curl the answer.
async fn drain(mut body: RecvStream, bytes_max: usize) {
    let mut rest = bytes_max;
    // An error is an end: the client has gone away, or reset the stream.
    while let Some(Ok(bytes)) = body.data().await {
        rest = rest.saturating_sub(bytes.len());
        if rest > 0 && body.flow_control().release_capacity(bytes.len()).is_err() {
            return;
        }
    }
}

/// Whether the request is a call that may stream for as long as it likes.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Fields of an answer that HTTP/2 does not know (RFC 9113 section 8.2.2).
const HOP: [HeaderName; 5] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    UPGRADE,
];
