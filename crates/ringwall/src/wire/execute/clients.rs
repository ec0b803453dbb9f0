//! What `ringwall client` asks for.

use anyhow::Result;
use ringwall_api::{CertificateSpec, ClientSpec, Hidden, Reply, Request};
use ringwall_base::Secret;
use ringwall_identity::{
    Access, Binding, CertificateName, Client, Federation, Grant, Growth, IdTokenAlgorithm,
    NewClient, Owner, Party, TokenFormat, certificate_hashes,
};
use ringwall_manifest::Model;

use super::{done, failed, knows_role, rows_of, unknown_role};
use crate::wire::Ground;

pub(super) fn execute(ground: &Ground, model: Option<&Model>, request: &Request) -> Result<Reply> {
    let clients = ground.identity.clients();
    match request {
        Request::ClientAdd(spec) => {
            if let Some(refused) = refused(model, spec) {
                return Ok(refused);
            }
            Ok(match clients.add(new_client(spec))? {
                Some(secret) => shown_once(&format!("{} is registered", spec.id), &secret),
                None => done(&format!("{} is registered", spec.id)),
            })
        }
        Request::ClientChange(spec) => {
            if let Some(refused) = refused(model, spec) {
                return Ok(refused);
            }
            let before = clients.find(&spec.id)?;
            clients.change(&before, changed(&before.settings, spec))?;
            Ok(done(&format!("{} has other settings", spec.id)))
        }
        Request::ClientSecret { id } => {
            let secret = clients.add_secret(id)?;
            Ok(shown_once(&format!("{id} has one more secret, the oldest is gone"), &secret))
        }
        Request::ClientRemove { id } => {
            clients.disable(id, true)?;
            Ok(done(&format!("{id} is disabled; its tokens have ended")))
        }
        Request::ClientEnable { id } => {
            clients.disable(id, false)?;
            Ok(done(&format!("{id} may have tokens again")))
        }
        Request::ClientDelete { id } => {
            clients.delete(id)?;
            Ok(done(&format!("{id} is gone; its tokens have ended")))
        }
        Request::ClientShow { id } => {
            let initial = clients.admitted()?.remove(id).unwrap_or_default();
            Ok(facts(&*clients.find(id)?, initial))
        }
        _ => {
            let initial = clients.admitted()?;
            let rows = clients.list().into_iter();
            let rows = rows.map(|client| row(&client, initial.get(&client.settings.id)));
            let columns = ["id", "access", "grants", "demands", "acts for", "redirect URIs"];
            Ok(rows_of(
                &[&columns[..], &["owner", "initial token", "state"]].concat(),
                rows.collect(),
            ))
        }
    }
}

fn shown_once(what: &str, secret: &Secret<String>) -> Reply {
    let message = Some(format!("{what}; its secret is shown only now:"));
    Reply::Secret { value: Hidden::new(secret.expose().clone()), message }
}

fn row(client: &Client, initial: Option<&String>) -> Vec<String> {
    let settings = &client.settings;
    vec![
        settings.id.clone(),
        access(settings).to_owned(),
        grants(settings),
        settings.demands().join(" "),
        settings.may_act_for.join(" "),
        settings.redirect_uris.join(" "),
        settings.owner.name().to_owned(),
        initial.cloned().unwrap_or_default(),
        state(client).to_owned(),
    ]
}

fn facts(client: &Client, initial: String) -> Reply {
    let settings = &client.settings;
    let algorithm = if settings.wants_es256 { "ES256" } else { "EdDSA" };
    let facts = [
        ("id", settings.id.clone()),
        ("access", access(settings).to_owned()),
        ("grants", grants(settings)),
        ("demands", settings.demands().join(" ")),
        ("acts for", settings.may_act_for.join(" ")),
        ("redirect URIs", settings.redirect_uris.join(" ")),
        ("after logout", settings.post_logout_uris.join(" ")),
        ("told of logouts", settings.backchannel_logout_uri.clone().unwrap_or_default()),
        ("scopes", settings.scopes.join(" ")),
        ("roles", settings.roles.join(" ")),
        ("tokens signed by", algorithm.to_owned()),
        ("organisation", settings.organisation.clone().unwrap_or_default()),
        ("owner", settings.owner.name().to_owned()),
        ("initial token", initial),
        ("state", state(client).to_owned()),
    ];
    rows_of(&["what", "value"], facts.map(|(what, value)| vec![what.to_owned(), value]).to_vec())
}

const fn access(settings: &NewClient) -> &'static str {
    match settings.access {
        Access::Certificate(_) | Access::SelfSigned(_) => "certificate",
        Access::Federated(_) => "federated",
        Access::Key(_) => "key",
        Access::Public => "public",
        Access::Secret => "secret",
        Access::Workload => "workload",
    }
}

/// By the last part of their names, as the command takes them.
fn grants(settings: &NewClient) -> String {
    let names = settings.grants.iter().map(|grant| grant.name());
    let short = names.map(|name| name.rsplit(':').next().unwrap_or(name));
    short.collect::<Vec<_>>().join(" ")
}

const fn state(client: &Client) -> &'static str {
    if client.is_disabled { "disabled" } else { "active" }
}

fn refused(model: Option<&Model>, spec: &ClientSpec) -> Option<Reply> {
    if let Some(unknown) = spec.roles.iter().find(|role| !knows_role(model, role)) {
        return Some(unknown_role(model, unknown));
    }
    // A newer command may ask for what this server does not know.
    let unknown = unknown_word(spec)?;
    Some(failed(&format!("this server knows no `{unknown}` of clients"), None))
}

fn unknown_word(spec: &ClientSpec) -> Option<&str> {
    let mut grants = spec.grants.iter().filter(|name| Grant::parse(name).is_none());
    let mut requires = spec.requires.iter().filter(|name| !REQUIREMENTS.contains(&name.as_str()));
    grants.next().or_else(|| requires.next()).map(String::as_str)
}

fn new_client(spec: &ClientSpec) -> NewClient {
    let access = match (&spec.jwks, &spec.certificate, spec.is_public) {
        (jwks, _, _) if spec.federation.is_some() => federated(spec, jwks.as_deref()),
        (Some(jwks), _, _) => Access::Key(jwks.clone()),
        (None, Some(certificate), _) => certified(certificate),
        (None, None, true) => Access::Public,
        (None, None, false) => Access::Secret,
    };
    let is_for_people = !spec.redirect_uris.is_empty();
    let mut grants = Vec::new();
    if is_for_people {
        grants.push(Grant::AuthorizationCode);
    }
    if !spec.is_public {
        grants.push(Grant::ClientCredentials);
    }
    grants.extend(spec.grants.iter().filter_map(|name| Grant::parse(name)));
    if !spec.acts_for.is_empty() {
        grants.push(Grant::TokenExchange);
    }
    grants.dedup();
    let requires = |what: &str| spec.requires.iter().any(|name| name == what);
    let mut scopes = vec!["openid".to_owned(), "profile".to_owned()];
    scopes.extend(
        spec.scopes
            .iter()
            .filter(|scope| !["openid", "profile"].contains(&scope.as_str()))
            .cloned(),
    );
    NewClient {
        id: spec.id.clone(),
        access,
        grants,
        redirect_uris: spec.redirect_uris.clone(),
        post_logout_uris: spec.post_logout_uris.clone(),
        backchannel_logout_uri: spec.backchannel_logout_uri.clone(),
        scopes,
        roles: spec.roles.clone(),
        wants_es256: spec.wants_es256,
        id_token: if spec.wants_rs256_id {
            IdTokenAlgorithm::Rs256
        } else {
            IdTokenAlgorithm::Es256
        },
        requires_dpop: requires("dpop"),
        requires_par: requires("par"),
        party: if requires("consent") { Party::Third } else { Party::First },
        token_format: if requires("opaque") { TokenFormat::Opaque } else { TokenFormat::Signed },
        may_act_for: spec.acts_for.clone(),
        owner: Owner::Command,
        organisation: spec.organisation.clone(),
        growth: Growth::Free,
        binding: if requires("bound") {
            Binding::Service
        } else if requires("certificate") {
            Binding::Certificate
        } else {
            Binding::Free
        },
    }
}

/// A claim without a pattern becomes one that cannot be registered, as nothing does.
fn federated(spec: &ClientSpec, jwks: Option<&str>) -> Access {
    let federation = spec.federation.as_ref();
    let claims = federation.map(|other| other.claims.as_slice()).unwrap_or_default().iter();
    let pair = |claim: &String| {
        let (name, pattern) = claim.split_once('=').unwrap_or((claim, ""));
        (name.to_owned(), pattern.to_owned())
    };
    Access::Federated(Federation {
        issuer: federation.map(|other| other.issuer.clone()).unwrap_or_default(),
        jwks: jwks.unwrap_or_default().to_owned(),
        claims: claims.map(pair).collect(),
        may_repeat: federation.is_some_and(|other| other.may_repeat),
    })
}

/// What cannot be read becomes what cannot be registered.
fn certified(certificate: &CertificateSpec) -> Access {
    match certificate {
        CertificateSpec::Name(text) => Access::Certificate(CertificateName::parse(text)),
        CertificateSpec::Own(text) => {
            Access::SelfSigned(certificate_hashes(text).unwrap_or_default())
        }
        CertificateSpec::Workload => Access::Workload,
    }
}

/// The same client with other settings. Its keys stay when none are given.
fn changed(before: &NewClient, spec: &ClientSpec) -> NewClient {
    let is_public = spec.is_public || before.access == Access::Public;
    let mut new = new_client(&ClientSpec { is_public, ..spec.clone() });
    if spec.jwks.is_none() && spec.certificate.is_none() && !spec.is_public {
        new.access.clone_from(&before.access);
    }
    new
}

/// What a client can be held to.
const REQUIREMENTS: [&str; 6] = ["bound", "certificate", "consent", "dpop", "opaque", "par"];
