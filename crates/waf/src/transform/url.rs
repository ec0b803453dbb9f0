//! `urlDecode`, `urlDecodeUni`, `urlEncode`.

use crate::arena::{Arena, Grown};
use crate::cursor::Cursor;
use crate::transform::UnicodeMap;

pub(super) fn decode<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    decode_form(value, arena).0
}

/// Form decoding: `%XX`, and `+` as a space; what is no escape stays. Says whether there was any
/// `%` that is none.
pub(crate) fn decode_form<'a>(value: &[u8], arena: &'a Arena) -> (Option<&'a [u8]>, bool) {
    if memchr::memchr2(b'%', b'+', value).is_none() {
        return (None, false);
    }
    let mut has_broken = false;
    let decoded = arena.write(value.len(), |out| {
        let mut at = Cursor::new(value);
        while let Some(byte) = at.next() {
            match byte {
                b'%' => has_broken |= !percent(&mut at, out),
                b'+' => out.push(b' '),
                _ => out.push(byte),
            }
        }
    });
    (Some(decoded), has_broken)
}

/// `%XX` alone: a plus in a path is a plus.
pub(crate) fn decode_path<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    memchr::memchr(b'%', value)?;
    let decoded = arena.write(value.len(), |out| {
        let mut at = Cursor::new(value);
        while let Some(byte) = at.next() {
            if byte == b'%' {
                percent(&mut at, out);
            } else {
                out.push(byte);
            }
        }
    });
    Some(decoded)
}

/// `%uXXXX` too, as IIS reads it: one byte, by the map or the low eight bits.
pub(super) fn decode_uni<'a>(
    value: &[u8],
    arena: &'a Arena,
    map: Option<&UnicodeMap>,
) -> Option<&'a [u8]> {
    memchr::memchr2(b'%', b'+', value)?;
    let decoded = arena.write(value.len(), |out| {
        let mut at = Cursor::new(value);
        while let Some(byte) = at.next() {
            match byte {
                b'%' if matches!(at.peek(), Some(b'u' | b'U')) => unicode(&mut at, out, map),
                b'%' => {
                    percent(&mut at, out);
                }
                b'+' => out.push(b' '),
                _ => out.push(byte),
            }
        }
    });
    Some(decoded)
}

/// After `%`. What is no escape stays.
fn percent(at: &mut Cursor<'_>, out: &mut Grown<'_>) -> bool {
    let byte = at.peek_hex(0, 2).and_then(|number| u8::try_from(number).ok());
    if byte.is_some() {
        at.skip(2);
    }
    out.push(byte.unwrap_or(b'%'));
    byte.is_some()
}

fn unicode(at: &mut Cursor<'_>, out: &mut Grown<'_>, map: Option<&UnicodeMap>) {
    let Some(number) = at.peek_hex(1, 4) else {
        out.push(b'%');
        out.extend(at.next());
        return;
    };
    at.skip(5);
    let mapped = map.and_then(|map| map.get(number));
    out.push(mapped.unwrap_or_else(|| half_width(number)));
}

/// The low byte of a code point; full-width ASCII (U+FF01 to U+FF5E) as its ASCII twin.
pub(super) fn half_width(code_point: u32) -> u8 {
    let low = u8::try_from(code_point & 0xff).unwrap_or(0);
    let is_full = code_point >> 8 == 0xff && (1..0x5f).contains(&low);
    if is_full { low + 0x20 } else { low }
}

/// All but `*`, letters and digits; a space becomes `+`.
pub(super) fn encode<'a>(value: &[u8], arena: &'a Arena) -> &'a [u8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    arena.write(value.len() * 3, |out| {
        for byte in value {
            match byte {
                b' ' => out.push(b'+'),
                b'*' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => out.push(*byte),
                _ => {
                    out.push(b'%');
                    let nibbles = [byte >> 4, byte & 15];
                    out.extend(nibbles.iter().filter_map(|one| DIGITS.get(usize::from(*one))));
                }
            }
        }
    })
}
