//! A public document that lies ready, with a tag so that asking again is cheap.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{Method, StatusCode};

use crate::answer::{Call, Refusal, Reply, plain};

/// Its media type, and for how long others may keep it.
pub(super) type Label = (&'static str, &'static str);

pub(super) fn reply(
    call: &Call,
    (body, tag): (&Bytes, &str),
    (media_type, cached): Label,
) -> Result<Reply, Refusal> {
    if !matches!(*call.request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::method());
    }
    let asked = call.request.headers().get(IF_NONE_MATCH);
    let is_known = asked.is_some_and(|asked| asked.as_bytes() == tag.as_bytes());
    let mut reply = if is_known {
        plain(StatusCode::NOT_MODIFIED, Bytes::new())
    } else {
        plain(StatusCode::OK, body.clone())
    };
    let headers = reply.headers_mut();
    headers.remove("pragma");
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cached));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    Ok(reply)
}
