//! One body type for all that flows through: a plain enum, so that nothing is boxed on the way.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use crate::{FromClient, StreamBody, Upstream};

/// A request or response body. Trailers are kept.
#[derive(Debug, Default)]
pub enum Body {
    /// No bytes.
    #[default]
    Empty,
    /// All bytes at once. `None` when they were taken.
    Full(Option<Bytes>),
    /// From a client over HTTP/1, still arriving.
    Client(FromClient),
    /// Over HTTP/2, still arriving, from either side.
    Incoming(Incoming),
    /// From an upstream, still arriving. Read to its end it gives the connection back to the pool.
    Upstream(Upstream),
    /// From an HTTP/2 stream, of a client or of an upstream.
    Stream(StreamBody),
    /// From a task that transforms another body.
    Channel(mpsc::Receiver<Framed>),
    /// Anything else. Costs an allocation and a virtual call a frame.
    Boxed(Boxed),
}

/// A piece of a body, or why it ended early.
pub(crate) type Framed = Result<Frame<Bytes>, BodyError>;

/// Names the one kind of body that can be boxed.
trait Other: http_body::Body<Data = Bytes, Error = BodyError> {}

impl<B: http_body::Body<Data = Bytes, Error = BodyError>> Other for B {}

/// A body of another kind.
pub struct Boxed(Pin<Box<dyn Other>>);

/// Why a body ended early. Whoever passes it on must abort too, never end it as if complete.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The one who transforms it gave up: a late refusal.
    #[error("body refused: {0}")]
    Refused(&'static str),
    /// The sending side broke off or broke the framing.
    #[error("body broke off")]
    Transport(#[source] hyper::Error),
    /// The stream was reset, or its connection ended.
    #[error("stream broke off")]
    Stream(#[source] h2::Error),
    /// Another source failed.
    #[error("body could not be read")]
    Io(#[source] io::Error),
}

/// A body that was read whole.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its trailers.
    pub trailers: Option<HeaderMap>,
}

/// Why a body was not read whole.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// It is larger than it may be.
    #[error("body is larger than {0} bytes")]
    TooLarge(usize),
    /// It ended early.
    #[error(transparent)]
    Body(#[from] BodyError),
}

/// The writing end of [`Body::channel`]. Dropped without [`Sender::end`] it ends the body normally.
#[derive(Debug)]
pub struct Sender(mpsc::Sender<Framed>);

impl Body {
    /// The same once more, for a request that may be sent again: with the way back for interim
    /// answers, if it has one. `None` when it streams.
    pub fn spare(&self) -> Option<Self> {
        match self {
            Self::Full(bytes) => Some(Self::Full(bytes.clone())),
            Self::Client(client) => client.again().map(Self::Client),
            Self::Empty
            | Self::Boxed(_)
            | Self::Channel(_)
            | Self::Incoming(_)
            | Self::Stream(_)
            | Self::Upstream(_) => self.is_empty().then_some(Self::Empty),
        }
    }

    /// All bytes at once.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self::Full(Some(bytes.into()))
    }

    /// A body that another task writes, `depth` frames ahead of the reader at most.
    pub fn channel(depth: usize) -> (Sender, Self) {
        let (sender, receiver) = mpsc::channel(depth.max(1));
        (Sender(sender), Self::Channel(receiver))
    }

    /// Wraps a body of another kind.
    pub fn boxed(body: impl http_body::Body<Data = Bytes, Error = BodyError> + 'static) -> Self {
        Self::Boxed(Boxed(Box::pin(body)))
    }

    /// Whether nothing will come. `false` says nothing.
    pub fn is_empty(&self) -> bool {
        http_body::Body::is_end_stream(self)
    }

    /// Reads it whole, or stops at the first byte over `bytes_max`.
    ///
    /// # Errors
    /// When it is too large or breaks off.
    pub async fn collect(mut self, bytes_max: usize) -> Result<Collected, CollectError> {
        // A declared length over the limit is refused without reading.
        if http_body::Body::size_hint(&self).lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX)
        {
            return Err(CollectError::TooLarge(bytes_max));
        }
        let mut whole = Gather::default();
        while let Some(frame) = self.frame().await {
            whole.take(frame?, bytes_max)?;
        }
        Ok(whole.finish())
    }
}

impl Sender {
    /// Sends bytes. `false` when the reader is gone: stop.
    pub async fn data(&self, bytes: Bytes) -> bool {
        self.0.send(Ok(Frame::data(bytes))).await.is_ok()
    }

    /// Sends trailers and ends the body.
    pub async fn end(self, trailers: Option<HeaderMap>) {
        if let Some(trailers) = trailers {
            // A reader that is gone needs no trailers.
            self.0.send(Ok(Frame::trailers(trailers))).await.ok();
        }
    }

    /// Breaks the body off, so that the reader aborts.
    pub async fn fail(self, error: BodyError) {
        // A reader that is gone has aborted already.
        self.0.send(Err(error)).await.ok();
    }
}

/// Collects frames. A body of one frame is not copied.
#[derive(Debug, Default)]
struct Gather {
    first: Bytes,
    rest: BytesMut,
    trailers: Option<HeaderMap>,
}

impl Gather {
    fn take(&mut self, frame: Frame<Bytes>, bytes_max: usize) -> Result<(), CollectError> {
        match frame.into_data() {
            Ok(data) => {
                let held = self.first.len().max(self.rest.len());
                if held.saturating_add(data.len()) > bytes_max {
                    return Err(CollectError::TooLarge(bytes_max));
                }
                self.append(data, held == 0);
            }
            Err(frame) => self.trailers = frame.into_trailers().ok(),
        }
        Ok(())
    }

    fn append(&mut self, data: Bytes, is_first: bool) {
        if is_first {
            self.first = data;
            return;
        }
        if self.rest.is_empty() {
            self.rest.extend_from_slice(&self.first);
        }
        self.rest.extend_from_slice(&data);
    }

    fn finish(self) -> Collected {
        let bytes = if self.rest.is_empty() { self.first } else { self.rest.freeze() };
        Collected { bytes, trailers: self.trailers }
    }
}

/// The same poll for both directions, with our error.
trait PollFrameOf {
    fn poll_frame_of(self, cx: &mut Context<'_>) -> Poll<Option<Framed>>;
}

impl PollFrameOf for Pin<&mut Incoming> {
    fn poll_frame_of(self, cx: &mut Context<'_>) -> Poll<Option<Framed>> {
        self.poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(BodyError::Transport)))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Framed>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Client(body) => body.poll(cx),
            Self::Incoming(body) => Pin::new(body).poll_frame_of(cx),
            Self::Upstream(body) => body.poll(cx),
            Self::Stream(body) => Pin::new(body).poll_frame(cx),
            Self::Channel(frames) => frames.poll_recv(cx),
            Self::Boxed(body) => body.0.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Client(body) => body.is_end(),
            Self::Incoming(body) => body.is_end_stream(),
            Self::Upstream(body) => body.is_end(),
            Self::Stream(body) => body.is_end_stream(),
            Self::Channel(_) => false,
            Self::Boxed(body) => body.0.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => SizeHint::with_exact(
                bytes.as_ref().map_or(0, |all| u64::try_from(all.len()).unwrap_or(u64::MAX)),
            ),
            Self::Client(body) => body.size(),
            Self::Incoming(body) => body.size_hint(),
            Self::Upstream(body) => body.size(),
            Self::Stream(body) => body.size_hint(),
            Self::Channel(_) => SizeHint::default(),
            Self::Boxed(body) => body.0.size_hint(),
        }
    }
}

impl fmt::Debug for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Boxed(…)")
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Full(Some(bytes)) }
    }
}

impl From<Incoming> for Body {
    fn from(body: Incoming) -> Self {
        Self::Incoming(body)
    }
}
