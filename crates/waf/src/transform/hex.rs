//! `hexDecode`, `hexEncode`.

use crate::arena::Arena;
use crate::cursor::hex_value;

/// Pairs of digits to bytes; a byte that is no digit counts as ModSecurity counts it, an odd one at
/// the end not at all.
pub(super) fn decode<'a>(value: &[u8], arena: &'a Arena) -> &'a [u8] {
    arena.write(value.len() / 2, |out| {
        for pair in value.chunks_exact(2) {
            let byte = pair
                .iter()
                .fold(0_u8, |byte, digit| byte.wrapping_mul(16).wrapping_add(nibble(*digit)));
            out.push(byte);
        }
    })
}

/// `x2c` of Apache: what is no digit is read as if it were one.
fn nibble(digit: u8) -> u8 {
    match hex_value(digit).and_then(|value| u8::try_from(value).ok()) {
        Some(value) => value,
        None if digit >= b'A' => (digit & 0xdf).wrapping_sub(b'A').wrapping_add(10),
        None => digit.wrapping_sub(b'0'),
    }
}

pub(super) fn encode<'a>(value: &[u8], arena: &'a Arena) -> &'a [u8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    arena.write(value.len() * 2, |out| {
        let nibbles = value.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        out.extend(nibbles.filter_map(|nibble| DIGITS.get(usize::from(nibble)).copied()));
    })
}
