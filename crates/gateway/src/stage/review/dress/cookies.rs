//! The attributes that an app's cookies lack.

use http::HeaderMap;
use http::header::{HeaderValue, SET_COOKIE};

use crate::stage::normalize::SESSION_COOKIE;

/// Adds what is missing to each `Set-Cookie`. Name and value stay, byte for byte.
pub(super) fn harden(fields: &mut HeaderMap, readable: &[String], is_secure: bool) {
    let lines = fields.iter_mut().filter(|(name, _)| *name == SET_COOKIE);
    for (_, value) in lines {
        if let Some(better) = hardened(value.as_bytes(), readable, is_secure) {
            *value = better;
        }
    }
}

/// `None` where nothing is missing. Attributes are read as browsers do (RFC 6265 section 5.2): by
/// semicolons whatever stands between quotes, in any case, and the last of a name counts.
fn hardened(line: &[u8], readable: &[String], is_secure: bool) -> Option<HeaderValue> {
    let mut parts = line.split(|byte| *byte == b';');
    let pair = parts.next().unwrap_or_default();
    let equals = pair.iter().position(|byte| *byte == b'=');
    let name = equals.and_then(|at| pair.get(..at)).unwrap_or_default().trim_ascii();
    if name.starts_with(SESSION_COOKIE.as_bytes()) {
        return None;
    }
    let (mut has_secure, mut is_closed, mut is_bound) = (false, false, false);
    for part in parts {
        let mut halves = part.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
        let (key, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        has_secure |= key.eq_ignore_ascii_case(b"secure");
        is_closed |= key.eq_ignore_ascii_case(b"httponly");
        if key.eq_ignore_ascii_case(b"samesite") {
            // Any other word counts as none.
            let known: [&[u8]; 3] = [b"strict", b"lax", b"none"];
            is_bound = known.iter().any(|word| value.eq_ignore_ascii_case(word));
        }
    }
    let is_readable = readable.iter().any(|one| one.as_bytes() == name);
    let mut better = line.to_vec();
    let missing = [
        (is_secure && !has_secure, "; Secure"),
        (!is_readable && !is_closed, "; HttpOnly"),
        (!is_bound, "; SameSite=Lax"),
    ];
    for (_, text) in missing.iter().filter(|(is_missing, _)| *is_missing) {
        better.extend_from_slice(text.as_bytes());
    }
    if better.len() == line.len() {
        return None;
    }
    let mut value = HeaderValue::from_bytes(&better).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str, is_secure: bool) -> String {
        let readable = ["csrf".to_owned()];
        let value = hardened(line.as_bytes(), &readable, is_secure);
        value.map_or_else(
            || line.to_owned(),
            |value| String::from_utf8(value.as_bytes().to_vec()).unwrap(),
        )
    }

    #[test]
    fn what_is_missing_is_added_and_nothing_else_changes() {
        for (line, want) in [
            ("a=1", "a=1; Secure; HttpOnly; SameSite=Lax"),
            (
                "a=1; Path=/; SECURE; httponly ;samesite = STRICT",
                "a=1; Path=/; SECURE; httponly ;samesite = STRICT",
            ),
            ("a=1; SameSite=None", "a=1; SameSite=None; Secure; HttpOnly"),
            ("a=1; SameSite=Sometimes", "a=1; SameSite=Sometimes; Secure; HttpOnly; SameSite=Lax"),
            ("csrf=x", "csrf=x; Secure; SameSite=Lax"),
            ("CSRF=x", "CSRF=x; Secure; HttpOnly; SameSite=Lax"),
            // What looks like attributes in the value, or in another attribute's.
            ("a=Secure, HttpOnly", "a=Secure, HttpOnly; Secure; HttpOnly; SameSite=Lax"),
            ("a=\"1; Secure; HttpOnly\"", "a=\"1; Secure; HttpOnly\"; HttpOnly; SameSite=Lax"),
            ("a=1; Path=/secure", "a=1; Path=/secure; Secure; HttpOnly; SameSite=Lax"),
            ("a=1; Secure=no", "a=1; Secure=no; HttpOnly; SameSite=Lax"),
            ("nameless", "nameless; Secure; HttpOnly; SameSite=Lax"),
            ("a=é", "a=é; Secure; HttpOnly; SameSite=Lax"),
            ("", "; Secure; HttpOnly; SameSite=Lax"),
        ] {
            assert_eq!(one(line, true), want);
        }
        assert_eq!(one("a=1", false), "a=1; HttpOnly; SameSite=Lax");
        let own = format!("{SESSION_COOKIE}=abc");
        assert_eq!(one(&own, true), own);
    }
}
