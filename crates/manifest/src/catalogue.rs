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
}

/// All codes, in order.
pub fn codes() -> impl Iterator<Item = Code> {
    CATALOGUE.iter().map(|(code, severity)| Code { code, severity: *severity })
}

/// The severity of a code.
pub(crate) fn severity(code: &str) -> Severity {
    codes().find(|known| known.code == code).map_or(Severity::Error, |known| known.severity)
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
    pub(crate) const OVERLAY_GRANT: &str = "RW1030";
    pub(crate) const ROOT_ONLY: &str = "RW1031";
    pub(crate) const UNKNOWN_ENVIRONMENT: &str = "RW1032";
    pub(crate) const DECLARED_TWICE: &str = "RW1033";
    pub(crate) const INCLUDE_EMPTY: &str = "RW1034";
    pub(crate) const OPENAPI_UNREADABLE: &str = "RW1040";
    pub(crate) const OPENAPI_INVALID: &str = "RW1041";
    pub(crate) const FLASK_UNREADABLE: &str = "RW1042";
    pub(crate) const POLICY_UNREADABLE: &str = "RW1043";
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
    pub(crate) const NOT_YET: &str = "RW2090";
}

const CATALOGUE: &[(&str, Severity)] = &[
    (code::SYNTAX, Severity::Error),
    (code::TOO_LARGE, Severity::Error),
    (code::TOML_1_1, Severity::Error),
    (code::TOO_DEEP, Severity::Error),
    (code::VERSION, Severity::Error),
    (code::BAD_NAME, Severity::Error),
    (code::SHARED_NAME, Severity::Error),
    (code::UNKNOWN_ROLE, Severity::Error),
    (code::UNKNOWN_SERVICE, Severity::Error),
    (code::UNKNOWN_OPERATION, Severity::Error),
    (code::UNKNOWN_DATA, Severity::Error),
    (code::UNKNOWN_SECRET, Severity::Error),
    (code::BAD_EXPECTATION, Severity::Error),
    (code::ROLE_CYCLE, Severity::Error),
    (code::OWN_FOR_SERVICE, Severity::Error),
    (code::BEHALF_FOR_PEOPLE, Severity::Error),
    (code::BAD_GRANT, Severity::Error),
    (code::DUPLICATE_OPERATION, Severity::Error),
    (code::BAD_ADDRESS, Severity::Error),
    (code::BAD_LIMIT, Severity::Error),
    (code::BAD_DURATION, Severity::Error),
    (code::BAD_OWN, Severity::Error),
    (code::BAD_ROUTE, Severity::Error),
    (code::NO_UPSTREAM, Severity::Error),
    (code::SHARED_PATH, Severity::Error),
    (code::RESERVED_PATH, Severity::Error),
    (code::BAD_PATH, Severity::Error),
    (code::BAD_URL, Severity::Error),
    (code::BAD_HOST, Severity::Error),
    (code::BAD_WEBHOOK, Severity::Error),
    (code::BAD_VARIABLE, Severity::Error),
    (code::OVERLAY_GRANT, Severity::Error),
    (code::ROOT_ONLY, Severity::Error),
    (code::UNKNOWN_ENVIRONMENT, Severity::Error),
    (code::DECLARED_TWICE, Severity::Error),
    (code::INCLUDE_EMPTY, Severity::Error),
    (code::OPENAPI_UNREADABLE, Severity::Error),
    (code::OPENAPI_INVALID, Severity::Error),
    (code::FLASK_UNREADABLE, Severity::Error),
    (code::POLICY_UNREADABLE, Severity::Error),
    (code::EXPECTATION_BROKEN, Severity::Error),
    (code::OVER_BROAD, Severity::Warning),
    (code::UNUSED_ROLE, Severity::Warning),
    (code::REDUNDANT_GRANT, Severity::Warning),
    (code::UNREACHABLE_SERVICE, Severity::Warning),
    (code::NO_OPERATIONS, Severity::Warning),
    (code::OWNER_BY_APP, Severity::Note),
    (code::UNUSED_SECRET, Severity::Warning),
    (code::UNUSED_DATA, Severity::Warning),
    (code::ANONYMOUS_WRITE, Severity::Note),
    (code::SHARED_UPSTREAM, Severity::Warning),
    (code::DRIFT_MISSING, Severity::Warning),
    (code::DRIFT_GONE, Severity::Warning),
    (code::DRIFT_MOVED, Severity::Warning),
    (code::NOT_YET, Severity::Note),
];
