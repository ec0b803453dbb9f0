//! What the commands about people, roles, tokens and keys look up or end.

use anyhow::{Result, bail};
use ringwall_api::{Reply, Request};
use ringwall_identity::{KeyState, Withdrawn};
use ringwall_manifest::Model;

use super::{USERS_MAX, done, failed, or_none, rows_of, time};
use crate::wire::Ground;

pub(super) fn execute(ground: &Ground, model: Option<&Model>, request: &Request) -> Result<Reply> {
    match request {
        Request::KeyList => Ok(keys(ground)),
        Request::KeyRevoke { kid } => {
            if !ground.identity.key_rows().iter().any(|row| row.kid == *kid) {
                return Ok(failed(&format!("no key `{kid}`"), Some("see `ringwall key list`")));
            }
            ground.identity.revoke_key(kid)?;
            Ok(done(&format!("{kid} is destroyed; its tokens have ended")))
        }
        Request::RoleList => roles(ground, model),
        Request::TokenRevoke { by, value } => revoke(ground, by, value),
        Request::UserShow { name } => user(ground, name),
        _ => bail!("this is asked elsewhere"),
    }
}

fn keys(ground: &Ground) -> Reply {
    let rows = ground.identity.key_rows().into_iter().map(|row| {
        let state = match row.state {
            KeyState::Active => "active",
            KeyState::Published => "published",
            KeyState::Retiring => "retiring",
        };
        let since = row.activated.map(time).unwrap_or_default();
        let purpose = row.purpose.name().to_owned();
        vec![row.kid, purpose, state.to_owned(), time(row.published), since]
    });
    rows_of(&["id", "signs", "state", "published", "signs since"], rows.collect())
}

fn roles(ground: &Ground, model: Option<&Model>) -> Result<Reply> {
    let accounts = ground.identity.users().list(None, USERS_MAX)?;
    let declared = model.into_iter().flat_map(|model| model.roles.keys().cloned());
    let given = accounts.iter().flat_map(|account| account.roles.iter().cloned());
    let mut names: Vec<String> = declared.chain(given).collect();
    names.sort_unstable();
    names.dedup();
    let rows = names.into_iter().map(|name| {
        let people = accounts.iter().filter(|account| account.roles.contains(&name)).count();
        let role = model.and_then(|model| model.roles.get(&name));
        let kind = match role {
            None => "not in the manifest",
            Some(role) if role.mfa => "counts after two factors",
            Some(role) if role.is_default => "given to everybody new",
            Some(_) => "",
        };
        let includes = role.map_or_else(String::new, |role| role.includes.join(" "));
        vec![name, includes, kind.to_owned(), people.to_string()]
    });
    Ok(rows_of(&["role", "includes", "remark", "people"], rows.collect()))
}

fn user(ground: &Ground, name: &str) -> Result<Reply> {
    let users = ground.identity.users();
    let account = users.find(name)?;
    let factors = users.factors(name)?;
    let factor = if factors.app.is_some() { "app" } else { "none" };
    let state = if account.is_disabled { "disabled" } else { "active" };
    let mut rows = vec![
        ["name", account.name.as_str()].map(str::to_owned).to_vec(),
        ["id", account.subject.as_str()].map(str::to_owned).to_vec(),
        vec!["roles".to_owned(), or_none(&account.roles)],
        ["state", state].map(str::to_owned).to_vec(),
        ["second factor", factor].map(str::to_owned).to_vec(),
        vec!["created".to_owned(), time(account.created)],
    ];
    for session in users.sessions(&account)? {
        let source = session.source.unwrap_or_default();
        let words = format!("{} since {} from {source}", session.sid, time(session.since));
        rows.push(vec!["session".to_owned(), words]);
    }
    Ok(rows_of(&["what", "value"], rows))
}

fn revoke(ground: &Ground, by: &str, value: &str) -> Result<Reply> {
    let value = value.to_owned();
    let what = match by {
        "jti" => Withdrawn::Token(value.clone()),
        "sid" => Withdrawn::Session(value.clone()),
        // People are called by their names everywhere else.
        "sub" => Withdrawn::Subject(
            ground.identity.users().find(&value).map_or(value.clone(), |account| account.subject),
        ),
        "client" => Withdrawn::Client(value.clone()),
        _ => return Ok(failed(&format!("this server revokes nothing by `{by}`"), None)),
    };
    ground.identity.withdraw(&what)?;
    Ok(done(&format!("tokens of {by} {value} have ended")))
}
