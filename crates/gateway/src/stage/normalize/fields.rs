//! One reading of the header fields: what has two is refused, what is ours alone is removed.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT,
    HOST, HeaderName, ORIGIN, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Version};

/// Checks the length fields. What hyper joins or drops before we look is checked by `net`.
///
/// # Errors
/// The reason, when the body's length has two readings (RFC 9112 section 6.3).
pub(super) fn check_framing(fields: &HeaderMap, version: Version) -> Result<(), &'static str> {
    let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
    let mut codings = fields.get_all(TRANSFER_ENCODING).iter();
    let (length, coding) = (lengths.next(), codings.next());
    if lengths.next().is_some() {
        return Err("more than one content-length");
    }
    if length.is_some_and(|value| !is_length(value.as_bytes())) {
        return Err("content-length is not a number");
    }
    match (length, coding) {
        (_, None) => Ok(()),
        (Some(_), Some(_)) => Err("content-length beside transfer-encoding"),
        (None, Some(_)) if codings.next().is_some() => Err("more than one transfer-encoding"),
        (None, Some(_)) if version != Version::HTTP_11 => {
            Err("transfer-encoding outside of HTTP/1.1")
        }
        (None, Some(coding)) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        (None, Some(_)) => Err("transfer-encoding is not chunked"),
    }
}

/// Refuses fields that may stand only once, and stand twice: the service may read the other one.
///
/// # Errors
/// The reason.
pub(super) fn check_doubles(fields: &HeaderMap) -> Result<(), &'static str> {
    for (name, why) in SINGLE {
        if fields.get_all(name).iter().nth(1).is_some() {
            return Err(why);
        }
    }
    match fields.get(EXPECT) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            Err("an unknown expectation")
        }
        _ => Ok(()),
    }
}

/// Reads `Connection`, and removes it, what it names, and all else that ends at this hop.
///
/// Returns whether the client asks to continue as a WebSocket.
///
/// # Errors
/// The reason, when a field that decides something would be made to vanish (a named field is
/// dropped before ours are added, so the name of one of ours is an attack).
pub(super) fn end_hop(fields: &mut HeaderMap, is_strict: bool) -> Result<bool, &'static str> {
    let named = named_by_connection(fields)?;
    let asks_upgrade = named.contains(&UPGRADE);
    let upgrade = fields.get(UPGRADE).filter(|_| asks_upgrade);
    let is_websocket =
        upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if upgrade.is_some() && !is_websocket && is_strict {
        return Err("an upgrade to something else than a WebSocket");
    }
    for name in named {
        fields.remove(name);
    }
    for name in HOP {
        fields.remove(name);
    }
    Ok(is_websocket)
}

/// Removes what only Ringwall may say, in every spelling, and fields that override the method.
///
/// # Errors
/// The reason, when a field in underscore spelling would be read as one of ours or as one that is
/// also there: WSGI folds `X_Ident` and `X-Ident` into one name.
pub(super) fn drop_ours(fields: &mut HeaderMap, from: Origin) -> Result<(), &'static str> {
    let mut dropped = Vec::new();
    for name in fields.keys() {
        // Servers behind us fold underscores, some of them everything that is no letter or digit.
        let dashed = name.as_str().replace(|sign: char| !sign.is_ascii_alphanumeric(), "-");
        if dashed != name.as_str() && (is_ours(&dashed) || fields.contains_key(&dashed)) {
            return Err("a field in another spelling stands for another one");
        }
        let is_folded = name.as_str().contains('_');
        if is_folded || from.may_not_say(name.as_str()) || OVERRIDES.contains(&name.as_str()) {
            dropped.push(name.clone());
        }
    }
    for name in dropped {
        fields.remove(name);
    }
    Ok(())
}

/// Who sent a request: what a stranger may not say, a service of ours may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// A service: it continues a trace and an address that it was told.
    Service,
    /// Anybody.
    Stranger,
}

impl Origin {
    fn may_not_say(self, name: &str) -> bool {
        match self {
            Self::Service => name.starts_with("ringwall-"),
            Self::Stranger => is_ours(name),
        }
    }
}

/// Whether Ringwall alone says this field to a service.
fn is_ours(name: &str) -> bool {
    name.starts_with("ringwall-")
        || name.starts_with("x-forwarded-")
        || matches!(name, "forwarded" | "x-real-ip" | "traceparent" | "tracestate")
}

/// Whether [`drop_ours`] may have to do with a field of this name.
pub(super) fn may_be_ours(name: &str) -> bool {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    !is_plain || is_ours(name) || OVERRIDES.contains(&name)
}

fn named_by_connection(fields: &HeaderMap) -> Result<Vec<HeaderName>, &'static str> {
    let mut named = Vec::new();
    for value in fields.get_all(CONNECTION) {
        let Ok(text) = value.to_str() else { return Err("connection is not text") };
        for token in text.split(',').map(str::trim).filter(|token| !token.is_empty()) {
            let Ok(name) = HeaderName::from_bytes(token.as_bytes()) else {
                return Err("connection names no field");
            };
            if DECIDING.contains(&name) || is_ours(&name.as_str().replace('_', "-")) {
                return Err("connection names a field that decides something");
            }
            if named.len() >= NAMED_MAX {
                return Err("connection names too many fields");
            }
            named.push(name);
        }
    }
    Ok(named)
}

fn is_length(value: &[u8]) -> bool {
    !value.is_empty() && value.len() <= 19 && value.iter().all(u8::is_ascii_digit)
}

/// The most fields that `Connection` may name; real clients name two.
const NAMED_MAX: usize = 16;

/// Fields whose second occurrence would be a second reading.
const SINGLE: [(HeaderName, &str); 6] = [
    (HOST, "more than one host"),
    (AUTHORIZATION, "more than one authorization"),
    (CONTENT_TYPE, "more than one content-type"),
    (CONTENT_ENCODING, "more than one content-encoding"),
    (ORIGIN, "more than one origin"),
    (EXPECT, "more than one expectation"),
];

/// Fields that `Connection` must not make vanish.
const DECIDING: [HeaderName; 8] = [
    AUTHORIZATION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    COOKIE,
    HOST,
    ORIGIN,
    TRANSFER_ENCODING,
];

/// Fields that end at this hop (RFC 9110 section 7.6.1). `Expect` goes on: the service says whether
/// it wants the body, unless a stage reads it before.
pub(super) const HOP: [&str; 10] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields by which some frameworks take another method, path or host than was authorized, skip
/// their own checks, or (`Proxy`, CGI's `HTTP_PROXY`) send their calls elsewhere.
const OVERRIDES: [&str; 9] = [
    "proxy",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-middleware-subrequest",
    "x-original-method",
    "x-original-url",
    "x-rewrite-url",
];

/// Cookies of ours.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Taken {
    /// The session's value.
    pub(super) session: Option<String>,
    /// Those of our own pages, whole: forms, ways to another issuer.
    pub(super) pages: Option<HeaderValue>,
}

/// Joins several `Cookie` fields (RFC 9113 section 8.2.3) and takes out the cookie `name`, and all whose
/// names begin so.
///
/// # Errors
/// The reason, when the cookie stands twice, or the field is not text.
pub(super) fn take_cookie(fields: &mut HeaderMap, name: &str) -> Result<Taken, &'static str> {
    if !fields.contains_key(COOKIE) {
        return Ok(Taken::default());
    }
    let mut taken = None;
    let mut pages = Vec::new();
    let mut kept = Vec::new();
    let mut bytes: usize = 0;
    for value in fields.get_all(COOKIE) {
        bytes = bytes.saturating_add(value.len());
        if bytes > COOKIE_BYTES_MAX {
            return Err(LARGE_COOKIES);
        }
        for pair in value.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
            match pair.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")) {
                None if pair.is_empty() => {}
                // A service that is less strict about names would find a session in it.
                None if named(pair).trim_ascii() == name.as_bytes() => {
                    return Err("the session cookie is not spelled as it was set");
                }
                None if pair.starts_with(name.as_bytes()) => pages.push(pair),
                None => kept.push(pair),
                Some(_) if taken.is_some() => return Err("more than one session cookie"),
                Some(content) => match std::str::from_utf8(content) {
                    Ok(text) => taken = Some(text.to_owned()),
                    Err(_invalid) => return Err("the session cookie is not text"),
                },
            }
        }
    }
    let (kept, pages) = (joined(&kept)?, joined(&pages)?);
    match kept {
        None => drop(fields.remove(COOKIE)),
        Some(kept) => drop(fields.insert(COOKIE, kept)),
    }
    Ok(Taken { session: taken, pages })
}

/// As one field, if there are any.
fn joined(pairs: &[&[u8]]) -> Result<Option<HeaderValue>, &'static str> {
    let value = HeaderValue::from_bytes(&pairs.join(&b"; "[..]));
    let value = value.map_err(|_invalid| "cookies are not a field value")?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

/// What stands before the first `=`, or all.
fn named(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default()
}

/// Browsers keep 4 KiB a cookie and send what fits; no app of our list needs four full ones.
const COOKIE_BYTES_MAX: usize = 16 * 1024;

/// Why they are refused then.
pub(super) const LARGE_COOKIES: &str = "cookies are longer than 16 KiB";

#[cfg(test)]
mod tests;
