//! What the tokens of a request are bound to: a key that it proves (RFC 9449), else the certificate of
//! its connection (RFC 8705 section 3).

use ringwall_jose::{Confirmation, DpopProof, base64url_encode};

use crate::answer::{Call, Refusal};
use crate::clients::{Binding, Client, Grant};

pub(crate) fn bond(
    call: &Call,
    client: &Client,
    (grant, proof): (Grant, Option<&DpopProof>),
) -> Result<Option<Confirmation>, Refusal> {
    let settings = &client.settings;
    let is_demanded = settings.binding == Binding::Certificate;
    // Also of who proves a key: whoever stole the client's secret can make one.
    if is_demanded && certificate_hash(call).is_none() {
        return Err(Refusal::client("invalid_request", "the client must show a certificate"));
    }
    if let Some(proof) = proof {
        return Ok(Some(Confirmation::Key(proof.jkt().to_owned())));
    }
    if settings.requires_dpop {
        return Err(Refusal::client("invalid_dpop_proof", "the client must prove a key"));
    }
    let is_certified = settings.access.is_by_certificate() || is_demanded;
    let shown = certificate_hash(call).filter(|_| is_certified);
    // What a service is given for itself or to act with is worth nothing to who copies it.
    let is_for_service = matches!(grant, Grant::ClientCredentials | Grant::TokenExchange);
    if settings.binding == Binding::Service && is_for_service && shown.is_none() {
        let why = "the client must prove a key, or show a certificate";
        return Err(Refusal::client("invalid_dpop_proof", why));
    }
    Ok(shown.map(Confirmation::Certificate))
}

/// `x5t#S256` of the connection's certificate.
pub(crate) fn certificate_hash(call: &Call) -> Option<String> {
    call.certificate().map(|shown| base64url_encode(shown.sha256))
}
