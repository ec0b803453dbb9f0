//! Undoes the compression of a body, for inspection, within bounds.

use std::io::Read;

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

/// Why a body cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Two layers, or a coding that we cannot undo.
    #[error("content coding is not supported")]
    Coding,
    /// The compressed data are broken, or followed by other bytes.
    #[error("compressed body is malformed")]
    Malformed,
    /// Larger than the limit once decoded, or a bomb.
    #[error("decoded body is larger than {limit} bytes or {RATIO_MAX} times its size")]
    TooLarge {
        /// The limit that was given.
        limit: usize,
    },
}

/// Text compresses ten times, markup thirty; what is beyond this was made to hurt.
const RATIO_MAX: usize = 100;

/// Small bodies of one repeated letter pass whatever their ratio is.
const RATIO_FREE_BYTES: usize = 64 * 1024;

/// Returns the decoded body. `content_encoding` is the header's value; one layer at most.
pub fn decode(
    content_encoding: Option<&str>,
    body: &[u8],
    limit: usize,
) -> Result<Vec<u8>, DecodeError> {
    let coding = content_encoding.unwrap_or_default().trim().to_ascii_lowercase();
    let bound = limit.min(body.len().saturating_mul(RATIO_MAX).max(RATIO_FREE_BYTES));
    match coding.as_str() {
        "" | "identity" if body.len() > limit => Err(DecodeError::TooLarge { limit }),
        "" | "identity" => Ok(body.to_vec()),
        "gzip" | "x-gzip" => {
            let mut rest = body;
            let decoded = read(GzDecoder::new(&mut rest), bound, limit)?;
            whole(rest, decoded)
        }
        // RFC 9110 section 8.4.1.2 means zlib; some clients send the bare stream. A zlib head is
        // recognised by its check bits, so each body has one reading.
        "deflate" if is_zlib(body) => {
            let mut rest = body;
            let decoded = read(ZlibDecoder::new(&mut rest), bound, limit)?;
            whole(rest, decoded)
        }
        "deflate" => {
            let mut rest = body;
            let decoded = read(DeflateDecoder::new(&mut rest), bound, limit)?;
            whole(rest, decoded)
        }
        _ => Err(DecodeError::Coding),
    }
}

fn read(mut decoder: impl Read, bound: usize, limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoded = Vec::new();
    let most = u64::try_from(bound).unwrap_or(u64::MAX).saturating_add(1);
    let result = decoder.by_ref().take(most).read_to_end(&mut decoded);
    if decoded.len() > bound {
        return Err(DecodeError::TooLarge { limit });
    }
    match result {
        Ok(_) => Ok(decoded),
        Err(_) => Err(DecodeError::Malformed),
    }
}

/// Bytes after the stream would be read by the service and not by us.
fn whole(rest: &[u8], decoded: Vec<u8>) -> Result<Vec<u8>, DecodeError> {
    if rest.is_empty() { Ok(decoded) } else { Err(DecodeError::Malformed) }
}

/// RFC 1950 section 2.2: compression method 8 and a head divisible by 31.
fn is_zlib(body: &[u8]) -> bool {
    match body {
        [first, second, ..] => {
            first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31)
        }
        _ => false,
    }
}
