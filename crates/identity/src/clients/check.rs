//! What a client may be: everything else is refused before it is written.

use ringwall_base::Tenant;
use ringwall_jose::{JwkError, KeySet};

use super::{Access, ClientError, Grant, NewClient};
use crate::certificates::is_hash;
use crate::federation::Federation;

pub(super) fn check(new: &NewClient) -> Result<(), ClientError> {
    let is_id = (1..=64).contains(&new.id.len())
        && new.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    // Its tokens for itself have it as their `sub`: none of a person (RFC 9068 section 5).
    let is_persons = new.id.len() == 26 && new.id.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_id || is_persons {
        return Err(ClientError::Id);
    }
    if new.organisation.as_deref().is_some_and(|slug| Tenant::parse(slug).is_none()) {
        return Err(ClientError::Organisation);
    }
    let for_programs = [Grant::ClientCredentials, Grant::TokenExchange];
    if new.access == Access::Public && for_programs.iter().any(|grant| new.grants.contains(grant)) {
        return Err(ClientError::PublicProgram);
    }
    let has_use = !new.redirect_uris.is_empty() && new.grants.contains(&Grant::AuthorizationCode)
        || new.grants.contains(&Grant::DeviceCode);
    if new.access == Access::Public && !has_use {
        return Err(ClientError::Idle);
    }
    let keys = keys_of(new).map_err(ClientError::Keys)?;
    if keys.is_empty() && matches!(new.access, Access::Key(_) | Access::Federated(_)) {
        return Err(ClientError::NoKeys);
    }
    let is_usable = match &new.access {
        Access::Certificate(name) => name.is_usable(),
        Access::Federated(federation) if !federation.is_usable() => {
            return Err(ClientError::Federation);
        }
        Access::SelfSigned(hashes) => !hashes.is_empty() && hashes.iter().all(|one| is_hash(one)),
        _ => true,
    };
    if !is_usable {
        return Err(ClientError::Certificate);
    }
    let mut uris =
        new.redirect_uris.iter().chain(&new.post_logout_uris).chain(&new.backchannel_logout_uri);
    match uris.find(|uri| !is_redirect_uri(uri)) {
        Some(uri) => Err(ClientError::RedirectUri(uri.clone())),
        None => Ok(()),
    }
}

pub(super) fn keys_of(new: &NewClient) -> Result<KeySet, JwkError> {
    match &new.access {
        Access::Key(jwks) | Access::Federated(Federation { jwks, .. }) => {
            KeySet::parse(jwks.as_bytes())
        }
        _ => Ok(KeySet::default()),
    }
}

/// RFC 9700 section 2.1: https, or http on a loopback address (`localhost` can be another host).
fn is_redirect_uri(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let is_loopback = matches!(uri.host(), Some("127.0.0.1" | "[::1]"));
    let has_scheme = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_loopback,
        _ => false,
    };
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    has_scheme && !has_user && text.is_ascii() && !text.contains(['#', '*', '\\'])
}

/// What is wrong with an address that many have tried.
pub(super) fn hint(uri: &str) -> &'static str {
    let host = uri.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    if host.as_deref() == Some("localhost") {
        // RFC 8252 section 8.3.
        ": `localhost` can be another host, use 127.0.0.1 or [::1]"
    } else if uri.starts_with("http:") {
        ": it needs https, or http on 127.0.0.1 or [::1]"
    } else {
        ""
    }
}
