//! What this server can do (OpenID Connect Discovery, RFC 8414): one document at both addresses.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use ringwall_jose::{DpopProof, base64url_encode};
use serde_json::{Value, json};

use crate::answer::{
    AUTHORIZE, Call, DEVICE_AUTHORIZATION, END_SESSION, INTROSPECT, JWKS, PAR, REGISTER, REVOKE,
    Refusal, Reply, TOKEN, USERINFO,
};
use crate::clients::Grant;
use crate::endpoint::document::{Label, reply};
use crate::identity::House;
use crate::mutual_tls::MutualTls;

/// The document as it was sent last, until what it says changes.
#[derive(Debug, Default)]
pub(crate) struct Discovery(ArcSwapOption<Document>);

#[derive(Debug)]
struct Document {
    /// What it was made of, beside the settings.
    mutual: Option<Arc<MutualTls>>,
    has_registration: bool,
    body: Bytes,
    tag: String,
}

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let mutual = house.mutual_tls.load_full();
    let has_registration = house.powers.load().has_registration;
    let known = house.discovery.0.load_full();
    let known = known
        .filter(|known| known.is_of(mutual.as_ref()) && known.has_registration == has_registration);
    let document = known.unwrap_or_else(|| {
        let made = Arc::new(Document::of(house, (mutual, has_registration)));
        house.discovery.0.store(Some(Arc::clone(&made)));
        made
    });
    reply(call, (&document.body, &document.tag), LABEL)
}

impl Document {
    fn of(house: &House, (mutual, has_registration): (Option<Arc<MutualTls>>, bool)) -> Self {
        let issuer = &house.settings.issuer;
        let mut body = body(issuer, mutual.as_deref());
        if let (true, Some(members)) = (has_registration, body.as_object_mut()) {
            let endpoint = format!("{issuer}{REGISTER}");
            members.insert("registration_endpoint".to_owned(), endpoint.into());
        }
        let body = Bytes::from(body.to_string());
        let tag = format!("\"{}\"", base64url_encode(digest(&SHA256, &body)));
        Self { mutual, has_registration, body, tag }
    }

    fn is_of(&self, mutual: Option<&Arc<MutualTls>>) -> bool {
        match (&self.mutual, mutual) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

fn body(issuer: &str, mutual: Option<&MutualTls>) -> Value {
    let at = |path: &str| format!("{issuer}{path}");
    let certified = || mutual.iter().flat_map(|mutual| mutual.methods());
    let algorithms = ["EdDSA", "ES256", "PS256"];
    // Who is not authenticated may not introspect.
    let introspecting: Vec<&str> = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
        .into_iter()
        .chain(certified())
        .collect();
    let methods: Vec<&str> = introspecting.iter().copied().chain(["none"]).collect();
    let mut body = json!({
        "issuer": issuer,
        "authorization_endpoint": at(AUTHORIZE),
        "token_endpoint": at(TOKEN),
        "device_authorization_endpoint": at(DEVICE_AUTHORIZATION),
        "pushed_authorization_request_endpoint": at(PAR),
        "require_pushed_authorization_requests": false,
        "revocation_endpoint": at(REVOKE),
        "introspection_endpoint": at(INTROSPECT),
        "userinfo_endpoint": at(USERINFO),
        "end_session_endpoint": at(END_SESSION),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "jwks_uri": at(JWKS),
        "scopes_supported": ["openid", "profile", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": Grant::ALL.map(Grant::name),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": introspecting,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": DpopProof::ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "request_uri_parameter_supported": false,
        "claims_supported": ["sub", "name", "preferred_username", "roles", "auth_time", "acr", "amr", "sid"],
        "acr_values_supported": ["aal1", "aal2"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "ui_locales_supported": ["en", "de"],
        "tls_client_certificate_bound_access_tokens": mutual.is_some(),
    });
    let aliases = mutual.as_ref().and_then(|mutual| mutual.aliases(issuer));
    if let (Some(aliases), Some(members)) = (aliases, body.as_object_mut()) {
        members.insert("mtls_endpoint_aliases".to_owned(), aliases);
    }
    body
}

const LABEL: Label = ("application/json", "public, max-age=300");
