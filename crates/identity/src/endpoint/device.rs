//! Where a person types a device's code in and decides (RFC 8628 section 3.3).

use std::sync::Arc;

use http::header::{HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use ringwall_base::Person;

use crate::answer::{Call, DEVICE, Refusal, Reply};
use crate::check::{form, form_token, paper, same_site, session};
use crate::consents;
use crate::device::{Waiting, decide, find, normal_user_code};
use crate::endpoint::authorize::to_login;
use crate::endpoint::login::for_person;
use crate::form::Form;
use crate::identity::House;
use crate::page::{self, Confirm};
use crate::record::Record;
use crate::tables::Whose;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let Some(person) = session(house, call)? else { return Ok(to_login(house, call)) };
    match *call.request.method() {
        Method::GET | Method::HEAD => {
            let query = call.request.uri().query().unwrap_or_default();
            let query = Form::parse(query.as_bytes())
                .map_err(|_malformed| Refusal::person("The request is malformed."))?;
            let typed = query.get("user_code").and_then(normal_user_code).unwrap_or_default();
            enter(house, call, StatusCode::OK, (&typed, None))
        }
        Method::POST => decided(house, call, &person),
        _ => Err(Refusal::method()),
    }
}

fn decided(house: &House, call: &Call, person: &Arc<Person>) -> Result<Reply, Refusal> {
    let form = form(call).map_err(for_person)?;
    same_site(house, call)?;
    let typed = form.get("user_code").unwrap_or_default();
    if !form_token(house, call, &form)? {
        return enter(house, call, StatusCode::FORBIDDEN, ("", Some(STALE)));
    }
    // Attack V1: guesses of one person slow down like those of a password, on a count of their own:
    // no login name has a colon.
    let guesses = format!("device:{}", person.subject);
    let now = house.seams.clock.monotonic();
    if let Some(wait) = house.throttle.attempt(&guesses, call.peer, now) {
        let mut reply = enter(house, call, StatusCode::TOO_MANY_REQUESTS, ("", Some(SLOW)))?;
        let secs = HeaderValue::from(wait.as_secs().max(1));
        reply.headers_mut().insert(RETRY_AFTER, secs);
        return Ok(reply);
    }
    let code = normal_user_code(typed);
    let waiting = match &code {
        Some(code) => find(house, code)?,
        None => None,
    };
    // Of another organisation's application there is no code.
    let waiting = waiting.filter(|waiting| {
        let client = house.clients.get(&waiting.client_id);
        client.is_none_or(|client| client.serves(&person.organisation))
    });
    let (Some(code), Some(waiting)) = (code, waiting) else {
        let record = Record::refused("code-refused", "unknown user code").source(call.peer);
        house.put(record.person(&person.subject, &person.name))?;
        return enter(house, call, StatusCode::BAD_REQUEST, ("", Some(UNKNOWN)));
    };
    // Guesses stay counted: anybody can have a code of their own to put between them.
    house.throttle.take_back(&guesses, call.peer);
    let is_approved = match form.get("decision") {
        Some("approve") => true,
        Some("deny") => false,
        _ => return confirm(house, call, person, (&code, &waiting.client_id, &waiting.scope)),
    };
    let record = if is_approved {
        Record::of("consent-granted")
    } else {
        Record::refused("token-refused", "the person refused the device")
    };
    let record = record.client(&waiting.client_id).source(call.peer);
    house.put(record.person(&person.subject, &person.name).operation("device_code"))?;
    if !decide(house, &code, person, is_approved)? {
        return enter(house, call, StatusCode::BAD_REQUEST, ("", Some(UNKNOWN)));
    }
    if is_approved {
        remember(house, person, &waiting)?;
    }
    let done = if is_approved { CONNECTED } else { REFUSED };
    Ok(page::message(StatusCode::OK, call.language(), done))
}

/// Who has to ask is on the person's account page from then on. It is a consent for devices and no other:
/// whoever talked somebody into typing a code in gets no code for a browser without a question.
fn remember(house: &House, person: &Person, waiting: &Waiting) -> Result<(), Refusal> {
    let client = house.clients.get(&waiting.client_id);
    if client.is_some_and(|client| client.needs_consent()) {
        let asked = consents::Asked {
            whose: &Whose::of(person),
            client_id: &waiting.client_id,
            scope: &waiting.scope,
            resource: DEVICES,
        };
        asked.give(house)?;
    }
    Ok(())
}

fn enter(
    house: &House,
    call: &Call,
    status: StatusCode,
    (user_code, trouble): (&str, Option<&'static str>),
) -> Result<Reply, Refusal> {
    paper(house, call, (DEVICE, trouble), |paper| page::enter_device(status, paper, user_code))
}

fn confirm(
    house: &House,
    call: &Call,
    person: &Person,
    (user_code, client, scope): (&str, &str, &str),
) -> Result<Reply, Refusal> {
    let shown = Confirm { user_code, client, scope, name: &person.name };
    paper(house, call, (DEVICE, None), |paper| page::confirm_device(paper, &shown))
}

/// No resource: those are addresses.
const DEVICES: &str = "device";
const CONNECTED: &str = "The device is connected.";
const REFUSED: &str = "The device was refused.";
const SLOW: &str = "Too many attempts. Wait a moment, then try again.";
const STALE: &str = "The page was open for too long. Please try again.";
const UNKNOWN: &str = "There is no such code, or its time is over.";
