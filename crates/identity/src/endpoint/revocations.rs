//! What is revoked, for services that verify tokens themselves: the whole list, or that it is still
//! the one that the service knows. Asked every few seconds.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;

use crate::answer::{Call, Refusal, Reply, json_reply, plain};
use crate::check::{client, form};
use crate::clients::Access;
use crate::identity::House;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call)?;
    let client = client(house, call, &form)?;
    // Ids of people and sessions are in it: for clients that an operator gave the scope to, and that
    // prove who they are.
    if client.settings.access == Access::Public || !client.may_have(SCOPE) {
        return Err(Refusal::Client {
            status: StatusCode::FORBIDDEN,
            error: "insufficient_scope",
            why: "the client may not read revocations",
        });
    }
    let feed = house.revocations.feed(house.seams.clock.now());
    if form.get("tag") == Some(feed.tag.as_str()) {
        return Ok(json_reply(StatusCode::OK, &json!({"tag": feed.tag})));
    }
    let mut reply = plain(StatusCode::OK, feed.document.clone());
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(reply)
}

/// The scope of clients that may.
const SCOPE: &str = "ringwall:revocations";
