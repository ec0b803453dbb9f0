//! The variables that rules look at: names, shapes, and which members a rule selects.

use std::sync::Arc;

use crate::pattern::Pattern;

/// A variable, by the name that rules use.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Variable {
    Args,
    ArgsCombinedSize,
    ArgsGet,
    ArgsGetNames,
    ArgsNames,
    ArgsPost,
    ArgsPostNames,
    AuthType,
    Duration,
    Env,
    Files,
    FilesCombinedSize,
    FilesNames,
    FilesSizes,
    FilesTmpContent,
    FilesTmpnames,
    FullRequest,
    FullRequestLength,
    Geo,
    Global,
    HighestSeverity,
    InboundDataError,
    Ip,
    MatchedVar,
    MatchedVarName,
    MatchedVars,
    MatchedVarsNames,
    ModsecBuild,
    MultipartBoundaryQuoted,
    MultipartBoundaryWhitespace,
    MultipartCrlfLfLines,
    MultipartDataAfter,
    MultipartDataBefore,
    MultipartFileLimitExceeded,
    MultipartFilename,
    MultipartHeaderFolding,
    MultipartInvalidHeaderFolding,
    MultipartInvalidPart,
    MultipartInvalidQuoting,
    MultipartLfLine,
    MultipartMissingSemicolon,
    MultipartName,
    MultipartPartHeaders,
    MultipartStrictError,
    MultipartUnmatchedBoundary,
    OutboundDataError,
    PathInfo,
    QueryString,
    RemoteAddr,
    RemoteHost,
    RemotePort,
    RemoteUser,
    ReqbodyError,
    ReqbodyErrorMsg,
    ReqbodyProcessor,
    RequestBasename,
    RequestBody,
    RequestBodyLength,
    RequestCookies,
    RequestCookiesNames,
    RequestFilename,
    RequestHeaders,
    RequestHeadersNames,
    RequestLine,
    RequestMethod,
    RequestProtocol,
    RequestUri,
    RequestUriRaw,
    Resource,
    ResponseBody,
    ResponseContentLength,
    ResponseContentType,
    ResponseHeaders,
    ResponseHeadersNames,
    ResponseProtocol,
    ResponseStatus,
    Rule,
    ServerAddr,
    ServerName,
    ServerPort,
    Session,
    Sessionid,
    StatusLine,
    Time,
    TimeDay,
    TimeEpoch,
    TimeHour,
    TimeMin,
    TimeMon,
    TimeSec,
    TimeWday,
    TimeYear,
    Tx,
    UniqueId,
    UrlencodedError,
    User,
    Userid,
    Webappid,
    Xml,
    /// Known to ModSecurity 2 alone and empty here, as the language allows.
    Deprecated,
}

/// Whether a variable has members.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    Collection,
    Scalar,
}

/// Which members of a collection are meant.
#[derive(Clone, Debug)]
pub(crate) enum Selector {
    All,
    /// In lower case: names of members are compared without regard to case.
    Key(Arc<[u8]>),
    Pattern(Pattern),
}

/// One entry of a rule's list of variables.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) variable: Variable,
    pub(crate) selector: Selector,
    /// `&`: the number of members is the value.
    pub(crate) is_count: bool,
}

/// What a rule looks at: the entries, without what is taken out again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    pub(crate) included: Vec<Target>,
    pub(crate) excluded: Vec<Target>,
}

impl Variable {
    /// Finds a variable by its name, in any case.
    pub(crate) fn find(name: &[u8]) -> Option<Self> {
        let known = NAMES.iter().find(|(known, _, _)| known.as_bytes().eq_ignore_ascii_case(name));
        let alias = || ALIASES.iter().find(|(old, _)| old.as_bytes().eq_ignore_ascii_case(name));
        let deprecated = || DEPRECATED.iter().any(|old| old.as_bytes().eq_ignore_ascii_case(name));
        known
            .map(|(_, variable, _)| *variable)
            .or_else(|| alias().map(|(_, variable)| *variable))
            .or_else(|| deprecated().then_some(Self::Deprecated))
    }

    /// The names for the hint of an error.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _, _)| *name)
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().map_or("", |(name, _, _)| name)
    }

    pub(crate) fn shape(self) -> Shape {
        self.row().map_or(Shape::Scalar, |(_, _, shape)| *shape)
    }

    /// Whether nothing ever gives it a value: the program's environment is no business of rules,
    /// files of uploads are never written, and there is no database of places.
    pub(crate) fn is_empty_here(self) -> bool {
        matches!(self, Self::Deprecated | Self::Env | Self::FilesTmpnames | Self::Geo)
    }

    /// The table has a row for each variable, in the order of the variants.
    fn row(self) -> Option<&'static (&'static str, Self, Shape)> {
        NAMES.get(self as usize)
    }
}

impl Selector {
    /// Whether a member of this name, given in lower case, is selected.
    pub(crate) fn selects(&self, name: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Key(key) => key.eq_ignore_ascii_case(name),
            Self::Pattern(pattern) => pattern.is_match(name),
        }
    }

    pub(crate) fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, Self::All) => true,
            (Self::Key(one), Self::Key(another)) => one == another,
            (Self::Pattern(one), Self::Pattern(another)) => one.as_str() == another.as_str(),
            _ => false,
        }
    }
}

impl Target {
    /// Whether this exclusion takes a member out.
    pub(crate) fn excludes(&self, variable: Variable, is_count: bool, name: &[u8]) -> bool {
        self.variable == variable && self.is_count == is_count && self.selector.selects(name)
    }

    /// Whether both say the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.variable == other.variable
            && self.is_count == other.is_count
            && self.selector.is_same(&other.selector)
    }
}

const NAMES: &[(&str, Variable, Shape)] = &[
    ("ARGS", Variable::Args, Shape::Collection),
    ("ARGS_COMBINED_SIZE", Variable::ArgsCombinedSize, Shape::Scalar),
    ("ARGS_GET", Variable::ArgsGet, Shape::Collection),
    ("ARGS_GET_NAMES", Variable::ArgsGetNames, Shape::Collection),
    ("ARGS_NAMES", Variable::ArgsNames, Shape::Collection),
    ("ARGS_POST", Variable::ArgsPost, Shape::Collection),
    ("ARGS_POST_NAMES", Variable::ArgsPostNames, Shape::Collection),
    ("AUTH_TYPE", Variable::AuthType, Shape::Scalar),
    ("DURATION", Variable::Duration, Shape::Scalar),
    ("ENV", Variable::Env, Shape::Collection),
    ("FILES", Variable::Files, Shape::Collection),
    ("FILES_COMBINED_SIZE", Variable::FilesCombinedSize, Shape::Scalar),
    ("FILES_NAMES", Variable::FilesNames, Shape::Collection),
    ("FILES_SIZES", Variable::FilesSizes, Shape::Collection),
    ("FILES_TMP_CONTENT", Variable::FilesTmpContent, Shape::Collection),
    ("FILES_TMPNAMES", Variable::FilesTmpnames, Shape::Collection),
    ("FULL_REQUEST", Variable::FullRequest, Shape::Scalar),
    ("FULL_REQUEST_LENGTH", Variable::FullRequestLength, Shape::Scalar),
    ("GEO", Variable::Geo, Shape::Collection),
    ("GLOBAL", Variable::Global, Shape::Collection),
    ("HIGHEST_SEVERITY", Variable::HighestSeverity, Shape::Scalar),
    ("INBOUND_DATA_ERROR", Variable::InboundDataError, Shape::Scalar),
    ("IP", Variable::Ip, Shape::Collection),
    ("MATCHED_VAR", Variable::MatchedVar, Shape::Scalar),
    ("MATCHED_VAR_NAME", Variable::MatchedVarName, Shape::Scalar),
    ("MATCHED_VARS", Variable::MatchedVars, Shape::Collection),
    ("MATCHED_VARS_NAMES", Variable::MatchedVarsNames, Shape::Collection),
    ("MODSEC_BUILD", Variable::ModsecBuild, Shape::Scalar),
    ("MULTIPART_BOUNDARY_QUOTED", Variable::MultipartBoundaryQuoted, Shape::Scalar),
    ("MULTIPART_BOUNDARY_WHITESPACE", Variable::MultipartBoundaryWhitespace, Shape::Scalar),
    ("MULTIPART_CRLF_LF_LINES", Variable::MultipartCrlfLfLines, Shape::Scalar),
    ("MULTIPART_DATA_AFTER", Variable::MultipartDataAfter, Shape::Scalar),
    ("MULTIPART_DATA_BEFORE", Variable::MultipartDataBefore, Shape::Scalar),
    ("MULTIPART_FILE_LIMIT_EXCEEDED", Variable::MultipartFileLimitExceeded, Shape::Scalar),
    ("MULTIPART_FILENAME", Variable::MultipartFilename, Shape::Collection),
    ("MULTIPART_HEADER_FOLDING", Variable::MultipartHeaderFolding, Shape::Scalar),
    ("MULTIPART_INVALID_HEADER_FOLDING", Variable::MultipartInvalidHeaderFolding, Shape::Scalar),
    ("MULTIPART_INVALID_PART", Variable::MultipartInvalidPart, Shape::Scalar),
    ("MULTIPART_INVALID_QUOTING", Variable::MultipartInvalidQuoting, Shape::Scalar),
    ("MULTIPART_LF_LINE", Variable::MultipartLfLine, Shape::Scalar),
    ("MULTIPART_MISSING_SEMICOLON", Variable::MultipartMissingSemicolon, Shape::Scalar),
    ("MULTIPART_NAME", Variable::MultipartName, Shape::Collection),
    ("MULTIPART_PART_HEADERS", Variable::MultipartPartHeaders, Shape::Collection),
    ("MULTIPART_STRICT_ERROR", Variable::MultipartStrictError, Shape::Scalar),
    ("MULTIPART_UNMATCHED_BOUNDARY", Variable::MultipartUnmatchedBoundary, Shape::Scalar),
    ("OUTBOUND_DATA_ERROR", Variable::OutboundDataError, Shape::Scalar),
    ("PATH_INFO", Variable::PathInfo, Shape::Scalar),
    ("QUERY_STRING", Variable::QueryString, Shape::Scalar),
    ("REMOTE_ADDR", Variable::RemoteAddr, Shape::Scalar),
    ("REMOTE_HOST", Variable::RemoteHost, Shape::Scalar),
    ("REMOTE_PORT", Variable::RemotePort, Shape::Scalar),
    ("REMOTE_USER", Variable::RemoteUser, Shape::Scalar),
    ("REQBODY_ERROR", Variable::ReqbodyError, Shape::Scalar),
    ("REQBODY_ERROR_MSG", Variable::ReqbodyErrorMsg, Shape::Scalar),
    ("REQBODY_PROCESSOR", Variable::ReqbodyProcessor, Shape::Scalar),
    ("REQUEST_BASENAME", Variable::RequestBasename, Shape::Scalar),
    ("REQUEST_BODY", Variable::RequestBody, Shape::Scalar),
    ("REQUEST_BODY_LENGTH", Variable::RequestBodyLength, Shape::Scalar),
    ("REQUEST_COOKIES", Variable::RequestCookies, Shape::Collection),
    ("REQUEST_COOKIES_NAMES", Variable::RequestCookiesNames, Shape::Collection),
    ("REQUEST_FILENAME", Variable::RequestFilename, Shape::Scalar),
    ("REQUEST_HEADERS", Variable::RequestHeaders, Shape::Collection),
    ("REQUEST_HEADERS_NAMES", Variable::RequestHeadersNames, Shape::Collection),
    ("REQUEST_LINE", Variable::RequestLine, Shape::Scalar),
    ("REQUEST_METHOD", Variable::RequestMethod, Shape::Scalar),
    ("REQUEST_PROTOCOL", Variable::RequestProtocol, Shape::Scalar),
    ("REQUEST_URI", Variable::RequestUri, Shape::Scalar),
    ("REQUEST_URI_RAW", Variable::RequestUriRaw, Shape::Scalar),
    ("RESOURCE", Variable::Resource, Shape::Collection),
    ("RESPONSE_BODY", Variable::ResponseBody, Shape::Scalar),
    ("RESPONSE_CONTENT_LENGTH", Variable::ResponseContentLength, Shape::Scalar),
    ("RESPONSE_CONTENT_TYPE", Variable::ResponseContentType, Shape::Scalar),
    ("RESPONSE_HEADERS", Variable::ResponseHeaders, Shape::Collection),
    ("RESPONSE_HEADERS_NAMES", Variable::ResponseHeadersNames, Shape::Collection),
    ("RESPONSE_PROTOCOL", Variable::ResponseProtocol, Shape::Scalar),
    ("RESPONSE_STATUS", Variable::ResponseStatus, Shape::Scalar),
    ("RULE", Variable::Rule, Shape::Collection),
    ("SERVER_ADDR", Variable::ServerAddr, Shape::Scalar),
    ("SERVER_NAME", Variable::ServerName, Shape::Scalar),
    ("SERVER_PORT", Variable::ServerPort, Shape::Scalar),
    ("SESSION", Variable::Session, Shape::Collection),
    ("SESSIONID", Variable::Sessionid, Shape::Scalar),
    ("STATUS_LINE", Variable::StatusLine, Shape::Scalar),
    ("TIME", Variable::Time, Shape::Scalar),
    ("TIME_DAY", Variable::TimeDay, Shape::Scalar),
    ("TIME_EPOCH", Variable::TimeEpoch, Shape::Scalar),
    ("TIME_HOUR", Variable::TimeHour, Shape::Scalar),
    ("TIME_MIN", Variable::TimeMin, Shape::Scalar),
    ("TIME_MON", Variable::TimeMon, Shape::Scalar),
    ("TIME_SEC", Variable::TimeSec, Shape::Scalar),
    ("TIME_WDAY", Variable::TimeWday, Shape::Scalar),
    ("TIME_YEAR", Variable::TimeYear, Shape::Scalar),
    ("TX", Variable::Tx, Shape::Collection),
    ("UNIQUE_ID", Variable::UniqueId, Shape::Scalar),
    ("URLENCODED_ERROR", Variable::UrlencodedError, Shape::Scalar),
    ("USER", Variable::User, Shape::Collection),
    ("USERID", Variable::Userid, Shape::Scalar),
    ("WEBAPPID", Variable::Webappid, Shape::Scalar),
    ("XML", Variable::Xml, Shape::Collection),
];

/// Older names, and those of one engine, for the same thing.
const ALIASES: &[(&str, Variable)] = &[
    ("REQBODY_PROCESSOR_ERROR", Variable::ReqbodyError),
    ("REQBODY_PROCESSOR_ERROR_MSG", Variable::ReqbodyErrorMsg),
    ("REQUEST_XML", Variable::Xml),
    ("STATUS", Variable::ResponseStatus),
];

/// Accepted in a list of variables and always empty, as the language says of them.
const DEPRECATED: &[&str] = &[
    "ARGS_PATH",
    "MSC_PCRE_ERROR",
    "MSC_PCRE_LIMITS_EXCEEDED",
    "MULTIPART_CRLF_LINE",
    "PERF_ALL",
    "PERF_COMBINED",
    "PERF_GC",
    "PERF_LOGGING",
    "PERF_PHASE1",
    "PERF_PHASE2",
    "PERF_PHASE3",
    "PERF_PHASE4",
    "PERF_PHASE5",
    "PERF_RULES",
    "PERF_SREAD",
    "PERF_SWRITE",
    "SCRIPT_BASENAME",
    "SCRIPT_FILENAME",
    "SCRIPT_GID",
    "SCRIPT_GROUPNAME",
    "SCRIPT_MODE",
    "SCRIPT_UID",
    "SCRIPT_USERNAME",
    "SDBM_DELETE_ERROR",
    "STREAM_INPUT_BODY",
    "STREAM_OUTPUT_BODY",
    "USERAGENT_IP",
    "WEBSERVER_ERROR_LOG",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_variants() {
        for (place, (name, variable, _)) in NAMES.iter().enumerate() {
            assert_eq!(*variable as usize, place, "{name}");
            assert_eq!(Variable::find(name.to_lowercase().as_bytes()), Some(*variable));
            assert_eq!(variable.name(), *name);
        }
        assert_eq!(Variable::Deprecated.name(), "");
        assert_eq!(Variable::find(b"ARGH"), None);
    }
}
