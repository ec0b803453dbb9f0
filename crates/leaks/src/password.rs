//! Passwords in addresses and in the connection strings of databases.

use crate::look::Look;

/// At `://`: whether a scheme stands before it, and a user with a password behind. The range begins
/// with the user.
pub(crate) fn address(look: &mut Look<'_>, at: usize) -> bool {
    let scheme = look.before(at, SCHEME_MAX);
    if !scheme.last().is_some_and(u8::is_ascii_alphanumeric) {
        return false;
    }
    look.run(USER_MAX, is_user);
    if !look.takes(b":") {
        return false;
    }
    let start = look.at();
    look.run(PASSWORD_MAX, is_password);
    let password = look.since(start);
    is_meant(password) && look.takes(b"@") && look.peek().is_some_and(is_host)
}

/// Behind `password=`: whether a server stands on the same line, before it or behind.
pub(crate) fn keyword(look: &mut Look<'_>, at: usize) -> bool {
    let line = look.before(at, LINE_MAX);
    let begin = line.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = line.get(begin..).unwrap_or_default().to_ascii_lowercase();
    let is_before = has_server(&line);
    look.quote();
    let start = look.at();
    look.run(PASSWORD_MAX, |byte| {
        byte.is_ascii_graphic() && !matches!(byte, b';' | b'"' | b'\'' | b'<' | b'&' | b'\\')
    });
    let end = look.at();
    if !is_meant(look.since(start)) {
        return false;
    }
    is_before || {
        look.quote();
        let is_next = matches!(look.peek(), Some(b';' | b' '));
        let start = look.at();
        let is_line = |byte: u8| byte != b'\n' && byte != b'<';
        let is_behind = is_next
            && look.run(LINE_MAX, is_line) > 0
            && has_server(&look.since(start).to_ascii_lowercase());
        look.back_to(end);
        is_behind
    }
}

fn has_server(line: &[u8]) -> bool {
    SERVERS.iter().any(|word| memchr::memmem::find(line, word).is_some())
}

/// Manuals and examples write a word for the password.
fn is_meant(password: &[u8]) -> bool {
    let word = password.to_ascii_lowercase();
    let is_placeholder = PLACEHOLDERS.contains(&word.as_slice())
        || word.iter().all(|byte| matches!(byte, b'*' | b'.' | b'x' | b'-' | b'_'));
    password.len() >= 4
        && !is_placeholder
        && !matches!(password.first(), Some(b'$' | b'{' | b'<' | b'[' | b'%'))
}

const fn is_user(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'%' | b'~' | b'!' | b'$' | b'*' | b'=')
}

const fn is_password(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(byte, b'/' | b'@' | b'"' | b'\'' | b'<' | b'>' | b'\\' | b'#' | b'?' | b'`')
}

const fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'[' | b'/' | b'_')
}

const SCHEME_MAX: usize = 32;
const USER_MAX: usize = 128;
const PASSWORD_MAX: usize = 256;
const LINE_MAX: usize = 200;
const SERVERS: [&[u8]; 5] = [b"server=", b"data source=", b"host=", b"dbname=", b"database="];
const PLACEHOLDERS: [&[u8]; 8] = [
    b"password",
    b"passwd",
    b"pass",
    b"secret",
    b"your_password",
    b"yourpassword",
    b"pwd",
    b"redacted",
];
