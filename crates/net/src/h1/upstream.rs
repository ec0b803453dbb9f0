//! The body of an upstream's answer: it holds the connection, and gives it back at its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body as _, Frame, SizeHint};

use super::encode::{Encoder, OUT_MAX};
use super::link::{Broken, Link, Piece};
use crate::body::Framed;
use crate::pool::Lease;
use crate::{Body, BodyError};

/// A response body that holds its connection. Dropped before its end it closes it.
#[derive(Debug)]
pub struct Upstream {
    lease: Option<Box<Lease>>,
    /// What is still to be sent of the request: the answer came early.
    upload: Option<Box<Upload>>,
    keeps: bool,
}

/// A request body on its way to an upstream.
#[derive(Debug)]
pub(crate) struct Upload {
    body: Body,
    encoder: Encoder,
    /// Whether the body was asked for anything.
    pub(crate) is_touched: bool,
}

/// Why a request could not be sent whole.
#[derive(Debug)]
pub(crate) enum NotWhole {
    /// Its own body broke off.
    Body,
    /// The upstream took no more.
    Io(std::io::Error),
}

impl Upload {
    pub(crate) fn new(body: Body, encoder: Encoder) -> Self {
        Self { body, encoder, is_touched: false }
    }

    /// Ready when all of it is written.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        link: &mut Link,
    ) -> Poll<Result<(), NotWhole>> {
        loop {
            if self.encoder.is_done || link.has_tail() || link.waiting() > OUT_MAX {
                ready!(link.poll_write(cx)).map_err(NotWhole::Io)?;
            }
            if self.encoder.is_done {
                return Poll::Ready(Ok(()));
            }
            self.is_touched = true;
            let fits = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.encoder.put(link, frame),
                Poll::Ready(Some(Err(_))) => false,
                Poll::Ready(None) => self.encoder.finish(link, None),
                Poll::Pending => {
                    return match link.poll_write(cx) {
                        Poll::Ready(Err(error)) => Poll::Ready(Err(NotWhole::Io(error))),
                        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
                    };
                }
            };
            if !fits {
                return Poll::Ready(Err(NotWhole::Body));
            }
        }
    }

    /// Whether something is still to be sent: what is queued is not sent yet.
    pub(crate) fn is_underway(&self, link: &Link) -> bool {
        !self.encoder.is_done || link.waiting() > 0
    }

    /// The body, none of which was asked for.
    pub(crate) fn into_body(self) -> Body {
        self.body
    }

    /// Passes an interim answer to the client whose body this is.
    pub(crate) fn client(&self) -> Option<&super::FromClient> {
        if let Body::Client(body) = &self.body { Some(body) } else { None }
    }
}

impl Upstream {
    /// `keeps`: whether the connection may serve another request after this answer.
    pub(crate) fn new(lease: Box<Lease>, upload: Option<Upload>, keeps: bool) -> Self {
        let mut body = Self { lease: Some(lease), upload: upload.map(Box::new), keeps };
        body.end_if_whole();
        body
    }

    /// As a body. What came whole with its head is its bytes alone, and the connection is free
    /// before the answer is sent.
    pub(crate) fn into_body(mut self) -> Body {
        let lease = self.lease.as_mut().filter(|_| self.upload.is_none());
        match lease.and_then(|lease| lease.link.take_whole()) {
            Some(data) => {
                self.end_if_whole();
                Body::Full(Some(data))
            }
            None => Body::Upstream(self),
        }
    }

    fn end_if_whole(&mut self) {
        if self.lease.as_ref().is_some_and(|lease| !lease.link.is_in_body()) {
            self.end();
        }
    }

    fn end(&mut self) {
        // An upload that is not through leaves the connection in the middle of a message.
        if let Some(lease) = self.lease.take().filter(|_| self.keeps && self.upload.is_none()) {
            lease.give_back();
        }
        self.upload = None;
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Framed>> {
        let Some(lease) = &mut self.lease else { return Poll::Ready(None) };
        if let Some(upload) = &mut self.upload {
            match upload.poll(cx, &mut lease.link) {
                Poll::Ready(Ok(())) => self.upload = None,
                // It has answered; that it reads no more may be its right.
                Poll::Ready(Err(NotWhole::Io(_))) => (self.upload, self.keeps) = (None, false),
                Poll::Ready(Err(NotWhole::Body)) => {
                    self.lease = None;
                    return Poll::Ready(Some(Err(BodyError::Refused("the request broke off"))));
                }
                Poll::Pending => {}
            }
        }
        let frame = match ready!(lease.link.poll_piece(cx)) {
            Ok(Piece::Data(data)) => {
                self.end_if_whole();
                Some(Ok(Frame::data(data)))
            }
            Ok(Piece::Trailers(trailers)) => {
                self.end();
                Some(Ok(Frame::trailers(trailers)))
            }
            Ok(Piece::End) => {
                self.end();
                None
            }
            Err(broken) => {
                lease.broke();
                // A connection that failed is dropped with its lease.
                self.lease = None;
                Some(Err(match broken {
                    Broken::Framing(violation) => {
                        BodyError::Io(std::io::Error::other(violation.reason()))
                    }
                    Broken::Io(error) => BodyError::Io(error),
                }))
            }
        };
        Poll::Ready(frame)
    }

    pub(crate) fn is_end(&self) -> bool {
        self.lease.is_none()
    }

    pub(crate) fn size(&self) -> SizeHint {
        let Some(lease) = &self.lease else { return SizeHint::with_exact(0) };
        lease.link.machine.known_rest().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
