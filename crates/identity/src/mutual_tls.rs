//! What a public door can tell us about the certificates of clients.

use arc_swap::ArcSwapOption;
use serde_json::{Value, json};

use crate::answer::{DEVICE_AUTHORIZATION, INTROSPECT, PAR, REVOKE, TOKEN, USERINFO};

/// Where certificates of clients are asked for, and whose are taken. A door that asks for none makes
/// the methods of RFC 8705 impossible, and they are not offered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MutualTls {
    /// The origin of the name that asks: the issuer, or an alias of it.
    pub origin: String,
    /// Whether an authority vouches for some, the operator's or the fleet's own.
    pub has_authority: bool,
    /// Whether self-signed ones are taken.
    pub takes_self_signed: bool,
}

/// What is in force now.
pub(crate) type Offer = ArcSwapOption<MutualTls>;

impl MutualTls {
    /// The methods of clients that are possible by it (RFC 8705 section 2).
    pub(crate) fn methods(&self) -> impl Iterator<Item = &'static str> {
        let named = self.has_authority.then_some("tls_client_auth");
        named.into_iter().chain(self.takes_self_signed.then_some("self_signed_tls_client_auth"))
    }

    /// `mtls_endpoint_aliases` (section 5), unless every endpoint asks.
    pub(crate) fn aliases(&self, issuer: &str) -> Option<Value> {
        let at = |path: &str| format!("{}{path}", self.origin);
        (self.origin != issuer).then(|| {
            json!({
                "token_endpoint": at(TOKEN),
                "revocation_endpoint": at(REVOKE),
                "introspection_endpoint": at(INTROSPECT),
                "device_authorization_endpoint": at(DEVICE_AUTHORIZATION),
                "pushed_authorization_request_endpoint": at(PAR),
                "userinfo_endpoint": at(USERINFO),
            })
        })
    }
}
