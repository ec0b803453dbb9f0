//! The token endpoint (RFC 6749 section 3.2).

use std::sync::Arc;

use http::StatusCode;
use ringwall_base::Secret;
use ringwall_jose::{Confirmation, DpopProof};
use serde_json::json;

use crate::answer::{Call, Refusal, Reply, json_reply};
use crate::check::{bond, client, form, once, proof, resource, scope};
use crate::clients::{Access, Client, Grant};
use crate::codes::Grantee;
use crate::form::Form;
use crate::identity::House;
use crate::record::Record;
use crate::refresh::NewFamily;
use crate::tokens::{Issued, for_person, for_program, id_token};

mod authorization_code;
mod device_code;
mod exchange;
mod refresh_token;

/// Who asks, with what.
struct Asked<'a> {
    call: &'a Call,
    form: &'a Form,
    client: &'a Arc<Client>,
    proof: Option<DpopProof>,
    /// What the tokens are bound to: the key of the proof, or the client's certificate.
    bond: Option<Confirmation>,
}

impl Asked<'_> {
    /// What refresh tokens are bound to, as it is kept.
    fn cnf(&self) -> Option<String> {
        self.bond.as_ref().map(|bond| match bond {
            Confirmation::Certificate(hash) => format!("x5t#S256={hash}"),
            Confirmation::Key(jkt) => jkt.clone(),
        })
    }

    /// The thumbprint of the key of the proof.
    fn jkt(&self) -> Option<&str> {
        self.proof.as_ref().map(DpopProof::jkt)
    }

    /// The grant is good: its proof is used now.
    fn spend(&self, house: &House) -> Result<(), Refusal> {
        self.proof.as_ref().map_or(Ok(()), |proof| once(house, self.call, proof))
    }
}

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call)?;
    // First: neither an assertion nor a code is used up for want of a nonce.
    let proof = proof(house, call)?;
    let client = client(house, call, &form)?;
    let grant = grant(&client, &form)?;
    if !resource(&house.settings.issuer, &form) {
        return Err(Refusal::client("invalid_target", "the resource is not behind this server"));
    }
    let bond = bond(call, &client, (grant, proof.as_ref()))?;
    let asked = Asked { call, form: &form, client: &client, proof, bond };
    match grant {
        Grant::AuthorizationCode => authorization_code::answer(house, &asked),
        Grant::ClientCredentials => client_credentials(house, &asked),
        Grant::DeviceCode => device_code::answer(house, &asked),
        Grant::RefreshToken => refresh_token::answer(house, &asked),
        Grant::TokenExchange => exchange::answer(house, &asked),
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
fn client_credentials(house: &House, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let client = asked.client;
    // A client that cannot keep a secret proved nothing (attack C13).
    if client.settings.access == Access::Public {
        return Err(Refusal::client("unauthorized_client", "the client may not use this grant"));
    }
    let scope = scope(client, asked.form)
        .ok_or(Refusal::client("invalid_scope", "a scope is not the client's"))?;
    asked.spend(house)?;
    let issued = for_program(house, client, (&scope, asked.bond.as_ref()), asked.call.asked)?;
    let record = Record::of("token-issued").client(&client.settings.id).source(asked.call.peer);
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
    asked: &Asked<'_>,
    grantee: &Grantee,
    words: &Words<'_>,
) -> Result<Given, Refusal> {
    let client = asked.client;
    // It may have become another organisation's since they let it act.
    if !client.serves(&grantee.whose.tenant) {
        let why = "the person is of another organisation than the client";
        let record = Record::refused("token-refused", why).client(&client.settings.id);
        let record = record.person(&grantee.whose.subject, &grantee.name);
        house.put(record.source(asked.call.peer).operation(words.grant))?;
        return Err(Refusal::client("invalid_grant", "the grant is not valid"));
    }
    asked.spend(house)?;
    let named = (words.token_id, asked.bond.as_ref());
    let issued = for_person(house, client, grantee, named, asked.call.asked)?;
    let id_token = wanted_id_token(house, client, grantee, &issued)?;
    let record = Record::of(words.action).client(&client.settings.id).source(asked.call.peer);
    house.put(record.person(&grantee.whose.subject, &grantee.name).operation(words.grant))?;
    Ok(Given { issued, id_token, refresh_token: None })
}

/// The refresh tokens that a grant begins with, if the client registered them.
fn new_family(house: &House, asked: &Asked<'_>) -> Result<Option<NewFamily>, Refusal> {
    if !asked.client.uses(Grant::RefreshToken) {
        return Ok(None);
    }
    // RFC 9449 section 5: those of a confidential client are bound to its own credential.
    let is_public = asked.client.settings.access == Access::Public;
    let cnf = asked.cnf().filter(|_| is_public);
    Ok(Some(NewFamily::generate(house, cnf)?))
}

/// One answer for everything of its kind that is not good; the record has the reason.
fn refused(
    house: &House,
    asked: &Asked<'_>,
    (action, why): (&'static str, &str),
    answer: &'static str,
) -> Result<Reply, Refusal> {
    let record = Record::refused(action, why).client(&asked.client.settings.id);
    house.put(record.source(asked.call.peer))?;
    Err(Refusal::client("invalid_grant", answer))
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
        "token_type": issued.kind,
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
