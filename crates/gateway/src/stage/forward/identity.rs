//! The token that tells a service who is calling, bound to this one request.

use ringwall_base::{SignError, Signer, Timestamp};
use ringwall_jose::mint;
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
    /// The request's id.
    pub(super) request: &'a str,
    /// The request's method.
    pub(super) method: &'a str,
    /// The path as sent.
    pub(super) path: &'a str,
}

impl Introduction<'_> {
    /// Signs it.
    pub(super) fn sign(&self, signer: &dyn Signer, now: Timestamp) -> Result<String, SignError> {
        let caller = self.permit.caller();
        let service = caller.service().map(|name| format!("service:{name}"));
        let claims = Claims {
            iss: format!("ringwall:{}", self.fleet),
            aud: &self.operation.service,
            iat: now.secs(),
            exp: now.secs().saturating_add(SECS),
            jti: self.request,
            sub: caller.subject().or(service.as_deref()).unwrap_or("anonymous"),
            name: caller.person().map(|person| person.name.as_str()),
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

#[derive(Serialize)]
struct Claims<'a> {
    iss: String,
    aud: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
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
