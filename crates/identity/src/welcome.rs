//! The end of every login: the record, the session, its cookie.

use http::header::{HeaderValue, SET_COOKIE, USER_AGENT};
use ringwall_base::Proofs;

use crate::answer::{Call, Refusal, Reply, see_other};
use crate::check::{SESSION, cookie};
use crate::identity::House;
use crate::people::{Credential, Users};
use crate::record::Record;
use crate::revocations::{HOLD, Kind};
use crate::sessions::Opening;

/// Opens a session for who proved to be `known`, and sends the browser on; `None` when the account
/// is no longer what was proved.
pub(crate) fn welcome(
    house: &House,
    call: &Call,
    known: &Credential,
    proofs: Proofs,
    back: &str,
) -> Result<Option<Reply>, Refusal> {
    let account = &known.account;
    // Recorded first: a login that the log does not have did not happen.
    let record =
        Record::of("login-succeeded").source(call.peer).operation(proofs.names().join(" "));
    house.put(record.person(&account.subject, &account.name))?;
    let agent = agent(call);
    let opening = Opening {
        previous: cookie(call, SESSION)?,
        proofs,
        source: call.peer,
        agent: agent.as_deref(),
    };
    let started = house.sessions.start(&house.seams, account, opening)?;
    tracing::debug!(sid = started.sid, "session started");
    let now = house.seams.clock.now();
    if let Some(over) = started.over {
        house.revocations.add(Kind::Session, over, now.plus(HOLD));
    }
    // The hash took tens of milliseconds: who was disabled or got another password meanwhile had
    // no session yet that could be ended. Whoever changes the account from now on finds this one.
    if Users::new(house).credential(&account.name)?.as_ref() != Some(known) {
        house.sessions.end(&house.seams.store, started.cookie.expose(), now)?;
        house.revocations.add(Kind::Session, started.sid, now.plus(HOLD));
        return Ok(None);
    }
    let mut reply = see_other(back);
    let text =
        format!("{SESSION}={}; Path=/; Secure; HttpOnly; SameSite=Lax", started.cookie.expose());
    let mut value = HeaderValue::from_str(&text).map_err(|error| Refusal::unavailable(&error))?;
    value.set_sensitive(true);
    reply.headers_mut().append(SET_COOKIE, value);
    Ok(Some(reply))
}

/// What the browser calls itself, short and printable.
fn agent(call: &Call) -> Option<String> {
    let agent = call.request.headers().get(USER_AGENT)?.to_str().ok()?;
    Some(agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARS_MAX).collect())
}

const AGENT_CHARS_MAX: usize = 160;
