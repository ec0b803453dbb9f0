//! What an issuer says of itself (OpenID Connect Discovery), and its keys.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, Response, StatusCode, Uri};
use ringwall_jose::{Jwk, JwkError, JwkSet, KeySet, parse_json};
use serde_json::{Map, Value};

use super::{Outgoing, OutgoingError};

/// The parts that we use.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    jwks_uri: String,
    /// Whether the secret goes into the form: where the issuer does not take it in a header.
    pub(super) posts_secret: bool,
    /// RFC 9207: every answer says who gave it.
    pub(crate) says_issuer: bool,
}

impl Metadata {
    pub(super) fn fetch(issuer: &str, outgoing: &dyn Outgoing) -> Result<Self, OutgoingError> {
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let members = json(&outgoing.send(get(&address)?)?)?;
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        // Section 4.3: exactly the one that was asked, or somebody speaks for another (attack A6).
        if text("issuer") != Some(issuer) {
            return Err(problem("its metadata is another issuer's"));
        }
        let endpoint = |name: &str| {
            let address = text(name).filter(|address| is_address(address, issuer));
            address
                .map(str::to_owned)
                .ok_or_else(|| problem(&format!("its `{name}` is no address")))
        };
        let methods =
            members.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let takes = |wanted: &str| {
            methods.is_some_and(|methods| methods.iter().any(|method| method == wanted))
        };
        let says_issuer = members.get("authorization_response_iss_parameter_supported");
        Ok(Self {
            authorization_endpoint: endpoint("authorization_endpoint")?,
            token_endpoint: endpoint("token_endpoint")?,
            jwks_uri: endpoint("jwks_uri")?,
            posts_secret: takes("client_secret_post") && !takes("client_secret_basic"),
            says_issuer: says_issuer == Some(&Value::Bool(true)),
        })
    }

    /// The keys that sign tokens. What is for another purpose, or is none to us, is left out.
    pub(super) fn keys(&self, outgoing: &dyn Outgoing) -> Result<KeySet, OutgoingError> {
        let members = json(&outgoing.send(get(&self.jwks_uri)?)?)?;
        let Some(Value::Array(list)) = members.get("keys") else {
            return Err(problem("its key set is none"));
        };
        let keys: Vec<Jwk> = list.iter().filter_map(|key| readable(key.as_object()?)).collect();
        let set = JwkSet::new(keys).and_then(|set| KeySet::from_jwks(&set));
        set.map_err(|error: JwkError| problem(&format!("its key set: {error}")))
    }
}

/// A public key for signatures. An RSA key that does not say its algorithm has that of OpenID
/// Connect Core section 3.1.3.7: RS256, and no other.
fn readable(members: &Map<String, Value>) -> Option<Jwk> {
    let mut members = members.clone();
    if members.get("kty").and_then(Value::as_str) == Some("RSA") {
        members.entry("alg").or_insert_with(|| "RS256".into());
    }
    Jwk::parse(&members).ok().filter(|key| !key.algorithm().is_symmetric())
}

/// An absolute address, encrypted unless it is the issuer's own host and that is not: one on this
/// machine.
fn is_address(address: &str, issuer: &str) -> bool {
    let (here, there) = (authority(address), authority(issuer));
    let is_encrypted = address.starts_with("https://");
    let is_own = address.starts_with("http://") && issuer.starts_with("http://") && here == there;
    (is_encrypted || is_own)
        && address.len() <= ADDRESS_BYTES_MAX
        && address.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\\\"<>".contains(&byte))
        && here.is_some_and(|authority| !authority.contains('@'))
        && address.parse::<Uri>().is_ok_and(|uri| uri.host().is_some())
}

fn authority(address: &str) -> Option<&str> {
    address.split_once("://").and_then(|(_, rest)| rest.split(['/', '?']).next())
}

fn get(address: &str) -> Result<Request<Bytes>, OutgoingError> {
    let request = Request::get(address).header(ACCEPT, "application/json").body(Bytes::new());
    request.map_err(|_malformed| problem("an address of it is none"))
}

/// A JSON object, in an answer that says that it is JSON.
pub(super) fn json(answer: &Response<Bytes>) -> Result<Map<String, Value>, OutgoingError> {
    if answer.body().len() > ANSWER_BYTES_MAX {
        return Err(problem("its answer is too long"));
    }
    if answer.status() != StatusCode::OK {
        return Err(problem(&format!("it answers {}", answer.status().as_u16())));
    }
    let media = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    if !media.ends_with("json") {
        return Err(problem("its answer is no JSON"));
    }
    parse_json(answer.body()).map_err(|error| problem(&format!("its answer: {error}")))
}

pub(super) fn problem(what: &str) -> OutgoingError {
    OutgoingError(what.to_owned())
}

/// Twenty times what the common issuers send.
const ANSWER_BYTES_MAX: usize = 64 * 1_024;
const ADDRESS_BYTES_MAX: usize = 2_048;
