//! A bearer token of ours, in the header and nowhere else (RFC 6750 section 2.1).

use std::sync::Arc;

use http::StatusCode;
use http::header::AUTHORIZATION;
use ringwall_jose::AccessClaims;

use crate::answer::{Call, Refusal};
use crate::identity::House;

pub(crate) fn bearer(house: &House, call: &Call) -> Result<Arc<AccessClaims>, Refusal> {
    let mut values = call.request.headers().get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(REFUSED) };
    let Some((scheme, token)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return Err(REFUSED);
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(REFUSED);
    }
    verified(house, token).ok_or(REFUSED)
}

/// An access token of ours that holds now.
pub(crate) fn verified(house: &House, token: &str) -> Option<Arc<AccessClaims>> {
    let (keys, now) = (house.keys.snapshot(), house.seams.clock.now());
    let claims = house.tokens.verify(&keys.access, token, (now, 0), Arc::clone);
    let claims = Arc::clone(&*claims.ok()?);
    (!house.revocations.covers(&claims)).then_some(claims)
}

const REFUSED: Refusal = Refusal::Client {
    status: StatusCode::UNAUTHORIZED,
    error: "invalid_token",
    why: "no valid access token",
};
