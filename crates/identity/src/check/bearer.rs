//! An access token of ours, in the header and nowhere else (RFC 6750 section 2.1): alone, with the
//! proof of the key that it is bound to (RFC 9449 section 7.1), or over a connection with the
//! certificate that it is bound to (RFC 8705 section 3).

use std::sync::Arc;

use http::StatusCode;
use http::header::AUTHORIZATION;
use ringwall_jose::{AccessClaims, BoundAccessToken, Confirmation, VerifyError};

use crate::answer::{Call, Refusal};
use crate::check::{certificate_hash, proof_for};
use crate::identity::House;

/// An access token that holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) claims: Arc<AccessClaims>,
    /// What must be proved by whoever uses it.
    pub(crate) bond: Option<Confirmation>,
}

pub(crate) fn bearer(house: &House, call: &Call) -> Result<Arc<AccessClaims>, Refusal> {
    let mut values = call.request.headers().get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Refusal::NoToken) };
    if values.next().is_some() {
        return Err(REFUSED);
    }
    let Some((scheme, token)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return Err(REFUSED);
    };
    let held = verified(house, token).ok_or(REFUSED)?;
    call.know();
    match held.bond {
        None if scheme.eq_ignore_ascii_case("bearer") => Ok(held.claims),
        Some(Confirmation::Certificate(hash)) if scheme.eq_ignore_ascii_case("bearer") => {
            if certificate_hash(call).is_some_and(|shown| shown == hash) {
                Ok(held.claims)
            } else {
                Err(REFUSED)
            }
        }
        Some(Confirmation::Key(jkt)) if scheme.eq_ignore_ascii_case("dpop") => {
            proof_for(house, call, (token, &jkt)).map_err(unauthorized)?;
            Ok(held.claims)
        }
        // A bound token is worth nothing as a bearer token (attack D1), and a free one needs no proof.
        None | Some(_) => Err(REFUSED),
    }
}

/// An access token of ours that holds now.
pub(crate) fn verified(house: &House, token: &str) -> Option<Held> {
    let (keys, now) = (house.keys.snapshot(), house.seams.clock.now());
    // A signed token has two dots, an opaque one none.
    let swapped = (!token.contains('.')).then(|| house.opaque.swap(token, now));
    let token = match &swapped {
        Some(inner) => inner.as_deref()?,
        None => token,
    };
    let held = match house.tokens.verify(&keys.access, token, (now, 0), Arc::clone) {
        Ok(claims) => Held { claims: Arc::clone(&claims), bond: None },
        Err(VerifyError::Bound) => {
            let expected = house.tokens.expected();
            let bound = keys.access.verify::<BoundAccessToken>(token, expected, now).ok()?;
            Held { claims: Arc::new(bound.access), bond: Some(bound.confirmation) }
        }
        Err(_) => return None,
    };
    (!house.revocations.covers(&held.claims)).then_some(held)
}

/// A resource answers 401 where the token endpoint answers 400.
fn unauthorized(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Client { error, why, .. } => {
            Refusal::Client { status: StatusCode::UNAUTHORIZED, error, why }
        }
        other => other,
    }
}

const REFUSED: Refusal = Refusal::Client {
    status: StatusCode::UNAUTHORIZED,
    error: "invalid_token",
    why: "no valid access token",
};
