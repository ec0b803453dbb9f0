//! Private keys: PEM (RFC 7468), `OpenSSH`, PGP, `PuTTY`. Only with the key itself: its first line alone
//! stands in every manual.

use crate::look::Look;

/// Behind `-----BEGIN `.
pub(crate) fn pem(look: &mut Look<'_>) -> bool {
    look.run(LABEL_MAX, |byte| byte.is_ascii_uppercase() || byte == b' ');
    let label = look.before(look.at(), LABEL_MAX);
    let is_private = label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK");
    if !is_private || !look.takes(b"-----") {
        return false;
    }
    let (mut letters, mut headers) = (0, 0);
    for _line in 0..LINES_MAX {
        look.blanks();
        let line = look.run(LINE_MAX, is_base64);
        // `Proc-Type`, `DEK-Info`, `Version`: what has a colon is no part of the key.
        if look.takes(b":") || look.takes(b"-Type:") || look.takes(b"-Info:") {
            look.run(LINE_MAX, |byte| !matches!(byte, b'\n' | b'\\' | b'<'));
            headers += 1;
            if headers > HEADERS_MAX {
                break;
            }
            continue;
        }
        // PHP writes JSON with an escape before each slash.
        let is_escaped = look.takes(b"\\/");
        if line == 0 && !is_escaped {
            break;
        }
        letters += line;
    }
    look.takes(END);
    letters >= LETTERS_MIN
}

/// Behind `PuTTY-User-Key-File-`.
pub(crate) fn putty(look: &mut Look<'_>) -> bool {
    look.run(1, |byte| byte.is_ascii_digit()) == 1
        && look.takes(b": ")
        && look.finds(b"Private-Lines:", PUTTY_MAX)
}

/// The end of a key that begins and was found until these places, however long it is: whoever masks
/// it leaves nothing. It reads no further than to the next mark, so that many keys take linear time.
pub(crate) fn whole(text: &[u8], start: usize, end: usize) -> usize {
    if text.get(start..).is_some_and(|text| text.starts_with(b"PuTTY")) {
        let mut look = at_next(text, end, b"Private-");
        if !look.takes_one(&[b"Private-MAC:", b"Private-Hash:"]) {
            return letters_end(text, end);
        }
        look.blanks();
        look.run(LINE_MAX, |byte| byte.is_ascii_hexdigit());
        return look.at();
    }
    let mut look = Look::new(text, end);
    if !text.get(..end).is_some_and(|text| text.ends_with(END)) {
        look = at_next(text, end, b"-----");
        if !look.takes(END) {
            return letters_end(text, end);
        }
    }
    look.run(LABEL_MAX, |byte| byte.is_ascii_uppercase() || byte == b' ');
    look.takes(b"-----");
    look.at()
}

fn at_next<'a>(text: &'a [u8], from: usize, mark: &[u8]) -> Look<'a> {
    let next = memchr::memmem::find(text.get(from..).unwrap_or_default(), mark);
    Look::new(text, next.map_or(text.len(), |next| from.saturating_add(next)))
}

/// Without a mark: as far as there are letters of a key.
fn letters_end(text: &[u8], from: usize) -> usize {
    let mut look = Look::new(text, from);
    while look.blanks() || look.takes(b"\\/") || look.run(LINE_MAX, is_base64) > 0 {}
    look.at()
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

const END: &[u8] = b"-----END ";
/// `ENCRYPTED PRIVATE KEY`, `PGP PRIVATE KEY BLOCK`.
const LABEL_MAX: usize = 32;
/// Less than half a line.
const LETTERS_MIN: usize = 24;
const LINE_MAX: usize = 128;
/// An RSA key of 4096 bits has 52 lines; the rest of a longer one is not needed to know it.
const LINES_MAX: usize = 56;
const HEADERS_MAX: usize = 6;
const PUTTY_MAX: usize = 4 * 1024;
