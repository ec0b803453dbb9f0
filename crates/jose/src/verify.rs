//! Verifies a token: the checks in their fixed order.
//!
//! INVARIANT (same order everywhere): the Python SDK does the same steps in the same order and gives
//! the same reasons; `tests/data/internal_tokens.json` is run by both.

use std::time::Duration;

use ringwall_base::Timestamp;

use crate::claims::Claims;
use crate::jws::Parts;
use crate::key_set::{Key, KeySet};
use crate::{AccessClaims, AssertionClaims, IdClaims, InternalClaims, JsonError, json};
use crate::{AccessToken, ClientAssertion, ForeignIdToken, IdToken, Internal, Profile};

/// Twice the largest token that a common identity provider sends.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// What a token must say about who made it and whom it is for. Compared byte by byte.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expected {
    /// The only accepted `iss`.
    pub issuer: String,
    /// The only accepted `aud`.
    pub audience: String,
}

/// Why a token is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// `alg` is unknown, not the key's, or not one of the profile's.
    #[error("the algorithm is not accepted for this key")]
    Algorithm,
    /// RFC 7519 section 4.1.3: we are not in `aud`.
    #[error("not addressed to `{ours}`")]
    Audience {
        /// The audience that was expected.
        ours: String,
    },
    /// A part is not canonical base64url.
    #[error("a part is not canonical base64url")]
    Base64,
    /// `cnf` binds the token to a key, and no proof of that key came with it.
    #[error("the token is bound to a key, and no proof came with it")]
    Bound,
    /// A claim is missing or has the wrong type.
    #[error("the claim `{0}` is missing or malformed")]
    Claim(&'static str),
    /// The clock is past `exp`; leeway is already included.
    #[error("expired at {0}")]
    Expired(Timestamp),
    /// A header parameter is missing, malformed, or one that we refuse.
    #[error("the header parameter `{0}` is missing, malformed or refused")]
    Header(&'static str),
    /// `iss` is another.
    #[error("not issued by `{ours}`")]
    Issuer {
        /// The issuer that was expected.
        ours: String,
    },
    /// Header or claims are not JSON with one reading.
    #[error("header or claims are malformed")]
    Json(#[source] JsonError),
    /// No key has this `kid`.
    #[error("signed with an unknown key")]
    Key,
    /// It lives longer than its kind may.
    #[error("its life is longer than allowed")]
    Life,
    /// `nbf` or `iat` is in the future; leeway is already included.
    #[error("not valid before {0}")]
    NotYet(Timestamp),
    /// Not three parts.
    #[error("not three parts")]
    Shape,
    /// The signature was made with another key, over another text, or is malformed.
    #[error("signature does not match")]
    Signature,
    /// More than 8 KiB.
    #[error("too long")]
    TooLong,
    /// `typ` is that of another kind of token.
    #[error("another kind of token")]
    Typ,
}

/// A token's claims, and until when they hold.
pub(crate) struct Verified<P: Profile> {
    pub(crate) claims: P::Claims,
    pub(crate) expires: Timestamp,
}

impl VerifyError {
    /// One stable word per reason: for records, and for agreement with the SDKs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Audience { .. } => "audience",
            Self::Base64 => "base64",
            Self::Bound => "bound",
            Self::Claim(_) => "claim",
            Self::Expired(_) => "expired",
            Self::Header(_) => "header",
            Self::Issuer { .. } => "issuer",
            Self::Json(_) => "json",
            Self::Key => "key",
            Self::Life => "life",
            Self::NotYet(_) => "not-yet",
            Self::Shape => "shape",
            Self::Signature => "signature",
            Self::TooLong => "too-long",
            Self::Typ => "typ",
        }
    }
}

impl KeySet {
    /// Verifies a token as one kind of token, and no other.
    ///
    /// # Errors
    /// The first check that fails, in the order of this function.
    pub fn verify<P: Profile>(
        &self,
        token: &str,
        expected: &Expected,
        now: Timestamp,
    ) -> Result<P::Claims, VerifyError> {
        self.verify_timed::<P>(token, expected, now).map(|verified| verified.claims)
    }

    /// As [`KeySet::verify`], with the `exp` of the token.
    pub(crate) fn verify_timed<P: Profile>(
        &self,
        token: &str,
        expected: &Expected,
        now: Timestamp,
    ) -> Result<Verified<P>, VerifyError> {
        let parts = Parts::parse(token)?;
        check_typ::<P>(&parts)?;
        let key = find_key::<P>(self, &parts)?;
        parts.verify(key)?;
        let claims = Claims::new(json::parse(&parts.payload).map_err(VerifyError::Json)?);
        check_issuer(&claims, expected)?;
        check_audience::<P>(&claims, expected)?;
        let expires = check_time::<P>(&claims, now)?;
        Ok(Verified { claims: P::read(claims)?, expires })
    }

    /// Verifies an access token (RFC 9068).
    ///
    /// # Errors
    /// As [`KeySet::verify`].
    pub fn verify_access(
        &self,
        token: &str,
        expected: &Expected,
        now: Timestamp,
    ) -> Result<AccessClaims, VerifyError> {
        self.verify::<AccessToken>(token, expected, now)
    }

    /// Verifies the token with which a door names caller and person to a service.
    ///
    /// # Errors
    /// As [`KeySet::verify`].
    pub fn verify_internal(
        &self,
        token: &str,
        expected: &Expected,
        now: Timestamp,
    ) -> Result<InternalClaims, VerifyError> {
        self.verify::<Internal>(token, expected, now)
    }

    /// Verifies an ID token that comes back as a hint (OpenID Connect Core section 3.1.2.1): it says
    /// itself which client it was for, and may have expired.
    ///
    /// # Errors
    /// As [`KeySet::verify`].
    pub fn verify_id_hint(
        &self,
        token: &str,
        issuer: &str,
        now: Timestamp,
    ) -> Result<IdClaims, VerifyError> {
        let parts = Parts::parse(token)?;
        check_typ::<IdToken>(&parts)?;
        parts.verify(find_key::<IdToken>(self, &parts)?)?;
        let claims = Claims::new(json::parse(&parts.payload).map_err(VerifyError::Json)?);
        let audience = claims.text("aud")?.to_owned();
        check_issuer(&claims, &Expected { issuer: issuer.to_owned(), audience })?;
        // It was good when it was made, and that was not in the future.
        check_time::<IdToken>(&claims, claims.time("iat")?.min(now))?;
        IdToken::read(claims)
    }

    /// Verifies an ID token that another issuer made for us: `expected.audience` is our client id.
    ///
    /// # Errors
    /// As [`KeySet::verify`].
    pub fn verify_foreign_id(
        &self,
        token: &str,
        expected: &Expected,
        now: Timestamp,
    ) -> Result<IdClaims, VerifyError> {
        self.verify::<ForeignIdToken>(token, expected, now)
    }

    /// Verifies a client's assertion (`private_key_jwt`): `expected.issuer` is the client id and
    /// `expected.audience` our issuer.
    ///
    /// # Errors
    /// As [`KeySet::verify`].
    pub fn verify_assertion(
        &self,
        token: &str,
        expected: &Expected,
        now: Timestamp,
    ) -> Result<AssertionClaims, VerifyError> {
        self.verify::<ClientAssertion>(token, expected, now)
    }
}

pub(crate) fn check_typ<P: Profile>(parts: &Parts<'_>) -> Result<(), VerifyError> {
    // A token of one kind is never another, although the signature would match (attack J9).
    match parts.header.typ.as_deref() {
        Some(typ) if P::TYPS.contains(&typ) => Ok(()),
        None if !P::TYP_REQUIRED => Ok(()),
        Some(_) | None => Err(VerifyError::Typ),
    }
}

pub(crate) fn find_key<'a, P: Profile>(
    keys: &'a KeySet,
    parts: &Parts<'_>,
) -> Result<&'a Key, VerifyError> {
    if !P::ALGORITHMS.contains(&parts.header.alg) {
        return Err(VerifyError::Algorithm);
    }
    match &parts.header.kid {
        Some(kid) => keys.get(kid).ok_or(VerifyError::Key),
        None if P::KID_REQUIRED => Err(VerifyError::Header("kid")),
        None => keys.only(parts.header.alg).ok_or(VerifyError::Key),
    }
}

pub(crate) fn check_issuer(claims: &Claims, expected: &Expected) -> Result<(), VerifyError> {
    if claims.text("iss")? == expected.issuer {
        Ok(())
    } else {
        Err(VerifyError::Issuer { ours: expected.issuer.clone() })
    }
}

pub(crate) fn check_audience<P: Profile>(
    claims: &Claims,
    expected: &Expected,
) -> Result<(), VerifyError> {
    // One string: a token for several audiences could be replayed by one to another.
    let audience = match claims.only_entry("aud") {
        Some(entry) if P::AUDIENCE_MAY_BE_LIST => entry,
        Some(_) | None => claims.text("aud")?,
    };
    if audience == expected.audience {
        Ok(())
    } else {
        Err(VerifyError::Audience { ours: expected.audience.clone() })
    }
}

pub(crate) fn check_time<P: Profile>(
    claims: &Claims,
    now: Timestamp,
) -> Result<Timestamp, VerifyError> {
    let exp = claims.time("exp")?;
    let iat = if P::ISSUED_REQUIRED {
        claims.time("iat")?
    } else {
        claims.optional_time("iat")?.unwrap_or(now)
    };
    let nbf = claims.optional_time("nbf")?;
    if now >= exp.plus(P::SKEW) {
        return Err(VerifyError::Expired(exp));
    }
    let latest = now.plus(P::SKEW);
    if let Some(future) = [Some(iat), nbf].into_iter().flatten().find(|time| *time > latest) {
        return Err(VerifyError::NotYet(future));
    }
    let life = exp.since(iat);
    if life == Duration::ZERO || life > P::LIFE_MAX { Err(VerifyError::Life) } else { Ok(exp) }
}
