//! Ends a session: asked for by GET, done by POST.

use http::header::{HeaderValue, SET_COOKIE};
use http::{Method, StatusCode};

use crate::answer::{Call, Refusal, Reply, see_other};
use crate::check::{FormToken, SESSION, cookie, form, form_token, same_site, session};
use crate::endpoint::login::for_person;
use crate::identity::House;
use crate::page;
use crate::record::Record;
use crate::refresh;
use crate::revocations::{HOLD, Kind, Revocations};

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    match *call.request.method() {
        Method::GET | Method::HEAD => ask(house, call),
        Method::POST => end(house, call),
        _ => Err(Refusal::method()),
    }
}

/// A link must not sign anyone out: an image on another page could be that link.
fn ask(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let Some(person) = session(house, call)? else {
        return Ok(page::message(StatusCode::OK, "You are signed out."));
    };
    let token = FormToken::issue(house, call)?;
    let mut reply = page::logout(&house.settings.logout_path, &token.field, &person.name);
    token.set(&mut reply);
    Ok(reply)
}

fn end(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call).map_err(for_person)?;
    same_site(house, call)?;
    if !form_token(house, call, &form)? {
        let why = "The page was open for too long. Please try again.";
        return Err(Refusal::Person { status: StatusCode::FORBIDDEN, why });
    }
    if let Some(value) = cookie(call, SESSION)? {
        let ended = house.sessions.end(&house.seams.store, value)?;
        if let Some(person) = ended {
            let record = Record::of("session-ended").source(call.peer);
            house.put(record.person(&person.subject, &person.name))?;
            revoke_tokens(house, person.session.as_deref())?;
        }
    }
    let mut reply = see_other(&house.settings.logout_path);
    reply.headers_mut().append(SET_COOKIE, HeaderValue::from_static(GONE));
    Ok(reply)
}

/// Tokens that clients got in this session die with it (attack L4).
fn revoke_tokens(house: &House, sid: Option<&str>) -> Result<(), Refusal> {
    let Some(sid) = sid.map(str::to_owned) else { return Ok(()) };
    let now = house.seams.clock.now();
    let until = now.plus(HOLD);
    let value = sid.clone();
    house.seams.store.write(move |transaction| {
        refresh::end_all(transaction, refresh::Of::Session, &value, now)?;
        Revocations::write(transaction, Kind::Session, &value, until)
    })?;
    house.revocations.add(Kind::Session, sid, until);
    Ok(())
}

const GONE: &str = "__Host-ringwall=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";
