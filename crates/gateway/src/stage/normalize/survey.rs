//! What of a head needs a closer look. Most fields of most requests need none, so they are looked
//! at once, by name, and each check runs only where there is something for it.

use http::HeaderMap;

use super::fields;

/// What is there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, which no state joins")]
pub(super) struct Survey {
    /// A length, or a coding that stands for one.
    pub(super) has_length: bool,
    /// A name that stands twice, or an expectation.
    pub(super) has_doubles: bool,
    /// What ends at this hop.
    pub(super) has_hop: bool,
    /// What only Ringwall may say, or what looks like it.
    pub(super) has_ours: bool,
    /// A request for parts.
    pub(super) has_range: bool,
    /// Cookies.
    pub(super) has_cookie: bool,
}

impl Survey {
    /// Looks at all names.
    pub(super) fn of(fields: &HeaderMap) -> Self {
        let mut seen = Self { has_doubles: fields.keys_len() != fields.len(), ..Self::default() };
        for name in fields.keys().map(http::HeaderName::as_str) {
            match name {
                "accept" | "accept-encoding" | "accept-language" | "authorization"
                | "content-type" | "host" | "origin" | "referer" | "user-agent" => {}
                "content-length" => seen.has_length = true,
                "transfer-encoding" => (seen.has_length, seen.has_hop) = (true, true),
                "expect" => seen.has_doubles = true,
                "range" | "if-range" => seen.has_range = true,
                "cookie" => seen.has_cookie = true,
                _ => {
                    seen.has_hop |= fields::HOP.contains(&name);
                    seen.has_ours |= fields::may_be_ours(name);
                }
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn seen(names: &[&str]) -> Survey {
        let mut fields = HeaderMap::new();
        for name in names {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            fields.append(name, HeaderValue::from_static("x"));
        }
        Survey::of(&fields)
    }

    #[test]
    fn a_usual_request_needs_no_closer_look() {
        let usual = ["host", "accept", "user-agent", "authorization", "x-custom", "if-none-match"];
        assert_eq!(seen(&usual), Survey::default());
    }

    #[test]
    fn each_check_hears_of_what_is_for_it() {
        let none = Survey::default;
        assert_eq!(seen(&["content-length"]), Survey { has_length: true, ..none() });
        let both = Survey { has_length: true, has_hop: true, ..none() };
        assert_eq!(seen(&["transfer-encoding"]), both);
        assert_eq!(seen(&["host", "host"]), Survey { has_doubles: true, ..none() });
        assert_eq!(seen(&["expect"]), Survey { has_doubles: true, ..none() });
        for range in ["range", "if-range"] {
            assert_eq!(seen(&[range]), Survey { has_range: true, ..none() });
        }
        assert_eq!(seen(&["cookie"]), Survey { has_cookie: true, ..none() });
        for hop in fields::HOP.iter().filter(|name| **name != "transfer-encoding") {
            assert!(seen(&[hop]).has_hop, "{hop}");
        }
        for ours in
            ["ringwall-identity", "x-forwarded-for", "forwarded", "traceparent", "x_real_ip"]
        {
            assert_eq!(seen(&[ours]), Survey { has_ours: true, ..none() }, "{ours}");
        }
        for ours in ["x-http-method-override", "proxy", "a.b", "a~b", "x_custom"] {
            assert_eq!(seen(&[ours]), Survey { has_ours: true, ..none() }, "{ours}");
        }
    }
}
