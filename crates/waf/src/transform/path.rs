//! `normalisePath`, `normalisePathWin`: no `.`, no `..`, no empty segment.

use crate::arena::Arena;

pub(super) fn normalise<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    if memchr::memmem::find(value, b"//").is_none() && memchr::memchr(b'.', value).is_none() {
        return None;
    }
    Some(resolved(value, arena))
}

pub(super) fn normalise_win<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    if memchr::memchr(b'\\', value).is_none() {
        return normalise(value, arena);
    }
    let slashed = value.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte });
    let slashed = arena.write(value.len(), |out| out.extend(slashed));
    Some(resolved(slashed, arena))
}

/// Never above the root. A relative path keeps the `..` that it cannot resolve.
fn resolved<'a>(value: &[u8], arena: &'a Arena) -> &'a [u8] {
    let is_absolute = value.first() == Some(&b'/');
    let is_open = value.last() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in value.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(last) if *last != b".." => {
                    kept.pop();
                }
                _ if is_absolute => {}
                _ => kept.push(segment),
            },
            _ => kept.push(segment),
        }
    }
    arena.write(value.len(), |out| {
        if is_absolute {
            out.push(b'/');
        }
        for (place, segment) in kept.iter().enumerate() {
            if place > 0 {
                out.push(b'/');
            }
            out.extend_from_slice(segment);
        }
        if is_open && !kept.is_empty() {
            out.push(b'/');
        }
    })
}
