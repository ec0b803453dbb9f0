//! `htmlEntityDecode`: numbers and the five names.

use crate::arena::{Arena, Grown};
use crate::cursor::{Cursor, hex_value};

pub(super) fn decode<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    memchr::memchr(b'&', value)?;
    let decoded = arena.write(value.len(), |out| {
        let mut at = Cursor::new(value);
        while let Some(byte) = at.next() {
            if byte != b'&' || !entity(&mut at, out) {
                out.push(byte);
            }
        }
    });
    Some(decoded)
}

/// After `&`. A number gives its low byte; the semicolon may be missing.
fn entity(at: &mut Cursor<'_>, out: &mut Grown<'_>) -> bool {
    let mut ahead = *at;
    let byte = if ahead.eat(b'#') {
        let radix = if ahead.eat(b'x') || ahead.eat(b'X') { 16 } else { 10 };
        number(&mut ahead, radix)
    } else {
        named(ahead.take_while(|byte| byte.is_ascii_alphanumeric()))
    };
    let Some(byte) = byte else { return false };
    ahead.eat(b';');
    *at = ahead;
    out.push(byte);
    true
}

/// As C's `strtol` and a cast to a byte: a number too large is all ones.
fn number(at: &mut Cursor<'_>, radix: u64) -> Option<u8> {
    let digits =
        at.take_while(|byte| hex_value(byte).is_some_and(|value| u64::from(value) < radix));
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |number, digit| {
        let digit = u64::from(hex_value(*digit)?);
        number.checked_mul(radix)?.checked_add(digit).filter(|number| *number < 1 << 63)
    });
    u8::try_from(number.unwrap_or(u64::MAX) & 0xff).ok()
}

fn named(name: &[u8]) -> Option<u8> {
    [(&b"quot"[..], b'"'), (b"amp", b'&'), (b"lt", b'<'), (b"gt", b'>'), (b"nbsp", 0xa0)]
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, byte)| *byte)
}
