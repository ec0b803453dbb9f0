//! Ends a session: asked for by GET, done by POST.

use http::header::{HeaderValue, SET_COOKIE};
use http::{Method, StatusCode};

use crate::answer::{Call, Refusal, Reply, see_other};
use crate::check::{SESSION, cookie, form, form_token, paper, same_site, session};
use crate::endpoint::login::for_person;
use crate::identity::House;
use crate::page;
use crate::record::Record;
use crate::revocations::{HOLD, Kind};

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
        return Ok(page::message(StatusCode::OK, call.language(), "You are signed out."));
    };
    let action = &house.settings.logout_path;
    paper(house, call, (action, None), |paper| page::logout(paper, &person.name))
}

fn end(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let form = form(call).map_err(for_person)?;
    same_site(house, call)?;
    if !form_token(house, call, &form)? {
        let why = "The page was open for too long. Please try again.";
        return Err(Refusal::Person { status: StatusCode::FORBIDDEN, why });
    }
    if let Some(value) = cookie(call, SESSION)? {
        let now = house.seams.clock.now();
        if let Some(ended) = house.sessions.end(&house.seams.store, value, now)? {
            house.revocations.add(Kind::Session, ended.sid, now.plus(HOLD));
            let record = Record::of("session-ended").source(call.peer);
            house.put(record.person(&ended.subject, &ended.name))?;
        }
    }
    let mut reply = see_other(&house.settings.logout_path);
    reply.headers_mut().append(SET_COOKIE, HeaderValue::from_static(GONE));
    Ok(reply)
}

const GONE: &str = "__Host-ringwall=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0";
