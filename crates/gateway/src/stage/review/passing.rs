//! A body that is looked through while it passes.
//!
//! Where something is found that must not leave, the body breaks off; until it is known, the bytes
//! that may be its beginning are kept back.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use ringwall_leaks::{Detectors, Found, Stream};
use ringwall_net::{Body, BodyError};
use ringwall_openapi::decode;

use crate::record::{Became, Leaked, Witness};

/// A body with somebody who looks.
#[derive(Debug)]
pub(super) struct Passing {
    body: Body,
    stream: Stream,
    /// What breaks it off.
    stops: Detectors,
    /// What becomes of the rest.
    became: Became,
    held: BytesMut,
    events: Events,
    trailers: Option<HeaderMap>,
    /// A packed one is kept, to be unpacked when it is whole; `None` when it is too large.
    packed: Option<Packed>,
    witness: Witness,
    is_over: bool,
}

/// Where an event of a stream ends, of which pieces come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Events {
    /// There are none.
    None,
    /// With each line.
    Lines,
    /// With a line that is empty; and what came last, of line ends.
    Blocks { is_empty: bool, is_return: bool },
}

impl Events {
    /// The end of the last event that ends in a piece, or its beginning.
    fn end(&mut self, piece: &[u8]) -> usize {
        match self {
            Self::None => 0,
            Self::Lines => {
                piece.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1))
            }
            Self::Blocks { is_empty, is_return } => block_end(piece, is_empty, is_return),
        }
    }
}

fn block_end(piece: &[u8], is_empty: &mut bool, is_return: &mut bool) -> usize {
    let mut end = 0;
    for (at, byte) in piece.iter().enumerate() {
        // The second half of a line's end.
        if std::mem::replace(is_return, *byte == b'\r') && *byte == b'\n' {
            continue;
        }
        let is_line_end = matches!(byte, b'\n' | b'\r');
        if is_line_end && *is_empty {
            end = at.saturating_add(1);
        }
        *is_empty = is_line_end;
    }
    end
}

/// Its coding, and what has come of it.
type Packed = (String, Vec<u8>);

impl Passing {
    pub(super) fn new(
        body: Body,
        (stream, stops): (Stream, Detectors),
        coding: Option<String>,
        (witness, became): (Witness, Became),
        events: Events,
    ) -> Self {
        Self {
            body,
            stream,
            stops,
            became,
            held: BytesMut::new(),
            events,
            trailers: None,
            packed: coding.map(|coding| (coding, Vec::new())),
            witness,
            is_over: false,
        }
    }

    /// Looks at a piece. Returns what of it may go on.
    fn look(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        if self.is_over {
            return Ok(piece);
        }
        if let Some((_, kept)) = &mut self.packed {
            kept.extend_from_slice(&piece);
            if kept.len() > PACKED_BYTES_MAX {
                // Too large to be unpacked: the rest passes.
                self.is_over = true;
                *kept = Vec::new();
            }
            return Ok(piece);
        }
        if self.stops.is_empty() {
            let found = self.stream.push(&piece);
            self.tell(&found)?;
            return Ok(piece);
        }
        let (events, rest) = piece.split_at(self.events.end(&piece));
        if !events.is_empty() {
            let found = self.stream.push(events);
            self.tell(&found)?;
            // Somebody waits for the event, and what is in it is complete.
            if self.stream.held() > 0 {
                let found = self.stream.end_event();
                self.tell(&found)?;
            }
        }
        if !rest.is_empty() {
            let found = self.stream.push(rest);
            self.tell(&found)?;
        }
        self.held.extend_from_slice(&piece);
        let free = self.held.len().saturating_sub(self.stream.held());
        Ok(self.held.split_to(free).freeze())
    }

    /// Nothing more comes. Returns what was kept back.
    fn finish(&mut self) -> Result<Bytes, BodyError> {
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(Bytes::new());
        }
        let mut found = Found::default();
        if let Some((coding, kept)) = self.packed.take() {
            if let Ok(bytes) = decode(Some(&coding), &kept, UNPACKED_BYTES_MAX) {
                found = self.stream.push(&bytes);
                self.tell(&found)?;
            }
            found.findings.clear();
        }
        found.findings.extend(self.stream.finish().findings);
        self.tell(&found)?;
        Ok(self.held.split().freeze())
    }

    fn tell(&mut self, found: &Found) -> Result<(), BodyError> {
        if found.findings.is_empty() {
            return Ok(());
        }
        let stops = found.findings.iter().any(|one| self.stops.has(one.detector));
        let leaked: Vec<Leaked> = found
            .findings
            .iter()
            .map(|one| Leaked {
                detector: one.detector,
                place: format!("at byte {}", one.range.start),
            })
            .collect();
        self.witness.tell(&leaked, if stops { Became::Cut } else { self.became });
        if stops {
            self.is_over = true;
            self.body = Body::Empty;
            self.held.clear();
            return Err(BodyError::Refused("something in it must not leave"));
        }
        Ok(())
    }

    fn take(&mut self, frame: Frame<Bytes>) -> Result<Option<Frame<Bytes>>, BodyError> {
        let frame = match frame.into_data() {
            Ok(piece) => {
                let free = self.look(piece)?;
                // The reader of a body of known length does not ask for its end.
                let is_end = self.body.is_end_stream();
                let rest = if is_end { self.finish()? } else { Bytes::new() };
                let free = if rest.is_empty() { free } else { [free, rest].concat().into() };
                return Ok((!free.is_empty()).then(|| Frame::data(free)));
            }
            Err(frame) => frame,
        };
        let rest = self.finish()?;
        if rest.is_empty() {
            return Ok(Some(frame));
        }
        self.trailers = frame.into_trailers().ok();
        Ok(Some(Frame::data(rest)))
    }
}

impl http_body::Body for Passing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(trailers) = this.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        loop {
            return match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => match this.take(frame) {
                    Ok(None) => continue,
                    Ok(Some(frame)) => Poll::Ready(Some(Ok(frame))),
                    Err(error) => Poll::Ready(Some(Err(error))),
                },
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => match this.finish() {
                    Ok(rest) if rest.is_empty() => Poll::Ready(None),
                    Ok(rest) => Poll::Ready(Some(Ok(Frame::data(rest)))),
                    Err(error) => Poll::Ready(Some(Err(error))),
                },
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over && self.held.is_empty() && self.trailers.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = u64::try_from(self.held.len()).unwrap_or(u64::MAX);
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        // Whoever has all bytes that were promised does not wait for the end.
        if !self.is_over && self.body.is_end_stream() && self.finish().is_err() {
            tracing::debug!("found in an answer that nobody reads any more");
        }
    }
}

/// More than pages take, packed. What is larger passes without a look, where nothing is blocked.
const PACKED_BYTES_MAX: usize = 1024 * 1024;
const UNPACKED_BYTES_MAX: usize = 8 * 1024 * 1024;
