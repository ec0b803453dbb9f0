//! What becomes of a request body that nobody read to its end.
//!
//! An HTTP/1 connection that is closed with bytes unread is reset by the kernel. A client that still
//! sends can lose the answer by it (curl does), so the connection takes such bodies back and reads on
//! for a while (RFC 9112 section 9.6).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::{Body, BodyError};

/// Reads on in a body that nobody wants, for a while.
pub(crate) async fn read_on(body: Incoming, bytes_max: usize, time: Duration) {
    // Out of time is an end like another: the client was given its chance.
    timeout(time, drain(body, bytes_max)).await.unwrap_or_default();
}

async fn drain(mut body: Incoming, bytes_max: usize) {
    let mut rest = bytes_max;
    // An error is an end: the client has gone away, or reset the stream.
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(less) = rest.checked_sub(length) else { return };
        rest = less;
    }
}

/// A body that goes home when it is dropped before its end.
#[derive(Debug)]
pub(crate) struct Returning {
    body: Option<Incoming>,
    home: mpsc::Sender<Incoming>,
}

impl Returning {
    /// A body that is known to be empty has no way to go.
    pub(crate) fn body(body: Incoming, home: mpsc::Sender<Incoming>) -> Body {
        if body.is_end_stream() {
            return Body::Empty;
        }
        Body::boxed(Self { body: Some(body), home })
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            // A connection that has ended needs it no more.
            self.home.try_send(body).ok();
        }
    }
}

impl http_body::Body for Returning {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        frame.map(|frame| frame.map(|frame| frame.map_err(BodyError::Transport)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Incoming::size_hint)
    }
}
