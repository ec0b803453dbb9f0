//! `utf8toUnicode`: `é` to `%u00e9`, so that `urlDecodeUni` after it sees one byte.

use std::fmt::Write;

use crate::arena::{Arena, Grown};

/// Of what is longer than it has to be, and of halves of pairs, both ModSecurity engines write the
/// code point too, and the first byte as it was: `%c0%af` is a slash to whoever decodes it.
pub(super) fn to_unicode<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    if value.is_ascii() {
        return None;
    }
    let converted = arena.write(value.len() * 3, |out| {
        let mut rest = value;
        while let Some((&lead, after)) = rest.split_first() {
            let Some((code_point, length)) = sequence(rest) else {
                // Malformed bytes stay.
                out.push(lead);
                rest = after;
                continue;
            };
            convert(code_point, out);
            let shortest = char::from_u32(code_point).map(char::len_utf8);
            if shortest != Some(length) {
                out.push(lead);
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    });
    Some(converted)
}

/// A sequence of two to four bytes at the beginning, by its bits alone, and how long it is.
fn sequence(text: &[u8]) -> Option<(u32, usize)> {
    let (lead, rest) = text.split_first()?;
    let (length, bits) = match lead {
        0xc0..=0xdf => (2, lead & 0x1f),
        0xe0..=0xef => (3, lead & 0x0f),
        0xf0..=0xf4 => (4, lead & 0x07),
        _ => return None,
    };
    let more = rest.get(..length - 1)?;
    let is_good = more.iter().all(|byte| byte & 0xc0 == 0x80);
    let add = |number: u32, byte: &u8| number << 6 | u32::from(byte & 0x3f);
    is_good.then(|| (more.iter().fold(u32::from(bits), add), length))
}

fn convert(code_point: u32, out: &mut Grown<'_>) {
    let mut text = String::new();
    // Writing to a string does not fail.
    if write!(text, "%u{code_point:04x}").is_ok() {
        out.extend_from_slice(text.as_bytes());
    }
}
