//! People and their roles.

use http::StatusCode;
use ringwall_base::{Secret, Tenant};
use ringwall_store::{Row, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{page, paged, read};
use super::problem::Problem;
use super::{Ask, done, version};
use crate::answer::{Reply, json_reply};
use crate::factors;
use crate::people::{Users, roles as granted};
use crate::tables::Whose;

/// A person as the API shows them.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) whose: Whose,
    pub(super) name: String,
    roles: Vec<String>,
    body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    password: String,
    #[serde(default)]
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    disabled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    password: String,
}

pub(super) fn list(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let (limit, after) = page(&ask.query)?;
    let rows = ask.house.seams.store.read(|view| {
        view.query(
            "SELECT tenant_id, id, name, is_disabled, created FROM identity_user
             WHERE tenant_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
            &[(&Tenant::default()).into(), (&after).into(), limit.saturating_add(1).into()],
        )
    })?;
    let shown: Result<Vec<Shown>, StoreError> = rows.iter().map(|row| shown(ask, row)).collect();
    let items = shown?.into_iter().map(|one| (one.name, one.body)).collect();
    Ok(json_reply(StatusCode::OK, &paged(items, limit)))
}

pub(super) fn show(ask: &Ask<'_>) -> Result<Reply, Problem> {
    Ok(version::reply(StatusCode::OK, &find(ask, ask.id())?.body))
}

pub(super) fn add(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let New { name, password, mut roles } = read(&ask.body)?;
    for role in &roles {
        may_give(ask, role)?;
    }
    roles.sort_unstable();
    roles.dedup();
    let account = Users::new(ask.house).add(&name, &roles, &Secret::new(password))?;
    Ok(version::reply(StatusCode::CREATED, &find(ask, &account.subject)?.body))
}

pub(super) fn change(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let Change { disabled } = read(&ask.body)?;
    let one = changeable(ask)?;
    version::matches(ask.call, &one.body)?;
    if disabled {
        is_not_last(ask, &one, |_role| false)?;
    }
    Users::new(ask.house).disable(&one.name, disabled)?;
    Ok(version::reply(StatusCode::OK, &find(ask, ask.id())?.body))
}

pub(super) fn set_password(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let Password { password } = read(&ask.body)?;
    let one = changeable(ask)?;
    Users::new(ask.house).set_password(&one.name, &Secret::new(password))?;
    Ok(done())
}

pub(super) fn remove_factors(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let one = changeable(ask)?;
    Users::new(ask.house).remove_factors(&one.name)?;
    Ok(done())
}

pub(super) fn give_role(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let one = changeable(ask)?;
    let role = role(ask);
    may_give(ask, role)?;
    Users::new(ask.house).grant(&one.name, role)?;
    Ok(version::reply(StatusCode::OK, &find(ask, ask.id())?.body))
}

pub(super) fn take_role(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let one = changeable(ask)?;
    let taken = role(ask);
    is_not_last(ask, &one, |role| role != taken)?;
    Users::new(ask.house).revoke(&one.name, taken)?;
    Ok(version::reply(StatusCode::OK, &find(ask, ask.id())?.body))
}

/// The roles of the manifest, with what each may do here.
#[expect(clippy::unnecessary_wraps, reason = "the routes of one table have one form")]
pub(super) fn roles(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let powers = ask.house.powers.load();
    let items: Vec<Value> =
        powers.roles.iter().map(|(name, admin)| json!({"name": name, "admin": admin})).collect();
    Ok(json_reply(StatusCode::OK, &json!({ "items": items, "next": null })))
}

/// A person by `sub`.
pub(super) fn find(ask: &Ask<'_>, subject: &str) -> Result<Shown, Problem> {
    let row = ask.house.seams.store.read(|view| {
        view.first(
            "SELECT tenant_id, id, name, is_disabled, created FROM identity_user
             WHERE tenant_id = ?1 AND id = ?2",
            &[(&Tenant::default()).into(), subject.into()],
        )
    })?;
    Ok(shown(ask, &row.ok_or_else(Problem::not_found)?)?)
}

/// The person of the path, whom the token may change.
pub(super) fn changeable(ask: &Ask<'_>) -> Result<Shown, Problem> {
    let one = find(ask, ask.id())?;
    ask.actor.is_not_person(ask.id())?;
    let powers = ask.house.powers.load().of(&one.roles);
    ask.actor.outranks(powers.iter().map(String::as_str))?;
    Ok(one)
}

fn role<'a>(ask: &'a Ask<'_>) -> &'a str {
    ask.values.get(1).copied().unwrap_or_default()
}

/// Nobody gives what they do not have.
fn may_give(ask: &Ask<'_>, role: &str) -> Result<(), Problem> {
    ask.actor.may("roles.write")?;
    let powers = ask.house.powers.load();
    let admin = powers.roles.get(role).ok_or_else(|| Problem::unprocessable("no such role"))?;
    ask.actor.outranks(admin.iter().map(String::as_str))
}

/// Somebody stays who can give roles. `keeps` says which of the person's roles stay.
fn is_not_last(ask: &Ask<'_>, one: &Shown, keeps: impl Fn(&str) -> bool) -> Result<(), Problem> {
    let powers = ask.house.powers.load();
    let rules = |role: &str| powers.roles.get(role).is_some_and(|own| own.contains("roles.write"));
    let had = one.roles.iter().any(|role| rules(role));
    let has = one.roles.iter().any(|role| keeps(role) && rules(role));
    if !had || has {
        return Ok(());
    }
    let rows = ask.house.seams.store.read(|view| {
        view.query(
            "SELECT DISTINCT r.role FROM identity_role r
             JOIN identity_user u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
             WHERE r.tenant_id = ?1 AND r.user_id <> ?2 AND u.is_disabled = 0",
            &one.whose.and([]),
        )
    })?;
    for row in rows {
        if rules(&row.get::<String>(0)?) {
            return Ok(());
        }
    }
    Err(Problem::conflict("nobody would be left who can give roles"))
}

fn shown(ask: &Ask<'_>, row: &Row) -> Result<Shown, StoreError> {
    let (whose, name): (Whose, String) = (Whose::read(row, 0)?, row.get(2)?);
    let (is_disabled, created): (bool, ringwall_base::Timestamp) = (row.get(3)?, row.get(4)?);
    let roles = ask.house.seams.store.read(|view| granted(view, &whose))?;
    let body = json!({
        "id": whose.subject,
        "name": name,
        "roles": roles,
        "disabled": is_disabled,
        "second_factor": factors::of(ask.house, &whose)?.is_asked(),
        "created": created.secs(),
    });
    Ok(Shown { whose, name, roles, body })
}
