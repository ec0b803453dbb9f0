//! A body that breaks off when it passes its limit.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use ringwall_net::{Body, BodyError};

/// Counts what passes. Over the limit it fails, so that the service never sees a complete body.
#[derive(Debug)]
pub(super) struct Counted {
    body: Body,
    left: u64,
    overflow: Arc<AtomicBool>,
}

impl Counted {
    pub(super) const fn new(body: Body, bytes_max: u64, overflow: Arc<AtomicBool>) -> Self {
        Self { body, left: bytes_max, overflow }
    }
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
            let Some(left) = this.left.checked_sub(length) else {
                this.overflow.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(BodyError::Refused("over the size limit"))));
            };
            this.left = left;
        }
        polled
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

    #[tokio::test]
    async fn the_last_byte_of_the_limit_passes_and_the_next_breaks_off() {
        for (bytes_max, is_over) in [(5, false), (4, true)] {
            let overflow = Arc::new(AtomicBool::new(false));
            let body = Counted::new(Body::full("hello"), bytes_max, Arc::clone(&overflow));
            assert_eq!(Body::boxed(body).collect(99).await.is_err(), is_over);
            assert_eq!(overflow.load(Ordering::Relaxed), is_over);
        }
    }
}
