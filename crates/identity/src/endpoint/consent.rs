//! Where a person says what an application may do. What they decide about is what they were shown:
//! the form carries the request under a seal, and it is read and judged again (attack A7).

use std::time::Duration;

use aws_lc_rs::hmac;
use http::{Method, StatusCode};
use ringwall_base::{Person, Timestamp};
use ringwall_jose::{base64url_decode, base64url_encode};

use crate::answer::{AUTHORIZE, CONSENT, Call, Refusal, Reply};
use crate::check::{Fault, form, form_token, paper, same_site, session};
use crate::consents;
use crate::endpoint::authorize::{Judged, finish, judge, to_client};
use crate::endpoint::login::for_person;
use crate::form::Form;
use crate::identity::House;
use crate::page::{self, Wanted};
use crate::record::Record;
use crate::tables::Whose;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    if call.request.method() != Method::POST {
        return Err(Refusal::method());
    }
    let form = form(call).map_err(for_person)?;
    same_site(house, call)?;
    let person = session(house, call)?.ok_or(OVER)?;
    let request = form.get("request").unwrap_or_default();
    if !form_token(house, call, &form)? || !is_sealed(house, &person, &form, request) {
        return Err(OVER);
    }
    let query = request.strip_prefix(AUTHORIZE).and_then(|rest| rest.strip_prefix('?'));
    let query = Form::parse(query.unwrap_or_default().as_bytes()).map_err(|_malformed| OVER)?;
    let judged = judge(house, call, query)?;
    let said = match form.get("decision") {
        Some("allow") => Record::of("consent-granted"),
        Some("deny") => Record::refused("consent-refused", "the person refused"),
        _ => return Err(Refusal::person("The request is malformed.")),
    };
    let said = said.client(&judged.client.settings.id).source(call.peer);
    let said = said.person(&person.subject, &person.name);
    house.put(said.operation(judged.request.scope.clone()))?;
    if form.get("decision") == Some("deny") {
        return Err(to_client(&judged.redirect, DENIED));
    }
    asked(&judged, &Whose::of(&person)).give(house)?;
    finish(house, call, judged, &person)
}

/// Whether the person has to be asked first.
pub(super) fn is_needed(house: &House, judged: &Judged, person: &Person) -> Result<bool, Refusal> {
    let is_asked = judged.request.prompt.asks_consent;
    if !is_asked && !judged.client.needs_consent() {
        return Ok(false);
    }
    let is_given = !is_asked && asked(judged, &Whose::of(person)).is_given(house)?;
    if !is_given && judged.request.prompt.is_silent {
        return Err(to_client(&judged.redirect, REQUIRED));
    }
    Ok(!is_given)
}

/// Asks. `request` is the path and the query that led here.
pub(super) fn ask(
    house: &House,
    call: &Call,
    (judged, person): (&Judged, &Person),
    request: &str,
) -> Result<Reply, Refusal> {
    let at = house.seams.clock.now();
    let seal = base64url_encode(hmac::sign(&house.form_key, &sealed(person, at.secs(), request)));
    let wanted = Wanted {
        name: &person.name,
        client: &judged.client.settings.id,
        scope: &judged.request.scope,
        request,
        at: at.secs(),
        seal: &seal,
        targets: page::leaves(Some(&judged.client)),
    };
    paper(house, call, (CONSENT, None), |paper| page::consent(StatusCode::OK, paper, &wanted))
}

fn asked<'a>(judged: &'a Judged, whose: &'a Whose) -> consents::Asked<'a> {
    consents::Asked {
        whose,
        client_id: &judged.client.settings.id,
        scope: &judged.request.scope,
        resource: judged.form.get("resource").unwrap_or_default(),
    }
}

/// Whether this request was shown in this session, to a login that was good enough for it.
fn is_sealed(house: &House, person: &Person, form: &Form, request: &str) -> bool {
    let Some(at) = form.get("at").and_then(|at| at.parse::<u64>().ok()) else { return false };
    let seal = form.get("seal").and_then(base64url_decode).unwrap_or_default();
    let text = sealed(person, at, request);
    hmac::verify(&house.form_key, &text, &seal).is_ok()
        && house.seams.clock.now() < Timestamp::from_secs(at).plus(OPEN)
}

/// A form token is a MAC under the same key, over 43 characters: no text of these is as short.
fn sealed(person: &Person, at: u64, request: &str) -> Vec<u8> {
    let sid = person.session.as_deref().unwrap_or_default();
    let authenticated = person.authenticated_at.micros();
    format!("consent to a request\n{sid}\n{authenticated}\n{at}\n{request}").into_bytes()
}

/// How long the page may stand open.
const OPEN: Duration = Duration::from_mins(15);
const DENIED: Fault = Fault { error: "access_denied", why: "the person refused" };
const REQUIRED: Fault =
    Fault { error: "consent_required", why: "the person was not asked about this" };
const OVER: Refusal =
    Refusal::person("This request is over. Go back to the application and begin again.");
