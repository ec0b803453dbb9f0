//! What a token is worth (RFC 7662), told to the client that it was issued to.

use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Call, Refusal, Reply, json_reply};
use crate::check::{Held, client, form, verified};
use crate::clients::{Access, Client};
use crate::identity::House;
use crate::refresh::{Live, is_refresh_token, look};
use crate::tokens::kind;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call)?;
    let client = client(house, call, &form)?;
    // RFC 7662 section 2.1: only who is authenticated may ask. A public client is not; a thief would
    // learn here when the token that he copied has been rotated, and use it up within the grace.
    if client.settings.access == Access::Public {
        return Err(Refusal::invalid_client());
    }
    let token = form.get("token").ok_or(Refusal::client("invalid_request", "token is missing"))?;
    if is_refresh_token(token) {
        let body = match look(house, &client, token)? {
            Some(live) => of_refresh_token(house, &client, &live),
            None => json!({"active": false}),
        };
        return Ok(json_reply(StatusCode::OK, &body));
    }
    // Another client's token looks like none at all: no oracle (attack T7).
    let held = verified(house, token).filter(|held| held.claims.client_id == client.settings.id);
    let body = held.map_or(json!({"active": false}), |Held { claims, bond }| {
        let mut body = json!({
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
            "token_type": kind(bond.as_ref()),
        });
        if let (Some(tenant), Some(members)) = (claims.organisation.named(), body.as_object_mut()) {
            members.insert("tenant".to_owned(), tenant.into());
        }
        if let (Some(act), Some(members)) = (claims.extra.get("act"), body.as_object_mut()) {
            members.insert("act".to_owned(), act.clone());
        }
        if let (Some(bond), Some(members)) = (bond, body.as_object_mut()) {
            members.insert("cnf".to_owned(), json!(bond));
        }
        body
    });
    Ok(json_reply(StatusCode::OK, &body))
}

fn of_refresh_token(house: &House, client: &Client, live: &Live) -> Value {
    let mut body = json!({
        "active": true,
        "iss": house.settings.issuer,
        "sub": live.subject,
        "client_id": client.settings.id,
        "exp": live.expires.secs(),
        "iat": live.issued.secs(),
        "scope": live.scope,
        "username": live.name,
    });
    if let (Some(tenant), Some(members)) = (live.organisation.named(), body.as_object_mut()) {
        members.insert("tenant".to_owned(), tenant.into());
    }
    body
}
