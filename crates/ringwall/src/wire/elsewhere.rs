//! Sign-in at another issuer, as the manifest says.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response, Uri};
use ringwall_identity::{Outgoing, OutgoingError, RoleClaim, UpstreamSettings};
use ringwall_manifest::{Login, Model};
use ringwall_net::{Fetch, FetchLimits, Reach};
use tokio::runtime::Handle;

use super::Ground;
use super::roots::roots;
use super::shared_limits::password;

/// Requests to the issuer, within limits.
#[derive(Debug)]
struct Outward {
    /// Where the manifest says that the issuer is.
    host: String,
    /// To that host, which may be in this network if the manifest says so.
    issuer: Fetch,
    /// To whatever else its metadata names: never into this network.
    others: Fetch,
}

/// Lets people sign in there, or no longer.
pub(crate) fn apply(ground: &Ground, model: &Model) -> Result<()> {
    let gateway = &model.gateway;
    let (Login::Issuer(issuer), Some(oidc)) = (&gateway.login, &gateway.oidc) else {
        ground.identity.sign_in_at(None);
        return Ok(());
    };
    let secret = oidc.secret.as_deref().map(|name| password(ground, name)).transpose()?;
    let default = model.roles.iter().filter(|(_, role)| role.is_default);
    let is_plain = issuer.starts_with("http://");
    let roots = if is_plain { Vec::new() } else { roots(ground, oidc.ca.as_deref())? };
    let settings = UpstreamSettings {
        issuer: issuer.clone(),
        trust: [&roots[..], &[oidc.may_be_private.into()]].concat(),
        client_id: oidc.client_id.clone(),
        client_secret: secret,
        scopes: oidc.scopes.clone(),
        domains: oidc.domains.clone(),
        claims: oidc.claims.clone(),
        title: oidc.title.clone(),
        signs_up: oidc.signs_up,
        name_claim: oidc.name_claim.clone(),
        roles: default.map(|(name, _)| name.clone()).collect(),
        role_claim: oidc
            .roles_claim
            .clone()
            .map(|claim| RoleClaim { claim, roles: oidc.roles.clone() }),
        two_factors: oidc.two_factors.clone(),
    };
    let fetch = if is_plain {
        Fetch::plain()
    } else {
        Fetch::secure(&roots).context("the root of the issuer")?
    };
    let host = issuer.parse::<Uri>().context("the issuer")?;
    let reach = if oidc.may_be_private { Reach::Any } else { Reach::Public };
    let outward = Outward {
        host: host.host().unwrap_or_default().to_owned(),
        issuer: fetch.clone().limited(FetchLimits { reach, ..LIMITS }),
        others: fetch.limited(LIMITS),
    };
    ground.identity.sign_in_at(Some((settings, Arc::new(outward))));
    Ok(())
}

/// Reads anew what the issuer says of itself, beside everything else: it may be slow.
pub(crate) fn refresh(ground: &Arc<Ground>) {
    let ground = Arc::clone(ground);
    drop(tokio::task::spawn_blocking(move || ground.identity.refresh_upstream()));
}

impl Outgoing for Outward {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, OutgoingError> {
        let told = |error: &dyn std::error::Error| {
            let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
            OutgoingError(format!("{error}{cause}"))
        };
        // Identity answers on a thread that may wait.
        let here = Handle::try_current().map_err(|error| told(&error))?;
        let is_issuer = request.uri().host() == Some(self.host.as_str());
        let fetch = if is_issuer { &self.issuer } else { &self.others };
        here.block_on(fetch.send(request)).map_err(|error| told(&error))
    }
}

/// A person waits for it.
const LIMITS: FetchLimits = FetchLimits {
    reach: Reach::Public,
    within: Duration::from_secs(5),
    answer_bytes_max: 64 * 1_024,
};
