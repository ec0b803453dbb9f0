//! The messages of a stream, each checked before it goes on.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use ringwall_net::{Body, BodyError};

use super::{Coding, Frames, Late, Messages, Spent, Verdict};

type Framed = Result<Frame<Bytes>, BodyError>;

/// A body of messages.
#[derive(Debug)]
pub(crate) struct Checked {
    body: Body,
    messages: Arc<Messages>,
    coding: Coding,
    frames: Frames,
    count: u32,
    spent: Spent,
    /// Bytes that were checked since others had their turn.
    worked: usize,
    late: Late,
    is_enforced: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Something was found, and nothing goes on.
    Ended,
    /// Something was found and is only written down: all goes on as it comes.
    Open,
    Watching,
}

impl Checked {
    pub(crate) fn new(
        body: Body,
        messages: &Arc<Messages>,
        coding: Coding,
        (late, is_enforced): (Late, bool),
    ) -> Self {
        let (frames, messages) = (messages.frames(), Arc::clone(messages));
        let state = State::Watching;
        let (spent, worked) = (Spent::default(), 0);
        Self { body, messages, coding, frames, count: 0, spent, worked, late, is_enforced, state }
    }

    /// What goes on before more is taken in. Whoever sends what is dear to check gets no more of a
    /// worker than others.
    fn turn(&mut self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        if self.state == State::Open {
            return Poll::Ready(None);
        }
        if self.worked >= TURN_BYTES {
            self.worked = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let out = self.pass();
        Poll::Ready((!out.is_empty()).then_some(out))
    }

    /// What may go on of what is held, as far as it is checked in this turn.
    fn pass(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        while self.worked < TURN_BYTES {
            match self.step(&mut out) {
                Ok(true) => {}
                Ok(false) => break,
                Err(verdict) => {
                    self.found(verdict);
                    break;
                }
            }
        }
        out.freeze()
    }

    /// Lets the next message through, where it is here and fits. Where nothing is enforced, one
    /// that does not fit, too, and all that is held.
    fn step(&mut self, out: &mut BytesMut) -> Result<bool, Verdict> {
        let found = self.frames.next();
        let message = match found {
            Ok(None) => return Ok(false),
            Ok(Some(message)) => message,
            Err(verdict) => {
                self.give_way(out);
                return Err(verdict);
            }
        };
        self.count = self.count.saturating_add(1);
        let counted = self.messages.count(self.count);
        let before = self.spent.unpacked;
        let checked =
            counted.and_then(|()| self.messages.check_next(&message, self.coding, &mut self.spent));
        let unpacked = self.spent.unpacked.saturating_sub(before);
        self.worked = self.worked.saturating_add(unpacked).saturating_add(MESSAGE_BYTES);
        if checked.is_ok() || !self.is_enforced {
            out.extend_from_slice(&message.into_whole());
        }
        if checked.is_err() {
            self.give_way(out);
        }
        checked.map(|()| true)
    }

    fn give_way(&mut self, out: &mut BytesMut) {
        if !self.is_enforced {
            out.extend_from_slice(&self.frames.take());
        }
    }

    /// The end of the body. A message that breaks off is one that does not fit.
    fn end(&mut self) -> Option<Framed> {
        if self.state == State::Open || self.frames.is_empty() {
            return None;
        }
        self.found(Verdict::new("a message breaks off"));
        Some(if self.is_enforced { Err(REFUSED) } else { Ok(Frame::data(self.frames.take())) })
    }

    fn found(&mut self, verdict: Verdict) {
        self.late.find(verdict, self.is_enforced);
        self.worked = 0;
        self.state = if self.is_enforced { State::Ended } else { State::Open };
    }
}

impl http_body::Body for Checked {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Framed>> {
        let this = self.get_mut();
        while this.state != State::Ended {
            if let Some(out) = ready!(this.turn(cx)) {
                return Poll::Ready(Some(Ok(Frame::data(out))));
            }
            // What is still held comes first.
            if this.worked >= TURN_BYTES || this.state == State::Ended {
                continue;
            }
            let polled = Pin::new(&mut this.body).poll_frame(cx);
            if polled.is_pending() {
                this.worked = 0;
            }
            let frame = match ready!(polled) {
                None => return Poll::Ready(this.end()),
                Some(frame) if this.state == State::Open => return Poll::Ready(Some(frame)),
                Some(frame) => frame?,
            };
            // Trailers of a request say nothing that was asked: gRPC has none.
            this.frames.push(&frame.into_data().unwrap_or_default());
        }
        Poll::Ready(Some(Err(REFUSED)))
    }

    fn is_end_stream(&self) -> bool {
        self.state != State::Ended && self.frames.is_empty() && self.body.is_end_stream()
    }
}

const REFUSED: BodyError = BodyError::Refused("a message is refused");
/// What is checked before others have their turn: a millisecond's work at most.
const TURN_BYTES: usize = 64 * 1024;
/// What the smallest message counts: it takes as long as so many bytes.
const MESSAGE_BYTES: usize = 64;

#[cfg(test)]
mod tests;
