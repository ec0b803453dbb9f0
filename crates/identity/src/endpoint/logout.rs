//! Ends a session: asked for by GET, done by POST.

use http::{Method, StatusCode};

use crate::answer::{Call, Refusal, Reply, see_other};
use crate::check::{form, form_token, paper, same_site, session};
use crate::endpoint::login::for_person;
use crate::farewell::farewell;
use crate::identity::House;
use crate::page;

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
    farewell(house, call, see_other(&house.settings.logout_path))
}
