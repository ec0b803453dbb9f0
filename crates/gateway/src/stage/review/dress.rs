//! The fields that protect a browser, and those that tell an attacker too much.

use http::HeaderMap;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, SERVER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// Dresses an answer of the public door. What the app says itself stays, unless it is weaker.
pub(crate) fn dress(fields: &mut HeaderMap, is_known: bool) {
    fields.remove(SERVER);
    fields.remove(POWERED_BY);
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // One year, as browsers' preload lists demand.
    let transport = HeaderValue::from_static("max-age=31536000");
    fields.entry(STRICT_TRANSPORT_SECURITY).or_insert(transport);
    frames(fields);
    let referrer = HeaderValue::from_static("strict-origin-when-cross-origin");
    fields.entry(REFERRER_POLICY).or_insert(referrer);
    let devices = HeaderValue::from_static("camera=(), geolocation=(), microphone=()");
    fields.entry(PERMISSIONS_POLICY).or_insert(devices);
    if is_known {
        // What one person may see must not be given to the next one by a cache between.
        fields.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private"));
    }
}

/// An app that allows frames says so, by either field; else nobody frames it.
fn frames(fields: &mut HeaderMap) {
    let policies = fields.get_all(CONTENT_SECURITY_POLICY);
    let is_told = policies.iter().any(|value| {
        value.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("frame-ancestors"))
    });
    if is_told || fields.contains_key(X_FRAME_OPTIONS) {
        return;
    }
    fields.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if !fields.contains_key(CONTENT_SECURITY_POLICY) {
        let nobody = HeaderValue::from_static("frame-ancestors 'none'");
        fields.insert(CONTENT_SECURITY_POLICY, nobody);
    }
}

const POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undressed_answer_is_dressed_and_its_server_hidden() {
        let mut fields = HeaderMap::new();
        fields.insert(SERVER, HeaderValue::from_static("gunicorn"));
        dress(&mut fields, true);
        assert!(!fields.contains_key(SERVER));
        assert_eq!(fields.get(X_FRAME_OPTIONS).unwrap(), "DENY");
        assert_eq!(fields.get(X_CONTENT_TYPE_OPTIONS).unwrap(), "nosniff");
        assert_eq!(fields.get(CACHE_CONTROL).unwrap(), "private");
        assert!(fields.contains_key(STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn what_the_app_says_about_frames_stays() {
        for (name, value) in [
            ("x-frame-options", "SAMEORIGIN"),
            ("content-security-policy", "default-src 'self'; Frame-Ancestors 'self'"),
        ] {
            let mut fields = HeaderMap::new();
            fields.insert(name, HeaderValue::from_static(value));
            let before = fields.clone();
            frames(&mut fields);
            assert_eq!(fields, before);
        }
    }
}
