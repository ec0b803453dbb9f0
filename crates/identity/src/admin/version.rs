//! Versions of what is changed: an `ETag`, and `If-Match` before a change, so that nobody undoes unseen
//! what another just did.

use aws_lc_rs::digest::{SHA256, digest};
use http::StatusCode;
use http::header::{ETAG, HeaderValue, IF_MATCH};
use ringwall_jose::base64url_encode;
use serde_json::Value;

use super::problem::Problem;
use crate::answer::{Call, Reply, json_reply};

/// 200, or 201, with its version.
pub(super) fn reply(status: StatusCode, body: &Value) -> Reply {
    let mut reply = json_reply(status, body);
    if let Ok(tag) = HeaderValue::from_str(&tag(body)) {
        reply.headers_mut().insert(ETAG, tag);
    }
    reply
}

/// The request names the version that it changes.
pub(super) fn matches(call: &Call, body: &Value) -> Result<(), Problem> {
    let mut given = call.request.headers().get_all(IF_MATCH).iter();
    let given = match (given.next(), given.next()) {
        (Some(one), None) => one.to_str().unwrap_or_default(),
        (None, _) => {
            let detail = "say which version you change: If-Match with the ETag of it";
            return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, detail));
        }
        (Some(_), Some(_)) => return Err(Problem::malformed("one If-Match is enough")),
    };
    if given == tag(body) { Ok(()) } else { Err(Problem::stale()) }
}

fn tag(body: &Value) -> String {
    let hash = digest(&SHA256, body.to_string().as_bytes());
    format!("\"{}\"", base64url_encode(hash.as_ref().get(..16).unwrap_or_default()))
}
