//! Reads on for a moment after a refusal, so that it arrives.
//!
//! A socket that is closed with bytes unread is reset by the kernel, and a reset takes an answer
//! that is still on its way with it (RFC 9112 section 9.6).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What is left of a client's chance to take its answer.
#[derive(Debug)]
pub(crate) struct Linger {
    rest: usize,
    end: Pin<Box<Sleep>>,
}

impl Default for Linger {
    fn default() -> Self {
        Self { rest: BYTES_MAX, end: Box::pin(sleep(TIME_MAX)) }
    }
}

impl Linger {
    /// Ready when the client has closed, or has had its chance.
    pub(crate) fn poll<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let mut scratch = [0_u8; 4 * 1_024];
        while self.end.as_mut().poll(cx).is_pending() {
            let mut read = ReadBuf::new(&mut scratch);
            match Pin::new(&mut *stream).poll_read(cx, &mut read) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {}
            }
            let length = read.filled().len();
            let rest = self.rest.checked_sub(length).filter(|_| length > 0);
            let Some(rest) = rest else { return Poll::Ready(()) };
            self.rest = rest;
        }
        Poll::Ready(())
    }
}

/// More than any head that a client sends by mistake.
const BYTES_MAX: usize = 1_024 * 1_024;

/// A client that has not read its answer by then is not waiting for it.
const TIME_MAX: Duration = Duration::from_secs(1);
