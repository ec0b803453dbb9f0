//! An answer that stops in its middle is given up.
//!
//! The head has a deadline; what follows has none, because a stream of events may last for days.
//! But a service that sends nothing at all would hold the client, the connection and their memory.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};
use ringwall_net::{Body, BodyError};
use tokio::time::{Sleep, sleep};

/// Gives an answer up when its body does not move for `limit`, or for twice that at most.
pub(crate) fn watched(response: Response<Body>, limit: Duration) -> Response<Body> {
    if matches!(response.body(), Body::Empty | Body::Full(_)) || response.body().is_empty() {
        return response;
    }
    response.map(|body| Body::boxed(Watched { body, limit, alarm: None, has_moved: false }))
}

/// A body with an alarm, which is set only when it first has to wait.
struct Watched {
    body: Body,
    limit: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
    /// Whether something came since the alarm was set. No clock is read for a piece.
    has_moved: bool,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = http_body::Body::poll_frame(Pin::new(&mut this.body), cx) {
            this.has_moved = true;
            return Poll::Ready(frame);
        }
        let limit = this.limit;
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep(limit)));
        while alarm.as_mut().poll(cx).is_ready() {
            if !std::mem::take(&mut this.has_moved) {
                return Poll::Ready(Some(Err(BodyError::Refused("the service stopped sending"))));
            }
            alarm.set(sleep(limit));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_stream_lives_as_long_as_something_comes() {
        let limit = Duration::from_secs(1);
        let (sender, body) = Body::channel(1);
        let mut watched = watched(Response::new(body), limit).into_body();
        let mut next = || {
            let cx = &mut Context::from_waker(std::task::Waker::noop());
            http_body::Body::poll_frame(Pin::new(&mut watched), cx)
        };
        assert!(next().is_pending());
        assert!(sender.data(Bytes::from_static(b"x")).await);
        assert!(matches!(next(), Poll::Ready(Some(Ok(_)))));
        sleep(limit).await;
        // The alarm is over, and something came since it was set.
        assert!(next().is_pending());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_stream_that_stops_is_given_up() {
        let (sender, body) = Body::channel(1);
        assert!(sender.data(Bytes::from_static(b"x")).await);
        let watched = watched(Response::new(body), Duration::from_millis(10)).into_body();
        assert!(watched.collect(100).await.is_err());
        drop(sender);
    }
}
