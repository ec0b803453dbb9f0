//! Interim answers on their way from an upstream to the client that waits: 100 and 103.
//!
//! The side that faces the client puts an [`Interim`] into the extensions of the request. Who sends
//! the request on clones it into the request to the upstream, whose connection says what comes.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, Response, StatusCode};

/// A way back for interim answers (RFC 9110 section 15.2) to one request.
#[derive(Clone, Default)]
pub struct Interim(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    answers: VecDeque<Response<()>>,
    waker: Option<Waker>,
}

impl Interim {
    /// A way back on which nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Passes an interim answer on, whole. What comes after a few that nobody took is dropped: an
    /// upstream must not fill our memory with hints.
    pub fn send(&self, status: StatusCode, headers: HeaderMap) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !status.is_informational()
            || status == StatusCode::SWITCHING_PROTOCOLS
            || waiting.answers.len() >= WAITING_MAX
        {
            return;
        }
        let mut answer = Response::new(());
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        waiting.answers.push_back(answer);
        if let Some(waker) = waiting.waker.take() {
            waker.wake();
        }
    }

    /// The next interim answer for the client.
    pub fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Response<()>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = waiting.answers.pop_front() {
            return Poll::Ready(answer);
        }
        if !waiting.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            waiting.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl fmt::Debug for Interim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interim(…)")
    }
}

/// A page has one set of early hints, perhaps a second one from a cache on the way.
const WAITING_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_arrives_in_order_and_a_flood_does_not() {
        let (interim, mut cx) = (Interim::new(), Context::from_waker(Waker::noop()));
        assert!(interim.poll_next(&mut cx).is_pending());
        interim.send(StatusCode::OK, HeaderMap::new());
        interim.send(StatusCode::SWITCHING_PROTOCOLS, HeaderMap::new());
        assert!(interim.poll_next(&mut cx).is_pending(), "only interim answers pass");
        interim.send(StatusCode::CONTINUE, HeaderMap::new());
        for _ in 0..WAITING_MAX {
            interim.send(StatusCode::EARLY_HINTS, HeaderMap::new());
        }
        let next = |cx: &mut Context<'_>| interim.poll_next(cx).map(|answer| answer.status());
        assert_eq!(next(&mut cx), Poll::Ready(StatusCode::CONTINUE));
        for _ in 1..WAITING_MAX {
            assert_eq!(next(&mut cx), Poll::Ready(StatusCode::EARLY_HINTS));
        }
        assert!(interim.poll_next(&mut cx).is_pending());
    }
}
