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
    look.takes(b"-----END ");
    letters >= LETTERS_MIN
}

/// Behind `PuTTY-User-Key-File-`.
pub(crate) fn putty(look: &mut Look<'_>) -> bool {
    look.run(1, |byte| byte.is_ascii_digit()) == 1
        && look.takes(b": ")
        && look.finds(b"Private-Lines:", PUTTY_MAX)
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// `ENCRYPTED PRIVATE KEY`, `PGP PRIVATE KEY BLOCK`.
const LABEL_MAX: usize = 32;
/// Less than half a line.
const LETTERS_MIN: usize = 24;
const LINE_MAX: usize = 128;
/// An RSA key of 4096 bits has 52 lines; the rest of a longer one is not needed to know it.
const LINES_MAX: usize = 56;
const HEADERS_MAX: usize = 6;
const PUTTY_MAX: usize = 4 * 1024;
