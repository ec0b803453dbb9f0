//! Carries out what the command line asks, on a running server or on the store itself.

mod clients;
mod initial_tokens;
mod organisations;
mod registry;
mod rules;

use std::time::Duration;

use anyhow::{Result, bail};
use ringwall_api::{AuditFilter, Hidden, Problem, Reply, Request};
use ringwall_base::{Secret, Timestamp};
use ringwall_identity::{Passkey, Purpose};
use ringwall_jose::Expected;
use ringwall_manifest::Model;

use super::certified;
use super::explain;
use super::ground::{Ground, issuer};
use crate::load::Loaded;
use crate::paths::Place;

/// Carries a request out without a server: opens the state folder, acts, closes it.
pub(crate) fn offline(request: &Request, place: &Place) -> Result<Reply> {
    // Accounts can be managed while the manifest is broken or not written yet.
    let model = Loaded::read(place).ok().and_then(|loaded| loaded.report.model);
    let ground = Ground::open(place, model.as_ref())?;
    Ok(execute(&ground, model.as_ref(), request))
}

/// Carries a request out. What fails is a reply, so that the server goes on.
pub(crate) fn execute(ground: &Ground, model: Option<&Model>, request: &Request) -> Reply {
    attempt(ground, model, request).unwrap_or_else(|error| failed(&format!("{error:#}"), None))
}

fn attempt(ground: &Ground, model: Option<&Model>, request: &Request) -> Result<Reply> {
    match request {
        Request::AuditQuery(filter) => audit(ground, filter),
        Request::CertificateIssue { service, minutes } => {
            certificate(ground, model, (service, *minutes))
        }
        Request::ClientAdd(_)
        | Request::ClientChange(_)
        | Request::ClientDelete { .. }
        | Request::ClientEnable { .. }
        | Request::ClientList
        | Request::ClientRemove { .. }
        | Request::ClientSecret { .. }
        | Request::ClientShow { .. } => clients::execute(ground, model, request),
        Request::InitialTokenAdd { .. }
        | Request::InitialTokenList
        | Request::InitialTokenRevoke { .. } => initial_tokens::execute(ground, model, request),
        Request::KeyList
        | Request::KeyRevoke { .. }
        | Request::RoleList
        | Request::TokenRevoke { .. }
        | Request::UserShow { .. } => registry::execute(ground, model, request),
        Request::OrganisationAdd { .. }
        | Request::OrganisationDelete { .. }
        | Request::OrganisationDisable { .. }
        | Request::OrganisationEnable { .. }
        | Request::OrganisationList
        | Request::OrganisationShow { .. } => organisations::execute(ground, request),
        Request::KeyRotate => {
            Ok(ground.identity.rotate(Purpose::Access).map(|_key| done(NEW_KEY))?)
        }
        Request::KeyRotateRoot => ground.rotate_root().map(|()| done(NEW_ROOT)),
        Request::RoleGrant { .. }
        | Request::RoleRevoke { .. }
        | Request::UserAdd { .. }
        | Request::UserDisable { .. }
        | Request::UserEnable { .. }
        | Request::UserInvite { .. }
        | Request::UserList { .. }
        | Request::UserReset { .. }
        | Request::UserUnlink { .. } => people(ground, model, request),
        Request::UserEnrol { .. }
        | Request::UserFactors { .. }
        | Request::UserFactorsRemove { .. } => factors(ground, request),
        Request::SecretGet { .. }
        | Request::SecretList
        | Request::SecretRemove { .. }
        | Request::SecretSet { .. }
        | Request::SecretVersions { .. } => secrets(ground, model, request),
        Request::TokenInspect { token } => Ok(inspect(ground, model, token.expose())),
        Request::WafAllow { .. }
        | Request::WafForget
        | Request::WafRemove { .. }
        | Request::WafUse { .. } => rules::execute(ground, request),
        Request::Why { request } => explain::request(ground, model, request),
        Request::Tap { from } => Ok(Reply::Tap(ground.tap(*from))),
        Request::Reload | Request::Status | Request::Upgrade => Ok(failed(
            "no server runs here",
            Some("start one with `ringwall dev` or `ringwall serve`"),
        )),
    }
}

const NEW_KEY: &str = "a new signing key is published; it signs when every verifier can have it";

const NEW_ROOT: &str =
    "the vault is under a new root key; back root.key up, the old one opens nothing";

/// A service's own certificate, with its key.
fn certificate(
    ground: &Ground,
    model: Option<&Model>,
    (service, minutes): (&str, u32),
) -> Result<Reply> {
    let Some(model) = model.filter(|model| model.services.contains_key(service)) else {
        let help = "`ringwall show routes` lists the services";
        return Ok(failed(&format!("the manifest has no service `{service}`"), Some(help)));
    };
    let life = Duration::from_mins(u64::from(minutes));
    let issued = certified::workload(ground, &model.name, (service, life))?;
    let pem = format!("{}{}", issued.key_pem().expose(), issued.chain_pem());
    Ok(Reply::Secret {
        value: Hidden::new(pem),
        message: Some(format!(
            "{service} has this certificate and key until {}:",
            issued.not_after()
        )),
    })
}

fn people(ground: &Ground, model: Option<&Model>, request: &Request) -> Result<Reply> {
    let users = ground.identity.users();
    match request {
        Request::UserAdd { .. } | Request::UserInvite { .. } => newcomer(ground, model, request),
        Request::UserDisable { name } => {
            users.disable(name, true)?;
            Ok(done(&format!("{name} is disabled; sessions and tokens have ended")))
        }
        Request::UserEnable { name } => {
            users.disable(name, false)?;
            Ok(done(&format!("{name} may sign in again")))
        }
        Request::UserReset { name, password, keeps_links } => {
            users.set_password(name, &Secret::new(password.expose().to_owned()))?;
            // Whoever was in the account may have made one. The sessions have ended: no more come.
            let gone = if *keeps_links { 0 } else { users.unlink_made(name)? };
            let also = if gone > 0 { "; a link to the other issuer is gone" } else { "" };
            Ok(done(&format!("{name} has a new password{also}")))
        }
        Request::UserUnlink { name } => {
            let count = users.unlink(name)?;
            Ok(done(&match count {
                0 => format!("{name} has no link to another issuer"),
                _ => format!("{name} has no link any more; sessions and tokens have ended"),
            }))
        }
        Request::RoleGrant { name, role } => {
            if !knows_role(model, role) {
                return Ok(unknown_role(model, role));
            }
            users.grant(name, role)?;
            Ok(done(&format!("{name} has the role {role}")))
        }
        Request::RoleRevoke { name, role } => {
            users.revoke(name, role)?;
            Ok(done(&format!("{name} no longer has the role {role}")))
        }
        Request::UserList { organisation } => {
            let of = match organisation {
                Some(slug) => Some(ground.identity.organisations().find(slug)?.tenant),
                None => None,
            };
            let with_factor = users.with_factor()?;
            let rows = users.list(of.as_ref(), USERS_MAX)?.into_iter().map(|account| {
                let factor = with_factor.get(&account.subject).map_or("none", String::as_str);
                let state = if account.is_disabled { "disabled" } else { "active" };
                let (roles, factor, state) =
                    (or_none(&account.roles), factor.to_owned(), state.to_owned());
                vec![account.name, roles, state, factor, account.subject]
            });
            Ok(rows_of(&["name", "roles", "state", "second factor", "id"], rows.collect()))
        }
        _ => bail!("this is not about people"),
    }
}

/// An account that was not there before.
fn newcomer(ground: &Ground, model: Option<&Model>, request: &Request) -> Result<Reply> {
    let users = ground.identity.users();
    match request {
        Request::UserAdd { name, roles, password, email } => {
            let roles = match given_roles(model, roles) {
                Ok(roles) => roles,
                Err(reply) => return Ok(reply),
            };
            let account = users.add(name, &roles, &Secret::new(password.expose().to_owned()))?;
            if let Some(email) = email {
                users.ask_email(name, email)?;
            }
            Ok(done(&format!(
                "added {} ({}), id {}",
                account.name,
                or_none(&roles),
                account.subject
            )))
        }
        Request::UserInvite { name, roles, email } => {
            let roles = match given_roles(model, roles) {
                Ok(roles) => roles,
                Err(reply) => return Ok(reply),
            };
            let invitation = users.invite(name, &roles, email.as_deref())?;
            let name = &invitation.account.name;
            Ok(match invitation.link {
                Some(link) => Reply::Secret {
                    value: Hidden::new(link.expose().clone()),
                    message: Some(format!("{name} sets a password here, once, within a week:")),
                },
                None if ground.identity.sends_mail() => {
                    done(&format!("{name} gets a letter with a link that sets a password"))
                }
                None => done(&format!(
                    "a letter for {name} waits: nobody sends letters here now (`dev` does, and \
                     `serve` with `[mail]`). Without --email the link is printed"
                )),
            })
        }
        _ => bail!("this is not about a new account"),
    }
}

/// The second factors of a person.
fn factors(ground: &Ground, request: &Request) -> Result<Reply> {
    let users = ground.identity.users();
    match request {
        Request::UserEnrol { name } => {
            let handout = users.enrol(name)?;
            let codes = handout.recovery_codes.iter().map(|code| code.expose().as_str());
            let lines: Vec<&str> =
                std::iter::once(handout.uri.expose().as_str()).chain(codes).collect();
            Ok(Reply::Secret {
                value: Hidden::new(lines.join("\n")),
                message: Some(format!(
                    "{name} needs this authenticator from now on; it and the recovery codes are shown \
                     only now:"
                )),
            })
        }
        Request::UserFactors { name } => {
            let factors = users.factors(name)?;
            let app = factors.app.map(|since| vec!["app".to_owned(), time(since)]);
            let passkey = |one: &Passkey| vec![format!("passkey {}", one.name), time(one.created)];
            let passkeys = factors.passkeys.iter().map(passkey);
            let left = format!("{} left", factors.recovery_codes);
            let codes =
                (factors.recovery_codes > 0).then(|| vec!["recovery codes".to_owned(), left]);
            Ok(rows_of(
                &["factor", "since"],
                app.into_iter().chain(passkeys).chain(codes).collect(),
            ))
        }
        Request::UserFactorsRemove { name } => {
            users.remove_factors(name)?;
            Ok(done(&format!("{name} has a password only; sessions and tokens have ended")))
        }
        _ => bail!("this is not about factors"),
    }
}

fn secrets(ground: &Ground, model: Option<&Model>, request: &Request) -> Result<Reply> {
    let secrets = ground.vault.secrets();
    match request {
        Request::SecretSet { name, value } => {
            let value = Secret::new(value.expose().as_bytes().to_vec());
            let version = secrets.set(name, &value, None)?;
            let undeclared = model.is_some_and(|model| !model.secrets.contains_key(name));
            let remark = if undeclared { " (no [secrets] line declares it yet)" } else { "" };
            Ok(done(&format!("{name} is at version {version}{remark}")))
        }
        Request::SecretGet { name, version } => {
            let found = secrets.get(name, *version)?;
            let text = String::from_utf8(found.value.expose().clone())
                .map_err(|_not_text| anyhow::anyhow!("the value of `{name}` is not text"))?;
            Ok(Reply::Secret { value: Hidden::new(text), message: None })
        }
        Request::SecretRemove { name } => {
            secrets.remove(name)?;
            Ok(done(&format!("{name} is removed with all its versions")))
        }
        Request::SecretVersions { name } => {
            let rows = secrets.versions(name)?.into_iter();
            let rows = rows.map(|version| vec![version.version.to_string(), time(version.created)]);
            Ok(rows_of(&["version", "created"], rows.collect()))
        }
        _ => {
            let rows = secrets
                .list()?
                .into_iter()
                .map(|secret| vec![secret.name, secret.version.to_string(), time(secret.updated)]);
            Ok(rows_of(&["name", "version", "changed"], rows.collect()))
        }
    }
}

fn inspect(ground: &Ground, model: Option<&Model>, token: &str) -> Reply {
    let issuer = model.map_or_else(String::new, issuer);
    let expected = Expected { audience: issuer.clone(), issuer };
    let steps =
        ringwall_jose::explain(token, &ground.identity.keys(), &expected, ground.clock.now());
    let rows = steps.into_iter().map(|step| {
        vec![if step.is_ok { "√" } else { "×" }.to_owned(), step.name.to_owned(), step.detail]
    });
    rows_of(&["", "check", "found"], rows.collect())
}

fn audit(ground: &Ground, filter: &AuditFilter) -> Result<Reply> {
    let filter = ringwall_audit::Filter {
        action: filter.action.clone(),
        limit: filter.limit,
        outcome: filter.outcome.clone(),
        person: filter.person.clone(),
        request: filter.request.clone(),
        service: filter.service.clone(),
        ..ringwall_audit::Filter::default()
    };
    ground.log().flush()?;
    let found = ground.log().query(&filter)?;
    let values: Result<Vec<_>, _> = found.iter().map(ringwall_audit::Entry::value).collect();
    Ok(Reply::Values { values: values? })
}

/// What was asked for, and what everybody has.
fn given_roles(model: Option<&Model>, asked: &[String]) -> Result<Vec<String>, Reply> {
    if let Some(unknown) = asked.iter().find(|role| !knows_role(model, role)) {
        return Err(unknown_role(model, unknown));
    }
    let all = model.into_iter().flat_map(|model| &model.roles);
    let default = all.filter(|(_, role)| role.is_default).map(|(name, _)| name);
    let mut roles: Vec<String> = asked.iter().chain(default).cloned().collect();
    roles.sort();
    roles.dedup();
    Ok(roles)
}

fn knows_role(model: Option<&Model>, role: &str) -> bool {
    model.is_none_or(|model| model.roles.contains_key(role))
}

fn unknown_role(model: Option<&Model>, role: &str) -> Reply {
    let known: Vec<&str> =
        model.into_iter().flat_map(|model| model.roles.keys()).map(String::as_str).collect();
    failed(&format!("no role `{role}`"), Some(&format!("[roles] has {}", known.join(", "))))
}

fn or_none(roles: &[String]) -> String {
    if roles.is_empty() { "no roles".to_owned() } else { roles.join(", ") }
}

fn time(at: Timestamp) -> String {
    at.to_string()
}

fn rows_of(columns: &[&str], rows: Vec<Vec<String>>) -> Reply {
    Reply::Rows { columns: columns.iter().map(|column| (*column).to_owned()).collect(), rows }
}

pub(super) fn done(message: &str) -> Reply {
    Reply::Done { message: message.to_owned() }
}

pub(super) fn failed(message: &str, help: Option<&str>) -> Reply {
    let problem = Problem {
        code: "RW4001".to_owned(),
        help: help.map(str::to_owned),
        message: message.to_owned(),
    };
    Reply::Failed(problem)
}

/// More are asked for by name.
const USERS_MAX: u32 = 10_000;
