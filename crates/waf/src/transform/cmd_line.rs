//! `cmdLine`: a shell command without what evades a pattern.

use crate::arena::{Arena, Grown};

/// Takes out `\`, `"`, `'` and `^`, makes one space of white space, `,` and `;`, none before `/`
/// and `(`, and lower case of the rest.
pub(super) fn normalise<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    if !value.iter().any(|byte| changes(*byte)) {
        return None;
    }
    let normal = arena.write(value.len(), |out| {
        for byte in value {
            push(*byte, out);
        }
    });
    Some(normal)
}

fn push(byte: u8, out: &mut Grown<'_>) {
    let after_space = out.last() == Some(&b' ');
    match byte {
        b'\\' | b'"' | b'\'' | b'^' => {}
        b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' if after_space => {}
        b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' => out.push(b' '),
        b'/' | b'(' => {
            if after_space {
                out.pop();
            }
            out.push(byte);
        }
        _ => out.push(byte.to_ascii_lowercase()),
    }
}

fn changes(byte: u8) -> bool {
    matches!(byte, b'\\' | b'"' | b'\'' | b'^' | b' ' | b',' | b';' | b'\t' | b'\r' | b'\n')
        || byte.is_ascii_uppercase()
}
