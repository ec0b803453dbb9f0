//! A verdict on a stream that is under way: how the client learns of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::Frame;
use ringwall_net::{Body, BodyError};

use super::Verdict;
use crate::Refusal;
use crate::problem::grpc_status;
use crate::record::Record;
use crate::tenure::Tenure;

/// What is found while a request's body passes. One end finds, the other ends the answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Late(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    found: Option<Found>,
    waiting: Option<Waker>,
}

#[derive(Clone, Debug)]
struct Found {
    verdict: Verdict,
    /// Whether the stream ends; else it is only written down.
    is_enforced: bool,
    is_told: bool,
}

impl Late {
    /// Notes what is found first.
    pub(super) fn find(&self, verdict: Verdict, is_enforced: bool) {
        let waiting = self.with(|state| {
            if state.found.is_none() {
                state.found = Some(Found { verdict, is_enforced, is_told: false });
            }
            state.waiting.take()
        });
        if let Some(waiting) = waiting.flatten() {
            waiting.wake();
        }
    }

    /// What is to be told, once, and whether it is enforced.
    fn take(&self) -> Option<(Refusal, bool)> {
        self.with(|state| {
            let found = state.found.as_mut().filter(|found| !found.is_told)?;
            found.is_told = true;
            Some((found.verdict.refusal(), found.is_enforced))
        })
        .flatten()
    }

    /// What has come of a request: the refusal in the place of a failure that it caused, or the
    /// answer, which ends when something is found.
    pub(crate) fn judge<'a>(
        self,
        forwarded: Result<Response<Body>, Refusal>,
        record: &mut Record<'a>,
        begin: impl FnOnce(&Record<'a>) -> Tenure,
    ) -> Result<Response<Body>, Refusal> {
        match (self.take(), forwarded) {
            (Some((refusal, true)), _) | (None, Err(refusal)) => Err(refusal),
            (Some((refusal, false)), forwarded) => {
                record.waive(refusal)?;
                forwarded
            }
            (None, Ok(response)) => Ok(ended(self, response, || begin(record))),
        }
    }

    fn wait(&self, waker: &Waker) {
        self.with(|state| state.waiting = Some(waker.clone()));
    }

    /// A lock that somebody let fall in a panic is no reason to panic: nothing is found then.
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> Option<T> {
        self.0.lock().ok().map(|mut state| work(&mut state))
    }
}

/// Ends an answer with a status of gRPC when its request is found at fault.
fn ended(late: Late, response: Response<Body>, begin: impl FnOnce() -> Tenure) -> Response<Body> {
    if matches!(response.body(), Body::Empty | Body::Full(_)) || response.body().is_empty() {
        return response;
    }
    let tenure = begin();
    response.map(|body| Body::boxed(Ended { body: Some(body), late, tenure }))
}

/// An answer that may be ended.
struct Ended {
    /// `None` after its end.
    body: Option<Body>,
    late: Late,
    tenure: Tenure,
}

impl Ended {
    /// The trailers that tell, if there is something to be told.
    fn told(&mut self) -> Option<HeaderMap> {
        let (refusal, is_enforced) = self.late.take()?;
        self.tenure.message(&refusal, is_enforced);
        if !is_enforced {
            return None;
        }
        // The stream to the service ends with it.
        self.body = None;
        let public = refusal.public();
        let mut trailers = HeaderMap::new();
        trailers.insert(STATUS, HeaderValue::from(grpc_status(&refusal)));
        trailers.insert(MESSAGE, HeaderValue::from_static(public.title));
        trailers.insert(CODE, HeaderValue::from_static(public.code));
        Some(trailers)
    }
}

impl http_body::Body for Ended {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.body.is_none() {
            return Poll::Ready(None);
        }
        // Before it is looked at: what is found from now on wakes.
        this.late.wait(cx.waker());
        if let Some(trailers) = this.told() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(None | Some(Err(_))) = &polled {
            if let Some(trailers) = this.told() {
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            this.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // Found after the answer was complete: nobody is told, and it is written down.
        if let Some((refusal, is_enforced)) = self.late.take() {
            self.tenure.message(&refusal, is_enforced);
        }
    }
}

const CODE: HeaderName = HeaderName::from_static("ringwall-code");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
