//! OAuth 2 clients.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::actor::PREFIX;
use super::body::{page, paged, read};
use super::problem::Problem;
use super::{Ask, done, version};
use crate::answer::{Reply, json_reply};
use crate::clients::{Access, Binding, Client, Clients, Grant, NewClient, Party, TokenFormat};

/// What an operator says of a client. What is not said stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    id: String,
    access: Kind,
    jwks: Option<Value>,
    grants: Vec<String>,
    redirect_uris: Option<Vec<String>>,
    post_logout_redirect_uris: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    roles: Option<Vec<String>>,
    acts_for: Option<Vec<String>>,
    requires: Option<Vec<Demand>>,
    signed_by: Option<SignedBy>,
    organisation: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Made by a command, as the next. Such a client has other settings here, and the same proof.
    Certificate,
    Federated,
    Keys,
    Public,
    Secret,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Demand {
    Bound,
    Certificate,
    Consent,
    Dpop,
    Opaque,
    Par,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
enum SignedBy {
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    disabled: bool,
}

pub(super) fn list(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let (limit, after) = page(&ask.query)?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    let clients = Clients::new(ask.house).list().into_iter();
    let later = clients.filter(|client| client.settings.id > after).take(wanted);
    let items = later.map(|client| (client.settings.id.clone(), shown(&client))).collect();
    Ok(json_reply(StatusCode::OK, &paged(items, limit)))
}

pub(super) fn show(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let client = Clients::new(ask.house).find(ask.id())?;
    Ok(version::reply(StatusCode::OK, &shown(&client)))
}

pub(super) fn add(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let given: Settings = read(&ask.body)?;
    // Nothing said: what a program gets for itself is bound.
    let binding = if given.access == Kind::Public { Binding::Free } else { Binding::Service };
    let nothing = NewClient { scopes: Vec::new(), binding, ..NewClient::default() };
    let new = settings(given, &nothing)?;
    if ask.house.clients.is_service(&new.id) {
        return Err(Problem::unprocessable("a service of the fleet has this id"));
    }
    may_have(ask, &nothing, &new)?;
    let clients = Clients::new(ask.house);
    let id = new.id.clone();
    let secret = clients.add(new)?;
    let mut body = shown(&*clients.find(&id)?);
    let reply = version::reply(StatusCode::CREATED, &body);
    let Some(secret) = secret else { return Ok(reply) };
    if let Some(members) = body.as_object_mut() {
        members.insert("secret".to_owned(), secret.expose().as_str().into());
    }
    // The version is that of the client, which has no secret to show.
    let mut with_secret = json_reply(StatusCode::CREATED, &body);
    with_secret.headers_mut().extend(
        reply.headers().get(http::header::ETAG).cloned().map(|tag| (http::header::ETAG, tag)),
    );
    Ok(with_secret)
}

pub(super) fn replace(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let before = changeable(ask)?;
    let given: Settings = read(&ask.body)?;
    if given.id != ask.id() {
        return Err(Problem::unprocessable("the id of a client never changes"));
    }
    let new = settings(given, &before.settings)?;
    version::matches(ask.call, &shown(&before))?;
    may_have(ask, &before.settings, &new)?;
    let clients = Clients::new(ask.house);
    clients.change(&before, new)?;
    Ok(version::reply(StatusCode::OK, &shown(&*clients.find(ask.id())?)))
}

pub(super) fn switch(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let Switch { disabled } = read(&ask.body)?;
    let before = changeable(ask)?;
    version::matches(ask.call, &shown(&before))?;
    let clients = Clients::new(ask.house);
    clients.disable(ask.id(), disabled)?;
    Ok(version::reply(StatusCode::OK, &shown(&*clients.find(ask.id())?)))
}

pub(super) fn remove(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let before = changeable(ask)?;
    version::matches(ask.call, &shown(&before))?;
    Clients::new(ask.house).delete(ask.id())?;
    Ok(done())
}

pub(super) fn add_secret(ask: &Ask<'_>) -> Result<Reply, Problem> {
    changeable(ask)?;
    let secret = Clients::new(ask.house).add_secret(ask.id())?;
    Ok(json_reply(StatusCode::CREATED, &json!({ "secret": secret.expose() })))
}

/// The client of the path, which the token may change.
fn changeable(ask: &Ask<'_>) -> Result<std::sync::Arc<Client>, Problem> {
    let client = Clients::new(ask.house).find(ask.id())?;
    ask.actor.is_not_client(ask.id())?;
    ask.actor.outranks(powers(&client.settings))?;
    // Whoever has its credential has its roles.
    if !client.settings.roles.is_empty() {
        ask.actor.may("roles.write")?;
        let powers = ask.house.powers.load();
        ask.actor.outranks(powers.of(&client.settings.roles).iter().map(String::as_str))?;
    }
    Ok(client)
}

/// Nobody makes a client that may do more than they may, or gives it roles without the scope for it.
fn may_have(ask: &Ask<'_>, before: &NewClient, new: &NewClient) -> Result<(), Problem> {
    ask.actor.outranks(powers(new))?;
    // A program keeps what its maker may lose, and has no second factor: that is giving a role. So is
    // another organisation to have it in.
    let is_moved = before.organisation != new.organisation && powers(new).next().is_some();
    if is_moved || powers(new).any(|power| !powers(before).any(|had| had == power)) {
        ask.actor.may("roles.write")?;
    }
    if before.roles == new.roles {
        return Ok(());
    }
    ask.actor.may("roles.write")?;
    let powers = ask.house.powers.load();
    ask.actor.outranks(powers.of(&new.roles).iter().map(String::as_str))?;
    if new.roles.iter().all(|role| powers.roles.contains_key(role)) {
        return Ok(());
    }
    Err(Problem::unprocessable("no such role"))
}

fn powers(settings: &NewClient) -> impl Iterator<Item = &str> {
    settings.scopes.iter().filter_map(|scope| scope.strip_prefix(PREFIX))
}

/// The client with what is said of it. It starts from what it is: much that a command can say, as
/// consent and logout addresses, a body need not or cannot, and nobody's change takes it away unseen.
fn settings(given: Settings, before: &NewClient) -> Result<NewClient, Problem> {
    let access = access(given.access, given.jwks, &before.access)?;
    let grants: Option<Vec<Grant>> = given.grants.iter().map(|name| Grant::parse(name)).collect();
    let grants = grants.ok_or_else(|| Problem::unprocessable("no such grant"))?;
    let old = before.clone();
    let new = NewClient {
        id: given.id,
        access,
        grants,
        redirect_uris: given.redirect_uris.unwrap_or(old.redirect_uris),
        post_logout_uris: given.post_logout_redirect_uris.unwrap_or(old.post_logout_uris),
        scopes: given.scopes.unwrap_or(old.scopes),
        roles: given.roles.unwrap_or(old.roles),
        wants_es256: given.signed_by.map_or(old.wants_es256, |by| by == SignedBy::Es256),
        may_act_for: given.acts_for.unwrap_or(old.may_act_for),
        organisation: given.organisation.or(old.organisation),
        ..old
    };
    Ok(match given.requires {
        Some(demands) => held_to(new, &demands),
        None => new,
    })
}

fn access(kind: Kind, jwks: Option<Value>, before: &Access) -> Result<Access, Problem> {
    match (kind, jwks) {
        (Kind::Keys, Some(jwks)) => Ok(Access::Key(jwks.to_string())),
        (Kind::Public, None) => Ok(Access::Public),
        (Kind::Secret, None) => Ok(Access::Secret),
        (Kind::Certificate, None)
            if matches!(before, Access::Certificate(_) | Access::SelfSigned(_)) =>
        {
            Ok(before.clone())
        }
        (Kind::Federated, None) if matches!(before, Access::Federated(_)) => Ok(before.clone()),
        (Kind::Certificate | Kind::Federated, None) => {
            Err(Problem::unprocessable("such a client is made by `ringwall client add`"))
        }
        _ => Err(Problem::unprocessable("`jwks` goes with `access` `keys` and no other")),
    }
}

/// All that a client is held to: what the list leaves out, it is not.
fn held_to(client: NewClient, demands: &[Demand]) -> NewClient {
    let is_held = |demand| demands.contains(&demand);
    let is_opaque = is_held(Demand::Opaque);
    NewClient {
        requires_dpop: is_held(Demand::Dpop),
        requires_par: is_held(Demand::Par),
        binding: match (is_held(Demand::Certificate), is_held(Demand::Bound)) {
            (true, _) => Binding::Certificate,
            (false, true) => Binding::Service,
            (false, false) => Binding::Free,
        },
        party: if is_held(Demand::Consent) { Party::Third } else { Party::First },
        token_format: if is_opaque { TokenFormat::Opaque } else { TokenFormat::Signed },
        ..client
    }
}

fn shown(client: &Client) -> Value {
    let settings = &client.settings;
    let jwks = match &settings.access {
        Access::Key(jwks) => serde_json::from_str(jwks).unwrap_or_default(),
        _ => Value::Null,
    };
    let grants: Vec<&str> = settings.grants.iter().map(|grant| grant.name()).collect();
    json!({
        "id": settings.id,
        "access": name(&settings.access),
        "jwks": jwks,
        "grants": grants,
        "redirect_uris": settings.redirect_uris,
        "post_logout_redirect_uris": settings.post_logout_uris,
        "scopes": settings.scopes,
        "roles": settings.roles,
        "acts_for": settings.may_act_for,
        "requires": settings.demands(),
        "signed_by": if settings.wants_es256 { "ES256" } else { "EdDSA" },
        "organisation": settings.organisation,
        "owner": settings.owner.name(),
        "disabled": client.is_disabled,
    })
}

const fn name(access: &Access) -> &'static str {
    match access {
        Access::Certificate(_) | Access::SelfSigned(_) => "certificate",
        Access::Federated(_) => "federated",
        Access::Key(_) => "keys",
        Access::Public => "public",
        Access::Secret => "secret",
        Access::Workload => "workload",
    }
}
