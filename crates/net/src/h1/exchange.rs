//! One request and the head of its answer, on a connection to an upstream.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{EXPECT, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use tokio::time::{Instant, Sleep, sleep};

use super::encode::Encoder;
use super::head::{self, Framing};
use super::link::{BUFFER, Headed};
use super::upstream::{NotWhole, Upload, Upstream};
use crate::guard::{Head, Violation};
use crate::pool::Lease;
use crate::tunnel::handover;
use crate::{Body, Interim, SendError};

/// An error, with the body if it may be sent again.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: SendError,
    /// Set when the upstream said nothing and took nothing that must not be said twice.
    pub(crate) unsent: Option<Box<Body>>,
}

/// Sends a request and waits for the head of its answer.
pub(crate) async fn exchange(
    lease: Box<Lease>,
    request: &Request<Body>,
    body: Body,
) -> Result<Response<Body>, Failed> {
    let mut asking = Asking::begin(lease, request, body);
    match poll_fn(|cx| asking.poll(cx)).await {
        Ok(response) => asking.receive(response, request),
        Err(error) => Err(asking.fail(error, request)),
    }
}

/// The head of an answer.
struct Answered {
    head: Head,
    response: Response<()>,
}

struct Asking {
    lease: Box<Lease>,
    upload: Option<Upload>,
    /// Set while the body waits for the upstream to ask for it.
    patience: Option<Pin<Box<Sleep>>>,
    write_error: Option<io::Error>,
    is_body_broken: bool,
    interim: Option<Interim>,
    interims: usize,
    /// Where the connection stood before.
    read: u64,
    written: u64,
    /// Since when the upstream owes an answer, and how much it had taken then.
    since: Instant,
    taken: u64,
}

impl Asking {
    fn begin(mut lease: Box<Lease>, request: &Request<Body>, body: Body) -> Self {
        let framing = frame(&body);
        let link = &mut lease.link;
        link.machine.expect(request.method() == Method::HEAD);
        // What was read already is sent at once.
        let is_here = matches!(body, Body::Empty | Body::Full(_));
        let waits = !is_here && !body.is_empty() && request.headers().contains_key(EXPECT);
        let (read, written) = (link.read, link.written);
        head::write_request(&mut link.out, request, framing);
        if waits {
            link.out.extend_from_slice(b"expect: 100-continue\r\n");
        }
        link.out.extend_from_slice(b"\r\n");
        Self {
            since: lease.used,
            lease,
            upload: Some(Upload::new(body, Encoder::new(framing, true))),
            patience: waits.then(|| Box::pin(sleep(CONTINUE_TIME))),
            write_error: None,
            is_body_broken: false,
            interim: request.extensions().get::<Interim>().cloned(),
            interims: 0,
            read,
            written,
            taken: 0,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answered, SendError>> {
        self.poll_send(cx);
        if self.is_body_broken {
            return Poll::Ready(Err(SendError::Lost(io::Error::other("the request broke off"))));
        }
        loop {
            match self.take_head()? {
                Some(answered) if is_interim(answered.head) => {
                    self.pass_on(answered.response)?;
                    self.poll_send(cx);
                    continue;
                }
                Some(answered) => return Poll::Ready(Ok(answered)),
                None => {}
            }
            match self.lease.link.poll_fill(cx, BUFFER) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0)) => {
                    let error = self.write_error.take();
                    let error = error.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
                    return Poll::Ready(Err(SendError::Lost(error)));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(SendError::Lost(error))),
                Poll::Pending => return self.poll_time(cx).map(Err),
            }
        }
    }

    fn take_head(&mut self) -> Result<Option<Answered>, SendError> {
        let link = &mut self.lease.link;
        let Some(Headed { head, bytes }) = link.head().map_err(SendError::Malformed)? else {
            return Ok(None);
        };
        let response = head::response(head, &bytes, link.machine.spans());
        Ok(Some(Answered { head, response: response.map_err(SendError::Malformed)? }))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) {
        if self.patience.as_mut().is_some_and(|patience| patience.as_mut().poll(cx).is_ready()) {
            // RFC 9110 section 10.1.1: not for ever.
            self.patience = None;
        }
        let link = &mut self.lease.link;
        let sent = match &mut self.upload {
            None => return,
            Some(_) if self.write_error.is_some() => return,
            Some(_) if self.patience.is_some() => match link.poll_write(cx) {
                Poll::Ready(Err(error)) => Err(NotWhole::Io(error)),
                Poll::Ready(Ok(())) | Poll::Pending => return,
            },
            Some(upload) => match upload.poll(cx, link) {
                Poll::Ready(sent) => sent,
                Poll::Pending => return,
            },
        };
        match sent {
            // Its body stays for a second try while it was not asked for anything.
            Ok(()) => self.upload = self.upload.take().filter(|upload| !upload.is_touched),
            Err(NotWhole::Body) => self.is_body_broken = true,
            // An answer may have come before.
            Err(NotWhole::Io(error)) => self.write_error = Some(error),
        }
    }

    /// An answer that is not the last one.
    fn pass_on(&mut self, answer: Response<()>) -> Result<(), SendError> {
        self.interims = self.interims.saturating_add(1);
        if self.interims > INTERIMS_MAX {
            return Err(SendError::Malformed(Violation::Unsolicited));
        }
        let (parts, ()) = answer.into_parts();
        if parts.status == StatusCode::CONTINUE {
            self.patience = None;
        }
        match (&self.interim, &self.upload) {
            (Some(interim), _) => interim.send(parts.status, parts.headers),
            (None, Some(upload)) => {
                if let Some(client) = upload.client() {
                    client.interim(parts.status, &parts.headers);
                }
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// Ready when the upstream has owed the head of an answer for too long. What it takes of the
    /// request shows that it lives: a long upload is no slow answer.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<SendError> {
        let limit = self.lease.settings.head_time;
        let taken = self.lease.link.written;
        // Armed once a connection, and looked at when it rings: a request costs no timer.
        let alarm = self.lease.alarm.get_or_insert_with(|| Box::pin(sleep(limit)));
        while alarm.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if taken != self.taken && self.taken != 0 {
                self.since = now;
            }
            self.taken = taken;
            let due = self.since.checked_add(limit).unwrap_or(now);
            if due <= now {
                return Poll::Ready(SendError::Time);
            }
            alarm.as_mut().reset(due);
        }
        if self.taken == 0 {
            self.taken = taken;
        }
        Poll::Pending
    }

    fn receive(
        self,
        Answered { head, mut response }: Answered,
        request: &Request<Body>,
    ) -> Result<Response<Body>, Failed> {
        let Self { mut lease, upload, .. } = self;
        if head.status == StatusCode::SWITCHING_PROTOCOLS.as_u16() {
            // A switch that nobody asked for would turn answers into a stream.
            if !request.headers().contains_key(UPGRADE) {
                let error = SendError::Malformed(Violation::Unsolicited);
                return Err(Failed { error, unsent: None });
            }
            let (give, take) = handover();
            response.extensions_mut().insert(take);
            let read = lease.link.take_unread();
            let (wire, permit) = lease.into_wire();
            give.give(wire, read, Some(permit));
            return Ok(response.map(|()| Body::Empty));
        }
        let is_last = head.closes || (head.is_1_0 && !head.keeps);
        let keeps = !is_last && !lease.link.machine.is_until_close();
        // Who refuses early does not want the rest, and who closes does not read it.
        let upload = upload.filter(|upload| upload.is_underway(&lease.link));
        // Who answers without asking for the body gets none, and would wait for it in what follows.
        let is_unasked = self.patience.is_some();
        let gives_up = head.status >= 400 || is_last || is_unasked;
        let keeps = keeps && !(gives_up && upload.is_some());
        let upload = upload.filter(|_| !gives_up);
        lease.used = self.since;
        Ok(response.map(|()| Upstream::new(lease, upload, keeps).into_body()))
    }

    /// Whether a stale connection explains it, and the request may go out again.
    fn fail(self, error: SendError, request: &Request<Body>) -> Failed {
        let Self { lease, upload, .. } = self;
        let SendError::Lost(cause) = error else { return Failed { error, unsent: None } };
        let is_silent = lease.link.read == self.read;
        let is_untaken = lease.link.written == self.written;
        let untouched = upload.filter(|upload| !upload.is_touched).map(Upload::into_body);
        // RFC 9110 section 9.2.2: only what may be said twice, and what was not said at all.
        let may_repeat = is_silent && (is_untaken || request.method().is_idempotent());
        let unsent = untouched.filter(|_| may_repeat).map(Box::new);
        let error = if is_silent && is_untaken {
            SendError::NotSent(cause)
        } else {
            SendError::Lost(cause)
        };
        Failed { error, unsent }
    }
}

fn is_interim(head: Head) -> bool {
    head.status < 200 && head.status != StatusCode::SWITCHING_PROTOCOLS.as_u16()
}

/// RFC 9112 section 6.3, from the writing end.
fn frame(body: &Body) -> Framing {
    if body.is_empty() {
        return Framing::None;
    }
    body.size_hint().exact().map_or(Framing::Chunked, Framing::Length)
}

/// How long a body waits for `100 Continue`. Upstreams that do not know it say nothing.
const CONTINUE_TIME: Duration = Duration::from_secs(1);

/// More interim answers than this before one answer are a flood.
const INTERIMS_MAX: usize = 32;
