//! `utf8toUnicode`: `é` to `%u00e9`, so that `urlDecodeUni` after it sees one byte.

use std::fmt::Write;

use crate::arena::{Arena, Grown};

pub(super) fn to_unicode<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    if value.is_ascii() {
        return None;
    }
    let converted = arena.write(value.len() * 3, |out| {
        for chunk in value.utf8_chunks() {
            for one in chunk.valid().chars() {
                convert(one, out);
            }
            // Malformed bytes stay.
            out.extend_from_slice(chunk.invalid());
        }
    });
    Some(converted)
}

fn convert(one: char, out: &mut Grown<'_>) {
    if one.is_ascii() {
        out.extend(u8::try_from(one));
        return;
    }
    let mut text = String::new();
    // Writing to a string does not fail.
    if write!(text, "%u{:04x}", u32::from(one)).is_ok() {
        out.extend_from_slice(text.as_bytes());
    }
}
