//! `removeComments`, `removeCommentsChar`, `replaceComments`.

use memchr::memmem;

use crate::arena::Arena;
use crate::cursor::Cursor;

/// One space for each `/* … */`; an open one takes the rest with it.
pub(super) fn replace<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    memmem::find(value, b"/*")?;
    let replaced = arena.write(value.len(), |out| {
        let mut rest = value;
        while let Some(start) = memmem::find(rest, b"/*") {
            let (before, comment) = rest.split_at_checked(start).unwrap_or((rest, b""));
            out.extend_from_slice(before);
            out.push(b' ');
            let inside = comment.get(2..).unwrap_or_default();
            let end = memmem::find(inside, b"*/").map_or(inside.len(), |end| end + 2);
            rest = inside.get(end..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
    });
    Some(replaced)
}

/// The signs go, the text between stays.
pub(super) fn remove_signs<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    if memchr::memchr3(b'/', b'-', b'#', value).is_none() && memchr::memchr(b'*', value).is_none() {
        return None;
    }
    let removed = arena.write(value.len(), |out| {
        let mut at = Cursor::new(value);
        while !at.is_empty() {
            let is_sign = [&b"/*"[..], b"*/", b"<!--", b"-->", b"--", b"#"]
                .iter()
                .any(|sign| at.eat_all(sign));
            if !is_sign {
                out.extend(at.next());
            }
        }
    });
    Some(removed)
}

/// C, HTML, SQL and shell comments go with their text. After the end of one the next byte is kept
/// whatever it begins, as ModSecurity 2 has it.
pub(super) fn remove<'a>(value: &[u8], arena: &'a Arena) -> &'a [u8] {
    arena.write(value.len() + 1, |out| {
        let mut at = Cursor::new(value);
        let mut is_inside = false;
        while !at.is_empty() {
            let ends = is_inside && (at.eat_all(b"*/") || at.eat_all(b"-->"));
            if ends {
                is_inside = false;
                // The NUL byte behind a value that ends so is in the public vectors.
                out.push(at.next().unwrap_or(0));
            } else if is_inside {
                at.skip(1);
            } else if at.eat_all(b"/*") || at.eat_all(b"<!--") {
                is_inside = true;
            } else if at.rest().starts_with(b"--") || at.peek() == Some(b'#') {
                break;
            } else {
                out.extend(at.next());
            }
        }
        if is_inside {
            out.push(b' ');
        }
    })
}
