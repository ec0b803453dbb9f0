//! The end of every login: the record, the session, its cookie.

use std::sync::Arc;

use http::header::{HeaderValue, SET_COOKIE, USER_AGENT};
use ringwall_base::{Person, Proofs, Timestamp};

use crate::answer::{Call, Refusal, Reply, see_other};
use crate::check::{SESSION, cookie};
use crate::identity::House;
use crate::people::{Account, Credential, Users};
use crate::record::Record;
use crate::revocations::{HOLD, Kind};
use crate::sessions::{Opening, list};

/// Opens a session for who proved to be `known`, and sends the browser on; `None` when the account
/// is no longer what was proved.
pub(crate) fn welcome(
    house: &House,
    call: &Call,
    known: &Credential,
    proofs: Proofs,
    back: &str,
) -> Result<Option<Reply>, Refusal> {
    enter(house, call, known, Entry { proofs, since: None }, back)
}

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) proofs: Proofs,
    /// When; `None`: just now.
    pub(crate) since: Option<Timestamp>,
}

impl Entry {
    /// With what was shown beside it.
    pub(crate) fn and(self, proofs: Proofs) -> Self {
        Self { proofs: self.proofs.with(proofs), ..self }
    }
}

/// As [`welcome`], of who may have proved it a while ago.
pub(crate) fn enter(
    house: &House,
    call: &Call,
    known: &Credential,
    entry: Entry,
    back: &str,
) -> Result<Option<Reply>, Refusal> {
    let (account, proofs) = (&known.account, entry.proofs);
    // Recorded first: a login that the log does not have did not happen.
    let record =
        Record::of("login-succeeded").source(call.peer).operation(proofs.names().join(" "));
    house.put(record.person(&account.subject, &account.name))?;
    let previous = cookie(call, SESSION)?;
    let (person, cookie) = open_session(house, call, account, (previous, proofs, entry.since))?;
    // The hash took tens of milliseconds: who was disabled or got another password meanwhile had
    // no session yet that could be ended. Whoever changes the account from now on finds this one.
    if Users::new(house).credential(&account.name)?.as_ref() != Some(known) {
        let sid = person.session.as_deref().unwrap_or_default();
        list::end(house, &account.whose(), sid)?;
        return Ok(None);
    }
    let mut reply = see_other(back);
    reply.headers_mut().append(SET_COOKIE, cookie);
    Ok(Some(reply))
}

/// Who is signed in now, and the cookie that says so.
type Opened = (Arc<Person>, HeaderValue);

/// The cookie of the session before, all that the person has shown, and when, if that is not now.
type Before<'a> = (Option<&'a str>, Proofs, Option<Timestamp>);

/// Opens a session in the place of the previous one; gives who it is for, and its cookie. With a time,
/// it is no younger than that: the previous one rises, or the person came by another issuer.
pub(crate) fn open_session(
    house: &House,
    call: &Call,
    account: &Account,
    (previous, proofs, authenticated): Before<'_>,
) -> Result<Opened, Refusal> {
    let agent = agent(call);
    let agent = agent.as_deref();
    let opening = Opening { previous, proofs, authenticated, source: call.peer, agent };
    let started = house.sessions.start(&house.seams, account, opening)?;
    tracing::debug!(sid = started.person.session, "session started");
    if let Some(over) = started.over {
        house.revocations.add(Kind::Session, over, house.seams.clock.now().plus(HOLD));
    }
    let text =
        format!("{SESSION}={}; Path=/; Secure; HttpOnly; SameSite=Lax", started.cookie.expose());
    let mut value = HeaderValue::from_str(&text).map_err(|error| Refusal::unavailable(&error))?;
    value.set_sensitive(true);
    Ok((started.person, value))
}

/// What the browser calls itself, short and printable.
fn agent(call: &Call) -> Option<String> {
    let agent = call.request.headers().get(USER_AGENT)?.to_str().ok()?;
    Some(agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARS_MAX).collect())
}

const AGENT_CHARS_MAX: usize = 160;
