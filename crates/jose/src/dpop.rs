//! Proofs of possession (RFC 9449): a token signed for one request, by the key that it carries.
//!
//! The only place where a key comes from a token: it proves nothing but itself, and what is bound
//! to its thumbprint decides whether that is enough.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::{Secret, Timestamp};
use serde_json::{Map, Value};

use crate::algorithm::SignatureAlgorithm;
use crate::claims::Claims;
use crate::jws::Parts;
use crate::key_set::Key;
use crate::{Jwk, VerifyError, base64url, htu, json};

/// A verified proof. Only [`DpopProof::verify`] makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DpopProof {
    jkt: String,
    token_id: String,
    nonce: Option<String>,
    ath: Option<String>,
}

impl DpopProof {
    /// The algorithms, as metadata and challenges name them.
    pub const ALGORITHMS: [&'static str; 3] = ["ES256", "EdDSA", "Ed25519"];

    /// Verifies a proof for a request: RFC 9449 section 4.3, all but replay, nonce and `ath`, which
    /// need more than the proof. `uri` is the request's, with or without query.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(
        proof: &str,
        method: &str,
        uri: &str,
        now: Timestamp,
    ) -> Result<Self, VerifyError> {
        let (parts, header) = Parts::parse_with_key(proof)?;
        if parts.header.typ.as_deref() != Some("dpop+jwt") {
            return Err(VerifyError::Typ);
        }
        let accepted = [SignatureAlgorithm::EdDsa, SignatureAlgorithm::Es256];
        if !accepted.contains(&parts.header.alg) {
            return Err(VerifyError::Algorithm);
        }
        let jwk = public_key(&header)?;
        parts.verify(&Key::from_jwk(&jwk).map_err(|_malformed| VerifyError::Header("jwk"))?)?;
        let claims = Claims::new(json::parse(&parts.payload).map_err(VerifyError::Json)?);
        if claims.text("htm")? != method {
            return Err(VerifyError::Claim("htm"));
        }
        let asked = htu::normal(uri).ok_or(VerifyError::Claim("htu"))?;
        if htu::normal(claims.text("htu")?) != Some(asked) {
            return Err(VerifyError::Claim("htu"));
        }
        check_time(&claims, now)?;
        let token_id = claims.text("jti")?.to_owned();
        if token_id.len() > JTI_BYTES_MAX {
            return Err(VerifyError::Claim("jti"));
        }
        let text = |name| claims.has(name).then(|| claims.text(name).map(str::to_owned));
        let (nonce, ath) = (text("nonce").transpose()?, text("ath").transpose()?);
        Ok(Self { jkt: jwk.thumbprint(), token_id, nonce, ath })
    }

    /// The RFC 7638 thumbprint of the key.
    pub fn jkt(&self) -> &str {
        &self.jkt
    }

    /// `jti`: used once.
    pub fn token_id(&self) -> &str {
        &self.token_id
    }

    /// The server's nonce, if it has one.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// Whether it was made to send this access token.
    pub fn is_for(&self, token: &str) -> bool {
        let ath = Secret::new(Self::ath_of(token));
        self.ath.as_ref().is_some_and(|ours| Secret::new(ours.clone()) == ath)
    }

    /// The `ath` of a proof that sends this access token.
    pub fn ath_of(token: &str) -> String {
        base64url::encode(digest(&SHA256, token.as_bytes()))
    }

    /// How long a used proof must be remembered: as long as its `iat` passes, on both sides of now.
    pub const fn memory() -> Duration {
        SKEW.saturating_mul(2)
    }
}

/// The embedded key, if it is a public one of a kind that we take (attack D3).
fn public_key(header: &Map<String, Value>) -> Result<Jwk, VerifyError> {
    let refused = VerifyError::Header("jwk");
    let Some(Value::Object(members)) = header.get("jwk") else { return Err(refused) };
    if PRIVATE.iter().any(|name| members.contains_key(*name)) {
        return Err(refused);
    }
    let jwk = Jwk::parse(members).map_err(|_malformed| VerifyError::Header("jwk"))?;
    if jwk.algorithm().is_symmetric() { Err(VerifyError::Header("jwk")) } else { Ok(jwk) }
}

fn check_time(claims: &Claims, now: Timestamp) -> Result<(), VerifyError> {
    let issued = claims.time("iat")?;
    if issued > now.plus(SKEW) {
        return Err(VerifyError::NotYet(issued));
    }
    if issued.plus(SKEW) < now { Err(VerifyError::Expired(issued.plus(SKEW))) } else { Ok(()) }
}

/// FAPI 2.0: 10 s on both sides must be accepted, 60 s must not. Thirty, because the clocks of browsers
/// and phones are worse than those of servers.
const SKEW: Duration = Duration::from_secs(30);
const JTI_BYTES_MAX: usize = 256;
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
