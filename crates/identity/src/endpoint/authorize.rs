//! The authorization endpoint (RFC 6749 section 4.1.1, with PKCE for every client).

use std::sync::Arc;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringwall_base::{Person, Tenant};

use crate::answer::{AUTHORIZE, Call, Refusal, Reply, see_other};
use crate::check::{
    AuthorizationRequest, Fault, Redirect, asked_anew, authorization_request, form, marked, query,
    redirect_uri,
};
use crate::clients::{Client, Grant};
use crate::codes::{Binding, issue};
use crate::endpoint::consent;
use crate::endpoint::login::for_person;
use crate::form::Form;
use crate::identity::House;
use crate::pushed::{is_ours, open};
use crate::record::Record;

mod person;

use person::person;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    match *call.request.method() {
        Method::GET => asked(house, call),
        // OpenID Connect Core section 3.1.2.1. Browsers send no cookie along with a form from another
        // site, but do so when they follow a link.
        Method::POST => {
            let form = form(call).map_err(for_person)?;
            Ok(see_other(&format!("{AUTHORIZE}?{}", form.to_query())))
        }
        _ => Err(Refusal::method()),
    }
}

fn asked(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let query = query(call)?;
    let judged = judge(house, call, query.without(&[]))?;
    let here = call.request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let Some(person) = person(house, call, (&judged, asked_anew(house, &query)))? else {
        let is_picky = judged.request.prompt.signs_in
            || ["max_age", "id_token_hint"].iter().any(|name| judged.form.get(name).is_some());
        let marked = is_picky.then(|| format!("{AUTHORIZE}?{}", marked(house, &query)));
        let back = marked.as_deref().unwrap_or(here);
        let organisation = judged.request.organisation.as_ref().map(Tenant::as_str);
        let more = [("ui_locales", judged.form.get("ui_locales")), ("organization", organisation)];
        return Ok(to_login_for(house, back, &more));
    };
    if consent::is_needed(house, &judged, &person)? {
        return consent::ask(house, call, (&judged, &person), here);
    }
    finish(house, call, judged, &person)
}

/// A request that was read and judged; who asks may have the answer.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) client: Arc<Client>,
    pub(crate) redirect: Redirect,
    pub(crate) request: AuthorizationRequest,
    /// The parameters that counted, and the pushed request that they are from.
    pub(crate) form: Form,
    pushed: Option<[u8; 32]>,
}

/// Reads and judges the parameters. Until the redirect URI is known to be the client's, errors go to
/// the person.
pub(crate) fn judge(house: &House, call: &Call, form: Form) -> Result<Judged, Refusal> {
    let client = client(house, &form)?;
    let (form, pushed) = parameters(house, call, &client, form)?;
    let redirect = redirect(house, call, &client, &form)?;
    // From here on they go to the client.
    let request =
        authorization_request(&house.settings.issuer, &client, &form).and_then(|request| {
            // What travels through the browser could be changed there (attack A7).
            let is_open = client.settings.requires_par && pushed.is_none();
            if is_open { Err(NOT_PUSHED) } else { Ok(request) }
        });
    let request = request.map_err(|fault| to_client(&redirect, fault))?;
    Ok(Judged { client, redirect, request, form, pushed })
}

/// Gives the client its code.
pub(crate) fn finish(
    house: &House,
    call: &Call,
    judged: Judged,
    person: &Person,
) -> Result<Reply, Refusal> {
    let Judged { client, redirect, request, form: _, pushed } = judged;
    if !client.serves(&person.organisation) {
        return Err(to_client(&redirect, ELSEWHERE));
    }
    let binding = Binding {
        client_id: client.settings.id.clone(),
        redirect_uri: redirect.uri().to_owned(),
        challenge: request.challenge,
        nonce: request.nonce,
        scope: request.scope,
        pushed,
        jkt: request.jkt,
    };
    let code = issue(&house.seams, person, &binding)?;
    let code = code.ok_or_else(|| to_client(&redirect, USED))?;
    let record = Record::of("code-issued").client(&client.settings.id).source(call.peer);
    house.put(record.person(&person.subject, &person.name))?;
    Ok(redirect.reply(&house.settings.issuer, &[("code", &code)]))
}

fn client(house: &House, form: &Form) -> Result<Arc<Client>, Refusal> {
    form.get("client_id")
        .and_then(|id| house.clients.get(id))
        .filter(|client| !client.is_disabled)
        .filter(|client| client.settings.grants.contains(&Grant::AuthorizationCode))
        .ok_or(Refusal::person("This application is not registered here."))
}

/// What is asked for, and the pushed request that it is from.
type Parameters = (Form, Option<[u8; 32]>);

/// The parameters that count: those of the query, or those that were pushed, and then no others
/// (RFC 9126 section 4, RFC 9101 section 6.3).
fn parameters(
    house: &House,
    call: &Call,
    client: &Client,
    query: Form,
) -> Result<Parameters, Refusal> {
    let Some(request_uri) = query.get("request_uri").filter(|uri| is_ours(uri)) else {
        return Ok((query, None));
    };
    if let Some(found) = open(house, &client.settings.id, request_uri)? {
        return Ok((found.form, Some(found.hash)));
    }
    let record = Record::refused("code-refused", "the pushed request is unknown, used or expired");
    house.put(record.client(&client.settings.id).source(call.peer))?;
    Err(Refusal::person("This request is over. Go back to the application and begin again."))
}

fn redirect(house: &House, call: &Call, client: &Client, form: &Form) -> Result<Redirect, Refusal> {
    if let Some(redirect) = redirect_uri(client, form) {
        return Ok(redirect);
    }
    let record = Record::refused("redirect-uri-mismatch", "not a registered redirect URI");
    house.put(record.client(&client.settings.id).source(call.peer))?;
    Err(Refusal::person("The application asked to send you to an address that is not its own."))
}

/// The way through the login page and back here.
pub(crate) fn to_login(house: &House, call: &Call) -> Reply {
    let here = call.request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    to_login_for(house, here, &[])
}

/// A parameter, if it is given.
type Optional<'a> = (&'a str, Option<&'a str>);

fn to_login_for(house: &House, here: &str, more: &[Optional<'_>]) -> Reply {
    let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let mut to = format!("{}?return_to={}", house.settings.login_path, escaped(here));
    for (name, value) in more.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
        to.extend(["&", name, "="]);
        to.extend(escaped(value));
    }
    see_other(&to)
}

pub(crate) fn to_client(redirect: &Redirect, fault: Fault) -> Refusal {
    Refusal::Redirect { to: Box::new(redirect.clone()), error: fault.error, why: fault.why }
}

const ELSEWHERE: Fault =
    Fault { error: "access_denied", why: "the person is of another organization" };
const NOT_PUSHED: Fault = Fault { error: "invalid_request", why: "the request must be pushed" };
const USED: Fault = Fault { error: "invalid_request_uri", why: "the request was used before" };
