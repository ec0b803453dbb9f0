//! `compressWhitespace`, `removeWhitespace`. The byte A0, a Latin-1 no-break space, counts.

use crate::arena::Arena;
use crate::cursor::is_space;

fn is_white(byte: u8) -> bool {
    is_space(byte) || byte == 0xa0
}

pub(super) fn compress<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    let changes = |pair: &[u8]| matches!(pair, [a, b] if is_white(*a) && is_white(*b));
    let has_other = value.iter().any(|byte| is_white(*byte) && *byte != b' ');
    if !has_other && !value.windows(2).any(changes) {
        return None;
    }
    let compressed = arena.write(value.len(), |out| {
        let mut was_white = false;
        for byte in value {
            let white = is_white(*byte);
            if !white {
                out.push(*byte);
            } else if !was_white {
                out.push(b' ');
            }
            was_white = white;
        }
    });
    Some(compressed)
}

pub(super) fn remove<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    if !value.iter().any(|byte| is_white(*byte)) {
        return None;
    }
    Some(arena.write(value.len(), |out| out.extend(value.iter().filter(|byte| !is_white(**byte)))))
}
