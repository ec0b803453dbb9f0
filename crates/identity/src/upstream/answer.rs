//! The code for tokens, and the ID token checked. Nothing else of the answer is kept.

use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringwall_base::Clock;
use ringwall_jose::{
    Expected, IdClaims, VerifyError, base64url_decode, base64url_encode, parse_json,
};
use serde_json::{Map, Value};

use super::metadata::{Metadata, json, problem};
use super::{OutgoingError, Upstream, Vouched};
use crate::identity::House;
use crate::upstream::Journey;

/// Why nobody comes in by an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("the ID token: {0}")]
    Claim(&'static str),
    /// The code is none, or we are not who we say.
    #[error("the token endpoint answers {0}")]
    Code(u16),
    /// The issuer did not ask the person to sign in anew, or does not say so.
    #[error("the login there is not a new one")]
    Old,
    #[error("{0}")]
    Outgoing(#[from] OutgoingError),
    #[error("the ID token: {0}")]
    Token(#[from] VerifyError),
    #[error("the person may not come in")]
    Unwelcome,
}

impl AnswerError {
    /// For the record.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Claim(why) => why,
            Self::Code(_) => "the issuer does not take the code",
            Self::Old => "the login there is not a new one",
            Self::Outgoing(_) => "the issuer did not answer",
            Self::Token(error) => error.reason(),
            Self::Unwelcome => "the person may not come in",
        }
    }
}

impl Upstream {
    /// Redeems a code and checks everything about the person behind it.
    pub(crate) fn redeem(
        &self,
        house: &House,
        journey: &Journey,
        code: &str,
    ) -> Result<Vouched, AnswerError> {
        let clock = house.seams.clock.as_ref();
        let now = clock.now();
        let metadata = self.metadata(clock)?;
        let redirect_uri = redirect_uri(house);
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", &journey.verifier(house)),
        ];
        let answer = self.outgoing.send(self.token_request(&metadata, &pairs)?)?;
        if answer.status().is_client_error() {
            return Err(AnswerError::Code(answer.status().as_u16()));
        }
        let members = json(&answer)?;
        let token = members.get("id_token").and_then(Value::as_str);
        let token = token.ok_or(AnswerError::Claim("it is missing"))?;
        let claims = self.verified(&metadata, token, clock)?;
        // It was made for this journey and no other (attack U4, CVE-2025-46815).
        if claims.nonce.as_deref() != Some(journey.nonce(house).as_str()) {
            return Err(AnswerError::Claim("another nonce"));
        }
        access_hash(token, &claims, &members)?;
        self.settings.vouched(&claims, journey, now)
    }

    /// The keys are those of the issuer of the manifest, and the audience is us alone.
    fn verified(
        &self,
        metadata: &Metadata,
        token: &str,
        clock: &dyn Clock,
    ) -> Result<IdClaims, AnswerError> {
        let expected = Expected {
            issuer: self.settings.issuer.clone(),
            audience: self.settings.client_id.clone(),
        };
        let (now, keys) = (clock.now(), self.keys(metadata, clock)?);
        let verified = keys.verify_foreign_id(token, &expected, now);
        let claims = match verified {
            // It may have turned its keys. Without key ids, that shows as a wrong signature.
            Err(error @ (VerifyError::Key | VerifyError::Signature)) => {
                let keys = self.newer_keys(metadata, &keys, clock).ok_or(error)?;
                keys.verify_foreign_id(token, &expected, now)?
            }
            other => other?,
        };
        // OpenID Connect Core section 3.1.3.7: who was meant to get it.
        let party = claims.extra.get("azp");
        if party.is_some_and(|party| party.as_str() != Some(&self.settings.client_id)) {
            return Err(AnswerError::Claim("another party"));
        }
        Ok(claims)
    }

    fn token_request(
        &self,
        metadata: &Metadata,
        pairs: &[(&str, &str)],
    ) -> Result<Request<Bytes>, OutgoingError> {
        let settings = &self.settings;
        let secret = settings.client_secret.as_ref().map(|secret| secret.expose().as_str());
        let mut form: Vec<(&str, &str)> = pairs.to_vec();
        let mut header = None;
        match secret {
            Some(secret) if !metadata.posts_secret => {
                // RFC 6749 section 2.3.1: each encoded, then joined.
                let pair = format!("{}:{}", encoded(&settings.client_id), encoded(secret));
                header = Some(format!("Basic {}", STANDARD.encode(pair)));
            }
            Some(secret) => {
                form.extend([
                    ("client_id", settings.client_id.as_str()),
                    ("client_secret", secret),
                ]);
            }
            None => form.push(("client_id", &settings.client_id)),
        }
        let body: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let mut request = Request::post(&metadata.token_endpoint)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(text) = header {
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_malformed| problem("the secret cannot be sent"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Bytes::from(body.join("&")));
        request.map_err(|_malformed| problem("its token endpoint is no address"))
    }
}

/// OpenID Connect Core section 3.1.3.8: the access token that came along is the one that the ID token
/// is about. We use it for nothing; one that was swapped says that somebody is in between.
fn access_hash(
    token: &str,
    claims: &IdClaims,
    members: &Map<String, Value>,
) -> Result<(), AnswerError> {
    let Some(said) = claims.extra.get("at_hash") else { return Ok(()) };
    let access = members.get("access_token").and_then(Value::as_str).unwrap_or_default();
    let hash = hash_of(token).map(|algorithm| digest(algorithm, access.as_bytes()));
    let half = hash.as_ref().and_then(|hash| hash.as_ref().get(..hash.as_ref().len() / 2));
    let is_same = half.is_some_and(|half| said.as_str() == Some(base64url_encode(half).as_str()));
    if is_same { Ok(()) } else { Err(AnswerError::Claim("another access token")) }
}

/// The hash of a token's signature. The token has been verified, so that its header is true.
fn hash_of(token: &str) -> Option<&'static Algorithm> {
    let header = parse_json(&base64url_decode(token.split('.').next()?)?).ok()?;
    let algorithm = header.get("alg")?.as_str()?;
    Some(match algorithm.get(2..).unwrap_or_default() {
        "256" => &SHA256,
        "384" => &SHA384,
        // Ed25519 hashes with SHA-512.
        _ => &SHA512,
    })
}

/// Where the issuer sends browsers back to: from the issuer of the manifest, as links in letters are.
pub(crate) fn redirect_uri(house: &House) -> String {
    format!("{}{}", house.settings.issuer, crate::answer::CALLBACK)
}

pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
