//! A body that breaks off when it stands still: on HTTP/2 what the watchdog does for HTTP/1.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::{Body, BodyError};

/// Waits for the next frame, and no longer than `limit`.
#[derive(Debug)]
pub(crate) struct Patient {
    body: Body,
    limit: Duration,
    /// Runs only while a reader waits: one that is slow itself does not end the body.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    /// A body that is known to be empty, or whole, needs no timer.
    pub(crate) fn body(body: Body, limit: Duration) -> Body {
        if body.is_empty() { body } else { Body::boxed(Self { body, limit, waiting: None }) }
    }
}

impl http_body::Body for Patient {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.waiting = None;
            return Poll::Ready(frame);
        }
        let limit = this.limit;
        let waiting = this.waiting.get_or_insert_with(|| Box::pin(sleep(limit)));
        waiting.as_mut().poll(cx).map(|()| Some(Err(BodyError::Refused("stood still"))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_body_may_take_its_time_while_it_moves() {
        let (sender, body) = Body::channel(1);
        let write = async {
            sleep(LIMIT / 2).await;
            sender.data(Bytes::from_static(b"a")).await;
            sleep(LIMIT * 3 / 4).await;
            sender.data(Bytes::from_static(b"b")).await;
            drop(sender);
        };
        let (whole, ()) = tokio::join!(Patient::body(body, LIMIT).collect(9), write);
        assert_eq!(whole.unwrap().bytes, "ab");
        let (_sender, body) = Body::channel(1);
        assert!(Patient::body(body, LIMIT).collect(9).await.is_err());
    }
}
