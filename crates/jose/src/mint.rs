//! Makes signed tokens.

use ringwall_base::{SignError, Signer};
use serde::Serialize;

use crate::base64url;

/// Signs `claims` as a token of kind `typ`.
///
/// # Errors
/// When the key is not there, or the claims are not JSON.
pub fn mint(signer: &dyn Signer, typ: &str, claims: &impl Serialize) -> Result<String, SignError> {
    let header = Header { alg: signer.algorithm().name(), typ, kid: signer.key_id() };
    let header = serde_json::to_vec(&header).map_err(|_unspecific| SignError::Failed)?;
    let claims = serde_json::to_vec(claims).map_err(|_unspecific| SignError::Failed)?;
    let mut token = base64url::encode(header);
    token.push('.');
    token.push_str(&base64url::encode(claims));
    let signature = signer.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&base64url::encode(signature));
    Ok(token)
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'a str,
    kid: &'a str,
}
