//! Sessions of people, and tokens that end before their time.

use http::StatusCode;
use ringwall_base::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{ITEMS_MAX, paged, read};
use super::problem::Problem;
use super::users::{changeable, find};
use super::{Ask, done};
use crate::answer::{Reply, json_reply};
use crate::sessions::list;
use crate::withdraw::{Withdrawn, owner, withdraw};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "by", content = "value")]
enum Revocation {
    ClientId(String),
    Jti(String),
    Sid(String),
    Sub(String),
}

pub(super) fn of_person(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let one = find(ask, ask.id())?;
    let open = list::of(ask.house, &one.whose)?;
    let items = open.into_iter().map(|one| {
        let body = json!({
            "id": one.sid,
            "since": one.since.secs(),
            "seen": one.seen.secs(),
            "address": one.source,
            "agent": one.agent,
        });
        (String::new(), body)
    });
    Ok(json_reply(StatusCode::OK, &paged(items.collect(), ITEMS_MAX)))
}

/// Ends all sessions of a person, and what applications got in them.
pub(super) fn end_all(ask: &Ask<'_>) -> Result<Reply, Problem> {
    changeable(ask)?;
    withdraw(ask.house, &Withdrawn::Subject(ask.id().to_owned()))?;
    Ok(done())
}

/// Ends one.
pub(super) fn end(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let one = changeable(ask)?;
    let sid = ask.values.get(1).copied().unwrap_or_default();
    if !list::of(ask.house, &one.whose)?.iter().any(|one| one.sid == sid) {
        return Err(Problem::not_found());
    }
    withdraw(ask.house, &Withdrawn::Session(sid.to_owned()))?;
    Ok(done())
}

/// Ends tokens. To shut out somebody who may do more is the point of it: that needs no rank.
pub(super) fn revoke(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let what = match read(&ask.body)? {
        Revocation::ClientId(_) | Revocation::Jti(_) if ask.actor.bounds().is_some() => {
            return Err(Problem::forbidden("this is not of your organisation"));
        }
        Revocation::ClientId(id) => Withdrawn::Client(id),
        Revocation::Jti(jti) => Withdrawn::Token(jti),
        Revocation::Sid(sid) => {
            // One that is over is nobody's any more: that is for who administers all.
            if let Some(own) = ask.actor.bounds()
                && owner(ask.house, &sid)?.is_none_or(|whose| whose.tenant != *own)
            {
                return Err(Problem::not_found());
            }
            Withdrawn::Session(sid)
        }
        Revocation::Sub(sub) => Withdrawn::Subject(find(ask, &sub)?.whose.subject),
    };
    withdraw(ask.house, &what)?;
    Ok(done())
}

/// As it stands in answers.
pub(super) fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| at.secs().into())
}
