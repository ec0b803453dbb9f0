//! Reads on for a moment after the last answer, so that it arrives.
//!
//! A socket that is closed with bytes unread is reset by the kernel, and a reset takes an answer
//! that is still on its way with it (RFC 9112 section 9.6).

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::link::Link;
use crate::wire::Wire;

/// Writes what waits and says that nothing follows.
pub(crate) async fn close(link: &mut Link) {
    let flushed = timeout(TIME_MAX, poll_fn(|cx| link.poll_write(cx))).await;
    if matches!(flushed, Ok(Ok(()))) {
        // A client that is gone does not hear it.
        timeout(TIME_MAX, poll_fn(|cx| Pin::new(&mut link.wire).poll_shutdown(cx))).await.ok();
    }
}

/// The same, and then gives the client its chance to take it.
pub(crate) async fn linger(link: &mut Link) {
    close(link).await;
    let mut rest = BYTES_MAX;
    // A client that has not read its answer by then is not waiting for it.
    timeout(TIME_MAX, poll_fn(|cx| poll_discard(&mut link.wire, &mut rest, cx))).await.ok();
}

/// Ready when the client has closed, or has sent too much.
fn poll_discard(wire: &mut Wire, rest: &mut usize, cx: &mut Context<'_>) -> Poll<()> {
    let mut scratch = [0_u8; 4 * 1_024];
    loop {
        let mut read = ReadBuf::new(&mut scratch);
        match Pin::new(&mut *wire).poll_read(cx, &mut read) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(_)) => return Poll::Ready(()),
            Poll::Ready(Ok(())) => {}
        }
        let length = read.filled().len();
        match rest.checked_sub(length).filter(|_| length > 0) {
            Some(left) => *rest = left,
            None => return Poll::Ready(()),
        }
    }
}

/// More than any head that a client sends by mistake.
const BYTES_MAX: usize = 1_024 * 1_024;

/// Enough for a client that is there.
const TIME_MAX: Duration = Duration::from_secs(1);
