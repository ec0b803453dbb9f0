//! The body of one HTTP/2 stream: from a client or from an upstream, in one type.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use super::check::check_trailers;
use crate::BodyError;
use crate::h2_client::Hold;

/// What arrives on a stream. The window is given back as it is read, so that no more than a window
/// waits here.
pub struct StreamBody {
    recv: Option<RecvStream>,
    phase: Phase,
    patience: Patience,
    /// Runs only while a reader waits: one that is slow itself does not end the body.
    waiting: Option<Waiting>,
    length: Option<u64>,
    /// From a client: what was not read goes back to the exchange (RFC 9113 section 8.1).
    upload: Option<Rc<Upload>>,
    /// From an upstream: dropped it resets a stream that is not over.
    hold: Option<Hold>,
}

/// How long a body may stand still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// While nobody has answered yet.
    pub(crate) unanswered: Duration,
    /// When the answer has begun: two streams then, of which one may rest while the other moves.
    pub(crate) answered: Duration,
}

struct Waiting {
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

/// What the library gives.
type Came = Result<Frame<Bytes>, h2::Error>;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Data,
    Trailers,
    Done,
}

/// What an exchange and the body of its request have in common.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    /// The stream, when nobody read it to its end.
    pub(crate) unread: RefCell<Option<RecvStream>>,
    /// Whether the answer has begun.
    pub(crate) is_answered: Cell<bool>,
    /// Whether the client sent nothing of the body for too long.
    pub(crate) stood_still: Cell<bool>,
}

impl StreamBody {
    /// From a client.
    pub(super) fn of_client(
        recv: RecvStream,
        length: Option<u64>,
        patience: Patience,
        upload: Rc<Upload>,
    ) -> Self {
        let (phase, upload) = (Phase::Data, Some(upload));
        Self { recv: Some(recv), phase, patience, waiting: None, length, upload, hold: None }
    }

    /// From an upstream.
    pub(crate) fn of_upstream(
        recv: RecvStream,
        length: Option<u64>,
        limit: Duration,
        hold: Hold,
    ) -> Self {
        let patience = Patience { unanswered: limit, answered: limit };
        let (phase, hold) = (Phase::Data, Some(hold));
        Self { recv: Some(recv), phase, patience, waiting: None, length, upload: None, hold }
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<Came>> {
        let Some(recv) = self.recv.as_mut() else { return Poll::Ready(None) };
        if self.phase == Phase::Data {
            match ready!(recv.poll_data(cx)) {
                Some(Ok(bytes)) => {
                    self.length = self.length.map(|rest| rest.saturating_sub(count(&bytes)));
                    let released = recv.flow_control().release_capacity(bytes.len());
                    return Poll::Ready(Some(released.map(|()| Frame::data(bytes))));
                }
                Some(Err(error)) => {
                    self.phase = Phase::Done;
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.phase = Phase::Trailers,
            }
        }
        if self.phase == Phase::Done {
            return Poll::Ready(None);
        }
        let trailers = ready!(recv.poll_trailers(cx));
        self.phase = Phase::Done;
        Poll::Ready(trailers.transpose().map(|trailers| trailers.map(Frame::trailers)))
    }

    /// Ready when it has stood still for too long.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let is_answered = self.upload.as_ref().is_none_or(|upload| upload.is_answered.get());
            let Patience { unanswered, answered } = self.patience;
            let limit = if is_answered { answered } else { unanswered };
            let waiting = self.waiting.get_or_insert_with(|| Waiting {
                since: Instant::now(),
                timer: Box::pin(sleep(limit)),
            });
            ready!(waiting.timer.as_mut().poll(cx));
            let rest = limit.saturating_sub(waiting.since.elapsed());
            if rest.is_zero() {
                return Poll::Ready(());
            }
            // The answer has begun since the timer was set.
            waiting.timer = Box::pin(sleep(rest));
        }
    }

    fn finish(&mut self, frame: Came) -> Result<Frame<Bytes>, BodyError> {
        let frame = match frame {
            Ok(frame) => match frame.trailers_ref().map(check_trailers) {
                None | Some(Ok(())) => return Ok(frame),
                Some(Err(violation)) => {
                    self.phase = Phase::Done;
                    Err(BodyError::Refused(violation.reason()))
                }
            },
            Err(error) => Err(BodyError::Stream(error)),
        };
        if let Some(hold) = &self.hold {
            hold.broke();
        }
        frame
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = this.poll_inner(cx) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| this.finish(frame)));
        }
        ready!(this.poll_patience(cx));
        if let Some(upload) = &this.upload {
            upload.stood_still.set(true);
        }
        Poll::Ready(Some(Err(BodyError::Refused("stood still"))))
    }

    fn is_end_stream(&self) -> bool {
        match self.phase {
            Phase::Data => self.recv.as_ref().is_none_or(RecvStream::is_end_stream),
            Phase::Trailers => false,
            Phase::Done => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        let recv = self.recv.take().filter(|recv| !recv.is_end_stream());
        if let Some(upload) = &self.upload {
            upload.unread.replace(recv);
        }
    }
}

impl fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamBody").field("phase", &self.phase).finish_non_exhaustive()
    }
}

fn count(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
