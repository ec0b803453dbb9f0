//! The token endpoint (RFC 6749 section 3.2).

use http::StatusCode;
use ringwall_base::Secret;
use serde_json::json;

use crate::answer::{Call, Refusal, Reply, json_reply};
use crate::check::{client, form, scope};
use crate::clients::{Access, Client, Grant};
use crate::codes::Grantee;
use crate::form::Form;
use crate::identity::House;
use crate::record::Record;
use crate::tokens::{Issued, for_person, for_program, id_token};

mod authorization_code;
mod refresh_token;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call)?;
    let client = client(house, call, &form)?;
    match grant(&client, &form)? {
        Grant::ClientCredentials => client_credentials(house, call, &client, &form),
        Grant::AuthorizationCode => authorization_code::answer(house, call, &client, &form),
        Grant::RefreshToken => refresh_token::answer(house, call, &client, &form),
    }
}

/// The grant that is asked for, if the client registered it. Others do not exist: no password grant.
fn grant(client: &Client, form: &Form) -> Result<Grant, Refusal> {
    let named = form.get("grant_type");
    let named = named.ok_or(Refusal::client("invalid_request", "grant_type is missing"))?;
    let unknown = Refusal::client("unsupported_grant_type", "no such grant_type");
    let grant = Grant::parse(named).ok_or(unknown)?;
    if client.uses(grant) {
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
    Ok(reply(&Given { issued, id_token: None, refresh_token: None }))
}

/// What a grant of a person gives.
struct Given {
    issued: Issued,
    id_token: Option<String>,
    refresh_token: Option<Secret<String>>,
}

/// What is said of tokens where they are recorded.
struct Words<'a> {
    action: &'static str,
    grant: &'static str,
    token_id: &'a str,
}

/// The tokens for a person, recorded.
fn give(
    house: &House,
    call: &Call,
    client: &Client,
    grantee: &Grantee,
    words: &Words<'_>,
) -> Result<Given, Refusal> {
    let issued = for_person(house, client, grantee, words.token_id)?;
    let id_token = wanted_id_token(house, client, grantee, &issued)?;
    let record = Record::of(words.action).client(&client.settings.id).source(call.peer);
    house.put(record.person(&grantee.subject, &grantee.name).operation(words.grant))?;
    Ok(Given { issued, id_token, refresh_token: None })
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

fn reply(given: &Given) -> Reply {
    let issued = &given.issued;
    let mut body = json!({
        "access_token": issued.token,
        "token_type": "Bearer",
        "expires_in": issued.life.as_secs(),
    });
    if let Some(members) = body.as_object_mut() {
        if !issued.scope.is_empty() {
            members.insert("scope".to_owned(), issued.scope.as_str().into());
        }
        if let Some(id_token) = &given.id_token {
            members.insert("id_token".to_owned(), id_token.as_str().into());
        }
        if let Some(refresh_token) = &given.refresh_token {
            members.insert("refresh_token".to_owned(), refresh_token.expose().as_str().into());
        }
    }
    json_reply(StatusCode::OK, &body)
}
