//! A connection with its two buffers: what was read and not yet taken, what is to be written.
//!
//! Both sides of the proxy have one. It knows bytes and parts of messages, no requests.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWrite};

use super::head;
use crate::guard::{Head, Machine, Part, Violation};
use crate::wire::Wire;

/// A stream, read strictly and written with few calls.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) wire: Wire,
    pub(crate) machine: Machine,
    input: BytesMut,
    /// What is to be written: heads, framing, small data.
    pub(crate) out: Vec<u8>,
    /// So much of it is written.
    sent: usize,
    /// Large data behind it, which is not copied, and what follows that.
    tail: Bytes,
    end: &'static [u8],
    /// Bytes read, and written, since the beginning.
    pub(crate) read: u64,
    pub(crate) written: u64,
    /// Whether the other side does not take what we write.
    pub(crate) is_blocked: bool,
    is_flushed: bool,
}

/// A whole head, and its bytes. Where its fields stand, the machine knows until the next one.
#[derive(Debug)]
pub(crate) struct Headed {
    pub(crate) head: Head,
    pub(crate) bytes: Bytes,
}

/// What came of a body.
#[derive(Debug)]
pub(crate) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
}

/// Why no more comes.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The other side broke the framing.
    Framing(Violation),
    /// The connection ended or failed.
    Io(io::Error),
}

impl Link {
    pub(crate) fn new(wire: Wire, machine: Machine) -> Self {
        Self {
            wire,
            machine,
            input: BytesMut::new(),
            out: Vec::new(),
            sent: 0,
            tail: Bytes::new(),
            end: &[],
            read: 0,
            written: 0,
            is_blocked: false,
            is_flushed: true,
        }
    }

    /// What was read and not yet taken.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.input
    }

    pub(crate) fn take_unread(&mut self) -> Bytes {
        std::mem::take(&mut self.input).freeze()
    }

    /// Gives the buffers back: a connection without traffic costs its state only.
    pub(crate) fn rest(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.out.is_empty() {
            self.out = Vec::new();
        }
        self.machine.rest();
    }

    /// Gives back what a large body needed.
    pub(crate) fn shrink(&mut self) {
        if self.input.is_empty() && self.input.capacity() > BUFFER {
            self.input = BytesMut::new();
        }
        if self.out.is_empty() && self.out.capacity() > OUT_KEPT {
            self.out = Vec::new();
        }
    }

    /// Reads once, into room for `wanted` bytes. Zero is the end.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        wanted: usize,
    ) -> Poll<io::Result<usize>> {
        if self.input.capacity().saturating_sub(self.input.len()) < wanted.min(ROOM_MIN) {
            self.input.reserve(wanted);
        }
        let count = {
            let mut read = pin!(self.wire.read_buf(&mut self.input));
            ready!(read.as_mut().poll(cx))?
        };
        self.read = self.read.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Poll::Ready(Ok(count))
    }

    /// The next head, if all of it was read.
    pub(crate) fn head(&mut self) -> Result<Option<Headed>, Violation> {
        match self.machine.next(&self.input)? {
            (Part::Head, used) => {
                let bytes = self.input.split_to(used).freeze();
                Ok(Some(Headed { head: self.machine.last_head(), bytes }))
            }
            (Part::More | Part::Framing | Part::Data | Part::Trailers, _) => Ok(None),
        }
    }

    /// The next piece of the body that the last head announced.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>> {
        loop {
            if let Some(piece) = self.piece().map_err(Broken::Framing)? {
                return Poll::Ready(Ok(piece));
            }
            let known = self.machine.known_rest().and_then(|rest| usize::try_from(rest).ok());
            let wanted = known.unwrap_or(BODY_ROOM).clamp(1, BODY_ROOM);
            let room = self.input.capacity().saturating_sub(self.input.len());
            if room < wanted && self.input.is_empty() {
                self.input.reserve(wanted);
            }
            let count = ready!(self.poll_fill(cx, wanted)).map_err(Broken::Io)?;
            if count == 0 {
                return Poll::Ready(self.end_of_stream());
            }
        }
    }

    /// All of a body of known length, if it was read already.
    pub(crate) fn take_whole(&mut self) -> Option<Bytes> {
        let rest = usize::try_from(self.machine.known_rest()?).ok()?;
        if rest == 0 || self.input.len() < rest {
            return None;
        }
        match self.machine.next(self.input.get(..rest)?) {
            Ok((Part::Data, used)) => Some(self.input.split_to(used.min(rest)).freeze()),
            Ok(_) | Err(_) => None,
        }
    }

    fn end_of_stream(&self) -> Result<Piece, Broken> {
        if self.machine.is_until_close() {
            return Ok(Piece::End);
        }
        Err(Broken::Io(io::ErrorKind::UnexpectedEof.into()))
    }

    fn piece(&mut self) -> Result<Option<Piece>, Violation> {
        while self.is_in_body() {
            match self.machine.next(&self.input)? {
                (Part::More, _) => return Ok(None),
                (Part::Data, used) => {
                    return Ok(Some(Piece::Data(self.input.split_to(used).freeze())));
                }
                // No fields: the section ends the body like any other.
                (Part::Trailers, used) if self.machine.spans().is_empty() => {
                    self.input.advance(used);
                }
                (Part::Trailers, used) => {
                    let section = self.input.split_to(used).freeze();
                    let fields = head::fields(&section, self.machine.spans(), 0)?;
                    return Ok(Some(Piece::Trailers(fields)));
                }
                (Part::Framing | Part::Head, used) => self.input.advance(used),
            }
        }
        Ok(Some(Piece::End))
    }

    /// Whether bytes of a body are still to come.
    pub(crate) fn is_in_body(&self) -> bool {
        self.machine.is_in_body() || self.machine.is_until_close()
    }

    /// Adds data behind what is to be written, with `end` behind it. Large data is not copied.
    pub(crate) fn put(&mut self, data: Bytes, end: &'static [u8]) {
        if self.tail.is_empty() && data.len() > COPY_MAX {
            (self.tail, self.end) = (data, end);
        } else {
            self.settle_tail();
            self.out.extend_from_slice(&data);
            self.out.extend_from_slice(end);
        }
    }

    /// What comes next is written behind the tail.
    fn settle_tail(&mut self) {
        if !self.tail.is_empty() || !self.end.is_empty() {
            let tail = std::mem::take(&mut self.tail);
            self.out.extend_from_slice(&tail);
            self.out.extend_from_slice(std::mem::take(&mut self.end));
        }
    }

    /// Bytes that wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        let out = self.out.len().saturating_sub(self.sent);
        out.saturating_add(self.tail.len()).saturating_add(self.end.len())
    }

    /// Whether data that is not copied waits: nothing may be put behind it before it is written.
    pub(crate) fn has_tail(&self) -> bool {
        !self.tail.is_empty() || !self.end.is_empty()
    }

    /// Writes all that waits.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = self.poll_write_all(cx);
        self.is_blocked = written.is_pending();
        written
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.waiting() > 0 {
            let wire = Pin::new(&mut self.wire);
            let out = self.out.get(self.sent..).unwrap_or_default();
            let count = if self.tail.is_empty() && self.end.is_empty() {
                ready!(wire.poll_write(cx, out))?
            } else {
                let slices = [IoSlice::new(out), IoSlice::new(&self.tail), IoSlice::new(self.end)];
                ready!(wire.poll_write_vectored(cx, &slices))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.is_flushed = false;
            self.wrote(count);
        }
        if !self.is_flushed {
            ready!(Pin::new(&mut self.wire).poll_flush(cx))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn wrote(&mut self, count: usize) {
        self.written = self.written.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        let from_out = count.min(self.out.len().saturating_sub(self.sent));
        self.sent = self.sent.saturating_add(from_out);
        let count = count.saturating_sub(from_out);
        let from_tail = count.min(self.tail.len());
        self.tail.advance(from_tail);
        let count = count.saturating_sub(from_tail);
        self.end = self.end.get(count..).unwrap_or_default();
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
        }
    }
}

/// Room for a head, and for a small answer with its body. Grows with what comes.
pub(crate) const BUFFER: usize = 8 * 1_024;

/// With less room than this a read would often be cut short.
const ROOM_MIN: usize = 2 * 1_024;

/// Room for the bytes of a body: few calls for large ones.
const BODY_ROOM: usize = 64 * 1_024;

/// Data up to this is copied behind its head: cheaper than a vectored write, and one TLS record.
const COPY_MAX: usize = 4 * 1_024;

/// Room that is kept for the next head.
const OUT_KEPT: usize = 16 * 1_024;
