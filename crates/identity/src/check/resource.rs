//! What a token is to be used at (RFC 8707): something behind this gateway, or nothing.

use crate::form::Form;

/// Whether each asked `resource` is this gateway or behind it. Its tokens are for
/// the gateway as a whole, which then decides by roles; a token for another place is never made.
pub(crate) fn resource(issuer: &str, form: &Form) -> bool {
    form.get("resource").unwrap_or_default().split(' ').filter(|one| !one.is_empty()).all(|asked| {
        let rest = asked.strip_prefix(issuer);
        // Section 2: no fragment. A longer host or a port would be another origin.
        rest.is_some_and(|rest| (rest.is_empty() || rest.starts_with('/')) && !rest.contains('#'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: &str, is_ours: bool) {
        let mut form = Form::default();
        form.set("resource", asked.to_owned());
        assert_eq!(resource("https://shop.example", &form), is_ours, "{asked}");
    }

    #[test]
    fn only_this_gateway_and_what_is_behind_it() {
        assert!(resource("https://shop.example", &Form::default()));
        for asked in ["https://shop.example", "https://shop.example/", "https://shop.example/a?b"] {
            check(asked, true);
        }
        for asked in [
            "https://other.example",
            "https://shop.example.evil.example",
            "https://shop.example:8443/",
            "https://shop.example@evil.example",
            "https://shop.example/#a",
            "http://shop.example/",
            "/a",
            "shop",
        ] {
            check(asked, false);
        }
    }
}
