//! `cssDecode`: escapes of CSS 2.

use crate::arena::{Arena, Grown};
use crate::cursor::{Cursor, hex_value, is_space};

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
    let mut left = 6;
    let digits = at.take_while(|byte| {
        let belongs = left > 0 && byte.is_ascii_hexdigit();
        left -= i32::from(belongs);
        belongs
    });
    if digits.is_empty() {
        // A line end is taken out, any other byte stands for itself.
        out.extend(at.next().filter(|byte| *byte != b'\n'));
        return;
    }
    out.push(low_byte(digits));
    if at.peek().is_some_and(is_space) {
        at.skip(1);
    }
}

/// The last two digits; full-width ASCII (`ffXX` after zeros) becomes ASCII.
fn low_byte(digits: &[u8]) -> u8 {
    let number =
        digits.iter().fold(0_u32, |number, digit| number << 4 | hex_value(*digit).unwrap_or(0));
    let low = u8::try_from(number & 0xff).unwrap_or(0);
    let is_full_width = number >> 8 == 0xff && digits.len() >= 4;
    if is_full_width && (1..0x5f).contains(&low) { low + 0x20 } else { low }
}
