//! `trim`, `trimLeft`, `trimRight`.

use crate::arena::Arena;
use crate::cursor;

pub(super) fn both<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    shortened(value, cursor::trim(value), arena)
}

pub(super) fn left<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    shortened(value, cursor::trim_start(value), arena)
}

pub(super) fn right<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    shortened(value, cursor::trim_end(value), arena)
}

fn shortened<'a>(value: &[u8], trimmed: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    (trimmed.len() < value.len()).then(|| arena.keep(trimmed))
}
