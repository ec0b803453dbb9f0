//! What a token is worth (RFC 7662), told to the client that it was issued to.

use http::StatusCode;
use serde_json::json;

use crate::answer::{Call, Refusal, Reply, json_reply};
use crate::check::{client, form, verified};
use crate::identity::House;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call)?;
    let client = client(house, call, &form)?;
    let token = form.get("token").ok_or(Refusal::client("invalid_request", "token is missing"))?;
    // Another client's token looks like none at all: no oracle (attack T7).
    let claims = verified(house, token).filter(|claims| claims.client_id == client.settings.id);
    let body = claims.map_or(json!({"active": false}), |claims| {
        json!({
            "active": true,
            "iss": claims.issuer,
            "aud": claims.audience,
            "sub": claims.subject,
            "client_id": claims.client_id,
            "exp": claims.expires.secs(),
            "iat": claims.issued.secs(),
            "jti": claims.token_id,
            "scope": claims.scopes.join(" "),
            "username": claims.name,
            "token_type": "Bearer",
        })
    });
    Ok(json_reply(StatusCode::OK, &body))
}
