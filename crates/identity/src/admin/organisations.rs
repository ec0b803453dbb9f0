//! Organisations. Those who belong to one see it and call it something else, and no other exists for
//! them; the rest is for people and programs of `default`.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{page, paged, read};
use super::problem::Problem;
use super::{Ask, done, version};
use crate::answer::{Reply, json_reply};
use crate::organisations::{Organisation, Organisations, called};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    id: String,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: Option<String>,
    disabled: Option<bool>,
}

pub(super) fn list(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let (limit, after) = page(&ask.query)?;
    let organisations = Organisations::new(ask.house);
    let found = match ask.actor.bounds() {
        None => organisations.list(&after, limit.saturating_add(1))?,
        Some(own) if own.as_str() > after.as_str() => vec![organisations.find(own.as_str())?],
        Some(_) => Vec::new(),
    };
    let items = found.iter().map(|one| (one.tenant.to_string(), shown(one))).collect();
    Ok(json_reply(StatusCode::OK, &paged(items, limit)))
}

pub(super) fn show(ask: &Ask<'_>) -> Result<Reply, Problem> {
    Ok(version::reply(StatusCode::OK, &shown(&find(ask)?)))
}

pub(super) fn add(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let New { id, name } = read(&ask.body)?;
    let added = Organisations::new(ask.house).add(&id, name.as_deref())?;
    Ok(version::reply(StatusCode::CREATED, &shown(&added)))
}

pub(super) fn change(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let Change { name, disabled } = read(&ask.body)?;
    // What could never be taken is told first.
    if let Some(name) = &name {
        called(name)?;
    }
    let one = find(ask)?;
    version::matches(ask.call, &shown(&one))?;
    // Nobody shuts themselves out, or lets themselves in again (attack M3).
    if disabled.is_some() && ask.actor.bounds().is_some() {
        return Err(Problem::forbidden("not for one's own organisation"));
    }
    let organisations = Organisations::new(ask.house);
    if let Some(name) = name {
        organisations.rename(ask.id(), &name)?;
    }
    if let Some(disabled) = disabled {
        organisations.disable(ask.id(), disabled)?;
    }
    Ok(version::reply(StatusCode::OK, &shown(&find(ask)?)))
}

pub(super) fn remove(ask: &Ask<'_>) -> Result<Reply, Problem> {
    version::matches(ask.call, &shown(&find(ask)?))?;
    Organisations::new(ask.house).delete(ask.id())?;
    Ok(done())
}

/// The organisation of the path. Another one than their own is not there for people of one.
fn find(ask: &Ask<'_>) -> Result<Organisation, Problem> {
    if ask.actor.bounds().is_some_and(|own| own.as_str() != ask.id()) {
        return Err(Problem::not_found());
    }
    Ok(Organisations::new(ask.house).find(ask.id())?)
}

fn shown(one: &Organisation) -> Value {
    json!({
        "id": one.tenant.as_str(),
        "name": one.name,
        "disabled": one.is_disabled,
        "people": one.people,
        "created": one.created.map(ringwall_base::Timestamp::secs),
    })
}
