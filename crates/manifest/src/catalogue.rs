//! The catalogue: every code with its severity and its page.
//!
//! Codes are never renumbered and never reused. A new one gets the next free number of its family,
//! a line here and a page in `pages/`.

use crate::finding::Severity;

/// One code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Code {
    /// `RW1004`.
    pub code: &'static str,
    /// How bad a finding with this code is, unless it says otherwise.
    pub severity: Severity,
    /// What it means, in a few words.
    pub title: &'static str,
}

/// All codes, in order.
pub fn codes() -> impl Iterator<Item = Code> {
    CATALOGUE.iter().map(|(code, severity, page)| Code {
        code,
        severity: *severity,
        title: page
            .lines()
            .next()
            .and_then(|line| line.split_once(": "))
            .map_or("", |(_, title)| title),
    })
}

/// The page of a code, as Markdown: what happened, an example, the fix.
pub fn page(code: &str) -> Option<&'static str> {
    let code = code.trim().to_ascii_uppercase();
    CATALOGUE.iter().find(|(known, ..)| *known == code).map(|(_, _, page)| *page)
}

/// The severity of a code.
pub(crate) fn severity(code: &str) -> Severity {
    let known = CATALOGUE.iter().find(|(known, ..)| *known == code);
    known.map_or(Severity::Error, |(_, severity, _)| *severity)
}

/// The names under which the checker uses the codes.
pub(crate) mod code {
    pub(crate) const SYNTAX: &str = "RW0001";
    pub(crate) const TOO_LARGE: &str = "RW0002";
    pub(crate) const TOML_1_1: &str = "RW0003";
    pub(crate) const TOO_DEEP: &str = "RW0004";
    pub(crate) const VERSION: &str = "RW0005";
    pub(crate) const BAD_NAME: &str = "RW1001";
    pub(crate) const SHARED_NAME: &str = "RW1002";
    pub(crate) const UNKNOWN_ROLE: &str = "RW1003";
    pub(crate) const UNKNOWN_SERVICE: &str = "RW1004";
    pub(crate) const UNKNOWN_OPERATION: &str = "RW1005";
    pub(crate) const UNKNOWN_DATA: &str = "RW1006";
    pub(crate) const UNKNOWN_SECRET: &str = "RW1007";
    pub(crate) const BAD_EXPECTATION: &str = "RW1008";
    pub(crate) const ROLE_CYCLE: &str = "RW1009";
    pub(crate) const OWN_FOR_SERVICE: &str = "RW1010";
    pub(crate) const BEHALF_FOR_PEOPLE: &str = "RW1011";
    pub(crate) const BAD_GRANT: &str = "RW1012";
    pub(crate) const DUPLICATE_OPERATION: &str = "RW1013";
    pub(crate) const BAD_ADDRESS: &str = "RW1014";
    pub(crate) const BAD_LIMIT: &str = "RW1015";
    pub(crate) const BAD_DURATION: &str = "RW1016";
    pub(crate) const BAD_OWN: &str = "RW1017";
    pub(crate) const BAD_ROUTE: &str = "RW1018";
    pub(crate) const NO_UPSTREAM: &str = "RW1019";
    pub(crate) const SHARED_PATH: &str = "RW1020";
    pub(crate) const RESERVED_PATH: &str = "RW1021";
    pub(crate) const BAD_PATH: &str = "RW1022";
    pub(crate) const BAD_URL: &str = "RW1023";
    pub(crate) const BAD_HOST: &str = "RW1024";
    pub(crate) const BAD_WEBHOOK: &str = "RW1025";
    pub(crate) const BAD_VARIABLE: &str = "RW1026";
    pub(crate) const BAD_STORE: &str = "RW1027";
    pub(crate) const OVERLAY_GRANT: &str = "RW1030";
    pub(crate) const ROOT_ONLY: &str = "RW1031";
    pub(crate) const UNKNOWN_ENVIRONMENT: &str = "RW1032";
    pub(crate) const DECLARED_TWICE: &str = "RW1033";
    pub(crate) const INCLUDE_EMPTY: &str = "RW1034";
    pub(crate) const OPENAPI_UNREADABLE: &str = "RW1040";
    pub(crate) const OPENAPI_INVALID: &str = "RW1041";
    pub(crate) const FLASK_UNREADABLE: &str = "RW1042";
    pub(crate) const POLICY_UNREADABLE: &str = "RW1043";
    pub(crate) const JWKS_UNREADABLE: &str = "RW1044";
    pub(crate) const BAD_TLS: &str = "RW1050";
    pub(crate) const BAD_CORS: &str = "RW1051";
    pub(crate) const BAD_BALANCE: &str = "RW1052";
    pub(crate) const UNKNOWN_ZONE: &str = "RW1053";
    pub(crate) const BAD_NETWORK: &str = "RW1054";
    pub(crate) const CONTRADICTION: &str = "RW1055";
    pub(crate) const BAD_HEALTH: &str = "RW1056";
    pub(crate) const BAD_HEADER: &str = "RW1057";
    pub(crate) const BAD_PLAN: &str = "RW1058";
    pub(crate) const SECRET_IN_MANIFEST: &str = "RW1059";
    pub(crate) const BAD_CLIENT: &str = "RW1060";
    pub(crate) const BAD_RULE: &str = "RW1061";
    pub(crate) const BAD_CONTENT: &str = "RW1062";
    pub(crate) const UNKNOWN_DETECTOR: &str = "RW1063";
    pub(crate) const DESCRIPTORS: &str = "RW1064";
    pub(crate) const NO_SHARED_STORE: &str = "RW1065";
    pub(crate) const BAD_FIELD: &str = "RW1066";
    pub(crate) const EXPECTATION_BROKEN: &str = "RW2001";
    pub(crate) const OVER_BROAD: &str = "RW2010";
    pub(crate) const UNUSED_ROLE: &str = "RW2011";
    pub(crate) const REDUNDANT_GRANT: &str = "RW2012";
    pub(crate) const UNREACHABLE_SERVICE: &str = "RW2013";
    pub(crate) const NO_OPERATIONS: &str = "RW2014";
    pub(crate) const OWNER_BY_APP: &str = "RW2015";
    pub(crate) const UNUSED_SECRET: &str = "RW2016";
    pub(crate) const UNUSED_DATA: &str = "RW2017";
    pub(crate) const ANONYMOUS_WRITE: &str = "RW2018";
    pub(crate) const SHARED_UPSTREAM: &str = "RW2019";
    pub(crate) const DRIFT_MISSING: &str = "RW2020";
    pub(crate) const DRIFT_GONE: &str = "RW2021";
    pub(crate) const DRIFT_MOVED: &str = "RW2022";
    pub(crate) const OPEN_SIGN_UP: &str = "RW2023";
    pub(crate) const OWNER_BY_NAME: &str = "RW2024";
    pub(crate) const IDLE_RULE: &str = "RW2025";
    pub(crate) const IDLE_CONTENT: &str = "RW2026";
    pub(crate) const IDLE_DETECTOR: &str = "RW2027";
    pub(crate) const DRIFT_GRPC: &str = "RW2028";
    pub(crate) const WEAK_POLICY: &str = "RW2031";
    pub(crate) const WEAK_CONTENT: &str = "RW2032";
    pub(crate) const NOT_YET: &str = "RW2090";
}

/// Number, severity, page.
type Known = (&'static str, Severity, &'static str);

/// By number.
const CATALOGUE: &[Known] = &[
    (code::SYNTAX, Severity::Error, include_str!("../pages/RW0001.md")),
    (code::TOO_LARGE, Severity::Error, include_str!("../pages/RW0002.md")),
    (code::TOML_1_1, Severity::Error, include_str!("../pages/RW0003.md")),
    (code::TOO_DEEP, Severity::Error, include_str!("../pages/RW0004.md")),
    (code::VERSION, Severity::Error, include_str!("../pages/RW0005.md")),
    (code::BAD_NAME, Severity::Error, include_str!("../pages/RW1001.md")),
    (code::SHARED_NAME, Severity::Error, include_str!("../pages/RW1002.md")),
    (code::UNKNOWN_ROLE, Severity::Error, include_str!("../pages/RW1003.md")),
    (code::UNKNOWN_SERVICE, Severity::Error, include_str!("../pages/RW1004.md")),
    (code::UNKNOWN_OPERATION, Severity::Error, include_str!("../pages/RW1005.md")),
    (code::UNKNOWN_DATA, Severity::Error, include_str!("../pages/RW1006.md")),
    (code::UNKNOWN_SECRET, Severity::Error, include_str!("../pages/RW1007.md")),
    (code::BAD_EXPECTATION, Severity::Error, include_str!("../pages/RW1008.md")),
    (code::ROLE_CYCLE, Severity::Error, include_str!("../pages/RW1009.md")),
    (code::OWN_FOR_SERVICE, Severity::Error, include_str!("../pages/RW1010.md")),
    (code::BEHALF_FOR_PEOPLE, Severity::Error, include_str!("../pages/RW1011.md")),
    (code::BAD_GRANT, Severity::Error, include_str!("../pages/RW1012.md")),
    (code::DUPLICATE_OPERATION, Severity::Error, include_str!("../pages/RW1013.md")),
    (code::BAD_ADDRESS, Severity::Error, include_str!("../pages/RW1014.md")),
    (code::BAD_LIMIT, Severity::Error, include_str!("../pages/RW1015.md")),
    (code::BAD_DURATION, Severity::Error, include_str!("../pages/RW1016.md")),
    (code::BAD_OWN, Severity::Error, include_str!("../pages/RW1017.md")),
    (code::BAD_ROUTE, Severity::Error, include_str!("../pages/RW1018.md")),
    (code::NO_UPSTREAM, Severity::Error, include_str!("../pages/RW1019.md")),
    (code::SHARED_PATH, Severity::Error, include_str!("../pages/RW1020.md")),
    (code::RESERVED_PATH, Severity::Error, include_str!("../pages/RW1021.md")),
    (code::BAD_PATH, Severity::Error, include_str!("../pages/RW1022.md")),
    (code::BAD_URL, Severity::Error, include_str!("../pages/RW1023.md")),
    (code::BAD_HOST, Severity::Error, include_str!("../pages/RW1024.md")),
    (code::BAD_WEBHOOK, Severity::Error, include_str!("../pages/RW1025.md")),
    (code::BAD_VARIABLE, Severity::Error, include_str!("../pages/RW1026.md")),
    (code::BAD_STORE, Severity::Error, include_str!("../pages/RW1027.md")),
    (code::OVERLAY_GRANT, Severity::Error, include_str!("../pages/RW1030.md")),
    (code::ROOT_ONLY, Severity::Error, include_str!("../pages/RW1031.md")),
    (code::UNKNOWN_ENVIRONMENT, Severity::Error, include_str!("../pages/RW1032.md")),
    (code::DECLARED_TWICE, Severity::Error, include_str!("../pages/RW1033.md")),
    (code::INCLUDE_EMPTY, Severity::Error, include_str!("../pages/RW1034.md")),
    (code::OPENAPI_UNREADABLE, Severity::Error, include_str!("../pages/RW1040.md")),
    (code::OPENAPI_INVALID, Severity::Error, include_str!("../pages/RW1041.md")),
    (code::FLASK_UNREADABLE, Severity::Error, include_str!("../pages/RW1042.md")),
    (code::POLICY_UNREADABLE, Severity::Error, include_str!("../pages/RW1043.md")),
    (code::JWKS_UNREADABLE, Severity::Error, include_str!("../pages/RW1044.md")),
    (code::BAD_TLS, Severity::Error, include_str!("../pages/RW1050.md")),
    (code::BAD_CORS, Severity::Error, include_str!("../pages/RW1051.md")),
    (code::BAD_BALANCE, Severity::Error, include_str!("../pages/RW1052.md")),
    (code::UNKNOWN_ZONE, Severity::Error, include_str!("../pages/RW1053.md")),
    (code::BAD_NETWORK, Severity::Error, include_str!("../pages/RW1054.md")),
    (code::CONTRADICTION, Severity::Error, include_str!("../pages/RW1055.md")),
    (code::BAD_HEALTH, Severity::Error, include_str!("../pages/RW1056.md")),
    (code::BAD_HEADER, Severity::Error, include_str!("../pages/RW1057.md")),
    (code::BAD_PLAN, Severity::Error, include_str!("../pages/RW1058.md")),
    (code::SECRET_IN_MANIFEST, Severity::Error, include_str!("../pages/RW1059.md")),
    (code::BAD_CLIENT, Severity::Error, include_str!("../pages/RW1060.md")),
    (code::BAD_RULE, Severity::Error, include_str!("../pages/RW1061.md")),
    (code::BAD_CONTENT, Severity::Error, include_str!("../pages/RW1062.md")),
    (code::UNKNOWN_DETECTOR, Severity::Error, include_str!("../pages/RW1063.md")),
    (code::DESCRIPTORS, Severity::Error, include_str!("../pages/RW1064.md")),
    (code::NO_SHARED_STORE, Severity::Error, include_str!("../pages/RW1065.md")),
    (code::BAD_FIELD, Severity::Error, include_str!("../pages/RW1066.md")),
    (code::EXPECTATION_BROKEN, Severity::Error, include_str!("../pages/RW2001.md")),
    (code::OVER_BROAD, Severity::Warning, include_str!("../pages/RW2010.md")),
    (code::UNUSED_ROLE, Severity::Warning, include_str!("../pages/RW2011.md")),
    (code::REDUNDANT_GRANT, Severity::Warning, include_str!("../pages/RW2012.md")),
    (code::UNREACHABLE_SERVICE, Severity::Warning, include_str!("../pages/RW2013.md")),
    (code::NO_OPERATIONS, Severity::Warning, include_str!("../pages/RW2014.md")),
    (code::OWNER_BY_APP, Severity::Note, include_str!("../pages/RW2015.md")),
    (code::UNUSED_SECRET, Severity::Warning, include_str!("../pages/RW2016.md")),
    (code::UNUSED_DATA, Severity::Warning, include_str!("../pages/RW2017.md")),
    (code::ANONYMOUS_WRITE, Severity::Note, include_str!("../pages/RW2018.md")),
    (code::SHARED_UPSTREAM, Severity::Warning, include_str!("../pages/RW2019.md")),
    (code::DRIFT_MISSING, Severity::Warning, include_str!("../pages/RW2020.md")),
    (code::DRIFT_GONE, Severity::Warning, include_str!("../pages/RW2021.md")),
    (code::DRIFT_MOVED, Severity::Warning, include_str!("../pages/RW2022.md")),
    (code::OPEN_SIGN_UP, Severity::Warning, include_str!("../pages/RW2023.md")),
    (code::OWNER_BY_NAME, Severity::Warning, include_str!("../pages/RW2024.md")),
    (code::IDLE_RULE, Severity::Note, include_str!("../pages/RW2025.md")),
    (code::IDLE_CONTENT, Severity::Warning, include_str!("../pages/RW2026.md")),
    (code::IDLE_DETECTOR, Severity::Note, include_str!("../pages/RW2027.md")),
    (code::DRIFT_GRPC, Severity::Warning, include_str!("../pages/RW2028.md")),
    (code::WEAK_POLICY, Severity::Warning, include_str!("../pages/RW2031.md")),
    (code::WEAK_CONTENT, Severity::Warning, include_str!("../pages/RW2032.md")),
    (code::NOT_YET, Severity::Note, include_str!("../pages/RW2090.md")),
    ("RW3000", Severity::Error, include_str!("../pages/RW3000.md")),
    ("RW3001", Severity::Error, include_str!("../pages/RW3001.md")),
    ("RW3002", Severity::Error, include_str!("../pages/RW3002.md")),
    ("RW3003", Severity::Error, include_str!("../pages/RW3003.md")),
    ("RW3004", Severity::Error, include_str!("../pages/RW3004.md")),
    ("RW3005", Severity::Error, include_str!("../pages/RW3005.md")),
    ("RW3006", Severity::Error, include_str!("../pages/RW3006.md")),
    ("RW3007", Severity::Error, include_str!("../pages/RW3007.md")),
    ("RW3008", Severity::Error, include_str!("../pages/RW3008.md")),
    ("RW3009", Severity::Error, include_str!("../pages/RW3009.md")),
    ("RW3010", Severity::Error, include_str!("../pages/RW3010.md")),
    ("RW3011", Severity::Error, include_str!("../pages/RW3011.md")),
    ("RW3012", Severity::Error, include_str!("../pages/RW3012.md")),
    ("RW3013", Severity::Error, include_str!("../pages/RW3013.md")),
    ("RW3014", Severity::Error, include_str!("../pages/RW3014.md")),
    ("RW3015", Severity::Error, include_str!("../pages/RW3015.md")),
    ("RW3016", Severity::Error, include_str!("../pages/RW3016.md")),
    ("RW3017", Severity::Error, include_str!("../pages/RW3017.md")),
    ("RW3018", Severity::Error, include_str!("../pages/RW3018.md")),
    ("RW3019", Severity::Error, include_str!("../pages/RW3019.md")),
    ("RW3020", Severity::Error, include_str!("../pages/RW3020.md")),
    ("RW3021", Severity::Error, include_str!("../pages/RW3021.md")),
    ("RW3022", Severity::Error, include_str!("../pages/RW3022.md")),
    ("RW3023", Severity::Error, include_str!("../pages/RW3023.md")),
    ("RW3101", Severity::Error, include_str!("../pages/RW3101.md")),
    ("RW3102", Severity::Error, include_str!("../pages/RW3102.md")),
    ("RW3103", Severity::Error, include_str!("../pages/RW3103.md")),
    ("RW3104", Severity::Error, include_str!("../pages/RW3104.md")),
    ("RW4000", Severity::Error, include_str!("../pages/RW4000.md")),
    ("RW4001", Severity::Error, include_str!("../pages/RW4001.md")),
    ("RW4002", Severity::Error, include_str!("../pages/RW4002.md")),
    ("RW4003", Severity::Error, include_str!("../pages/RW4003.md")),
    ("RW4004", Severity::Error, include_str!("../pages/RW4004.md")),
    ("RW4005", Severity::Error, include_str!("../pages/RW4005.md")),
    ("RW4006", Severity::Error, include_str!("../pages/RW4006.md")),
    ("RW4007", Severity::Error, include_str!("../pages/RW4007.md")),
    ("RW4008", Severity::Error, include_str!("../pages/RW4008.md")),
    ("RW4009", Severity::Error, include_str!("../pages/RW4009.md")),
    ("RW4010", Severity::Error, include_str!("../pages/RW4010.md")),
    ("RW4011", Severity::Error, include_str!("../pages/RW4011.md")),
    ("RW4012", Severity::Error, include_str!("../pages/RW4012.md")),
];

#[cfg(test)]
mod tests;
