//! A client registers itself (RFC 7591), and reads, changes and removes itself (RFC 7592). Closed until the
//! manifest opens it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, StatusCode};
use ringwall_base::{Secret, Timestamp};
use ringwall_jose::parse_json;
use serde_json::{Map, Value};

use crate::answer::{Call, REGISTER, Refusal, Reply, json_reply, plain};
use crate::clients::{
    ADDED, CHANGED, Client, ClientError, Clients, Growth, NewClient, REMOVED, gains,
};
use crate::form::FORM_BYTES_MAX;
use crate::identity::House;
use crate::record::Record;
use crate::registration::{self, Fault, Pass};

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    if call.request.uri().query().is_some() {
        return Err(Refusal::client("invalid_request", "parameters belong in the body"));
    }
    let rest = call.request.uri().path().strip_prefix(REGISTER).unwrap_or_default();
    match (call.request.method(), rest.strip_prefix('/')) {
        (&Method::POST, None) => register(house, call),
        (&Method::GET, Some(id)) => Ok(Own::of(house, call, id)?.show()),
        (&Method::PUT, Some(id)) => Own::of(house, call, id)?.change(),
        (&Method::DELETE, Some(id)) => Own::of(house, call, id)?.remove(),
        _ => Err(Refusal::method()),
    }
}

/// RFC 7591 section 3. Who has no token learns nothing of what is wrong with the rest.
fn register(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let initial = bearer(call).map(|token| registration::find_good(house, token)).transpose()?;
    let Some((initial, by)) = initial.flatten() else {
        return Err(refused(house, call, "no good initial token")?);
    };
    call.know();
    let body = body(call)?;
    let pass = Pass::generate(house)?;
    let method = body.get("token_endpoint_auth_method").and_then(Value::as_str);
    let nothing = NewClient {
        id: pass.client_id.clone(),
        grants: Vec::new(),
        scopes: Vec::new(),
        ..NewClient::default()
    };
    let new = registration::read(&body, &nothing).map_err(unfit)?;
    let (now, clients) = (house.seams.clock.now(), Clients::new(house));
    let record = record(call, ADDED, &by);
    let admitted = clients.add_if(new, record, pass.admit(&initial, now));
    let secret = match admitted {
        Ok(secret) => secret,
        Err(error) => return Err(unregistered(house, call, error)?),
    };
    let client = clients.find(&pass.client_id).map_err(|error| Refusal::unavailable(&error))?;
    let own = Own { house, call, client, token: pass.token.expose(), since: now, by };
    Ok(own.reply(StatusCode::CREATED, Shown { method, secret: secret.as_ref() }))
}

/// What is said beside what is kept.
#[derive(Default)]
struct Shown<'a> {
    /// The way to send a secret that the client named: both count.
    method: Option<&'a str>,
    secret: Option<&'a Secret<String>>,
}

/// A client that proved to be itself.
struct Own<'a> {
    house: &'a House,
    call: &'a Call,
    client: Arc<Client>,
    token: &'a str,
    since: Timestamp,
    /// The id of the initial token that let it in.
    by: String,
}

impl<'a> Own<'a> {
    /// One answer for a client that is not there and a token that is not its own.
    fn of(house: &'a House, call: &'a Call, id: &str) -> Result<Self, Refusal> {
        let token = bearer(call);
        let owns = token.map(|token| registration::owns(house, id, token)).transpose()?.flatten();
        let (Some(token), Some(owns), Some(client)) = (token, owns, house.clients.get(id)) else {
            return Err(refused(house, call, "not the client's own token")?);
        };
        // Who changes itself without end is held to the pace of strangers: each time all clients are
        // read anew.
        if call.request.method() == Method::GET {
            call.know();
        }
        if client.is_disabled {
            return Err(Refusal::Client {
                status: StatusCode::FORBIDDEN,
                error: "access_denied",
                why: "the client is disabled",
            });
        }
        let (since, by) = owns;
        Ok(Self { house, call, client, token, since, by })
    }

    /// RFC 7592 section 2.1. The secret is not kept, so it cannot be shown again.
    fn show(&self) -> Reply {
        self.reply(StatusCode::OK, Shown::default())
    }

    /// Section 2.2: all of it is new. How it proves who it is stays (attack M4, CVE-2026-15572).
    fn change(self) -> Result<Reply, Refusal> {
        let body = body(self.call)?;
        if OURS.iter().any(|name| body.contains_key(*name)) {
            return Err(metadata("a member is the server's to say"));
        }
        let settings = &self.client.settings;
        if body.get("client_id").and_then(Value::as_str) != Some(&settings.id) {
            return Err(metadata("`client_id` is not the client's"));
        }
        if let Some(secret) = body.get("client_secret")
            && !secret.as_str().is_some_and(|secret| self.client.has_secret(secret))
        {
            return Err(metadata("`client_secret` is not the client's"));
        }
        let new = registration::read(&body, settings).map_err(unfit)?;
        if settings.growth == Growth::Over && gains(settings, &new) {
            return Err(metadata("an operator took it away: ask whoever runs this service"));
        }
        let method = body.get("token_endpoint_auth_method").and_then(Value::as_str);
        let clients = Clients::new(self.house);
        let record = record(self.call, CHANGED, &self.by);
        if let Err(error) = clients.replace(&self.client, new, record) {
            return Err(unregistered(self.house, self.call, error)?);
        }
        let client = clients.find(&settings.id).map_err(|error| Refusal::unavailable(&error))?;
        let changed = Own { client, ..self };
        Ok(changed.reply(StatusCode::OK, Shown { method, secret: None }))
    }

    /// Section 2.3.
    fn remove(&self) -> Result<Reply, Refusal> {
        let record = record(self.call, REMOVED, &self.by);
        let removed = Clients::new(self.house).remove(&self.client.settings.id, record);
        removed.map_err(|error| Refusal::unavailable(&error))?;
        Ok(plain(StatusCode::NO_CONTENT, Bytes::new()))
    }

    fn reply(&self, status: StatusCode, Shown { method, secret }: Shown<'_>) -> Reply {
        let settings = &self.client.settings;
        let mut body = registration::shown(settings, method);
        if let Some(members) = body.as_object_mut() {
            let uri = format!("{}{REGISTER}/{}", self.house.settings.issuer, settings.id);
            members.insert("client_id_issued_at".to_owned(), self.since.secs().into());
            members.insert("registration_client_uri".to_owned(), uri.into());
            members.insert("registration_access_token".to_owned(), self.token.into());
            if let Some(secret) = secret {
                members.insert("client_secret".to_owned(), secret.expose().as_str().into());
                // It does not expire.
                members.insert("client_secret_expires_at".to_owned(), 0.into());
            }
        }
        json_reply(status, &body)
    }
}

/// What a client does to itself, and who let it in.
fn record(call: &Call, action: &'static str, initial: &str) -> Record {
    Record::of(action).source(call.peer).operation(format!("registration {initial}"))
}

/// The one token, in the header and nowhere else.
fn bearer(call: &Call) -> Option<&str> {
    let mut values = call.request.headers().get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn body(call: &Call) -> Result<Map<String, Value>, Refusal> {
    let media = call.request.headers().get(CONTENT_TYPE);
    let media = media.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(metadata("the body is to be application/json"));
    }
    let body = call.request.body();
    if body.len() > FORM_BYTES_MAX {
        let (error, why) = ("invalid_client_metadata", "the body is too large");
        return Err(Refusal::Client { status: StatusCode::PAYLOAD_TOO_LARGE, error, why });
    }
    parse_json(body).map_err(|_malformed| metadata("the body is no JSON object"))
}

/// RFC 6750 section 3.1. The reason is for the record.
fn refused(house: &House, call: &Call, why: &str) -> Result<Refusal, Refusal> {
    house.put(Record::refused("registration-refused", why).source(call.peer))?;
    Ok(Refusal::Client {
        status: StatusCode::UNAUTHORIZED,
        error: "invalid_token",
        why: "no valid token for this",
    })
}

fn unfit(Fault { error, why }: Fault) -> Refusal {
    Refusal::client(error, why)
}

/// What was found when it was to be written.
fn unregistered(house: &House, call: &Call, error: ClientError) -> Result<Refusal, Refusal> {
    Ok(match error {
        ClientError::NotAdmitted => return refused(house, call, "the initial token was used up"),
        ClientError::Full => {
            let record = Record::refused("registration-refused", "too many clients");
            house.put(record.source(call.peer))?;
            Refusal::Client {
                status: StatusCode::FORBIDDEN,
                error: "access_denied",
                why: "there are too many clients that registered themselves",
            }
        }
        ClientError::RedirectUri(_) => Refusal::client(
            "invalid_redirect_uri",
            "an address is not https, nor http on 127.0.0.1 or [::1]",
        ),
        ClientError::Kind => metadata("`token_endpoint_auth_method` never changes in kind"),
        ClientError::Keys(_) | ClientError::NoKeys => metadata("`jwks` has no acceptable keys"),
        ClientError::Idle => metadata("it can do nothing: no `redirect_uris`, and no device"),
        ClientError::Stale => Refusal::Client {
            status: StatusCode::CONFLICT,
            error: "invalid_request",
            why: "the client was changed meanwhile",
        },
        other => Refusal::unavailable(&other),
    })
}

const fn metadata(why: &'static str) -> Refusal {
    Refusal::client("invalid_client_metadata", why)
}

/// RFC 7592 section 2.2.
const OURS: [&str; 4] = [
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
];
