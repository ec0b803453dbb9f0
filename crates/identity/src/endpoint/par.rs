//! The pushed authorization request endpoint (RFC 9126): the same checks as at the front door, but
//! before a browser is involved, and from a client that proved who it is.

use http::StatusCode;
use ringwall_jose::DpopProof;
use serde_json::json;

use crate::answer::{Call, Refusal, Reply, json_reply};
use crate::check::{authorization_request, client, form, once, proof, redirect_uri};
use crate::clients::Grant;
use crate::identity::House;
use crate::pushed::push;
use crate::record::Record;
use crate::room::Share;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let mut form = form(call)?;
    let proof = proof(house, call)?;
    let client = client(house, call, &form)?;
    if !client.uses(Grant::AuthorizationCode) {
        let why = "the client may not use this grant";
        return Err(Refusal::client("unauthorized_client", why));
    }
    // Section 2.1: a request in a request would be one that nobody checked.
    if form.get("request_uri").is_some() {
        return Err(Refusal::client("invalid_request", "request_uri cannot be pushed"));
    }
    if let Some(jkt) = proof.as_ref().map(DpopProof::jkt) {
        // RFC 9449 section 10.1: the proof stands for the parameter, and both must agree.
        if form.get("dpop_jkt").is_some_and(|named| named != jkt) {
            return Err(Refusal::client("invalid_dpop_proof", "dpop_jkt is of another key"));
        }
        form.set("dpop_jkt", jkt.to_owned());
    }
    form.set("client_id", client.settings.id.clone());
    if redirect_uri(&client, &form).is_none() {
        return Err(Refusal::client("invalid_request", "redirect_uri is not registered"));
    }
    authorization_request(&house.settings.issuer, &client, &form)
        .map_err(|fault| Refusal::client(fault.error, fault.why))?;
    if let Some(proof) = &proof {
        once(house, call, proof)?;
    }
    let pushed =
        push(house, (&client.settings.id, Share::of(call)), &form)?.ok_or(Refusal::Client {
            status: StatusCode::TOO_MANY_REQUESTS,
            error: "temporarily_unavailable",
            why: "too many requests are waiting",
        })?;
    house.put(Record::of("request-pushed").client(&client.settings.id).source(call.peer))?;
    let body = json!({"request_uri": pushed.request_uri, "expires_in": pushed.life.as_secs()});
    Ok(json_reply(StatusCode::CREATED, &body))
}
