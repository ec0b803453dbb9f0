//! The public keys (RFC 7517), ready made, with a tag so that asking again is cheap.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{Method, StatusCode};

use crate::answer::{Call, Refusal, Reply, plain};
use crate::identity::House;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    if !matches!(*call.request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::method());
    }
    let keys = house.keys.snapshot();
    let asked = call.request.headers().get(IF_NONE_MATCH);
    let is_known = asked.is_some_and(|tag| tag.as_bytes() == keys.etag.as_bytes());
    let mut reply = if is_known {
        plain(StatusCode::NOT_MODIFIED, Bytes::new())
    } else {
        plain(StatusCode::OK, keys.jwks.clone())
    };
    let headers = reply.headers_mut();
    headers.remove("pragma");
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(CACHED));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    if let Ok(tag) = HeaderValue::from_str(&keys.etag) {
        headers.insert(ETAG, tag);
    }
    Ok(reply)
}

/// A new key is published a day before it signs, so five minutes are never too old.
const CACHED: &str = "public, max-age=300, stale-while-revalidate=3600";
