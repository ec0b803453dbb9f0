//! A body that is compressed while it passes: piece by piece, never held back.
//!
//! When the other side has nothing more for the moment, what was taken in is flushed: an event of
//! a stream arrives when it happens, not when a block is full.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Body as _, Frame, SizeHint};
use ringwall_net::{Body, BodyError};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::coding::Coding;

/// A body on its way through an encoder.
pub(super) struct Encoded {
    body: Body,
    encoder: Option<Encoder>,
    /// Bytes of a frame that is larger than one turn takes.
    left: Bytes,
    /// Whether the encoder holds bytes that the reader does not have.
    holds: bool,
    /// What comes after the last byte.
    trailers: Option<Frame<Bytes>>,
    _place: Place,
}

enum Encoder {
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Gzip(GzEncoder<Vec<u8>>),
    /// Each flush ends a frame of its own: RFC 8878 section 3.1 lets frames follow each other.
    Zstd(Vec<u8>),
}

impl Encoded {
    /// Gives the body back when too many are compressed already.
    pub(super) fn new(body: Body, coding: Coding) -> Result<Self, Body> {
        let Some(place) = Place::take() else { return Err(body) };
        let encoder = match coding {
            Coding::Brotli => {
                let writer =
                    CompressorWriter::new(Vec::new(), BUFFER, BROTLI_QUALITY, BROTLI_WINDOW_BITS);
                Encoder::Brotli(Box::new(writer))
            }
            Coding::Gzip => Encoder::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Coding::Zstd => Encoder::Zstd(Vec::new()),
        };
        let (encoder, left) = (Some(encoder), Bytes::new());
        Ok(Self { body, encoder, left, holds: false, trailers: None, _place: place })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<Option<Framed>>> {
        for _turn in 0..TURNS_MAX {
            match self.turn(cx)? {
                Turn::Again => {}
                Turn::Wait => return Ok(Poll::Pending),
                Turn::Give(frame) => return Ok(Poll::Ready(frame)),
            }
        }
        cx.waker().wake_by_ref();
        Ok(Poll::Pending)
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> io::Result<Turn> {
        if !self.left.is_empty() {
            return Ok(Turn::of(self.take_in()?, Turn::Again));
        }
        if self.encoder.is_none() {
            return Ok(Turn::Give(self.trailers.take().map(Ok)));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            return self.pause();
        };
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => self.left = data,
                Err(trailers) => self.trailers = Some(trailers),
            },
            Some(Err(error)) => return Ok(Turn::Give(Some(Err(error)))),
            None => {
                let rest = self.encoder.take().map(Encoder::finish).transpose()?;
                return Ok(Turn::of(rest.unwrap_or_default(), Turn::Again));
            }
        }
        Ok(Turn::Again)
    }

    /// Takes in what is left of a frame, at most one turn's worth.
    fn take_in(&mut self) -> io::Result<Vec<u8>> {
        let Some(encoder) = &mut self.encoder else { return Ok(Vec::new()) };
        let turn = self.left.split_to(self.left.len().min(TURN_BYTES_MAX));
        encoder.write(&turn)?;
        self.holds = true;
        Ok(encoder.ready())
    }

    /// Nothing more comes for the moment: the reader gets what was taken in.
    fn pause(&mut self) -> io::Result<Turn> {
        let held = std::mem::take(&mut self.holds);
        let Some(encoder) = self.encoder.as_mut().filter(|_| held) else { return Ok(Turn::Wait) };
        Ok(Turn::of(encoder.flush()?, Turn::Wait))
    }
}

/// What a turn came to.
enum Turn {
    Again,
    Give(Option<Framed>),
    Wait,
}

impl Turn {
    fn of(bytes: Vec<u8>, otherwise: Self) -> Self {
        if bytes.is_empty() { otherwise } else { Self::Give(Some(Ok(Frame::data(bytes.into())))) }
    }
}

type Framed = Result<Frame<Bytes>, BodyError>;

impl http_body::Body for Encoded {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        this.poll(cx).unwrap_or_else(|error| {
            this.encoder = None;
            Poll::Ready(Some(Err(BodyError::Io(error))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

impl Encoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Brotli(writer) => writer.write_all(bytes),
            Self::Gzip(writer) => writer.write_all(bytes),
            Self::Zstd(held) => {
                held.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// What is worth sending already; empty when it is little.
    fn ready(&mut self) -> Vec<u8> {
        match self {
            Self::Brotli(writer) => taken(writer.get_mut(), CHUNK_BYTES_MIN),
            Self::Gzip(writer) => taken(writer.get_mut(), CHUNK_BYTES_MIN),
            Self::Zstd(held) if held.len() >= TURN_BYTES_MAX => frame(held),
            Self::Zstd(_) => Vec::new(),
        }
    }

    /// Everything that was taken in.
    fn flush(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli(writer) => {
                writer.flush()?;
                Ok(taken(writer.get_mut(), 0))
            }
            Self::Gzip(writer) => {
                writer.flush()?;
                Ok(taken(writer.get_mut(), 0))
            }
            Self::Zstd(held) => Ok(frame(held)),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli(writer) => Ok(writer.into_inner()),
            Self::Gzip(writer) => writer.finish(),
            Self::Zstd(mut held) => Ok(frame(&mut held)),
        }
    }
}

/// The bytes of a buffer, if there are so many.
fn taken(buffer: &mut Vec<u8>, least: usize) -> Vec<u8> {
    if buffer.len() < least { Vec::new() } else { std::mem::take(buffer) }
}

/// One frame of zstd; none of nothing.
fn frame(held: &mut Vec<u8>) -> Vec<u8> {
    if held.is_empty() {
        return Vec::new();
    }
    let frame = compress_to_vec(held.as_slice(), CompressionLevel::Fastest);
    held.clear();
    frame
}

/// One of the places for bodies that are compressed at once.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let room = TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            taken.checked_add(1).filter(|taken| *taken <= ENCODERS_MAX)
        });
        room.is_ok().then_some(Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        TAKEN.fetch_sub(1, Ordering::Relaxed);
    }
}

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// A megabyte each at most: 128 MiB. Further answers leave as they are.
const ENCODERS_MAX: usize = 128;
/// What is compressed in one go: a fraction of a millisecond.
const TURN_BYTES_MAX: usize = 32 * 1_024;
/// Then the other connections of the thread have their turn.
const TURNS_MAX: usize = 8;
/// Smaller pieces wait for more, or for a flush.
const CHUNK_BYTES_MIN: usize = 4 * 1_024;
const BUFFER: usize = 4 * 1_024;
/// Above it each step costs twice the time for a few percent.
const BROTLI_QUALITY: u32 = 4;
/// 256 KiB of window: what the memory of an encoder is made of.
const BROTLI_WINDOW_BITS: u32 = 18;
/// As brotli's: the knee of the curve.
const GZIP_LEVEL: u32 = 4;
