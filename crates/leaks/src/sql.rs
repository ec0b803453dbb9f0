//! Errors of databases and their drivers.

use crate::look::Look;

/// Behind the name of a driver's module: an error of it.
pub(crate) fn driver(look: &mut Look<'_>) -> bool {
    let start = look.at();
    look.run(80, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
    let name = look.since(start);
    [b"Error".as_slice(), b"Exception", b"Warning"].iter().any(|end| name.ends_with(end))
        || (name.starts_with(b"errors.") && name.len() > 7)
}

/// Behind `[SQL: `: a statement.
pub(crate) fn statement(look: &mut Look<'_>) -> bool {
    look.takes_one(&[
        b"SELECT", b"INSERT", b"UPDATE", b"DELETE", b"CREATE", b"ALTER", b"DROP", b"WITH",
        b"select", b"insert", b"update", b"delete",
    ])
}

/// Behind a word like `relation `: a name in quotes that does not exist.
pub(crate) fn missing(look: &mut Look<'_>) -> bool {
    name(look) && look.takes(b" does not exist")
}

/// Behind `no such table: `: a name.
pub(crate) fn no_such(look: &mut Look<'_>) -> bool {
    look.run(128, is_name) > 0
}

/// Behind `: syntax error`: what it stood near.
pub(crate) fn near(look: &mut Look<'_>, at: usize) -> bool {
    let before = look.before(at, 160);
    memchr::memmem::rfind(before, b"near ").is_some_and(|near| {
        let mut rest = Look::new(before, near + 5);
        rest.quote()
    })
}

/// Behind `SQLSTATE[`: five letters and digits.
pub(crate) fn state(look: &mut Look<'_>) -> bool {
    look.run(5, |byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) == 5 && look.takes(b"]")
}

/// Behind `, Level `: the severity, and the state.
pub(crate) fn level(look: &mut Look<'_>) -> bool {
    look.run(3, |byte| byte.is_ascii_digit()) > 0
        && look.takes(b", State ")
        && look.run(3, |byte| byte.is_ascii_digit()) > 0
}

/// Behind `ORA-`: five digits.
pub(crate) fn oracle(look: &mut Look<'_>) -> bool {
    look.run(5, |byte| byte.is_ascii_digit()) == 5 && look.takes(b":")
}

/// Behind `Unknown column `: a name, and where.
pub(crate) fn unknown_column(look: &mut Look<'_>) -> bool {
    name(look) && look.takes(b" in ") && look.quote()
}

/// Behind `Duplicate entry `: a value in quotes, and the key.
pub(crate) fn duplicate(look: &mut Look<'_>) -> bool {
    look.quote() && look.finds(b" for key ", 256)
}

fn name(look: &mut Look<'_>) -> bool {
    look.quote() && look.run(128, is_name) > 0 && look.quote()
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$') || !byte.is_ascii()
}
