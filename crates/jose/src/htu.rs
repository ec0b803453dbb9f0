//! One spelling of a request's address (RFC 3986 sections 6.2.2 and 6.2.3), without its query.

/// The address in its normal form; `None` for what is not an http(s) URI with a host.
pub(crate) fn normal(uri: &str) -> Option<String> {
    let uri = uri.split(['?', '#']).next()?;
    let (scheme, rest) = uri.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let path_at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(path_at)?;
    // A person in front of the host is another spelling of the same place, for somebody.
    if authority.is_empty() || authority.contains('@') || !uri.bytes().all(|b| b.is_ascii_graphic())
    {
        return None;
    }
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    let authority = authority.strip_suffix(':').unwrap_or(authority);
    if authority.is_empty() || authority.ends_with(':') || authority.ends_with(default_port) {
        return None;
    }
    Some(format!("{scheme}://{authority}{}", without_dots(&escapes(path)?)))
}

/// Escapes of unreserved characters are undone, the others get upper-case digits.
fn escapes(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut parts = path.split('%');
    normal.push_str(parts.next()?);
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            normal.push(char::from(byte));
        } else {
            normal.push('%');
            normal.push_str(&digits.to_ascii_uppercase());
        }
        normal.push_str(rest);
    }
    Some(normal)
}

/// RFC 3986 section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                // A path that ends in a dot segment ends in a slash.
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(one: &str, other: &str) {
        assert!(normal(one).is_some(), "{one}");
        assert_eq!(normal(one), normal(other));
    }

    #[test]
    fn spellings_of_one_address_are_equal() {
        let token = "https://shop.example/oauth/token";
        for other in [
            "HTTPS://Shop.Example/oauth/token",
            "https://shop.example:443/oauth/token",
            "https://shop.example:/oauth/token",
            "https://shop.example/oauth/token?x=y#z",
            "https://shop.example/oauth/./token",
            "https://shop.example/x/../oauth/token",
            "https://shop.example/%6fauth/%74oken",
        ] {
            same(token, other);
        }
        assert_eq!(normal("https://shop.example:443:443/"), None, "one port");
        same("https://shop.example", "https://shop.example/");
        same("https://shop.example/a/..", "https://shop.example/");
        same("https://shop.example/a/b/.", "https://shop.example/a/b/");
        same("https://shop.example/%c3%a9", "https://shop.example/%C3%A9");
        same("http://[::1]:80/a", "http://[::1]/a");
    }

    #[test]
    fn other_addresses_are_not() {
        let token = normal("https://shop.example/oauth/token");
        for other in [
            "http://shop.example/oauth/token",
            "https://shop.example:8443/oauth/token",
            "https://shop.example/oauth/token/",
            "https://shop.example/OAuth/token",
            "https://shop.example/oauth%2ftoken",
            "https://other.example/oauth/token",
            "https://shop.example//oauth/token",
        ] {
            assert_ne!(token, normal(other), "{other}");
        }
        for bad in [
            "",
            "/oauth/token",
            "shop.example/oauth/token",
            "https:///x",
            "ftp://shop.example/",
            "https://a@shop.example/",
            "https://shop.example/%",
            "https://shop.example/%zz",
            "https://shop.example/é",
            "https://shop.example/ x",
            "https://shop.example/%2",
        ] {
            assert_eq!(normal(bad), None, "{bad}");
        }
    }
}
