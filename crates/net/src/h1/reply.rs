//! One answer on its way to the client: its head with the first bytes of its body, then the rest.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, CONTENT_LENGTH};
use http::response::Parts;
use http::{Method, Response, StatusCode};
use http_body::Body as _;

use super::encode::{Encoder, OUT_MAX};
use super::head::{self, Framing};
use super::session::Session;
use super::vigil::{Finding, Vigil};
use crate::Body;
use crate::guard::Head;

/// An answer that is being written.
pub(crate) struct Reply {
    body: Body,
    encoder: Encoder,
}

/// What the client of an answer is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) head: Head,
    pub(crate) is_head: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Written {
    /// All of it is written, or waits with what comes next.
    Whole,
    /// The client is gone, or does not take it.
    Gone,
    /// Its body broke off: it must not look whole.
    Broken,
}

impl Asked {
    pub(crate) fn new(head: Head, method: &Method) -> Self {
        Self { head, is_head: method == Method::HEAD }
    }
}

impl Reply {
    /// Queues the head. `closes` is set if the answer itself says so.
    pub(crate) fn begin(
        session: &RefCell<Session>,
        response: Response<Body>,
        asked: Asked,
        closes: &mut bool,
    ) -> Self {
        let (parts, body) = response.into_parts();
        *closes |= says_close(&parts);
        // Before the session is borrowed: the body may be the request's.
        let framing = frame(&parts, &body, asked);
        *closes |= framing == Framing::UntilClose;
        let has_length = asked.is_head || parts.status == StatusCode::NOT_MODIFIED;
        let is_switch = parts.status == StatusCode::SWITCHING_PROTOCOLS;
        let response = Response::from_parts(parts, ());
        let mut session = session.borrow_mut();
        let out = &mut session.link.out;
        head::write_response(out, &response, framing, has_length);
        if *closes && !is_switch {
            out.extend_from_slice(b"connection: close\r\n");
        } else if asked.head.is_1_0 {
            out.extend_from_slice(b"connection: keep-alive\r\n");
        }
        out.extend_from_slice(b"\r\n");
        session.has_answered = true;
        let encoder = Encoder::new(framing, asked.head.takes_trailers);
        // What has no body is not polled; an upstream's connection is then free already.
        let body = if encoder.is_done { Body::Empty } else { body };
        Self { body, encoder }
    }

    /// Ready when all is written. While requests wait behind it, it may wait for their answers.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        session: &Rc<RefCell<Session>>,
        vigil: &mut Vigil,
    ) -> Poll<Written> {
        loop {
            if let Some(written) = ready!(self.poll_due(cx, &mut session.borrow_mut(), vigil)) {
                return Poll::Ready(written);
            }
            // Not while the session is borrowed: a body may be made of the request's.
            let fits = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.encoder.put(&mut session.borrow_mut().link, frame)
                }
                Poll::Ready(None) => self.encoder.finish(&mut session.borrow_mut().link, None),
                Poll::Ready(Some(Err(error))) => {
                    tracing::debug!(%error, "an answer broke off");
                    false
                }
                Poll::Pending => return poll_flush(cx, &mut session.borrow_mut(), vigil),
            };
            if !fits {
                return Poll::Ready(Written::Broken);
            }
        }
    }

    /// Writes what must not wait. `None`: there is room for more.
    fn poll_due(
        &self,
        cx: &mut Context<'_>,
        session: &mut Session,
        vigil: &mut Vigil,
    ) -> Poll<Option<Written>> {
        let waiting = session.link.waiting();
        let is_alone = session.link.unread().is_empty();
        let is_last = self.encoder.is_done && is_alone && waiting > 0;
        if is_last || session.link.has_tail() || waiting > OUT_MAX {
            match session.link.poll_write(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Some(Written::Gone)),
                Poll::Pending => return watch(cx, session, vigil).map(Some),
            }
        }
        Poll::Ready(self.encoder.is_done.then_some(Written::Whole))
    }

    /// Whether it ends with the connection, so that a reset must say that it broke off.
    pub(crate) fn is_until_close(&self) -> bool {
        self.encoder.framing == Framing::UntilClose
    }
}

/// Writes what there is, and waits for more.
fn poll_flush(cx: &mut Context<'_>, session: &mut Session, vigil: &mut Vigil) -> Poll<Written> {
    match session.link.poll_write(cx) {
        Poll::Ready(Err(_)) => Poll::Ready(Written::Gone),
        Poll::Ready(Ok(())) | Poll::Pending => watch(cx, session, vigil),
    }
}

/// While an answer waits for its client, or for more of itself.
fn watch(cx: &mut Context<'_>, session: &mut Session, vigil: &mut Vigil) -> Poll<Written> {
    if session.poll_watch(cx).is_ready() {
        return Poll::Ready(Written::Gone);
    }
    loop {
        match vigil.poll(cx, session) {
            Poll::Ready(Finding::Dead) => return Poll::Ready(Written::Gone),
            Poll::Ready(Finding::Idle | Finding::Slow | Finding::Leaving) => {}
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// RFC 9112 section 6.3, from the writing end.
fn frame(parts: &Parts, body: &Body, asked: Asked) -> Framing {
    let has_none = parts.status.is_informational()
        || parts.status == StatusCode::NO_CONTENT
        || parts.status == StatusCode::NOT_MODIFIED;
    if has_none {
        return Framing::None;
    }
    if asked.is_head {
        return Framing::None;
    }
    let known = body.size_hint().exact();
    let said = || {
        let value = parts.headers.get(CONTENT_LENGTH)?.to_str().ok()?;
        value.parse::<u64>().ok()
    };
    match known.or_else(said) {
        Some(length) => Framing::Length(length),
        None if asked.head.is_1_0 => Framing::UntilClose,
        None => Framing::Chunked,
    }
}

fn says_close(parts: &Parts) -> bool {
    let values = parts.headers.get_all(CONNECTION);
    let mut names = values.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    names.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"close"))
}
