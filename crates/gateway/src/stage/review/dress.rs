//! The fields that protect a browser, and those that tell an attacker too much.

mod cookies;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY, CONTENT_TYPE,
    HeaderName, HeaderValue, REFERRER_POLICY, SERVER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Response, StatusCode};
use ringwall_manifest::{Frame, HeaderLine, Headers};
use ringwall_net::Body;

/// What is added to answers of one service, ready to be copied.
#[derive(Debug)]
pub(crate) struct Wardrobe {
    /// Policies of pages, where there are any.
    policies: Vec<(HeaderName, HeaderValue)>,
    forces_policies: bool,
    frame: Frame,
    /// Fields of every answer that has none of that name.
    fields: Vec<(HeaderName, HeaderValue)>,
    hides_server: bool,
    /// Names of cookies that scripts read, where the others are hardened.
    cookies: Option<Vec<String>>,
}

/// Whom an answer is for, and how it gets there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occasion {
    /// Whether the caller is known.
    pub(crate) is_known: bool,
    /// Whether the connection is TLS.
    pub(crate) is_secure: bool,
}

impl Wardrobe {
    /// By what the manifest says of a service, or nothing.
    pub(crate) fn of(headers: &Headers) -> Self {
        let policies = [
            (CONTENT_SECURITY_POLICY, value(headers.csp.as_ref(), None)),
            (CONTENT_SECURITY_POLICY_REPORT_ONLY, value(headers.csp_report_only.as_ref(), None)),
        ];
        let fields = [
            (STRICT_TRANSPORT_SECURITY, value(headers.hsts.as_ref(), Some(TRANSPORT))),
            (REFERRER_POLICY, value(headers.referrer.as_ref(), Some(REFERRER))),
            (PERMISSIONS_POLICY, value(headers.permissions.as_ref(), Some(DEVICES))),
            (OPENER_POLICY, value(headers.coop.as_ref(), None)),
            (RESOURCE_POLICY, value(headers.corp.as_ref(), None)),
        ];
        let given = |(name, value): (HeaderName, Option<HeaderValue>)| Some((name, value?));
        let hardens = headers.hardens_cookies == Some(true);
        Self {
            policies: policies.into_iter().filter_map(given).collect(),
            forces_policies: headers.csp_force == Some(true),
            frame: headers.frame.unwrap_or_default(),
            fields: fields.into_iter().filter_map(given).collect(),
            hides_server: headers.hides_server != Some(false),
            cookies: hardens.then(|| headers.cookies_read_by_scripts.clone().unwrap_or_default()),
        }
    }

    /// For answers of Ringwall's own: their pages have policies of their own, but what browsers keep
    /// for the whole host is said by the door.
    pub(crate) fn own(door: &Headers) -> Self {
        Self::of(&Headers { hsts: door.hsts.clone(), ..Headers::default() })
    }

    /// Dresses an answer of the public door. What the app says itself stays, unless it is weaker or
    /// the manifest has the last word.
    pub(crate) fn dress(&self, response: &mut Response<Body>, occasion: Occasion) {
        let is_repeated = response.status() == StatusCode::NOT_MODIFIED;
        let fields = response.headers_mut();
        if self.hides_server {
            for name in [SERVER, POWERED_BY, ASPNET, ASPNET_MVC] {
                fields.remove(name);
            }
        }
        fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        for (name, value) in &self.fields {
            fields.entry(name).or_insert_with(|| value.clone());
        }
        // What is said here replaces what a cache keeps of the page (RFC 9111 section 3.2): it has
        // its policies already, and the app need not repeat them.
        if !is_repeated {
            self.restrict(fields);
            self.enframe(fields);
        }
        if let Some(readable) = &self.cookies {
            cookies::harden(fields, readable, occasion.is_secure);
        }
        if occasion.is_known {
            // What one person may see must not be given to the next one by a cache between.
            fields.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private"));
        }
    }

    /// Gives a page its policies.
    fn restrict(&self, fields: &mut HeaderMap) {
        if self.policies.is_empty() || !is_page(fields) {
            return;
        }
        for (name, value) in &self.policies {
            if self.forces_policies || !fields.contains_key(name) {
                // Several of the app's are all replaced.
                fields.insert(name, value.clone());
            }
        }
    }

    /// An app that allows frames says so, by either field; else nobody else does.
    fn enframe(&self, fields: &mut HeaderMap) {
        let (option, ancestors) = match self.frame {
            Frame::Deny => ("DENY", "frame-ancestors 'none'"),
            Frame::SameOrigin => ("SAMEORIGIN", "frame-ancestors 'self'"),
            Frame::Pass => return,
        };
        let policies = fields.get_all(CONTENT_SECURITY_POLICY);
        let is_told = policies.iter().any(|value| {
            value.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("frame-ancestors"))
        });
        if is_told || fields.contains_key(X_FRAME_OPTIONS) {
            return;
        }
        fields.insert(X_FRAME_OPTIONS, HeaderValue::from_static(option));
        if !fields.contains_key(CONTENT_SECURITY_POLICY) {
            fields.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(ancestors));
        }
    }
}

impl Default for Wardrobe {
    fn default() -> Self {
        Self::of(&Headers::default())
    }
}

fn value(said: Option<&HeaderLine>, usual: Option<&'static str>) -> Option<HeaderValue> {
    match said {
        Some(HeaderLine::Pass) => None,
        // The manifest takes visible characters only.
        Some(HeaderLine::Set(text)) => HeaderValue::from_str(text).ok(),
        None => usual.map(HeaderValue::from_static),
    }
}

/// Whether browsers show it as a document in which scripts run: HTML, and XML of any name. Of
/// several types they take the last that they know, so that any of them counts.
fn is_page(fields: &HeaderMap) -> bool {
    let types = fields.get_all(CONTENT_TYPE).iter().filter_map(|value| value.to_str().ok());
    types.flat_map(|text| text.split(',')).any(|one| {
        let essence = one.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        matches!(essence.as_str(), "text/html" | "text/xml" | "application/xml")
            || essence.ends_with("+xml")
    })
}

const ASPNET: HeaderName = HeaderName::from_static("x-aspnet-version");
const ASPNET_MVC: HeaderName = HeaderName::from_static("x-aspnetmvc-version");
const POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const DEVICES: &str = "camera=(), geolocation=(), microphone=()";
const REFERRER: &str = "strict-origin-when-cross-origin";

/// One year, as browsers' preload lists demand.
const TRANSPORT: &str = "max-age=31536000";

#[cfg(test)]
mod tests {
    use super::*;

    fn dressed(
        headers: &Headers,
        status: u16,
        given: &[(&'static str, &'static str)],
    ) -> HeaderMap {
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in given {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        let occasion = Occasion { is_known: true, is_secure: true };
        Wardrobe::of(headers).dress(&mut response, occasion);
        response.headers().clone()
    }

    #[test]
    fn an_undressed_answer_is_dressed_and_its_server_hidden() {
        let fields = dressed(&Headers::default(), 200, &[("server", "gunicorn")]);
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
            Wardrobe::default().enframe(&mut fields);
            assert_eq!(fields, before);
        }
    }

    #[test]
    fn a_page_that_a_cache_keeps_keeps_its_policy() {
        let csp = Some(HeaderLine::Set("default-src 'self'".to_owned()));
        let headers = Headers { csp, csp_force: Some(true), ..Headers::default() };
        let page = ("content-type", "text/html");
        assert!(dressed(&headers, 200, &[page]).contains_key(CONTENT_SECURITY_POLICY));
        for headers in [headers, Headers::default()] {
            let fields = dressed(&headers, 304, &[]);
            assert!(!fields.contains_key(CONTENT_SECURITY_POLICY), "{fields:?}");
            assert!(!fields.contains_key(X_FRAME_OPTIONS), "{fields:?}");
        }
    }

    #[test]
    fn pages_are_what_scripts_run_in() {
        for (kind, want) in [
            ("text/html", true),
            ("TEXT/HTML ; charset=utf-8", true),
            ("text/plain, text/html", true),
            ("application/xhtml+xml", true),
            ("image/svg+xml", true),
            ("text/xml", true),
            ("application/json", false),
            ("text/plain; a=text/html", false),
            ("image/png", false),
        ] {
            let mut fields = HeaderMap::new();
            fields.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(is_page(&fields), want, "{kind}");
        }
    }
}
