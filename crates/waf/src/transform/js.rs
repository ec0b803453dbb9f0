//! `jsDecode`: escapes of JavaScript.

use crate::arena::{Arena, Grown};
use crate::cursor::Cursor;
use crate::transform::url::half_width;

pub(super) fn decode<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    memchr::memchr(b'\\', value)?;
    let decoded = arena.write(value.len(), |out| {
        let mut at = Cursor::new(value);
        while let Some(byte) = at.next() {
            if byte == b'\\' {
                escape(&mut at, out);
            } else {
                out.push(byte);
            }
        }
    });
    Some(decoded)
}

fn escape(at: &mut Cursor<'_>, out: &mut Grown<'_>) {
    let Some(escaped) = at.peek() else {
        out.push(b'\\');
        return;
    };
    if (b'0'..=b'7').contains(&escaped) {
        out.push(octal(at));
        return;
    }
    at.skip(1);
    let digits = match escaped {
        b'u' => 4,
        b'x' => 2,
        _ => 0,
    };
    if let Some(number) = at.peek_hex(0, digits).filter(|_| digits > 0) {
        at.skip(digits);
        out.push(half_width(number));
        return;
    }
    out.push(match escaped {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        _ => escaped,
    });
}

/// Up to three octal digits, but two when three would pass a byte.
fn octal(at: &mut Cursor<'_>) -> u8 {
    let digits = at.rest().iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let is_too_large = digits == 3 && at.peek().is_some_and(|first| first > b'3');
    let taken = at.take(if is_too_large { 2 } else { digits });
    let number = taken.iter().fold(0_u32, |number, digit| number << 3 | u32::from(digit & 7));
    u8::try_from(number).unwrap_or(0)
}
