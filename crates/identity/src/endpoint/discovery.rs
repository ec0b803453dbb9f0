//! What this server can do (OpenID Connect Discovery, RFC 8414): one document at both addresses.

use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Method, StatusCode};
use ringwall_jose::DpopProof;
use serde_json::json;

use crate::answer::{
    AUTHORIZE, Call, DEVICE_AUTHORIZATION, END_SESSION, INTROSPECT, JWKS, PAR, REVOKE, Refusal,
    Reply, TOKEN, USERINFO, json_reply,
};
use crate::clients::Grant;
use crate::identity::House;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    if !matches!(*call.request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::method());
    }
    let issuer = &house.settings.issuer;
    let at = |path: &str| format!("{issuer}{path}");
    let mutual = house.mutual_tls.load();
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
        "jwks_uri": at(JWKS),
        "scopes_supported": ["openid", "profile", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": Grant::ALL.map(Grant::name),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
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
        "prompt_values_supported": ["none", "login"],
        "tls_client_certificate_bound_access_tokens": mutual.is_some(),
    });
    let aliases = mutual.as_ref().and_then(|mutual| mutual.aliases(issuer));
    if let (Some(aliases), Some(members)) = (aliases, body.as_object_mut()) {
        members.insert("mtls_endpoint_aliases".to_owned(), aliases);
    }
    let mut reply = json_reply(StatusCode::OK, &body);
    let age = HeaderValue::from_static("public, max-age=300");
    reply.headers_mut().insert(CACHE_CONTROL, age);
    reply.headers_mut().remove("pragma");
    Ok(reply)
}
