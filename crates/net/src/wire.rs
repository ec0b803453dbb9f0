//! One connected stream, whatever it is made of: a plain enum, so that nothing is boxed a call.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{client, server};

/// A connection as far as bytes are concerned.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// TLS with a client.
    Served(Box<server::TlsStream<TcpStream>>),
    /// TLS with an upstream.
    Dialed(Box<client::TlsStream<TcpStream>>),
}

impl Wire {
    /// Whether the other side has neither said nor closed anything, as far as is known without
    /// asking the system: a read would wait.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let (mut scratch, mut cx) = ([0_u8; 1], Context::from_waker(Waker::noop()));
        let mut read = ReadBuf::new(&mut scratch);
        Pin::new(self).poll_read(&mut cx, &mut read).is_pending()
    }

    /// The same, asked of the system: the notice of a close may not have been looked at yet.
    pub(crate) fn is_open(&self) -> bool {
        let mut byte = [0_u8; 1];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peeked = match self {
            Self::Tcp(stream) => recv(stream, &mut byte, flags),
            Self::Unix(stream) => recv(stream, &mut byte, flags),
            Self::Served(stream) => recv(stream.get_ref().0, &mut byte, flags),
            Self::Dialed(stream) => recv(stream.get_ref().0, &mut byte, flags),
        };
        // What can be read is an end, or bytes that nobody asked for.
        peeked.is_err_and(|error| error == rustix::io::Errno::AGAIN)
    }

    /// Makes the close that follows a reset, so that a body without a length does not look whole.
    pub(crate) fn reset_at_close(&self) {
        let reset = match self {
            Self::Tcp(stream) => stream.set_zero_linger(),
            // TLS ends a stream with a notice, whose absence says the same. A local socket has none.
            Self::Unix(_) | Self::Served(_) | Self::Dialed(_) => Ok(()),
        };
        if let Err(error) = reset {
            tracing::debug!(%error, "a broken answer is closed in order");
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, out),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, out),
            Self::Served(stream) => Pin::new(stream).poll_read(cx, out),
            Self::Dialed(stream) => Pin::new(stream).poll_read(cx, out),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Served(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Dialed(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Served(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Dialed(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            // The system has them already.
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(())),
            Self::Served(stream) => Pin::new(stream).poll_flush(cx),
            Self::Dialed(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Served(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Dialed(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
