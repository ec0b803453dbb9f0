//! The authorization endpoint (RFC 6749 section 4.1.1, with PKCE for every client).

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringwall_base::Person;

use crate::answer::{AUTHORIZE, Call, Refusal, Reply, see_other};
use crate::check::{
    AuthorizationRequest, Fault, Hint, Prompt, Redirect, authorization_request, form,
    id_token_hint, query, redirect_uri, session,
};
use crate::clients::{Client, Grant};
use crate::codes::{Binding, issue};
use crate::endpoint::login::for_person;
use crate::form::Form;
use crate::identity::House;
use crate::pushed::{is_ours, open};
use crate::record::Record;
use crate::step_up::{self, StepUp};

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
    // Until the redirect URI is known to be the client's, errors go to the person.
    let client = client(house, &query)?;
    let (form, pushed) = parameters(house, call, &client, query)?;
    let redirect = redirect(house, call, &client, &form)?;
    // From here on they go to the client.
    let request =
        authorization_request(&house.settings.issuer, &client, &form).and_then(|request| {
            // What travels through the browser could be changed there (attack A7).
            let is_open = client.settings.requires_par && pushed.is_none();
            if is_open { Err(NOT_PUSHED) } else { Ok(request) }
        });
    let request = request.map_err(|fault| to_client(&redirect, fault))?;
    let Some(person) = person(house, call, &redirect, &request)? else {
        return Ok(to_login(house, call));
    };
    expected(house, &form, &person).map_err(|fault| to_client(&redirect, fault))?;
    let binding = Binding {
        client_id: client.settings.id.clone(),
        redirect_uri: redirect.uri().to_owned(),
        challenge: request.challenge,
        nonce: request.nonce,
        scope: request.scope,
        pushed,
        jkt: request.jkt,
    };
    let code = issue(&house.seams, &person, &binding)?;
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

/// Who is signed in, recently enough; `None` when they must sign in first.
fn person(
    house: &House,
    call: &Call,
    redirect: &Redirect,
    request: &AuthorizationRequest,
) -> Result<Option<Arc<Person>>, Refusal> {
    let now = house.seams.clock.now();
    let since = |person: &Person| now.since(person.authenticated_at);
    let age_max = if request.age_max.is_zero() { FRESH } else { request.age_max };
    let person = session(house, call)?.filter(|person| since(person) <= age_max);
    // OpenID Connect Core section 3.1.2.1: no age at all is a fresh login.
    let prompt = match request.prompt {
        Prompt::AsNeeded if request.age_max.is_zero() => Prompt::Login,
        other => other,
    };
    let step = person.as_ref().map(|person| step_up::of(house, person, request.wants_two));
    let person = match step.transpose()? {
        Some(StepUp::SetUp) => return Err(to_client(redirect, UNMET)),
        Some(StepUp::Login) => None,
        Some(StepUp::Done) | None => person,
    };
    match (person, prompt) {
        (None, Prompt::Silent) => Err(to_client(redirect, NOBODY)),
        (person, Prompt::AsNeeded | Prompt::Silent) => Ok(person),
        // A fresh login is one of the last minute: the way back from the login page is not a loop.
        (person, Prompt::Login) => Ok(person.filter(|person| since(person) <= FRESH)),
    }
}

/// No code for another person than the one whom the application expects (OpenID Connect Core
/// section 3.1.2.1, attack A9).
fn expected(house: &House, form: &Form, person: &Person) -> Result<(), Fault> {
    let hint = id_token_hint(house, form).map_err(|_not_ours| BAD_HINT)?;
    match hint.as_ref().and_then(Hint::claims) {
        Some(claims) if claims.subject != person.subject => Err(ANOTHER),
        Some(_) | None => Ok(()),
    }
}

/// The way through the login page and back here.
pub(crate) fn to_login(house: &House, call: &Call) -> Reply {
    let here = call.request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let back = utf8_percent_encode(here, NON_ALPHANUMERIC);
    see_other(&format!("{}?return_to={back}", house.settings.login_path))
}

fn to_client(redirect: &Redirect, fault: Fault) -> Refusal {
    Refusal::Redirect { to: Box::new(redirect.clone()), error: fault.error, why: fault.why }
}

const FRESH: Duration = Duration::from_mins(1);
const ANOTHER: Fault = Fault { error: "login_required", why: "another person is signed in" };
const BAD_HINT: Fault = Fault { error: "invalid_request", why: "id_token_hint does not hold" };
const NOBODY: Fault = Fault { error: "login_required", why: "nobody is signed in" };
const NOT_PUSHED: Fault = Fault { error: "invalid_request", why: "the request must be pushed" };
/// OpenID Connect Core Unmet Authentication Requirements 1.0 section 2, as RFC 9470 section 5 asks.
const UNMET: Fault =
    Fault { error: "unmet_authentication_requirements", why: "the person has no second factor" };
const USED: Fault = Fault { error: "invalid_request_uri", why: "the request was used before" };
