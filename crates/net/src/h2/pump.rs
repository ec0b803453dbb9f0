//! Writes a body to a stream, no faster than the other side takes it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::Body as _;
use tokio::time::timeout;

use crate::{Body, BodyError};

/// Why a body was not written to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stopped {
    /// The other side reset the stream, or the connection ended.
    Gone,
    /// The other side took nothing for too long.
    Stalled,
    /// The body itself broke off.
    Broken,
}

/// Writes `body` to its end and ends the stream. Calls `moved` whenever something was taken.
///
/// A body that breaks off resets the stream: whoever reads must not take it for whole.
pub(crate) async fn pump(
    mut body: Body,
    stream: &mut SendStream<Bytes>,
    stall: Duration,
    mut moved: impl FnMut(),
) -> Result<(), Stopped> {
    loop {
        let frame = poll_fn(|cx| match Pin::new(&mut body).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(Ok(frame)),
            Poll::Pending => stream.poll_reset(cx).map(|_reason| Err(Stopped::Gone)),
        });
        match frame.await? {
            None => {
                let ended = stream.send_data(Bytes::new(), true);
                return ended.map_err(|_closed| Stopped::Gone);
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let is_last = body.is_end_stream();
                    write(data, is_last, stream, stall).await?;
                    moved();
                    if is_last {
                        return Ok(());
                    }
                }
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    let ended = stream.send_trailers(trailers);
                    return ended.map_err(|_closed| Stopped::Gone);
                }
            },
            Some(Err(error)) => {
                stream.send_reset(reason(&error));
                return Err(Stopped::Broken);
            }
        }
    }
}

/// Writes a whole body and ends the stream, when there is room for it now. Gives it back when there
/// is not.
pub(crate) fn at_once(
    bytes: Bytes,
    stream: &mut SendStream<Bytes>,
) -> Result<Option<Bytes>, Stopped> {
    stream.reserve_capacity(bytes.len());
    if stream.capacity() < bytes.len() {
        return Ok(Some(bytes));
    }
    stream.send_data(bytes, true).map_err(|_closed| Stopped::Gone)?;
    Ok(None)
}

async fn write(
    mut data: Bytes,
    is_last: bool,
    stream: &mut SendStream<Bytes>,
    stall: Duration,
) -> Result<(), Stopped> {
    loop {
        stream.reserve_capacity(data.len());
        let mut room = stream.capacity();
        if room == 0 && !data.is_empty() {
            let more = poll_fn(|cx| match stream.poll_capacity(cx) {
                Poll::Ready(Some(Ok(room))) => Poll::Ready(Ok(room)),
                Poll::Ready(_ended) => Poll::Ready(Err(Stopped::Gone)),
                Poll::Pending => stream.poll_reset(cx).map(|_reason| Err(Stopped::Gone)),
            });
            room = match timeout(stall, more).await {
                Ok(room) => room?,
                Err(_elapsed) => {
                    stream.send_reset(Reason::CANCEL);
                    return Err(Stopped::Stalled);
                }
            };
        }
        let piece = data.split_to(room.min(data.len()));
        let is_end = data.is_empty();
        stream.send_data(piece, is_last && is_end).map_err(|_closed| Stopped::Gone)?;
        if is_end {
            return Ok(());
        }
    }
}

/// The code that the other side gets: the one that came, or that it is our fault.
fn reason(error: &BodyError) -> Reason {
    let BodyError::Stream(error) = error else { return Reason::INTERNAL_ERROR };
    let is_theirs = error.is_remote() && error.is_reset();
    error.reason().filter(|_| is_theirs).unwrap_or(Reason::INTERNAL_ERROR)
}
