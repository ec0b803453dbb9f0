//! A client gives a token back (RFC 7009).

use http::StatusCode;
use serde_json::json;

use crate::answer::{Call, Refusal, Reply, json_reply};
use crate::check::{Held, client, form, verified};
use crate::identity::House;
use crate::record::Record;
use crate::refresh;
use crate::revocations::{Kind, Revocations};

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call)?;
    let client = client(house, call, &form)?;
    let token = form.get("token").ok_or(Refusal::client("invalid_request", "token is missing"))?;
    if refresh::is_refresh_token(token) {
        // Section 2.1: the access tokens that it gave go with it.
        if refresh::end_by_token(house, &client.settings.id, token)? {
            let record = Record::of("token-revoked").client(&client.settings.id);
            house.put(record.source(call.peer).operation("refresh_token"))?;
        }
        return Ok(json_reply(StatusCode::OK, &json!({})));
    }
    // Section 2.2: a token that is not (or no longer) the client's answers like one that was.
    let held = verified(house, token).filter(|held| held.claims.client_id == client.settings.id);
    if let Some(Held { claims, .. }) = held {
        let (now, share) = (house.seams.clock.now(), house.revocations.share());
        let (subject, token_id) = (claims.subject.clone(), claims.token_id.clone());
        let ended = house.seams.store.write(move |transaction| {
            let single = vec![(Kind::Token, token_id.clone())];
            Revocations::write_of(transaction, (&subject, share), single, now)
        })?;
        house.keep(ended)?;
        let record = Record::of("token-revoked").client(&client.settings.id);
        house.put(record.source(call.peer))?;
    }
    Ok(json_reply(StatusCode::OK, &json!({})))
}
