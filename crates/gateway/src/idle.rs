//! An answer that stops in its middle is given up, and so is one whose time is over.
//!
//! The head has a deadline; what follows has none, because a stream of events may last for days.
//! But a service that sends nothing at all would hold the client, the connection and their memory,
//! and what a person may see today is not what that person may see tomorrow ([`crate::tenure`]).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};
use ringwall_net::{Body, BodyError};
use tokio::time::{Sleep, sleep};

use crate::tenure::{Kind, Tenure};

/// Gives an answer up when its body does not move, or when its tenure is over.
pub(crate) fn watched(response: Response<Body>, begin: impl FnOnce() -> Tenure) -> Response<Body> {
    if matches!(response.body(), Body::Empty | Body::Full(_)) || response.body().is_empty() {
        return response;
    }
    let tenure = begin();
    response.map(|body| Body::boxed(Watched::new(body, tenure)))
}

/// A body with an alarm, which is set when it is first asked for.
struct Watched {
    body: Body,
    tenure: Tenure,
    kind: Kind,
    alarm: Option<Pin<Box<Sleep>>>,
    /// How long nothing has come. No clock is read for a piece: the runtime knows of the alarm.
    still: Duration,
    pieces: usize,
}

impl Watched {
    fn new(body: Body, tenure: Tenure) -> Self {
        let is_sized = http_body::Body::size_hint(&body).exact().is_some();
        let kind = if is_sized { Kind::Sized } else { Kind::Endless };
        Self { body, tenure, kind, alarm: None, still: Duration::ZERO, pieces: 0 }
    }

    /// While nothing comes, and when it is time to look.
    fn poll_alarm(&mut self, cx: &mut Context<'_>, is_still: bool) -> Poll<&'static str> {
        let settings = self.tenure.settings();
        let every = settings.look_every;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(every)));
        while alarm.as_mut().poll(cx).is_ready() {
            alarm.set(sleep(every));
            if is_still {
                self.still = self.still.saturating_add(every);
            }
            if self.still > settings.stream_idle {
                return Poll::Ready("the service stopped sending");
            }
            if self.tenure.is_over(self.kind) {
                return Poll::Ready(ENDED);
            }
        }
        Poll::Pending
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = http_body::Body::poll_frame(Pin::new(&mut this.body), cx);
        if !matches!(frame, Poll::Pending | Poll::Ready(Some(Ok(_)))) {
            return frame;
        }
        let is_still = frame.is_pending();
        if !is_still {
            this.still = Duration::ZERO;
            this.pieces = this.pieces.saturating_add(1);
            // What is taken slowly and always there never waits.
            if this.pieces.is_multiple_of(LOOK_AFTER) && this.tenure.is_over(this.kind) {
                return Poll::Ready(Some(Err(BodyError::Refused(ENDED))));
            }
        }
        let is_waited_for = this.alarm.as_ref().is_some_and(|alarm| !alarm.is_elapsed());
        if !is_still && is_waited_for {
            return frame;
        }
        match this.poll_alarm(cx, is_still) {
            Poll::Ready(why) => Poll::Ready(Some(Err(BodyError::Refused(why)))),
            Poll::Pending => frame,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}

const ENDED: &str = "what admitted the request has ended";

/// Pieces may come so fast that the runtime does not get to its clock between them; then it is not
/// long until there were so many.
const LOOK_AFTER: usize = 64;
