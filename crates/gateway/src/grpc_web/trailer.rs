//! Trailers as a message: a flag, a length, and lines as in HTTP/1 (PROTOCOL-WEB.md).

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderMap;

/// The last message of a body.
pub(super) fn message(trailers: &HeaderMap) -> Bytes {
    let mut lines = BytesMut::new();
    for (name, value) in trailers {
        lines.put_slice(name.as_str().as_bytes());
        lines.put_slice(b": ");
        lines.put_slice(value.as_bytes());
        lines.put_slice(b"\r\n");
    }
    let mut message = BytesMut::with_capacity(lines.len().saturating_add(HEAD_BYTES));
    message.put_u8(IS_TRAILER);
    message.put_u32(u32::try_from(lines.len()).unwrap_or(u32::MAX));
    message.put(lines);
    message.freeze()
}

/// The highest bit of a message's first byte.
const IS_TRAILER: u8 = 0x80;
const HEAD_BYTES: usize = 5;
