//! Logout that an application asks for (OpenID Connect RP-Initiated Logout 1.0).
//!
//! Who shows an ID token of the session in this browser is believed. Anybody else could be another
//! page that signs people out (attack A7): then the person is asked.

use std::sync::Arc;

use http::{Method, StatusCode};
use ringwall_base::Person;

use crate::answer::{Call, END_SESSION, Refusal, Reply, see_other};
use crate::check::{
    Hint, STATE_BYTES_MAX, form, form_token, id_token_hint, paper, query, same_site, session,
    with_parameters,
};
use crate::clients::Client;
use crate::endpoint::login::for_person;
use crate::farewell::farewell;
use crate::form::Form;
use crate::identity::House;
use crate::page::{self, Leaving};
use crate::record::Record;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    match *call.request.method() {
        Method::GET => asked(house, call),
        Method::POST => posted(house, call),
        _ => Err(Refusal::method()),
    }
}

/// What an application wants.
#[derive(Debug)]
struct Wish {
    hint: Option<Hint>,
    client: Option<Arc<Client>>,
    /// Where the person goes afterwards: an address that the client registered, with its `state`.
    back: Option<String>,
}

fn asked(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = query(call)?;
    let wish = wish(house, call, &form)?;
    match session(house, call)? {
        Some(person) if !wish.is_of(&person) => ask(house, call, (&form, &wish), &person, None),
        Some(_) => farewell(house, call, wish.done(call)),
        None => Ok(wish.done(call)),
    }
}

fn posted(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call).map_err(for_person)?;
    if form.get("form_token").is_none() {
        // The form of an application. Browsers send no cookie along from another site, but do so when
        // they follow a link.
        return Ok(see_other(&format!("{END_SESSION}?{}", form.to_query())));
    }
    same_site(house, call)?;
    let wish = wish(house, call, &form)?;
    if form_token(house, call, &form)? {
        return farewell(house, call, wish.done(call));
    }
    match session(house, call)? {
        Some(person) => ask(house, call, (&form, &wish), &person, Some(STALE)),
        None => Ok(wish.done(call)),
    }
}

/// Reads and judges the wish. Nobody is sent anywhere for one that is not good (attack L1).
fn wish(house: &House, call: &Call, form: &Form) -> Result<Wish, Refusal> {
    let hint = id_token_hint(house, form).map_err(|_not_ours| Refusal::person(BAD_HINT))?;
    let audience = hint.as_ref().and_then(Hint::claims).map(|claims| claims.audience.as_str());
    let named = form.get("client_id");
    if named.is_some() && audience.is_some() && named != audience {
        return Err(Refusal::person(BAD_HINT));
    }
    let client = match named.or(audience) {
        Some(id) => Some(client(house, id).ok_or(Refusal::person(UNKNOWN))?),
        None => None,
    };
    let state = form.get("state");
    if state.is_some_and(|state| state.len() > STATE_BYTES_MAX) {
        return Err(Refusal::person("The request is malformed."));
    }
    let back = match form.get("post_logout_redirect_uri") {
        Some(uri) => Some(back(house, call, client.as_deref(), (uri, state))?),
        None => None,
    };
    Ok(Wish { hint, client, back })
}

fn client(house: &House, id: &str) -> Option<Arc<Client>> {
    house.clients.get(id).filter(|client| !client.is_disabled)
}

fn back(
    house: &House,
    call: &Call,
    client: Option<&Client>,
    (uri, state): (&str, Option<&str>),
) -> Result<String, Refusal> {
    let is_registered =
        |client: &Client| client.settings.post_logout_uris.iter().any(|known| known == uri);
    if client.is_some_and(is_registered) {
        return Ok(with_parameters(uri, state.map(|state| ("state", state)).into_iter()));
    }
    let record = Record::refused("redirect-uri-mismatch", "not a registered post-logout URI");
    let record = match client {
        Some(client) => record.client(&client.settings.id),
        None => record,
    };
    house.put(record.source(call.peer))?;
    Err(Refusal::person(ELSEWHERE))
}

impl Wish {
    /// Whether it is about this session, as far as who asks can show.
    fn is_of(&self, person: &Person) -> bool {
        let claims = self.hint.as_ref().and_then(Hint::claims);
        claims.is_some_and(|claims| {
            let sid = claims.extra.get("sid").and_then(serde_json::Value::as_str);
            claims.subject == person.subject && sid.is_some() && sid == person.session.as_deref()
        })
    }

    fn done(&self, call: &Call) -> Reply {
        match &self.back {
            Some(back) => see_other(back),
            None => page::message(StatusCode::OK, call.language(), "You are signed out."),
        }
    }
}

fn ask(
    house: &House,
    call: &Call,
    (form, wish): (&Form, &Wish),
    person: &Person,
    trouble: Option<&'static str>,
) -> Result<Reply, Refusal> {
    let back = form.get("post_logout_redirect_uri");
    let leaving = Leaving {
        name: &person.name,
        client: wish.client.as_ref().map(|client| client.settings.id.as_str()),
        back,
        state: form.get("state"),
        targets: back.map_or("'self'", |_| page::leaves(wish.client.as_deref())),
    };
    paper(house, call, (END_SESSION, trouble), |paper| page::end_session(paper, &leaving))
}

const BAD_HINT: &str = "The application sent a proof of your sign-in that does not hold.";
const ELSEWHERE: &str = "The application asked to send you to an address that is not its own.";
const STALE: &str = "The page was open for too long. Please try again.";
const UNKNOWN: &str = "This application is not registered here.";
