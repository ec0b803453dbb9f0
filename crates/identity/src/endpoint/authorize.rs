//! The authorization endpoint (RFC 6749 section 4.1.1, with PKCE for every client).

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringwall_base::Person;
use ringwall_jose::base64url_decode;

use crate::answer::{Call, Refusal, Reply, see_other};
use crate::check::{Redirect, challenge, redirect_uri, scope, session};
use crate::clients::{Client, Grant};
use crate::codes::{Binding, issue};
use crate::form::Form;
use crate::identity::House;
use crate::record::Record;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    if call.request.method() != Method::GET {
        return Err(Refusal::method());
    }
    let form = query(call)?;
    // Until the redirect URI is known to be the client's, errors go to the person.
    let client = client(house, &form)?;
    let redirect = redirect(house, call, &client, &form)?;
    // From here on they go to the client.
    response_type(&redirect, &form)?;
    sizes(&redirect, &form)?;
    let binding = binding(&client, &redirect, &form)?;
    let Some(person) = person(house, call, &redirect, &form)? else {
        return Ok(to_login(house, call));
    };
    let code = issue(&house.seams, &person, &binding)?;
    let record = Record::of("code-issued").client(&client.settings.id).source(call.peer);
    house.put(record.person(&person.subject, &person.name))?;
    Ok(redirect.reply(&house.settings.issuer, &[("code", &code)]))
}

fn query(call: &Call) -> Result<Form, Refusal> {
    Form::parse(call.request.uri().query().unwrap_or_default().as_bytes())
        .map_err(|_malformed| Refusal::person("The request is malformed."))
}

fn client(house: &House, form: &Form) -> Result<Arc<Client>, Refusal> {
    form.get("client_id")
        .and_then(|id| house.clients.get(id))
        .filter(|client| !client.is_disabled)
        .filter(|client| client.settings.grants.contains(&Grant::AuthorizationCode))
        .ok_or(Refusal::person("This application is not registered here."))
}

fn redirect(house: &House, call: &Call, client: &Client, form: &Form) -> Result<Redirect, Refusal> {
    if let Some(redirect) = redirect_uri(client, form) {
        return Ok(redirect);
    }
    let record = Record::refused("redirect-uri-mismatch", "not a registered redirect URI");
    house.put(record.client(&client.settings.id).source(call.peer))?;
    Err(Refusal::person("The application asked to send you to an address that is not its own."))
}

fn response_type(redirect: &Redirect, form: &Form) -> Result<(), Refusal> {
    if form.get("request").is_some() {
        return Err(to_client(redirect, "request_not_supported", "request is not supported"));
    }
    if form.get("request_uri").is_some() {
        let why = "request_uri is not supported";
        return Err(to_client(redirect, "request_uri_not_supported", why));
    }
    // Tokens never travel through a browser's address bar: no implicit, no hybrid.
    if form.get("response_type") != Some("code") {
        let why = "response_type must be code";
        return Err(to_client(redirect, "unsupported_response_type", why));
    }
    match form.get("response_mode") {
        None | Some("query") => Ok(()),
        Some(_) => Err(to_client(redirect, "invalid_request", "response_mode must be query")),
    }
}

fn sizes(redirect: &Redirect, form: &Form) -> Result<(), Refusal> {
    let is_long = |name| form.get(name).is_some_and(|value| value.len() > 512);
    if is_long("state") || is_long("nonce") {
        return Err(to_client(redirect, "invalid_request", "state or nonce is too long"));
    }
    Ok(())
}

fn binding(client: &Client, redirect: &Redirect, form: &Form) -> Result<Binding, Refusal> {
    let challenge = challenge(form).map_err(|why| to_client(redirect, "invalid_request", why))?;
    let scope = scope(client, form)
        .ok_or_else(|| to_client(redirect, "invalid_scope", "a scope is not the client's"))?;
    let jkt = dpop_jkt(form).map_err(|why| to_client(redirect, "invalid_request", why))?;
    Ok(Binding {
        client_id: client.settings.id.clone(),
        redirect_uri: redirect.uri().to_owned(),
        challenge,
        nonce: form.get("nonce").map(str::to_owned),
        scope,
        jkt,
    })
}

/// The key that the code will be bound to, so that who steals it needs the key, too.
fn dpop_jkt(form: &Form) -> Result<Option<String>, &'static str> {
    let Some(jkt) = form.get("dpop_jkt") else { return Ok(None) };
    let is_hash = base64url_decode(jkt).is_some_and(|bytes| bytes.len() == 32);
    if is_hash { Ok(Some(jkt.to_owned())) } else { Err("dpop_jkt is malformed") }
}

/// Who is signed in, recently enough; `None` when they must sign in first.
fn person(
    house: &House,
    call: &Call,
    redirect: &Redirect,
    form: &Form,
) -> Result<Option<Arc<Person>>, Refusal> {
    let now = house.seams.clock.now();
    let age_max = match form.get("max_age").map(str::parse::<u32>) {
        None => Duration::MAX,
        Some(Ok(secs)) => Duration::from_secs(u64::from(secs)),
        Some(Err(_)) => {
            return Err(to_client(redirect, "invalid_request", "max_age is not a number"));
        }
    };
    let person =
        session(house, call)?.filter(|person| now.since(person.authenticated_at) <= age_max);
    match (person, form.get("prompt")) {
        (None, Some("none")) => Err(to_client(redirect, "login_required", "nobody is signed in")),
        (person, None | Some("none" | "consent")) => Ok(person),
        // A fresh login is one of the last minute: the way back from the login page is not a loop.
        (person, Some("login" | "select_account")) => {
            let fresh = Duration::from_mins(1);
            Ok(person.filter(|person| now.since(person.authenticated_at) <= fresh))
        }
        (_, Some(_)) => Err(to_client(redirect, "invalid_request", "unknown prompt")),
    }
}

fn to_login(house: &House, call: &Call) -> Reply {
    let here = call.request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let back = utf8_percent_encode(here, NON_ALPHANUMERIC);
    see_other(&format!("{}?return_to={back}", house.settings.login_path))
}

fn to_client(redirect: &Redirect, error: &'static str, why: &'static str) -> Refusal {
    Refusal::Redirect { to: Box::new(redirect.clone()), error, why }
}
