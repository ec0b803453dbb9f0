//! The tokens that we issue (RFC 9068, OpenID Connect Core section 2).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::{Proofs, SignError, Tenant, Timestamp};
use ringwall_jose::{Confirmation, base64url_encode, mint};
use serde::Serialize;
use serde_json::Value;

use crate::check::Held;
use crate::clients::{Client, IdTokenAlgorithm, TokenFormat};
use crate::codes::Grantee;
use crate::identity::House;
use crate::keys::Purpose;

/// An access token and how long it lives.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) life: Duration,
    pub(crate) scope: String,
    /// `token_type`.
    pub(crate) kind: &'static str,
}

#[derive(Serialize)]
struct Access<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    jti: &'a str,
    iat: u64,
    /// The microseconds of that second: what is given right after a revocation is not covered by it.
    iat_us: u64,
    nbf: u64,
    exp: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    roles: &'a [String],
    /// Those of the person's roles that would count after a second factor: a gateway that needs one
    /// of them asks for it (RFC 9470), and asks nobody else.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    roles_aal2: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// The organisation, unless it is `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    /// How the person signed in (RFC 9068 section 2.2.1.2): a service may ask for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<&'a Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Value>,
}

#[derive(Serialize)]
struct Id<'a> {
    iss: &'a str,
    aud: &'a str,
    azp: &'a str,
    sub: &'a str,
    iat: u64,
    exp: u64,
    auth_time: u64,
    acr: &'static str,
    amr: Vec<&'static str>,
    sid: &'a str,
    at_hash: String,
    /// For who may see the profile (OpenID Connect Core section 5.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

/// For a program: it is its own subject. All three are issued at the moment when they were asked for:
/// what was revoked while they were made covers them.
pub(crate) fn for_program(
    house: &House,
    client: &Client,
    (scope, cnf): (&str, Option<&Confirmation>),
    now: Timestamp,
) -> Result<Issued, SignError> {
    let settings = &client.settings;
    // A program renews without a person, so its token may live longer.
    let life = house.settings.access_life.saturating_mul(2).min(LIFE_MAX);
    let token_id = house.token_id()?;
    let claims = Access {
        iss: &house.settings.issuer,
        aud: &house.settings.issuer,
        sub: &settings.id,
        client_id: &settings.id,
        jti: &token_id,
        iat: now.secs(),
        iat_us: micros(now),
        nbf: now.secs(),
        exp: now.plus(life).secs(),
        scope,
        roles: &settings.roles,
        roles_aal2: &[],
        name: None,
        tenant: settings.organisation.as_deref().filter(|slug| *slug != Tenant::DEFAULT),
        sid: None,
        gid: None,
        auth_time: None,
        acr: None,
        amr: Vec::new(),
        cnf,
        act: None,
    };
    let token = sign(house, client, &claims)?;
    Ok(Issued { token, life, scope: scope.to_owned(), kind: kind(cnf) })
}

/// For a person who let the client act.
pub(crate) fn for_person(
    house: &House,
    client: &Client,
    grantee: &Grantee,
    (token_id, cnf): (&str, Option<&Confirmation>),
    now: Timestamp,
) -> Result<Issued, SignError> {
    let life = house.settings.access_life.min(LIFE_MAX);
    // A second factor counts for as long as a session that it opens may last. A grant may last longer.
    let is_recent = now < grantee.authenticated.plus(house.settings.session_life);
    let proofs = if is_recent { grantee.proofs } else { Proofs::default() };
    let roles = house.sessions.counted(&grantee.roles, proofs);
    let withheld = house.sessions.withheld(&grantee.roles, proofs);
    let claims = Access {
        iss: &house.settings.issuer,
        aud: &house.settings.issuer,
        sub: &grantee.whose.subject,
        client_id: &client.settings.id,
        jti: token_id,
        iat: now.secs(),
        iat_us: micros(now),
        nbf: now.secs(),
        exp: now.plus(life).secs(),
        scope: &grantee.scope,
        roles: &roles,
        roles_aal2: &withheld,
        name: Some(&grantee.name),
        tenant: grantee.whose.tenant.named(),
        sid: Some(&grantee.sid),
        gid: grantee.grant.as_deref(),
        auth_time: Some(grantee.authenticated.secs()),
        acr: Some(proofs.level()),
        amr: proofs.names(),
        cnf,
        act: None,
    };
    let token = sign(house, client, &claims)?;
    Ok(Issued { token, life, scope: grantee.scope.clone(), kind: kind(cnf) })
}

/// For a client that acts for the person of another token: no longer, no more, no freer.
pub(crate) fn for_actor(
    house: &House,
    client: &Client,
    (held, cnf): (&Held, Option<&Confirmation>),
    (scope, act): (&str, &Value),
    now: Timestamp,
) -> Result<Issued, SignError> {
    let subject = &held.claims;
    let life = house.settings.access_life.min(LIFE_MAX).min(subject.expires.since(now));
    let token_id = house.token_id()?;
    let claims = Access {
        iss: &house.settings.issuer,
        aud: &house.settings.issuer,
        sub: &subject.subject,
        client_id: &client.settings.id,
        jti: &token_id,
        iat: now.secs(),
        iat_us: micros(now),
        nbf: now.secs(),
        exp: now.plus(life).secs(),
        scope,
        roles: &subject.roles,
        roles_aal2: &[],
        name: subject.name.as_deref(),
        tenant: subject.organisation.named(),
        sid: subject.session.as_deref(),
        gid: subject.grant.as_deref(),
        auth_time: subject.authenticated_at.map(Timestamp::secs),
        acr: subject.extra.get("acr").and_then(Value::as_str),
        amr: subject
            .extra
            .get("amr")
            .and_then(Value::as_array)
            .map(|ways| ways.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default(),
        cnf,
        act: Some(act),
    };
    let token = sign(house, client, &claims)?;
    Ok(Issued { token, life, scope: scope.to_owned(), kind: kind(cnf) })
}

/// A client that does not know the kind of a token must not use it (RFC 6749 section 7.1). One that
/// is bound to a certificate is sent like any other (RFC 8705 section 3).
pub(crate) const fn kind(cnf: Option<&Confirmation>) -> &'static str {
    match cnf {
        Some(Confirmation::Key(_)) => "DPoP",
        Some(Confirmation::Certificate(_)) | None => "Bearer",
    }
}

/// The ID token that goes with an access token.
pub(crate) fn id_token(
    house: &House,
    client: &Client,
    grantee: &Grantee,
    access: &str,
) -> Result<String, SignError> {
    let now: Timestamp = house.seams.clock.now();
    let claims = Id {
        iss: &house.settings.issuer,
        aud: &client.settings.id,
        azp: &client.settings.id,
        sub: &grantee.whose.subject,
        iat: now.secs(),
        exp: now.plus(house.settings.access_life.min(LIFE_MAX)).secs(),
        auth_time: grantee.authenticated.secs(),
        acr: grantee.proofs.level(),
        amr: grantee.proofs.names(),
        sid: &grantee.sid,
        at_hash: at_hash(access),
        preferred_username: grantee.shows_profile().then_some(grantee.name.as_str()),
        tenant: grantee.whose.tenant.named(),
        nonce: grantee.nonce.as_deref(),
    };
    let purpose = match client.settings.id_token {
        IdTokenAlgorithm::Es256 => Purpose::Id,
        IdTokenAlgorithm::Rs256 => Purpose::IdRs256,
    };
    mint(&house.keys.signer(purpose)?, "JWT", &claims)
}

fn sign(house: &House, client: &Client, claims: &Access<'_>) -> Result<String, SignError> {
    let purpose = if client.settings.wants_es256 { Purpose::AccessEs256 } else { Purpose::Access };
    let token = mint(&house.keys.signer(purpose)?, "at+jwt", claims)?;
    if client.settings.token_format == TokenFormat::Signed {
        return Ok(token);
    }
    let expires = Timestamp::from_secs(claims.exp);
    house.opaque.issue(&house.seams, &client.settings.id, (token, expires))
}

const fn micros(time: Timestamp) -> u64 {
    time.micros() % 1_000_000
}

/// Left half of the SHA-256 (OpenID Connect Core section 3.1.3.6; both algorithms of ID tokens have it).
fn at_hash(access: &str) -> String {
    let hash = digest(&SHA256, access.as_bytes());
    base64url_encode(hash.as_ref().get(..16).unwrap_or_default())
}

/// No access token of ours lives longer than an hour.
const LIFE_MAX: Duration = Duration::from_hours(1);
