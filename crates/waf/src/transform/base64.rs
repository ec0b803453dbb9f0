//! `base64Decode`, `base64DecodeExt`, `base64Encode`.

use crate::arena::{Arena, Grown};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Up to the first byte that is not of the alphabet, as `apr_base64_decode`.
pub(super) fn decode<'a>(value: &[u8], arena: &'a Arena) -> &'a [u8] {
    let length = value.iter().position(|byte| digit(*byte).is_none()).unwrap_or(value.len());
    let digits = value.get(..length).unwrap_or_default().iter().filter_map(|byte| digit(*byte));
    arena.write(length, |out| decode_digits(digits, out))
}

/// Skips what is not of the alphabet, up to a NUL byte.
pub(super) fn decode_ext<'a>(value: &[u8], arena: &'a Arena) -> &'a [u8] {
    let bytes = value.iter().take_while(|byte| **byte != 0);
    let digits = bytes.filter_map(|byte| digit(*byte));
    arena.write(value.len(), |out| decode_digits(digits, out))
}

pub(super) fn encode<'a>(value: &[u8], arena: &'a Arena) -> &'a [u8] {
    arena.write(value.len() * 4 / 3 + 4, |out| {
        value.chunks(3).for_each(|chunk| out.extend(encoded(chunk)));
    })
}

/// Up to three bytes as four digits.
fn encoded(chunk: &[u8]) -> [u8; 4] {
    let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
    let bits = bits << (8 * (3 - chunk.len()));
    [0, 1, 2, 3].map(|place| {
        let index = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
        let digit = ALPHABET.get(index).filter(|_| place <= chunk.len());
        digit.copied().unwrap_or(b'=')
    })
}

fn decode_digits(digits: impl Iterator<Item = u32>, out: &mut Grown<'_>) {
    let mut bits = 0_u32;
    let mut count = 0;
    for digit in digits {
        bits = bits << 6 | digit;
        count += 1;
        if count == 4 {
            out.extend_from_slice(bits.to_be_bytes().get(1..).unwrap_or_default());
            (bits, count) = (0, 0);
        }
    }
    // Two digits left make one byte, three make two; one alone makes none.
    let left = bits << (6 * (4 - count));
    let bytes = left.to_be_bytes();
    out.extend_from_slice(bytes.get(1..usize::max(count, 1)).unwrap_or_default());
}

fn digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}
