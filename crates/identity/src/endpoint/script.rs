//! The one script: it asks the browser for a passkey, and sends the answer as a form.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};

use crate::answer::{Call, Refusal, Reply, plain};

pub(crate) fn answer(call: &Call) -> Result<Reply, Refusal> {
    if !matches!(*call.request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::method());
    }
    let mut reply = plain(StatusCode::OK, Bytes::from_static(SCRIPT.as_bytes()));
    let kind = HeaderValue::from_static("text/javascript; charset=utf-8");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(reply)
}

const SCRIPT: &str = include_str!("../page/passkey.js");
