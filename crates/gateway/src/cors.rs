//! CORS: which other sites' pages may call, as the Fetch standard has it.
//!
//! Origins are compared byte for byte with the declared ones: no patterns, no `null`. What the app
//! says itself is replaced, so that one place decides. A preflight is answered here, before anybody
//! is asked who they are: browsers send it without credentials.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use ringwall_manifest::Cors;
use ringwall_net::Body;

use crate::Refusal;

/// The cross-origin rule of one service, ready.
#[derive(Debug)]
pub(crate) struct Rule {
    origins: Vec<HeaderValue>,
    is_for_all: bool,
    has_credentials: bool,
    methods: Vec<String>,
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
    is_for_private_network: bool,
}

impl Rule {
    /// `is_grpc_web`: the fields that its clients need are allowed without being named.
    pub(crate) fn new(cors: &Cors, is_grpc_web: bool) -> Self {
        let listed = |list: &[String], more: &[&str]| {
            let more = more.iter().filter(|_| is_grpc_web).copied();
            let mut names: Vec<&str> = list.iter().map(String::as_str).chain(more).collect();
            names.sort_unstable();
            names.dedup();
            HeaderValue::from_str(&names.join(", ")).ok().filter(|value| !value.is_empty())
        };
        let origins = cors.origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
        Self {
            origins: origins.collect(),
            is_for_all: cors.origins.iter().any(|origin| origin == "*"),
            has_credentials: cors.has_credentials,
            methods: cors.methods.clone(),
            headers: listed(&cors.headers, &GRPC_WEB_SENDS),
            expose: listed(&cors.expose, &GRPC_WEB_READS),
            max_age: cors.max_age.map(|age| HeaderValue::from(age.as_secs())),
            is_for_private_network: cors.is_for_private_network,
        }
    }

    /// Whether pages of this origin may call.
    fn allows(&self, origin: &HeaderValue) -> bool {
        // The checker refuses `*` with credentials; this holds it here too.
        self.origins.contains(origin) || (self.is_for_all && !self.has_credentials)
    }

    /// Whether pages of this origin may act with the visitor's cookies.
    pub(crate) fn trusts(&self, origin: &HeaderValue) -> bool {
        self.has_credentials && self.origins.contains(origin)
    }

    /// Answers a preflight for a path that has these methods, or refuses another site's.
    pub(crate) fn preflight(
        &self,
        asked: &HeaderMap,
        methods: &[Method],
    ) -> Result<Response<Body>, Refusal> {
        let mut origins = asked.get_all(ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else {
            return Err(Refusal::malformed("a preflight names one origin"));
        };
        if !self.allows(origin) {
            return Err(Refusal::CrossSite { why: "the origin is not declared" });
        }
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NO_CONTENT;
        let fields = response.headers_mut();
        let mut methods: Vec<&str> = methods
            .iter()
            .map(Method::as_str)
            .filter(|method| {
                self.methods.is_empty() || self.methods.iter().any(|one| one == *method)
            })
            .collect();
        methods.sort_unstable();
        put(fields, ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_str(&methods.join(", ")).ok());
        if asked.contains_key(ACCESS_CONTROL_REQUEST_HEADERS) {
            put(fields, ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
        }
        put(fields, ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        let is_private = asked.get(REQUEST_PRIVATE_NETWORK).is_some_and(|value| value == "true");
        if is_private && self.is_for_private_network {
            fields.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
        }
        fields.insert(VARY, HeaderValue::from_static(PREFLIGHT_VARIES));
        Ok(response)
    }

    /// Says to the browser who may read this answer. What the app said about it goes.
    pub(crate) fn dress(&self, origin: Option<&HeaderValue>, fields: &mut HeaderMap) {
        for name in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS] {
            fields.remove(name);
        }
        fields.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
        if !self.is_for_all {
            vary(fields, HeaderValue::from_static("origin"));
        }
        let Some(origin) = origin.filter(|origin| self.allows(origin)) else { return };
        if self.is_for_all {
            fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        if self.has_credentials {
            fields.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        put(fields, ACCESS_CONTROL_EXPOSE_HEADERS, self.expose.clone());
    }
}

/// The method that a preflight asks for; `None` for any other request.
pub(crate) fn preflight_for(method: &Method, fields: &HeaderMap) -> Option<Method> {
    if method != Method::OPTIONS || !fields.contains_key(ORIGIN) {
        return None;
    }
    let wanted = fields.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    Method::from_bytes(wanted.as_bytes()).ok()
}

/// Adds a name to `Vary`, unless it is there. `*` says it already.
pub(crate) fn vary(fields: &mut HeaderMap, name: HeaderValue) {
    let is_there = fields.get_all(VARY).iter().any(|value| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .any(|part| part == b"*" || part.eq_ignore_ascii_case(name.as_bytes()))
    });
    if !is_there {
        fields.append(VARY, name);
    }
}

fn put(fields: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        fields.insert(name, value);
    }
}

const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// A preflight's answer depends on what it asked for.
const PREFLIGHT_VARIES: &str =
    "origin, access-control-request-method, access-control-request-headers";

/// What gRPC-Web's own clients send and read.
const GRPC_WEB_SENDS: [&str; 4] = ["content-type", "grpc-timeout", "x-grpc-web", "x-user-agent"];
const GRPC_WEB_READS: [&str; 3] = ["grpc-message", "grpc-status", "grpc-status-details-bin"];

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origins: &[&str], has_credentials: bool) -> Rule {
        let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let headers = vec!["x-token".to_owned()];
        Rule::new(&Cors { origins, headers, has_credentials, ..Cors::default() }, false)
    }

    #[track_caller]
    fn dressed(rule: &Rule, origin: &'static str) -> HeaderMap {
        let mut fields = HeaderMap::new();
        fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("https://apps.own"));
        rule.dress(Some(&HeaderValue::from_static(origin)), &mut fields);
        fields
    }

    #[test]
    fn only_a_declared_origin_may_read() {
        let rule = rule(&["https://app.example"], true);
        let fields = dressed(&rule, "https://app.example");
        assert_eq!(fields[ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example");
        assert_eq!(fields[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(fields[VARY], "origin");
        for other in [
            "https://app.example.evil",
            "https://evil-app.example",
            "https://app.example:443",
            "http://app.example",
            "https://APP.example",
            "https://app.example/",
            "null",
        ] {
            let fields = dressed(&rule, other);
            assert!(!fields.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{other}");
            assert!(!fields.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS), "{other}");
            assert_eq!(fields[VARY], "origin");
        }
    }

    #[test]
    fn all_origins_never_come_with_credentials() {
        let fields = dressed(&rule(&["*"], false), "https://any.example");
        assert_eq!(fields[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!fields.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
        let fields = dressed(&rule(&["*"], true), "https://any.example");
        assert!(!fields.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        let any = HeaderValue::from_static("https://any.example");
        assert!(!rule(&["*"], true).trusts(&any) && !rule(&["*"], false).trusts(&any));
    }

    #[test]
    fn a_name_stands_once_in_vary() {
        let mut fields = HeaderMap::new();
        fields.insert(VARY, HeaderValue::from_static("Accept , Origin"));
        vary(&mut fields, HeaderValue::from_static("origin"));
        assert_eq!(fields.get_all(VARY).iter().count(), 1);
        vary(&mut fields, HeaderValue::from_static("accept-encoding"));
        assert_eq!(fields.get_all(VARY).iter().count(), 2);
    }
}
