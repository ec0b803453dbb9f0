//! `lowercase`, `uppercase`: of ASCII letters only.

use crate::arena::Arena;

pub(super) fn lower<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    if !value.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    Some(arena.write(value.len(), |out| out.extend(value.iter().map(u8::to_ascii_lowercase))))
}

pub(super) fn upper<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    if !value.iter().any(u8::is_ascii_lowercase) {
        return None;
    }
    Some(arena.write(value.len(), |out| out.extend(value.iter().map(u8::to_ascii_uppercase))))
}
