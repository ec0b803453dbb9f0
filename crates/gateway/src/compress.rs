//! Compression of answers, where their length cannot tell a secret.
//!
//! BREACH: who can put text of their own beside a secret, and see the length of the compressed
//! answer, reads the secret letter by letter. So an answer is compressed only
//! - to a request that carried no credential at all (no cookie, no `Authorization`) and that sets
//!   no cookie either: there is nobody whose secret it could hold, or
//! - of a type that is made before anybody asks (styles, scripts, fonts), asked for without a
//!   query: nothing of the attacker's stands in it, or
//! - of an operation that the manifest names in `compress`.
//!
//! Random padding is no way out: it only makes the attacker ask more often.

mod coding;
mod encoder;

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, COOKIE, ETAG, SET_COOKIE, TRAILER,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use ringwall_net::Body;

use crate::cors::vary;
use crate::manner::Manner;
use coding::Coding;
use encoder::Encoded;

/// What of a request its compression depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    coding: Option<Coding>,
    is_anonymous: bool,
    has_query: bool,
}

impl Wish {
    /// Reads what the client takes. `None` when nothing can be compressed for it.
    pub(crate) fn of(request: &Request<Body>) -> Option<Self> {
        if *request.method() == Method::HEAD {
            return None;
        }
        let fields = request.headers();
        Some(Self {
            coding: Coding::best(fields.get_all(ACCEPT_ENCODING)),
            is_anonymous: !fields.contains_key(COOKIE) && !fields.contains_key(AUTHORIZATION),
            has_query: request.uri().query().is_some(),
        })
    }

    /// Compresses an answer, if it may be.
    pub(crate) fn apply(self, response: &mut Response<Body>, manner: &Manner, operation: &str) {
        if !manner.compresses || !is_whole(response) {
            return;
        }
        let Some(class) = Class::of(response.headers()) else { return };
        let fields = response.headers();
        let is_public = self.is_anonymous && !fields.contains_key(SET_COOKIE);
        let is_made_before = class == Class::Made && !self.has_query;
        if !(is_public || is_made_before || manner.compress.contains(operation)) {
            return;
        }
        // Also where this client takes nothing: a cache between must know.
        vary(response.headers_mut(), HeaderValue::from_static("accept-encoding"));
        let Some(coding) = self.coding else { return };
        let hint = response.body().size_hint();
        if hint.exact().is_some_and(|bytes| bytes < BYTES_MIN) {
            return;
        }
        let body = std::mem::take(response.body_mut());
        match Encoded::new(body, coding) {
            Ok(encoded) => {
                *response.body_mut() = Body::boxed(encoded);
                relabel(response.headers_mut(), coding);
            }
            Err(body) => *response.body_mut() = body,
        }
    }
}

/// Whether an answer is one whole representation that nobody has encoded yet.
fn is_whole(response: &Response<Body>) -> bool {
    let fields = response.headers();
    let is_kept = fields.get_all(CACHE_CONTROL).iter().any(|value| {
        value.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("no-transform"))
    });
    !matches!(
        response.status(),
        StatusCode::SWITCHING_PROTOCOLS
            | StatusCode::NO_CONTENT
            | StatusCode::RESET_CONTENT
            | StatusCode::PARTIAL_CONTENT
            | StatusCode::NOT_MODIFIED
    ) && !fields.contains_key(CONTENT_ENCODING)
        && !fields.contains_key(CONTENT_RANGE)
        && !is_kept
        && !response.body().is_empty()
}

/// The fields of an encoded representation: another length, another tag, no ranges of it.
fn relabel(fields: &mut HeaderMap, coding: Coding) {
    fields.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    fields.remove(CONTENT_LENGTH);
    fields.remove(ACCEPT_RANGES);
    fields.remove(TRAILER);
    // RFC 9110 section 8.8.1: a strong tag names these very bytes.
    if let Some(tag) = fields.get(ETAG)
        && !tag.as_bytes().starts_with(b"W/")
    {
        let weak = [b"W/", tag.as_bytes()].concat();
        match HeaderValue::from_bytes(&weak) {
            Ok(weak) => drop(fields.insert(ETAG, weak)),
            Err(_invalid) => drop(fields.remove(ETAG)),
        }
    }
}

/// What compresses well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    /// Made before anybody asks.
    Made,
    /// Made for whoever asks.
    Told,
}

impl Class {
    fn of(fields: &HeaderMap) -> Option<Self> {
        let media_type = fields.get(CONTENT_TYPE)?.to_str().ok()?;
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.split_once('/')? {
            ("text", "css" | "javascript")
            | ("application", "javascript" | "wasm" | "manifest+json" | "vnd.ms-fontobject")
            | ("font", "otf" | "ttf" | "sfnt" | "collection") => Some(Self::Made),
            ("text", _) | ("application", "json" | "xml" | "x-ndjson") | ("image", "svg+xml") => {
                Some(Self::Told)
            }
            ("application", name) if name.ends_with("+json") || name.ends_with("+xml") => {
                Some(Self::Told)
            }
            _ => None,
        }
    }
}

/// Below it the frame of the coding eats what is won, and one packet carries it anyhow.
const BYTES_MIN: u64 = 1_024;

#[cfg(test)]
mod tests;
