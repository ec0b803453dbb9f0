//! The machine as a reader and writer under hyper.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::linger::Linger;
use super::{Machine, Violation};
use crate::HeadLimits;

/// What the guard and those around the connection tell each other. Atomic only because an
/// upgraded connection must be able to move; one thread uses it.
#[derive(Debug, Default)]
pub(crate) struct Cue {
    refused: OnceLock<Refused>,
    answered: AtomicU64,
    is_upgraded: AtomicBool,
    is_slow: AtomicBool,
    asked: AtomicU64,
    is_head: AtomicBool,
    stand: AtomicU8,
    messages: AtomicU64,
    is_blocked: AtomicBool,
    reads: AtomicU64,
    writes: AtomicU64,
}

/// A violation, and which message of the connection it is about, from one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    pub(crate) message: u64,
    pub(crate) violation: Violation,
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
    /// Nothing that the peer owes: an answer, or a tunnel.
    Busy,
    /// The peer, to take what we write.
    Blocked,
}

impl Stand {
    fn number(self) -> u8 {
        match self {
            Self::Between => 0,
            Self::Head => 1,
            Self::Body => 2,
            Self::Busy | Self::Blocked => 3,
        }
    }
}

impl Cue {
    /// What was refused.
    pub(crate) fn refused(&self) -> Option<Refused> {
        self.refused.get().copied()
    }

    pub(crate) fn violation(&self) -> Option<Violation> {
        self.refused.get().map(|refused| refused.violation)
    }

    /// The next response answers this request.
    pub(crate) fn expect(&self, is_head: bool) {
        self.is_head.store(is_head, Ordering::Relaxed);
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// One more request has its answer.
    pub(crate) fn answered(&self, is_upgraded: bool) {
        self.is_upgraded.store(is_upgraded, Ordering::Relaxed);
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn has_answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Ordering::Relaxed)
    }

    /// The head took too long. Found at the next poll of the connection.
    pub(crate) fn mark_slow(&self) {
        self.is_slow.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stand(&self) -> Stand {
        if self.is_blocked.load(Ordering::Relaxed) {
            return Stand::Blocked;
        }
        match self.stand.load(Ordering::Relaxed) {
            0 => Stand::Between,
            1 => Stand::Head,
            2 => Stand::Body,
            _busy => Stand::Busy,
        }
    }

    /// Messages whose heads were accepted.
    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Whether not a byte has come.
    pub(crate) fn is_unused(&self) -> bool {
        self.reads() == 0
    }

    /// Grows with each read that gave bytes.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Grows with each write that took bytes.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }
}

/// A stream whose incoming messages were checked. Outgoing bytes pass unchanged.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    stream: S,
    machine: Machine,
    cue: Arc<Cue>,
    is_request: bool,
    /// The beginning of a head, withheld until the rest has come.
    held: BytesMut,
    /// So much of `held` is settled and not yet read by hyper.
    settled: usize,
    /// After a violation: what hyper gets to read instead of the refused message.
    substitute: &'static [u8],
    is_over: bool,
    linger: Option<Linger>,
}

impl<S> Guarded<S> {
    /// Reads requests from a client.
    pub(crate) fn request(stream: S, limits: HeadLimits, cue: Arc<Cue>) -> Self {
        Self::new(stream, Machine::request(limits), cue, true)
    }

    /// Reads responses from an upstream.
    pub(crate) fn response(stream: S, limits: HeadLimits, cue: Arc<Cue>) -> Self {
        Self::new(stream, Machine::response(limits), cue, false)
    }

    fn new(stream: S, machine: Machine, cue: Arc<Cue>, is_request: bool) -> Self {
        Self {
            stream,
            machine,
            cue,
            is_request,
            held: BytesMut::new(),
            settled: 0,
            substitute: &[],
            is_over: false,
            linger: None,
        }
    }

    /// Hands out what waits; `true` when something was handed out.
    fn deliver(&mut self, out: &mut ReadBuf<'_>) -> bool {
        if !self.substitute.is_empty() {
            let (now, later) =
                self.substitute.split_at_checked(out.remaining()).unwrap_or((self.substitute, &[]));
            out.put_slice(now);
            self.substitute = later;
            return true;
        }
        let count = self.settled.min(out.remaining());
        let Some(bytes) = self.held.get(..count).filter(|bytes| !bytes.is_empty()) else {
            return false;
        };
        out.put_slice(bytes);
        self.held.advance(count);
        self.settled = self.settled.saturating_sub(count);
        true
    }

    /// Before new bytes are fed: what the other side of the connection has done meanwhile.
    fn listen(&mut self) -> Result<(), Violation> {
        if self.is_request && self.machine.awaits_upgrade() {
            self.settle_upgrade();
        }
        if self.is_request || !self.machine.is_between() {
            return Ok(());
        }
        if self.machine.heads() >= self.cue.asked.load(Ordering::Relaxed) {
            return Err(Violation::Unsolicited);
        }
        self.machine.expect(self.cue.is_head.load(Ordering::Relaxed));
        Ok(())
    }

    fn settle_upgrade(&mut self) {
        if self.cue.is_upgraded() {
            self.machine.pass();
        } else if self.cue.has_answered() >= self.machine.heads() {
            self.machine.resume();
        }
    }

    /// Checks what was read into `out` behind `before`, and takes back what is not settled.
    fn check(&mut self, out: &mut ReadBuf<'_>, before: usize) -> Result<(), Violation> {
        self.listen()?;
        if self.held.is_empty() {
            let read = out.filled().get(before..).unwrap_or_default();
            let settled = self.machine.feed(read)?;
            self.held.extend_from_slice(read.get(settled..).unwrap_or_default());
            out.set_filled(before.saturating_add(settled));
        } else {
            self.held.extend_from_slice(out.filled().get(before..).unwrap_or_default());
            out.set_filled(before);
            self.settled = self.machine.feed(&self.held)?;
            self.deliver(out);
        }
        Ok(())
    }

    /// Makes the violation known, and the message unreadable.
    fn refuse(&mut self, violation: Violation) -> Poll<io::Result<()>> {
        let is_mid = self.machine.is_mid_message() && self.machine.violation().is_some();
        let heads = self.machine.heads();
        let message = if is_mid { heads } else { heads.saturating_add(1) };
        // The first violation is the one that is answered.
        self.cue.refused.set(Refused { message, violation }).ok();
        self.is_over = true;
        self.held.clear();
        self.settled = 0;
        if self.is_request && is_mid && self.machine.awaits_upgrade() {
            // Its answer is due anyway: the refusal takes its place.
            return Poll::Pending;
        }
        if self.is_request && !is_mid {
            // hyper reads a request whose answer is the refusal, so that it comes after the
            // answers that are due before it.
            self.substitute = SUBSTITUTE;
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation.reason())))
    }

    /// Leaves a note for the watchdog: a wait is the client's fault only if we asked for more.
    fn note(&self, is_waiting: bool) {
        let is_answered = self.cue.has_answered() >= self.machine.heads();
        // A refused upgrade, too, leaves a connection that may idle.
        let is_refused = self.machine.awaits_upgrade() && !self.cue.is_upgraded();
        let is_border = is_refused || self.machine.is_between();
        let stand = if !is_waiting {
            Stand::Busy
        } else if self.machine.is_in_body() {
            Stand::Body
        } else if !self.held.is_empty() {
            Stand::Head
        } else if is_answered && is_border {
            Stand::Between
        } else {
            Stand::Busy
        };
        self.cue.stand.store(stand.number(), Ordering::Relaxed);
        self.cue.messages.store(self.machine.heads(), Ordering::Relaxed);
    }

    fn wrote<T>(&self, polled: &Poll<io::Result<T>>) {
        self.cue.is_blocked.store(polled.is_pending(), Ordering::Relaxed);
        if polled.is_ready() {
            self.cue.writes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<S: AsyncRead + Unpin> Guarded<S> {
    fn poll_checked(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.deliver(out) {
                return Poll::Ready(Ok(()));
            }
            if self.is_over {
                return Poll::Pending;
            }
            if let Some(violation) = self.machine.violation() {
                ready!(self.refuse(violation))?;
                continue;
            }
            if self.cue.is_slow.load(Ordering::Relaxed) && !self.held.is_empty() {
                ready!(self.refuse(Violation::Slow))?;
                continue;
            }
            let before = out.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, out))?;
            if out.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            self.cue.reads.fetch_add(1, Ordering::Relaxed);
            if let Err(violation) = self.check(out, before) {
                out.set_filled(before);
                ready!(self.refuse(violation))?;
            } else if out.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = this.poll_checked(cx, out);
        this.note(polled.is_pending());
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.wrote(&polled);
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(cx);
        // TLS takes bytes into its own buffer, and waits here.
        this.cue.is_blocked.store(polled.is_pending(), Ordering::Relaxed);
        polled
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        if this.is_over && this.is_request {
            ready!(this.linger.get_or_insert_default().poll(&mut this.stream, cx));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.wrote(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Stands for a refused message. Its answer is told apart by its number, never by its looks.
const SUBSTITUTE: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\n\r\n";
