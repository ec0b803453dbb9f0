//! One direction of a tunnel.
//!
//! A tunnel at rest has no buffer: what comes is read to the stack and written on at once. Only
//! what the other side does not take yet is kept.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::ReadBuf;

use super::Duplex;
use super::frames::Frames;

/// What is on its way from one side to the other.
#[derive(Debug)]
pub(super) struct Pipe {
    /// What was read and is not written yet.
    rest: Bytes,
    frames: Frames,
    /// Reads and writes that moved something.
    moved: u64,
    stand: Stand,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stand {
    Open,
    /// The source has ended.
    Ended,
    /// The source broke off.
    Broken,
    /// The other side knows it.
    Over,
}

/// How a direction ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ended {
    /// Half closed: the other direction may go on.
    Closed,
    /// A side is dead.
    Broken,
}

impl Pipe {
    /// A direction of which this was read already.
    pub(super) fn new(read: Bytes) -> Self {
        Self { rest: read, frames: Frames::default(), moved: 0, stand: Stand::Open }
    }

    /// Changes with every byte that moves.
    pub(super) const fn moved(&self) -> u64 {
        self.moved
    }

    /// Where the frames stand that were written.
    pub(super) const fn frames(&self) -> &Frames {
        &self.frames
    }

    /// Carries what there is, until the source ends.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut dyn Duplex,
        to: &mut dyn Duplex,
    ) -> Poll<Ended> {
        loop {
            if ready!(self.poll_write(cx, to)).is_err() {
                return Poll::Ready(Ended::Broken);
            }
            match self.stand {
                Stand::Open => ready!(self.poll_read(cx, from, to)),
                Stand::Ended => {
                    // A dead socket needs no farewell.
                    ready!(Pin::new(&mut *to).poll_shutdown(cx)).ok();
                    self.stand = Stand::Over;
                }
                Stand::Broken => return Poll::Ready(Ended::Broken),
                Stand::Over => return Poll::Ready(Ended::Closed),
            }
        }
    }

    /// Writes what is kept, and makes it go out.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut dyn Duplex,
    ) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut *to).poll_write(cx, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.wrote(written);
        }
        Pin::new(to).poll_flush(cx)
    }

    /// Reads what nobody is to have, until its sender says Close, ends or breaks off.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>, from: &mut dyn Duplex) -> Poll<()> {
        self.frames.advance(&std::mem::take(&mut self.rest));
        while self.stand == Stand::Open && !self.frames.has_closed() {
            let mut space = [const { MaybeUninit::uninit() }; CHUNK];
            let mut space = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut *from).poll_read(cx, &mut space)) {
                Ok(()) if !space.filled().is_empty() => self.frames.advance(space.filled()),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }

    /// Whether a frame of ours can follow: at the end of a frame whose rest is here, if it was not
    /// the last one.
    pub(super) fn can_end(&self) -> bool {
        self.stand == Stand::Open
            && !self.frames.has_closed()
            && self.frames.rest(&self.rest).is_some()
    }

    /// Puts a last frame behind the one that has begun; what comes after that is dropped.
    pub(super) fn end(&mut self, last: &[u8]) {
        let kept = self.frames.rest(&self.rest).unwrap_or_default();
        let kept = self.rest.get(..kept).unwrap_or_default();
        self.rest = Bytes::from([kept, last].concat());
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut dyn Duplex,
        to: &mut dyn Duplex,
    ) -> Poll<()> {
        let mut space = [const { MaybeUninit::uninit() }; CHUNK];
        let mut space = ReadBuf::uninit(&mut space);
        let read = ready!(Pin::new(from).poll_read(cx, &mut space));
        self.take(cx, read.map(|()| space.filled()), to);
        Poll::Ready(())
    }

    fn take(&mut self, cx: &mut Context<'_>, read: io::Result<&[u8]>, to: &mut dyn Duplex) {
        let bytes = match read {
            Ok([]) => {
                self.stand = Stand::Ended;
                return;
            }
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::debug!(%error, "a tunnel broke off");
                self.stand = Stand::Broken;
                return;
            }
        };
        // What is not taken at once is kept; so is what failed, which fails again there.
        let written = match Pin::new(to).poll_write(cx, bytes) {
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        let (gone, kept) = bytes.split_at_checked(written).unwrap_or((bytes, &[]));
        self.frames.advance(gone);
        self.moved = self.moved.saturating_add(1);
        self.rest = Bytes::copy_from_slice(kept);
    }

    fn wrote(&mut self, count: usize) {
        let gone = self.rest.split_to(count.min(self.rest.len()));
        self.frames.advance(&gone);
        self.moved = self.moved.saturating_add(1);
    }
}

/// One TLS record.
const CHUNK: usize = 16 * 1_024;
