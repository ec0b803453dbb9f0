//! Clients of the manifest, made what it says.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use ringwall_base::Secret;
use ringwall_identity::{Access, Binding, Declared, Grant, NewClient, Powers, TokenFormat};
use ringwall_jose::base64url_encode;
use ringwall_manifest::{Client, ClientAccess, Model, Role};
use ringwall_vault::SecretError;

use super::Ground;

/// Registers, changes and disables what the manifest says; gives the ids that were touched. A
/// secret that nobody has set yet is made, for who may read it: `ringwall secret get NAME`.
pub(crate) fn apply(ground: &Ground, model: &Model) -> Result<Vec<String>> {
    let declared: Result<Vec<Declared>> =
        model.clients.iter().map(|(id, client)| declared(ground, id, client)).collect();
    ground.identity.clients().apply(&declared?).context("[clients] cannot take effect")
}

/// Doors that the manifest opens, and what administrators may do.
pub(crate) fn powers(model: &Model) -> Powers {
    let role = |(name, role): (&String, &Role)| {
        (name.clone(), role.admin.iter().cloned().collect::<BTreeSet<_>>())
    };
    Powers {
        has_admin_api: model.gateway.opens.admin_api,
        has_registration: model.gateway.opens.registration,
        roles: model.roles.iter().map(role).collect(),
        roles_of_organisations: model
            .roles
            .iter()
            .filter(|(_, role)| role.is_of_organisations)
            .map(|(name, _)| name.clone())
            .collect(),
    }
}

fn declared(ground: &Ground, id: &str, client: &Client) -> Result<Declared> {
    let (access, secret) = match &client.access {
        ClientAccess::Keys(jwks) => (Access::Key(jwks.clone()), None),
        ClientAccess::Public => (Access::Public, None),
        ClientAccess::Secret(name) => {
            let secret = secret(ground, name).with_context(|| format!("client `{id}`"))?;
            (Access::Secret, Some(secret))
        }
    };
    let mut scopes = vec!["openid".to_owned(), "profile".to_owned()];
    scopes.extend(client.scopes.iter().cloned());
    let is_held = |what: &str| client.demands.contains(what);
    let binding = match (is_held("certificate"), is_held("bound")) {
        (true, _) => Binding::Certificate,
        (false, true) => Binding::Service,
        (false, false) => Binding::Free,
    };
    let settings = NewClient {
        id: id.to_owned(),
        access,
        grants: client.grants.iter().filter_map(|name| grant(name)).collect(),
        redirect_uris: client.redirect_uris.clone(),
        post_logout_uris: client.post_logout_uris.clone(),
        scopes,
        roles: client.roles.clone(),
        wants_es256: client.wants_es256,
        requires_dpop: is_held("dpop"),
        requires_par: is_held("par"),
        binding,
        token_format: if is_held("opaque") { TokenFormat::Opaque } else { TokenFormat::Signed },
        may_act_for: client.acts_for.clone(),
        organisation: client.organisation.clone(),
        ..NewClient::default()
    };
    Ok(Declared { settings, secret })
}

/// The newest version of the secret.
fn secret(ground: &Ground, name: &str) -> Result<Secret<String>> {
    let secrets = ground.vault.secrets();
    match secrets.get(name, None) {
        Ok(found) => {
            let text = String::from_utf8(found.value.expose().clone());
            text.map(Secret::new).ok().with_context(|| format!("secret `{name}` is not text"))
        }
        Err(SecretError::Missing { .. }) => {
            let mut bytes = [0; 32];
            ground.entropy.fill(&mut bytes).context("no randomness")?;
            // The prefix lets secret scanners find it.
            let value = format!("rws_{}", base64url_encode(bytes));
            secrets.set(name, &Secret::new(value.clone().into_bytes()), None)?;
            Ok(Secret::new(value))
        }
        Err(error) => Err(error).with_context(|| format!("secret `{name}` cannot be read")),
    }
}

/// The manifest names grants by the last part of their names.
fn grant(name: &str) -> Option<Grant> {
    Grant::ALL.into_iter().find(|grant| {
        let last = grant.name().rsplit(':').next().unwrap_or_default();
        last.replace('-', "_") == name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_of_the_manifest_is_one() {
        for name in [
            "authorization_code",
            "client_credentials",
            "device_code",
            "refresh_token",
            "token_exchange",
        ] {
            assert!(grant(name).is_some(), "{name}");
        }
        assert!(grant("password").is_none());
    }
}
