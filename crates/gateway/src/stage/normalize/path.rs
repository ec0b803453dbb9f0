//! One reading of the request target: what is matched is what is sent.

use std::borrow::Cow;

/// Checks a raw path and decodes it once. A segment border in the result is one in the raw path,
/// because encoded separators are refused.
///
/// # Errors
/// The reason, when two readers could disagree about the path.
pub(super) fn decode(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    if !raw.starts_with('/') {
        return Err("the target is not in origin form");
    }
    if raw.len() > PATH_BYTES_MAX {
        return Err("the path is too long");
    }
    if !raw.bytes().all(is_path_byte) {
        return Err("the path has a character that must be encoded");
    }
    let path = if raw.contains('%') { Cow::Owned(unescape(raw)?) } else { Cow::Borrowed(raw) };
    // Compared after decoding, because %2e%2e and .. must be one path.
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_some() {
            return Err("the path has an empty segment");
        }
        if segment == "." || segment == ".." {
            return Err("the path has a dot segment");
        }
    }
    Ok(path)
}

/// Checks a raw query. Its reading is left to the schema and the service.
///
/// # Errors
/// The reason, when its bytes have no single reading.
pub(super) fn check_query(raw: &str) -> Result<(), &'static str> {
    if raw.len() > QUERY_BYTES_MAX {
        return Err("the query is too long");
    }
    if !raw.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err("the query has a character that must be encoded");
    }
    let mut decoded = Vec::new();
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { escape(&mut bytes)? } else { byte });
    }
    if decoded.contains(&0) {
        return Err("the query has an encoded NUL");
    }
    std::str::from_utf8(&decoded).map_or(Err("the query is not UTF-8"), |_text| Ok(()))
}

fn unescape(raw: &str) -> Result<String, &'static str> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        match escape(&mut bytes)? {
            b'/' | b'\\' => return Err("the path has an encoded separator"),
            b';' => return Err("the path has a path parameter"),
            control if control.is_ascii_control() => {
                return Err("the path has an encoded control character");
            }
            // `%252e` is `.` to a reader that decodes twice.
            b'%' => return Err("the path is encoded twice"),
            other => decoded.push(other),
        }
    }
    // Rust's UTF-8 is strict: overlong forms and surrogates are refused.
    String::from_utf8(decoded).map_or(Err("the path is not UTF-8"), Ok)
}

fn escape(bytes: &mut impl Iterator<Item = u8>) -> Result<u8, &'static str> {
    match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
        (Some(high), Some(low)) => Ok(high << 4 | low),
        _ => Err("a percent sign is not followed by two hex digits"),
    }
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(byte.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

/// RFC 3986 `pchar` and the separator, without `;`: servlet-like readers cut a segment there.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:@%".contains(&byte)
}

/// 8 KiB: no client or server in our list makes longer paths.
const PATH_BYTES_MAX: usize = 8 * 1024;

/// As long as the longest head that most servers accept.
const QUERY_BYTES_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_reads_as_itself() {
        for (raw, path) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/", "/a/"),
            ("/a%20b", "/a b"),
            ("/%75sers", "/users"),
            ("/...", "/..."),
            ("/a..b/.c", "/a..b/.c"),
            ("/%E2%82%AC", "/€"),
            ("/a:b@c,d=e", "/a:b@c,d=e"),
        ] {
            assert_eq!(decode(raw).as_deref(), Ok(path), "{raw}");
        }
    }

    #[test]
    fn a_path_with_two_readings_is_refused() {
        for raw in [
            "",
            "*",
            "a/b",
            "//",
            "/a//b",
            "//a",
            "/a/../b",
            "/..",
            "/.",
            "/a/.",
            "/%2e%2e/b",
            "/%2E/b",
            "/.%2e",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/a\\b",
            "/a;b",
            "/a%3bb",
            "/a%00",
            "/a%0a",
            "/a%7f",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%252e",
            "/a%25",
            "/%c0%ae",
            "/%c0%af",
            "/%ff",
            "/%ed%a0%80",
            "/a b",
            "/a#b",
            "/é",
            "/a\"b",
            "/a<b",
            "/a|b",
        ] {
            assert!(decode(raw).is_err(), "{raw}");
        }
        assert!(decode(&format!("/{}", "a".repeat(PATH_BYTES_MAX - 1))).is_ok());
        assert!(decode(&format!("/{}", "a".repeat(PATH_BYTES_MAX))).is_err());
    }

    #[test]
    fn a_query_is_graphic_utf8_without_nul() {
        for raw in ["", "a=b&c=%20d", "a=%E2%82%AC", "q=[1]|{2}", "a=%2f%2e%2e", "p=100%25"] {
            assert_eq!(check_query(raw), Ok(()), "{raw}");
        }
        for raw in ["a=%00", "a=%", "a=%1", "a=%ff", "a b", "a=#", "a=é", "a=\u{7f}"] {
            assert!(check_query(raw).is_err(), "{raw}");
        }
        assert!(check_query(&"a".repeat(QUERY_BYTES_MAX)).is_ok());
        assert!(check_query(&"a".repeat(QUERY_BYTES_MAX + 1)).is_err());
    }
}
