//! A body on its way out, as its head says that it will come.

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

use super::head::{self, Framing};
use super::link::Link;

/// Frames into bytes, and never more or fewer than announced.
#[derive(Debug)]
pub(crate) struct Encoder {
    pub(crate) framing: Framing,
    takes_trailers: bool,
    pub(crate) is_done: bool,
}

impl Encoder {
    pub(crate) fn new(framing: Framing, takes_trailers: bool) -> Self {
        let is_done = matches!(framing, Framing::None | Framing::Length(0));
        Self { framing, takes_trailers, is_done }
    }

    /// Queues a frame. `false`: it does not fit what the head said.
    pub(crate) fn put(&mut self, link: &mut Link, frame: Frame<Bytes>) -> bool {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => return self.finish(link, frame.into_trailers().ok().as_ref()),
        };
        match &mut self.framing {
            // An empty chunk would be the last one.
            _any if data.is_empty() => {}
            Framing::None => return false,
            Framing::Length(left) => {
                let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                let Some(rest) = left.checked_sub(length) else { return false };
                *left = rest;
                self.is_done = rest == 0;
                link.put(data, b"");
            }
            Framing::Chunked => {
                head::write_chunk_size(&mut link.out, data.len());
                link.put(data, b"\r\n");
            }
            Framing::UntilClose => link.put(data, b""),
        }
        true
    }

    /// Queues the end. `false`: it comes too early.
    pub(crate) fn finish(&mut self, link: &mut Link, trailers: Option<&HeaderMap>) -> bool {
        self.is_done = true;
        match self.framing {
            Framing::Length(left) => return left == 0,
            Framing::Chunked => {
                // RFC 9110 section 6.5.1: only to those who take them.
                let trailers = trailers.filter(|_| self.takes_trailers);
                head::write_last_chunk(&mut link.out, trailers);
            }
            Framing::None | Framing::UntilClose => {}
        }
        true
    }
}

/// So much may wait for company in one write.
pub(crate) const OUT_MAX: usize = 16 * 1_024;
