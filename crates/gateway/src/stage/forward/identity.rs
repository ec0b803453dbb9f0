//! The token that tells a service who is calling, bound to caller, operation, method and path.
//!
//! A signature costs more than all other stages together, so a token serves equal requests for a
//! few seconds of its life. Equal means that every byte of what it says is the same, and the key
//! that signs (docs/adr/0021-identity-tokens-serve-equal-requests.md).

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use ringwall_base::{RequestId, SignError, Signer, Timestamp};
use ringwall_jose::{Recent, mint};
use serde::Serialize;

use crate::operation::Operation;
use crate::stage::authorize::Permit;

/// All that a service learns about its caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Introduction<'a> {
    /// The fleet's name.
    pub(super) fleet: &'a str,
    /// Who was permitted what.
    pub(super) permit: &'a Permit,
    /// The operation.
    pub(super) operation: &'a Operation,
    /// A name for the token, should one have to be signed.
    pub(super) id: RequestId,
    /// The request's method.
    pub(super) method: &'a str,
    /// The path as sent.
    pub(super) path: &'a str,
}

/// Tokens that were signed lately.
#[derive(Debug)]
pub(super) struct Introductions(Recent<Signed>);

#[derive(Clone, Debug)]
struct Signed {
    token: HeaderValue,
    at: Timestamp,
}

impl Introductions {
    pub(super) fn new() -> Self {
        Self(Recent::new(TOKENS_MAX))
    }

    /// The token of an introduction: one that was signed lately, or a new one.
    pub(super) fn token(
        &self,
        introduction: &Introduction<'_>,
        signer: &dyn Signer,
        now: Timestamp,
    ) -> Result<HeaderValue, SignError> {
        let key = introduction.key(signer.key_id());
        // Both ways: a clock that was set back must not keep a token for longer.
        let is_fresh = |at: Timestamp| at <= now && now < at.plus(REUSE_MAX);
        if let Some(known) = self.0.get(&key).filter(|known| is_fresh(known.at)) {
            return Ok(known.token);
        }
        let token = Bytes::from(introduction.sign(signer, now)?);
        let token = HeaderValue::from_maybe_shared(token);
        let token = token.map_err(|_unspecific| SignError::Failed)?;
        self.0.put(&key, Signed { token: token.clone(), at: now });
        Ok(token)
    }
}

impl Introduction<'_> {
    /// All that the token says besides its name and its time, and the key that signs it. Each part
    /// begins with its length, so that no two introductions have one key.
    fn key(&self, key_id: &str) -> Vec<u8> {
        let caller = self.permit.caller();
        let person = caller.person();
        let own = if self.permit.is_own() { "own" } else { "" };
        let mut key = Key(Vec::with_capacity(KEY_BYTES_USUAL));
        key.add(Some(key_id));
        key.add(Some(self.fleet));
        key.add(Some(&self.operation.service));
        key.add(Some(&self.operation.name));
        key.add(Some(own));
        key.add(Some(self.method));
        key.add(Some(self.path));
        key.add(caller.service());
        key.add(person.map(|person| person.subject.as_str()));
        key.add(person.map(|person| person.name.as_str()));
        key.add(person.and_then(|person| person.organisation.named()));
        for role in person.into_iter().flat_map(|person| &person.roles) {
            key.add(Some(role));
        }
        key.0
    }

    /// Signs it.
    fn sign(&self, signer: &dyn Signer, now: Timestamp) -> Result<String, SignError> {
        let caller = self.permit.caller();
        let service = caller.service().map(|name| format!("service:{name}"));
        let claims = Claims {
            iss: format!("ringwall:{}", self.fleet),
            aud: &self.operation.service,
            iat: now.secs(),
            exp: now.secs().saturating_add(SECS),
            jti: self.id.to_string(),
            sub: caller.subject().or(service.as_deref()).unwrap_or("anonymous"),
            name: caller.person().map(|person| person.name.as_str()),
            tenant: caller.person().and_then(|person| person.organisation.named()),
            roles: caller.person().map(|person| person.roles.as_slice()),
            act: service.as_deref().map(|sub| Actor { sub }),
            op: &self.operation.name,
            own: self.permit.is_own(),
            htm: self.method,
            htu: self.path,
        };
        mint(signer, "rw-int+jwt", &claims)
    }
}

struct Key(Vec<u8>);

impl Key {
    /// What is absent is told apart from what is empty.
    fn add(&mut self, part: Option<&str>) {
        let length = part.map_or(u64::MAX, |text| u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(part.unwrap_or_default().as_bytes());
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: String,
    aud: &'a str,
    iat: u64,
    exp: u64,
    jti: String,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Actor<'a>>,
    op: &'a str,
    own: bool,
    htm: &'a str,
    htu: &'a str,
}

#[derive(Serialize)]
struct Actor<'a> {
    sub: &'a str,
}

/// Long enough for a request that waits in a queue, too short to be worth stealing.
const SECS: u64 = 30;

/// A third of its life: whoever gets it has 20 seconds at least.
const REUSE_MAX: Duration = Duration::from_secs(10);

/// As many as access tokens that are remembered, of about 700 bytes each.
const TOKENS_MAX: usize = 131_072;

/// What a key of short names needs.
const KEY_BYTES_USUAL: usize = 320;
