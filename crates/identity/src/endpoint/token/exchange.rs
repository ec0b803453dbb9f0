//! `grant_type=urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): a service that was called
//! with a person's token gets one with which it calls on. It says who acts, and never more than the
//! first one said.

use http::StatusCode;
use serde_json::{Value, json};

use super::Asked;
use crate::answer::{Refusal, Reply, json_reply};
use crate::check::{Held, verified};
use crate::clients::Access;
use crate::form::Form;
use crate::identity::House;
use crate::record::Record;
use crate::tokens::for_actor;

pub(super) fn answer(house: &House, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let token = parameters(asked.form, &house.settings.issuer)?;
    // Foreign tokens, ID tokens and refresh tokens do not verify as ours (attack X2).
    let Some(held) = verified(house, token) else {
        return refused(house, asked, ("the subject token does not hold", BAD));
    };
    let act = match allowed(asked, &held) {
        Ok(act) => act,
        Err(why) => return refused(house, asked, why),
    };
    let scope = narrowed(asked, &held)
        .ok_or(Refusal::client("invalid_scope", "a scope is not the token's or the client's"))?;
    asked.spend(house)?;
    let held_by = (&held, asked.bond.as_ref());
    let issued = for_actor(house, asked.client, held_by, (&scope, &act), asked.call.asked)?;
    let claims = &held.claims;
    if issued.life.is_zero() {
        // Within the leeway of our own clock, but nothing is left to give.
        return refused(house, asked, ("the subject token does not hold", BAD));
    }
    let record = Record::of("token-exchanged").client(&asked.client.settings.id);
    let record = record.person(&claims.subject, claims.name.as_deref().unwrap_or_default());
    house.put(record.source(asked.call.peer).operation(format!("from {}", claims.client_id)))?;
    let body = json!({
        "access_token": issued.token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": issued.kind,
        "expires_in": issued.life.as_secs(),
        "scope": issued.scope,
    });
    Ok(json_reply(StatusCode::OK, &body))
}

/// The subject token, if nothing else is asked for than what there is (section 2.1).
fn parameters<'a>(form: &'a Form, issuer: &str) -> Result<&'a str, Refusal> {
    let invalid = |why| Refusal::client("invalid_request", why);
    if form.get("actor_token").is_some() || form.get("actor_token_type").is_some() {
        return Err(invalid("the actor is the client itself"));
    }
    if form.get("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN) {
        return Err(invalid("only access tokens are issued"));
    }
    if form.get("subject_token_type") != Some(ACCESS_TOKEN) {
        return Err(invalid("subject_token_type must be an access token"));
    }
    // Attack X4: a token for us is never made one for somebody else.
    if form.get("audience").is_some_and(|audience| audience != issuer) {
        return Err(Refusal::client("invalid_target", "no such audience"));
    }
    form.get("subject_token").ok_or(invalid("subject_token is missing"))
}

/// Who acts then, from the last to the first; or the reason for the record, and the answer.
fn allowed(asked: &Asked<'_>, held: &Held) -> Result<Value, (&'static str, Refusal)> {
    let (client, claims) = (asked.client, &held.claims);
    let id = client.settings.id.as_str();
    // Attack X3: the client proved itself, and was allowed to take tokens of that other one.
    let is_public = client.settings.access == Access::Public;
    let is_known = client.settings.may_act_for.iter().any(|other| *other == claims.client_id);
    if is_public || !is_known {
        return Err(("not allowed to act for this client", FORBIDDEN));
    }
    if claims.is_program() {
        return Err(("no person is behind the token", BAD));
    }
    if !client.serves(&claims.organisation) {
        return Err(("the person is of another organisation than the client", BAD));
    }
    // Attack D8: who cannot use the token cannot exchange it, and what comes out stays bound.
    if held.bond.is_some() && held.bond != asked.bond {
        return Err(("what the subject token is bound to was not proved", BAD));
    }
    let before = claims.extra.get("act");
    let (mut depth, mut actor) = (1_usize, before);
    while let Some(one) = actor {
        if one.get("sub").and_then(Value::as_str).is_none_or(|sub| sub == id) {
            return Err(("the client acts already", BAD));
        }
        (depth, actor) = (depth.saturating_add(1), one.get("act"));
    }
    if depth > DEPTH_MAX {
        return Err(("too many act already", BAD));
    }
    let mut act = json!({"sub": id});
    if let (Some(members), Some(before)) = (act.as_object_mut(), before) {
        members.insert("act".to_owned(), before.clone());
    }
    Ok(act)
}

/// What the token has and the client may have, or the part of it that is asked for.
fn narrowed(asked: &Asked<'_>, held: &Held) -> Option<String> {
    let both: Vec<&str> = held.claims.scopes.iter().map(String::as_str).collect();
    let both: Vec<&str> = both.into_iter().filter(|one| asked.client.may_have(one)).collect();
    let Some(wanted) = asked.form.get("scope") else { return Some(both.join(" ")) };
    let wanted: Vec<&str> = wanted.split(' ').filter(|one| !one.is_empty()).collect();
    wanted.iter().all(|one| both.contains(one)).then(|| wanted.join(" "))
}

fn refused(
    house: &House,
    asked: &Asked<'_>,
    (why, answer): (&str, Refusal),
) -> Result<Reply, Refusal> {
    let record = Record::refused("token-refused", why).client(&asked.client.settings.id);
    house.put(record.source(asked.call.peer).operation("token-exchange"))?;
    Err(answer)
}

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Section 2.2.2. One answer for every token that is not good.
const BAD: Refusal = Refusal::client("invalid_request", "the subject token is not valid");
const FORBIDDEN: Refusal =
    Refusal::client("unauthorized_client", "the client may not act for the token's client");
/// The first to act and three behind it: longer chains are loops.
const DEPTH_MAX: usize = 4;
