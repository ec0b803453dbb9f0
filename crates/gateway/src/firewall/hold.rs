//! The beginning of a body, held back until the rules have seen it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use ringwall_net::{Body, BodyError};

/// A body of which the beginning was read.
#[derive(Debug, Default)]
pub(crate) struct Held {
    read: BytesMut,
    trailers: Option<HeaderMap>,
    /// `None` when it was read to its end.
    rest: Option<Body>,
    /// Why it broke off.
    broken: Option<BodyError>,
}

impl Held {
    pub(crate) fn new(body: Body) -> Self {
        Self { rest: Some(body), ..Self::default() }
    }

    /// Reads until there are more than `bytes_max` bytes, or no more. What was read stays, also when
    /// nobody waits for the end.
    pub(crate) async fn fill(&mut self, bytes_max: usize) -> Result<(), BodyError> {
        self.fill_while(bytes_max, |_bytes| true).await.map(|_has_room| ())
    }

    /// The same, as long as there is room for what comes. Returns whether there was; what found none
    /// is kept all the same, and nothing after it is read.
    pub(crate) async fn fill_while(
        &mut self,
        bytes_max: usize,
        has_room: impl Fn(usize) -> bool,
    ) -> Result<bool, BodyError> {
        while self.read.len() <= bytes_max {
            let Some(rest) = self.rest.as_mut() else { return Ok(true) };
            let Some(frame) = poll_fn(|cx| Pin::new(&mut *rest).poll_frame(cx)).await else {
                self.rest = None;
                return Ok(true);
            };
            let data = match frame?.into_data() {
                Ok(data) => data,
                Err(frame) => {
                    self.trailers = frame.into_trailers().ok();
                    continue;
                }
            };
            self.read.extend_from_slice(&data);
            if !has_room(data.len()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What was read so far.
    pub(crate) fn beginning(&self) -> &[u8] {
        &self.read
    }

    /// What was read is all that there is: whoever reads it is told so, after it.
    pub(crate) fn break_off(&mut self, error: BodyError) {
        self.rest = None;
        self.broken = Some(error);
    }

    /// Whether it was read to its end.
    pub(crate) const fn is_whole(&self) -> bool {
        self.rest.is_none() && self.broken.is_none()
    }

    /// What was read, to be shown, and the body as it came.
    pub(crate) fn split(self) -> (Bytes, Body) {
        let read = self.read.freeze();
        let (trailers, rest, broken) = (self.trailers, self.rest, self.broken);
        let body = if trailers.is_none() && rest.is_none() && broken.is_none() {
            Body::from(read.clone())
        } else {
            Body::boxed(Joined { read: Some(read.clone()), trailers, rest, broken })
        };
        (read, body)
    }
}

/// What was read, and then the rest.
#[derive(Debug)]
struct Joined {
    read: Option<Bytes>,
    trailers: Option<HeaderMap>,
    rest: Option<Body>,
    broken: Option<BodyError>,
}

impl http_body::Body for Joined {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(read) = this.read.take() {
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match this.rest.as_mut() {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(this.trailers.take().map(|fields| Ok(Frame::trailers(fields)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_over = self.rest.as_ref().is_none_or(http_body::Body::is_end_stream);
        self.read.is_none() && self.trailers.is_none() && self.broken.is_none() && is_over
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.read.as_ref().map_or(0, Bytes::len);
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        let rest = self.rest.as_ref().map_or(SizeHint::with_exact(0), http_body::Body::size_hint);
        let mut joined = SizeHint::new();
        if self.broken.is_some() {
            // How much should have come is not known any more: no length is promised.
            return joined;
        }
        joined.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper() {
            joined.set_upper(upper.saturating_add(read));
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_broke_off_breaks_off_after_what_was_read() {
        let (sender, body) = Body::channel(8);
        assert!(sender.data(Bytes::from("ab")).await);
        let mut held = Held::new(body);
        held.fill(1).await.unwrap();
        held.break_off(BodyError::Refused("test"));
        assert!(!held.is_whole());
        let (read, mut body) = held.split();
        assert_eq!(&read[..], b"ab");
        let mut next = async || poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        assert_eq!(&next().await.unwrap().unwrap().into_data().unwrap()[..], b"ab");
        assert!(next().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn what_finds_no_room_is_not_lost_and_nothing_after_it_is_read() {
        let (sender, body) = Body::channel(8);
        for part in ["ab", "cd", "ef"] {
            assert!(sender.data(Bytes::from(part)).await);
        }
        drop(sender);
        let mut held = Held::new(body);
        let room = std::cell::Cell::new(3_usize);
        let take = |bytes: usize| match room.get().checked_sub(bytes) {
            Some(rest) => {
                room.set(rest);
                true
            }
            None => false,
        };
        assert!(!held.fill_while(99, take).await.unwrap());
        assert_eq!((held.beginning(), held.is_whole()), (&b"abcd"[..], false));
        assert_eq!(&held.split().1.collect(99).await.unwrap().bytes[..], b"abcdef");
    }

    #[tokio::test]
    async fn what_was_held_and_the_rest_are_the_body_as_it_came() {
        for (bytes_max, is_whole) in [(0, false), (3, false), (4, false), (5, true), (99, true)] {
            let (sender, body) = Body::channel(8);
            assert!(sender.data(Bytes::from("ab")).await);
            assert!(sender.data(Bytes::from("cde")).await);
            drop(sender);
            let mut held = Held::new(body);
            held.fill(bytes_max).await.unwrap();
            assert_eq!(held.is_whole(), is_whole, "{bytes_max}");
            let (read, body) = held.split();
            assert!(read.len() > bytes_max || is_whole, "{bytes_max}");
            assert_eq!(&body.collect(99).await.unwrap().bytes[..], b"abcde", "{bytes_max}");
        }
    }
}
