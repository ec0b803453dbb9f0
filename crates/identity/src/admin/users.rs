//! People and their roles.

use std::collections::BTreeSet;

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
use crate::organisations::Organisations;
use crate::people::{Users, login_name, roles as granted};
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
    let more = limit.saturating_add(1);
    let rows = ask.house.seams.store.read(|view| match asked_for(ask)? {
        Some(tenant) => Ok::<_, Problem>(view.query(
            "SELECT u.tenant_id, u.id, u.name, u.is_disabled, u.created FROM identity_user u
             JOIN identity_organisation o ON o.tenant_id = u.tenant_id
             WHERE u.tenant_id = ?1 AND u.name > ?2 ORDER BY u.name LIMIT ?3",
            &[(&tenant).into(), (&after).into(), more.into()],
        )?),
        None => Ok(view.query(
            "SELECT u.tenant_id, u.id, u.name, u.is_disabled, u.created FROM identity_user u
             JOIN identity_organisation o ON o.tenant_id = u.tenant_id
             WHERE (u.tenant_id, u.name) > (?1, ?2) ORDER BY u.tenant_id, u.name LIMIT ?3",
            &[place(&after).into(), (&after).into(), more.into()],
        )?),
    })?;
    let shown: Result<Vec<Shown>, StoreError> = rows.iter().map(|row| shown(ask, row)).collect();
    let items = shown?.into_iter().map(|one| (one.name, one.body)).collect();
    Ok(json_reply(StatusCode::OK, &paged(items, limit)))
}

/// The organisation whose people are listed; `None`: all.
fn asked_for(ask: &Ask<'_>) -> Result<Option<Tenant>, Problem> {
    let Some(slug) = ask.query.get("organisation") else { return Ok(ask.actor.bounds().cloned()) };
    if ask.actor.bounds().is_some_and(|own| own.as_str() != slug) {
        return Err(Problem::not_found());
    }
    let (tenant, _) = Organisations::new(ask.house).known(slug)?;
    Ok(Some(tenant))
}

/// The organisation of the last name of the page before; of none, before all of them.
fn place(after: &str) -> &str {
    match after.split_once('/') {
        Some((slug, _)) => slug,
        None if after.is_empty() => "",
        None => Tenant::DEFAULT,
    }
}

pub(super) fn show(ask: &Ask<'_>) -> Result<Reply, Problem> {
    Ok(version::reply(StatusCode::OK, &find(ask, ask.id())?.body))
}

pub(super) fn add(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let New { name, password, mut roles } = read(&ask.body)?;
    // Before anything is looked up: who is of one organisation learns nothing of the others.
    let organisation = login_name(&name).map(|name| name.organisation);
    if ask.actor.bounds().is_some_and(|own| organisation.is_some_and(|named| named != *own)) {
        return Err(Problem::forbidden("this is not of your organisation"));
    }
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

pub(super) fn remove_links(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let one = changeable(ask)?;
    // It may be the only way in, and gives roles.
    is_not_last(ask, &one, |_role| false)?;
    Users::new(ask.house).unlink(&one.name)?;
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
    let shown = |(name, admin): (&String, &BTreeSet<String>)| {
        let is_open = powers.roles_of_organisations.contains(name);
        json!({"name": name, "admin": admin, "organisations": is_open})
    };
    let items: Vec<Value> = powers.roles.iter().map(shown).collect();
    Ok(json_reply(StatusCode::OK, &json!({ "items": items, "next": null })))
}

/// A person by `sub`.
pub(super) fn find(ask: &Ask<'_>, subject: &str) -> Result<Shown, Problem> {
    let row = ask.house.seams.store.read(|view| {
        view.first(
            "SELECT u.tenant_id, u.id, u.name, u.is_disabled, u.created FROM identity_user u
             JOIN identity_organisation o ON o.tenant_id = u.tenant_id WHERE u.id = ?1",
            &[subject.into()],
        )
    })?;
    let row = row.ok_or_else(Problem::not_found)?;
    // Another organisation's person is not there.
    if ask.actor.bounds().is_some_and(|own| row.get::<Tenant>(0).ok().as_ref() != Some(own)) {
        return Err(Problem::not_found());
    }
    Ok(shown(ask, &row)?)
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

/// Nobody gives what they do not have; nobody of one organisation what the manifest keeps to the house.
fn may_give(ask: &Ask<'_>, role: &str) -> Result<(), Problem> {
    ask.actor.may("roles.write")?;
    let powers = ask.house.powers.load();
    let admin = powers.roles.get(role).ok_or_else(|| Problem::unprocessable("no such role"))?;
    if ask.actor.bounds().is_some() && !powers.roles_of_organisations.contains(role) {
        return Err(Problem::forbidden("this role is not given out by organisations"));
    }
    ask.actor.outranks(admin.iter().map(String::as_str))
}

/// Somebody stays who can give roles, but in an organisation that whoever administers all looks after.
/// `keeps` says which of the person's roles stay.
fn is_not_last(ask: &Ask<'_>, one: &Shown, keeps: impl Fn(&str) -> bool) -> Result<(), Problem> {
    if ask.actor.bounds().is_none() && !one.whose.tenant.is_default() {
        return Ok(());
    }
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
        "organisation": whose.tenant.as_str(),
        "roles": roles,
        "disabled": is_disabled,
        "second_factor": factors::of(ask.house, &whose)?.is_asked(),
        "created": created.secs(),
    });
    Ok(Shown { whose, name, roles, body })
}
