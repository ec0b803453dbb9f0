//! Which client asks, proved in the one way that it registered.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use ringwall_base::Timestamp;
use ringwall_jose::{Expected, base64url_decode, parse_json};
use serde_json::Value;

use crate::answer::{Call, Refusal};
use crate::check::certificate;
use crate::clients::{Access, Client, Owner};
use crate::federation::federated;
use crate::form::{Form, decode};
use crate::identity::House;
use crate::record::Record;
use crate::replay::{Shown, once};

/// What the request offers as proof.
enum Proof {
    Assertion { id: String, token: String },
    Nothing { id: String },
    Secret { id: String, secret: String },
}

/// Authenticates the client. All failures look alike; the record has the reason.
pub(crate) fn client(house: &House, call: &Call, form: &Form) -> Result<Arc<Client>, Refusal> {
    let proof = proof(call, form)?;
    let id = match &proof {
        Proof::Assertion { id, .. } | Proof::Nothing { id } | Proof::Secret { id, .. } => id,
    };
    let known = house.clients.get(id);
    match judge(house, call, known.as_deref(), &proof) {
        Ok(()) => {
            let client = known.ok_or(Refusal::invalid_client())?;
            // Everybody can say that they are a public client.
            if client.settings.access != Access::Public {
                call.know();
            }
            Ok(client)
        }
        Err(why) => {
            let record = Record::refused("client-authentication-failed", why);
            house.put(record.client(id).source(call.peer))?;
            Err(Refusal::invalid_client())
        }
    }
}

/// Who the request claims to be from. Nothing is proved by it.
pub(crate) fn claimed_client(call: &Call, form: &Form) -> Option<String> {
    proof(call, form).ok().map(|proof| match proof {
        Proof::Assertion { id, .. } | Proof::Nothing { id } | Proof::Secret { id, .. } => id,
    })
}

fn judge(
    house: &House,
    call: &Call,
    client: Option<&Client>,
    proof: &Proof,
) -> Result<(), &'static str> {
    let Some(client) = client else { return Err("unknown client") };
    match (&client.settings.access, proof) {
        (Access::Secret, Proof::Secret { secret, .. }) if client.has_secret(secret) => {}
        (Access::Secret, Proof::Secret { .. }) => return Err("wrong secret"),
        (Access::Key(_), Proof::Assertion { token, .. }) => assertion(house, client, token)?,
        (Access::Federated(other), Proof::Assertion { token, .. }) => {
            federated(house, client, (other, token), house.seams.clock.now())?;
        }
        (Access::Public, Proof::Nothing { .. }) => {}
        // RFC 8705 section 2: the certificate of the connection, beside the `client_id`.
        (access, Proof::Nothing { .. }) if access.is_by_certificate() => {
            certificate(client, call.certificate(), house.seams.clock.now())?;
        }
        // No downgrade: a client with a key never gets in with a secret or with nothing (attack C6).
        _ => return Err("not the registered method"),
    }
    if client.is_disabled { Err("disabled client") } else { Ok(()) }
}

/// `private_key_jwt`: RFC 7523 with the audience of its revision, our issuer and nothing else.
fn assertion(house: &House, client: &Client, token: &str) -> Result<(), &'static str> {
    let expected =
        Expected { issuer: client.settings.id.clone(), audience: house.settings.issuer.clone() };
    let now = house.seams.clock.now();
    let claims =
        client.keys.verify_assertion(token, &expected, now).map_err(|error| error.reason())?;
    let shown = Shown {
        client: &claims.client_id,
        is_stranger: client.settings.owner == Owner::Registration,
        issuer: &claims.client_id,
        token_id: &claims.token_id,
        issued: claims.issued,
        // Remembered a little longer than it is accepted, so that the leeway is not a second chance.
        until: claims.expires.plus(std::time::Duration::from_secs(30)),
    };
    once(house, &shown)
}

/// Whether the disk is needed to know whether the request is from its client.
pub(crate) fn is_written(house: &House, call: &Call, form: &Form) -> bool {
    let Some(token) = form.get("client_assertion") else { return false };
    let known = claimed_client(call, form).and_then(|id| house.clients.get(&id));
    known.is_some_and(|client| match &client.settings.access {
        Access::Federated(federation) => !federation.may_repeat,
        Access::Key(_) => {
            let issued = claim(token, "iat").as_ref().and_then(Value::as_u64);
            house.replay.needs_disk(issued.map(Timestamp::from_secs), house.seams.clock.now())
        }
        _ => false,
    })
}

fn proof(call: &Call, form: &Form) -> Result<Proof, Refusal> {
    let mut headers = call.request.headers().get_all(AUTHORIZATION).iter();
    let basic = headers.next();
    if headers.next().is_some() {
        return Err(Refusal::client("invalid_request", "two Authorization headers"));
    }
    let (secret, token) = (form.get("client_secret"), form.get("client_assertion"));
    let ways = [basic.is_some(), secret.is_some(), token.is_some()];
    // RFC 6749 section 2.3: one method per request (attack C7).
    if ways.into_iter().filter(|used| *used).count() > 1 {
        return Err(Refusal::client("invalid_request", "more than one client authentication"));
    }
    let named = form.get("client_id").map(str::to_owned);
    if let Some(basic) = basic {
        let (id, secret) =
            basic.to_str().ok().and_then(credentials).ok_or(Refusal::invalid_client())?;
        if named.is_some_and(|named| named != id) {
            return Err(Refusal::client("invalid_request", "two client ids"));
        }
        return Ok(secret_or_nothing(id, secret));
    }
    if let Some(token) = token {
        if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(Refusal::client("invalid_request", "unknown client_assertion_type"));
        }
        // What the client calls itself is compared with what the token says when it is verified. One
        // of another issuer knows the client by another name, so that is said.
        let id = named.or_else(|| subject(token)).ok_or(Refusal::invalid_client())?;
        return Ok(Proof::Assertion { id, token: token.to_owned() });
    }
    let id = named.ok_or(Refusal::invalid_client())?;
    Ok(secret_or_nothing(id, secret.unwrap_or_default().to_owned()))
}

/// RFC 6749 section 2.3.1: an empty secret may as well be left out. It proves as much.
fn secret_or_nothing(id: String, secret: String) -> Proof {
    if secret.is_empty() { Proof::Nothing { id } } else { Proof::Secret { id, secret } }
}

/// RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
fn credentials(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((decode(id).ok()?, decode(secret).ok()?))
}

/// Who an assertion claims to be. Only picks the keys; the claim is verified with them.
fn subject(token: &str) -> Option<String> {
    claim(token, "sub")?.as_str().map(str::to_owned)
}

/// What a token says without proof.
fn claim(token: &str, name: &str) -> Option<Value> {
    let payload = base64url_decode(token.split('.').nth(1)?)?;
    parse_json(&payload).ok()?.get(name).cloned()
}

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
