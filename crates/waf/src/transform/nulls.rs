//! `removeNulls`, `replaceNulls`.

use crate::arena::Arena;

pub(super) fn remove<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    memchr::memchr(0, value)?;
    Some(arena.write(value.len(), |out| out.extend(value.iter().filter(|byte| **byte != 0))))
}

pub(super) fn replace<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    memchr::memchr(0, value)?;
    let spaced = value.iter().map(|byte| if *byte == 0 { b' ' } else { *byte });
    Some(arena.write(value.len(), |out| out.extend(spaced)))
}
