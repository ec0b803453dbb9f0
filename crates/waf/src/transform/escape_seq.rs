//! `escapeSeqDecode`: escapes of ANSI C.

use crate::arena::{Arena, Grown};
use crate::cursor::Cursor;

pub(super) fn decode<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    memchr::memchr(b'\\', value)?;
    let decoded = arena.write(value.len(), |out| {
        let mut at = Cursor::new(value);
        while let Some(byte) = at.next() {
            match at.peek() {
                Some(escaped) if byte == b'\\' => escape(&mut at, escaped, out),
                _ => out.push(byte),
            }
        }
    });
    Some(decoded)
}

fn escape(at: &mut Cursor<'_>, escaped: u8, out: &mut Grown<'_>) {
    if (b'0'..=b'7').contains(&escaped) {
        out.push(octal(at));
        return;
    }
    at.skip(1);
    let byte = match escaped {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'x' | b'X' => match at.peek_hex(0, 2).and_then(|number| u8::try_from(number).ok()) {
            Some(number) => {
                at.skip(2);
                number
            }
            None => escaped,
        },
        _ => escaped,
    };
    out.push(byte);
}

/// Up to three octal digits, of which the low eight bits count.
pub(super) fn octal(at: &mut Cursor<'_>) -> u8 {
    let mut left = 3;
    let digits = at.take_while(|byte| {
        let belongs = left > 0 && (b'0'..=b'7').contains(&byte);
        left -= i32::from(belongs);
        belongs
    });
    let number = digits.iter().fold(0_u32, |number, digit| number << 3 | u32::from(digit & 7));
    u8::try_from(number & 0xff).unwrap_or(0)
}
