//! gRPC-Web: what browsers speak, translated to gRPC and back.
//!
//! Browsers cannot read trailers, so gRPC-Web carries them as the last message of the body, and a
//! text form wraps all in base64 (grpc/doc/PROTOCOL-WEB.md). Messages pass as they are: nothing of
//! them is read, and none is held back.

mod text;
mod trailer;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TE, TRAILER};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use ringwall_net::{Body, BodyError};

use text::Decoder;

/// An exchange that began as gRPC-Web.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Web {
    is_text: bool,
}

/// Makes a gRPC request of a gRPC-Web one; `None` for any other.
pub(crate) fn open(request: &mut Request<Body>) -> Option<Web> {
    let fields = request.headers_mut();
    let media_type = fields.get(CONTENT_TYPE)?.to_str().ok()?;
    let rest = media_type.strip_prefix("application/grpc-web")?;
    let (is_text, suffix) = match rest.strip_prefix("-text") {
        Some(suffix) => (true, suffix),
        None => (false, rest),
    };
    if !(suffix.is_empty() || suffix.starts_with(['+', ';'])) {
        return None;
    }
    let plain = HeaderValue::from_str(&format!("application/grpc{suffix}")).ok()?;
    fields.insert(CONTENT_TYPE, plain);
    fields.insert(TE, HeaderValue::from_static("trailers"));
    fields.remove("x-grpc-web");
    if is_text {
        fields.remove(CONTENT_LENGTH);
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::boxed(Unwrapped { body, text: Decoder::default() });
    }
    Some(Web { is_text })
}

impl Web {
    /// Makes a gRPC-Web answer of a gRPC one. Anything else is an answer as it is.
    pub(crate) fn close(self, response: &mut Response<Body>) {
        let fields = response.headers_mut();
        let media_type = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let Some(suffix) = media_type.and_then(|text| text.strip_prefix("application/grpc")) else {
            return;
        };
        let kind = if self.is_text { "-web-text" } else { "-web" };
        let Ok(media_type) = HeaderValue::from_str(&format!("application/grpc{kind}{suffix}"))
        else {
            return;
        };
        fields.insert(CONTENT_TYPE, media_type);
        fields.remove(CONTENT_LENGTH);
        fields.remove(TRAILER);
        // A status in the head ("Trailers-Only") stays there: clients read it.
        if !response.body().is_empty() {
            let body = std::mem::take(response.body_mut());
            *response.body_mut() = Body::boxed(Wrapped { body: Some(body), is_text: self.is_text });
        }
    }
}

type Framed = Result<Frame<Bytes>, BodyError>;

/// A request's body without its base64.
struct Unwrapped {
    body: Body,
    text: Decoder,
}

impl http_body::Body for Unwrapped {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Framed>> {
        let this = self.get_mut();
        loop {
            let frame = ready!(http_body::Body::poll_frame(Pin::new(&mut this.body), cx));
            let data = match frame {
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if this.text.is_whole() => return Poll::Ready(None),
                None => return Poll::Ready(Some(Err(BodyError::Refused("base64 breaks off")))),
            };
            match this.text.decode(&data) {
                Some(bytes) if bytes.is_empty() => {}
                Some(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes.into())))),
                None => return Poll::Ready(Some(Err(BodyError::Refused("not base64")))),
            }
        }
    }
}

/// An answer's body with its trailers as the last message.
struct Wrapped {
    /// `None` after its end.
    body: Option<Body>,
    is_text: bool,
}

impl Wrapped {
    fn piece(&self, bytes: Bytes) -> Frame<Bytes> {
        Frame::data(if self.is_text { text::encode(&bytes) } else { bytes })
    }
}

impl http_body::Body for Wrapped {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Framed>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let frame = match ready!(http_body::Body::poll_frame(Pin::new(body), cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => {
                this.body = None;
                return Poll::Ready(None);
            }
        };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) => this.piece(data),
            Err(frame) => {
                let trailers: HeaderMap = frame.into_trailers().unwrap_or_default();
                // Trailers end a body.
                this.body = None;
                this.piece(trailer::message(&trailers))
            }
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }
}

#[cfg(test)]
mod tests;
