//! How messages are packed (grpc/doc/compression.md).

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};
use ringwall_openapi::{DecodeError, decode};

use super::{Message, Verdict};

/// What `grpc-encoding` says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Coding {
    Deflate,
    Gzip,
    Identity,
}

impl Coding {
    pub(super) fn of(fields: &HeaderMap) -> Result<Self, Verdict> {
        let mut values = fields.get_all(ENCODING).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(Self::Identity),
            (Some(_), Some(_)) => Err(Verdict::new("two codings")),
            (Some(value), None) => match value.as_bytes() {
                b"identity" => Ok(Self::Identity),
                b"gzip" => Ok(Self::Gzip),
                b"deflate" => Ok(Self::Deflate),
                _ => Err(Verdict::new("a coding that is not read here")),
            },
        }
    }

    /// The bytes of a message, unpacked within the limit.
    pub(super) fn unpack(
        self,
        message: &Message,
        bytes_max: usize,
    ) -> Result<Cow<'_, [u8]>, Verdict> {
        let payload = message.payload();
        let name = match (message.is_packed(), self) {
            (false, _) => return Ok(Cow::Borrowed(payload)),
            (true, Self::Deflate) => "deflate",
            (true, Self::Gzip) => "gzip",
            (true, Self::Identity) => return Err(Verdict::new("packed, and nothing says how")),
        };
        decode(Some(name), payload, bytes_max).map(Cow::Owned).map_err(|error| match error {
            DecodeError::TooLarge { .. } => {
                Verdict::limit("larger than a message may be, unpacked")
            }
            DecodeError::Coding | DecodeError::Malformed => Verdict::new("cannot be unpacked"),
        })
    }
}

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
