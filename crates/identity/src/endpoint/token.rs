//! The token endpoint (RFC 6749 section 3.2).

use http::StatusCode;
use ringwall_base::Secret;
use serde_json::json;

use crate::answer::{Call, Refusal, Reply, json_reply};
use crate::check::{client, form, scope, verifier};
use crate::clients::{Access, Client, Grant};
use crate::codes::{Grantee, Presented, Redeemed, redeem};
use crate::form::Form;
use crate::identity::House;
use crate::record::Record;
use crate::revocations::{HOLD, Kind};
use crate::tokens::{Issued, for_person, for_program, id_token};

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call)?;
    let client = client(house, call, &form)?;
    match grant(&client, &form)? {
        Grant::ClientCredentials => client_credentials(house, call, &client, &form),
        Grant::AuthorizationCode => authorization_code(house, call, &client, &form),
    }
}

/// The grant that is asked for, if the client registered it. Others do not exist: no password grant.
fn grant(client: &Client, form: &Form) -> Result<Grant, Refusal> {
    let grant = match form.get("grant_type") {
        Some("authorization_code") => Grant::AuthorizationCode,
        Some("client_credentials") => Grant::ClientCredentials,
        Some(_) => {
            return Err(Refusal::client("unsupported_grant_type", "no such grant_type"));
        }
        None => return Err(Refusal::client("invalid_request", "grant_type is missing")),
    };
    if client.settings.grants.contains(&grant) {
        return Ok(grant);
    }
    Err(Refusal::client("unauthorized_client", "the client may not use this grant"))
}

/// A token for the program itself. Nothing is written: it is signed, recorded and forgotten.
fn client_credentials(
    house: &House,
    call: &Call,
    client: &Client,
    form: &Form,
) -> Result<Reply, Refusal> {
    // A client that cannot keep a secret proved nothing (attack C13).
    if client.settings.access == Access::Public {
        return Err(Refusal::client("unauthorized_client", "the client may not use this grant"));
    }
    let scope = scope(client, form)
        .ok_or(Refusal::client("invalid_scope", "a scope is not the client's"))?;
    let issued = for_program(house, client, &scope)?;
    let record = Record::of("token-issued").client(&client.settings.id).source(call.peer);
    house.put(record.operation("client_credentials"))?;
    Ok(reply(&issued, None))
}

fn authorization_code(
    house: &House,
    call: &Call,
    client: &Client,
    form: &Form,
) -> Result<Reply, Refusal> {
    let presented = presented(house, client, form)?;
    let token_id = presented.token_id.clone();
    let now = house.seams.clock.now();
    let grantee = match redeem(&house.seams.store, presented, now)? {
        Redeemed::Good(grantee) => grantee,
        Redeemed::Refused(why) => return refused(house, call, client, "code-refused", why),
        Redeemed::Replayed(given) => {
            if let Some(given) = given {
                house.revocations.add(Kind::Token, given, now.plus(HOLD));
            }
            return refused(house, call, client, "code-reuse", "code used before");
        }
    };
    let issued = for_person(house, client, &grantee, &token_id)?;
    let id_token = wanted_id_token(house, client, &grantee, &issued)?;
    let record = Record::of("token-issued").client(&client.settings.id).source(call.peer);
    let record = record.person(&grantee.subject, &grantee.name).operation("authorization_code");
    house.put(record)?;
    Ok(reply(&issued, id_token))
}

fn presented(house: &House, client: &Client, form: &Form) -> Result<Presented, Refusal> {
    let missing = |why| Refusal::client("invalid_request", why);
    let code = form.get("code").ok_or(missing("code is missing"))?;
    let redirect_uri = form.get("redirect_uri").ok_or(missing("redirect_uri is missing"))?;
    Ok(Presented {
        code: Secret::new(code.to_owned()),
        client_id: client.settings.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        challenge: verifier(form).map_err(missing)?,
        token_id: house.token_id()?,
    })
}

/// One answer for every code that is not good; the record has the reason.
fn refused(
    house: &House,
    call: &Call,
    client: &Client,
    action: &'static str,
    why: &str,
) -> Result<Reply, Refusal> {
    let record = Record::refused(action, why).client(&client.settings.id).source(call.peer);
    house.put(record)?;
    Err(Refusal::client("invalid_grant", "the code is not valid"))
}

fn wanted_id_token(
    house: &House,
    client: &Client,
    grantee: &Grantee,
    issued: &Issued,
) -> Result<Option<String>, Refusal> {
    let is_openid = grantee.scope.split(' ').any(|scope| scope == "openid");
    if !is_openid {
        return Ok(None);
    }
    Ok(Some(id_token(house, client, grantee, &issued.token)?))
}

fn reply(issued: &Issued, id_token: Option<String>) -> Reply {
    let mut body = json!({
        "access_token": issued.token,
        "token_type": "Bearer",
        "expires_in": issued.life.as_secs(),
    });
    if let Some(members) = body.as_object_mut() {
        if !issued.scope.is_empty() {
            members.insert("scope".to_owned(), issued.scope.as_str().into());
        }
        if let Some(id_token) = id_token {
            members.insert("id_token".to_owned(), id_token.into());
        }
    }
    json_reply(StatusCode::OK, &body)
}
