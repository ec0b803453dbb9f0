//! A socket under HTTP/2 that counts, stops reading in a flood, and closes without a reset.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::meter::Meter;
use super::walk::Walk;
use crate::linger::Linger;

/// Passes bytes on unchanged.
#[derive(Debug)]
pub(crate) struct Metered<S> {
    stream: S,
    meter: Rc<Meter>,
    inbound: Walk,
    outbound: Walk,
    closing: Closing,
}

/// How far a close has come.
#[derive(Debug)]
enum Closing {
    No,
    /// Our side is closed: what the peer still sends is read and dropped, so that the kernel does
    /// not reset the connection, and our GOAWAY arrives.
    Lingering(Linger),
    Done,
}

impl<S> Metered<S> {
    /// Under a server: the client begins with a preface.
    pub(crate) fn of_client(stream: S, meter: Rc<Meter>) -> Self {
        Self::new(stream, meter, PREFACE, 0)
    }

    /// Under a client: we begin with a preface.
    pub(crate) fn of_upstream(stream: S, meter: Rc<Meter>) -> Self {
        Self::new(stream, meter, 0, PREFACE)
    }

    fn new(stream: S, meter: Rc<Meter>, inbound: usize, outbound: usize) -> Self {
        let (inbound, outbound) = (Walk::after(inbound), Walk::after(outbound));
        Self { stream, meter, inbound, outbound, closing: Closing::No }
    }

    fn wrote<'a>(&mut self, count: usize, slices: impl Iterator<Item = &'a [u8]>) {
        self.meter.wrote(count);
        let mut rest = count;
        for slice in slices {
            let now = slice.get(..rest).unwrap_or(slice);
            let mut is_farewell = false;
            self.outbound.over(now, |head| is_farewell |= self.meter.went(head));
            if is_farewell {
                self.meter.told(now);
            }
            rest = rest.saturating_sub(now.len());
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // The task above ends the connection as soon as it gets its turn.
        if this.meter.flood().is_some() {
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let new = buf.filled().get(before..).unwrap_or_default();
        this.meter.read(new.len());
        this.inbound.over(new, |head| this.meter.came(head));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Poll::Ready(written) = Pin::new(&mut this.stream).poll_write(cx, bytes) else {
            this.meter.block();
            return Poll::Pending;
        };
        let count = written?;
        this.wrote(count, std::iter::once(bytes));
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Poll::Ready(written) = Pin::new(&mut this.stream).poll_write_vectored(cx, slices)
        else {
            this.meter.block();
            return Poll::Pending;
        };
        let count = written?;
        this.wrote(count, slices.iter().map(|slice| &**slice));
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        if flushed.is_pending() {
            this.meter.block();
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match &mut this.closing {
                Closing::No => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    this.closing = Closing::Lingering(Linger::default());
                }
                Closing::Lingering(linger) => {
                    ready!(linger.poll(&mut this.stream, cx));
                    this.closing = Closing::Done;
                }
                Closing::Done => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// `PRI * HTTP/2.0`, two line ends, `SM`, two line ends.
const PREFACE: usize = 24;
