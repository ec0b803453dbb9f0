//! `sqlHexDecode`: `0x414243` to `ABC`.

use crate::arena::{Arena, Grown};
use crate::cursor::Cursor;

pub(super) fn decode<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    memchr::memmem::find(value, b"0x").or_else(|| memchr::memmem::find(value, b"0X"))?;
    let decoded = arena.write(value.len(), |out| {
        let mut at = Cursor::new(value);
        while !at.is_empty() {
            let is_prefix = at.peek() == Some(b'0') && matches!(at.peek_at(1), Some(b'x' | b'X'));
            if is_prefix && at.peek_hex(2, 2).is_some() {
                at.skip(2);
                digits(&mut at, out);
            } else {
                out.extend(at.next());
            }
        }
    });
    Some(decoded)
}

fn digits(at: &mut Cursor<'_>, out: &mut Grown<'_>) {
    while let Some(number) = at.peek_hex(0, 2) {
        out.extend(u8::try_from(number));
        at.skip(2);
    }
}
