//! What the loop of a client's connection shares with the body of the request that it serves.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{HeaderMap, StatusCode};
use http_body::{Frame, SizeHint};

use super::head;
use super::link::{BUFFER, Broken, Link, Piece};
use crate::body::Framed;
use crate::{BodyError, Violation};

/// The state of a connection that serves requests, one after the other.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, which no state joins")]
pub(crate) struct Session {
    pub(crate) link: Link,
    /// Requests so far.
    pub(crate) exchanges: u64,
    /// Whether one is being served.
    pub(crate) is_busy: bool,
    /// Whether the head of its answer was written: nothing interim may follow.
    pub(crate) has_answered: bool,
    /// What broke the framing of its body.
    pub(crate) violation: Option<Violation>,
    /// Whether the client has gone away.
    pub(crate) is_gone: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub(crate) awaits_continue: bool,
    /// Whether somebody waits for more of the body.
    is_body_awaited: bool,
    speaks_interim: bool,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stand {
    /// The next message.
    Between,
    /// The rest of a head.
    Head,
    /// The rest of a body.
    Body,
    /// Nothing that the client owes: an answer.
    Busy,
    /// The client, to take what we write.
    Blocked,
}

/// What a client did while it waits for its answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Watched {
    Gone,
    Refused(Violation),
}

impl Session {
    pub(crate) fn new(link: Link) -> Self {
        Self {
            link,
            exchanges: 0,
            is_busy: false,
            has_answered: false,
            violation: None,
            is_gone: false,
            awaits_continue: false,
            is_body_awaited: false,
            speaks_interim: false,
        }
    }

    /// A request has begun.
    pub(crate) fn begin(&mut self, head: crate::guard::Head) {
        self.exchanges = self.exchanges.saturating_add(1);
        self.is_busy = true;
        self.has_answered = false;
        self.is_body_awaited = false;
        // RFC 9110 section 15.2: a client of HTTP/1.0 does not know interim answers.
        self.speaks_interim = !head.is_1_0;
        self.awaits_continue = head.continues && !head.is_1_0 && self.link.is_in_body();
        if self.awaits_continue && !self.link.unread().is_empty() {
            // It did not wait.
            self.awaits_continue = false;
        }
    }

    /// It has its answer. Bodies that are still held are cut off.
    pub(crate) fn end(&mut self) {
        self.is_busy = false;
        self.is_body_awaited = false;
        self.exchanges = self.exchanges.saturating_add(1);
        self.link.machine.resume();
    }

    pub(crate) fn stand(&self) -> Stand {
        if self.link.is_blocked {
            Stand::Blocked
        } else if self.is_body_awaited {
            Stand::Body
        } else if self.is_busy {
            Stand::Busy
        } else if self.link.unread().is_empty() {
            Stand::Between
        } else {
            Stand::Head
        }
    }

    /// Queues an interim answer. One too late, or that nobody waits for, is dropped whole.
    pub(crate) fn interim(&mut self, status: StatusCode, headers: &HeaderMap) {
        let is_wanted = self.speaks_interim && !self.has_answered;
        if status == StatusCode::CONTINUE {
            if is_wanted && std::mem::take(&mut self.awaits_continue) {
                head::write_interim(&mut self.link.out, status, &HeaderMap::new());
            }
        } else if is_wanted && status.is_informational() && status.as_u16() > 101 {
            head::write_interim(&mut self.link.out, status, headers);
        }
    }

    /// Whether the client went away or said what it must not, while its answer is made. What it
    /// sends for later is kept, up to a buffer.
    pub(crate) fn poll_watch(&mut self, cx: &mut Context<'_>) -> Poll<Watched> {
        loop {
            if self.is_gone {
                return Poll::Ready(Watched::Gone);
            }
            if self.link.is_in_body() {
                // Whoever reads the body sees the end.
                return Poll::Pending;
            }
            if self.link.machine.awaits_upgrade() && !self.link.unread().is_empty() {
                return Poll::Ready(Watched::Refused(Violation::BytesAfterUpgrade));
            }
            if self.link.unread().len() >= BUFFER {
                return Poll::Pending;
            }
            match self.link.poll_fill(cx, BUFFER) {
                Poll::Ready(Ok(0) | Err(_)) => self.is_gone = true,
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, BodyError>> {
        if let Some(violation) = self.violation {
            return Poll::Ready(Err(broken(violation)));
        }
        if self.awaits_continue {
            // Somebody here wants the body: no need to ask the upstream.
            self.interim(StatusCode::CONTINUE, &HeaderMap::new());
        }
        if !self.has_answered && self.link.waiting() > 0 {
            // A failed write shows itself as a failed read.
            self.is_gone |= matches!(self.link.poll_write(cx), Poll::Ready(Err(_)));
        }
        let polled = self.link.poll_piece(cx);
        self.is_body_awaited = polled.is_pending();
        polled.map(|piece| {
            piece.map_err(|error| match error {
                Broken::Framing(violation) => {
                    self.violation = Some(violation);
                    broken(violation)
                }
                Broken::Io(error) => {
                    self.is_gone = true;
                    BodyError::Io(error)
                }
            })
        })
    }
}

fn broken(violation: Violation) -> BodyError {
    BodyError::Io(io::Error::new(io::ErrorKind::InvalidData, violation.reason()))
}

/// The body of a request over HTTP/1, read from the connection as it is polled. It also knows the
/// way back for interim answers when it is empty.
#[derive(Debug)]
pub struct FromClient {
    session: Rc<RefCell<Session>>,
    exchange: u64,
    is_ended: bool,
}

impl FromClient {
    pub(crate) fn new(session: &Rc<RefCell<Session>>) -> Self {
        let (exchange, is_ended) = {
            let session = session.borrow();
            (session.exchanges, !session.link.is_in_body())
        };
        Self { session: Rc::clone(session), exchange, is_ended }
    }

    /// The way back alone, for a request that is sent again. `None` while a body may still come.
    pub(crate) fn again(&self) -> Option<Self> {
        let Self { session, exchange, is_ended } = self;
        is_ended.then(|| Self { session: Rc::clone(session), exchange: *exchange, is_ended: true })
    }

    /// Passes an interim answer to the client.
    pub(crate) fn interim(&self, status: StatusCode, headers: &HeaderMap) {
        let mut session = self.session.borrow_mut();
        if session.exchanges == self.exchange {
            session.interim(status, headers);
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Framed>> {
        if self.is_ended {
            return Poll::Ready(None);
        }
        let mut session = self.session.borrow_mut();
        if session.exchanges != self.exchange {
            self.is_ended = true;
            return Poll::Ready(Some(Err(BodyError::Refused("the request was answered"))));
        }
        session.poll_body(cx).map(|piece| match piece {
            Ok(Piece::Data(data)) => {
                self.is_ended = !session.link.is_in_body();
                Some(Ok(Frame::data(data)))
            }
            Ok(Piece::Trailers(trailers)) => {
                self.is_ended = true;
                Some(Ok(Frame::trailers(trailers)))
            }
            Ok(Piece::End) => {
                self.is_ended = true;
                None
            }
            Err(error) => {
                self.is_ended = true;
                Some(Err(error))
            }
        })
    }

    pub(crate) fn is_end(&self) -> bool {
        self.is_ended
    }

    pub(crate) fn size(&self) -> SizeHint {
        if self.is_ended {
            return SizeHint::with_exact(0);
        }
        let known = self.session.borrow().link.machine.known_rest();
        known.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Reads what nobody wants, up to `bytes_max`. `true` when the message has ended.
pub(crate) fn poll_discard(
    session: &mut Session,
    bytes_left: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<bool> {
    loop {
        match std::task::ready!(session.link.poll_piece(cx)) {
            Ok(Piece::Data(data)) => match bytes_left.checked_sub(data.len()) {
                Some(left) => *bytes_left = left,
                None => return Poll::Ready(false),
            },
            Ok(Piece::Trailers(_)) => {}
            Ok(Piece::End) => return Poll::Ready(true),
            Err(_) => return Poll::Ready(false),
        }
    }
}
