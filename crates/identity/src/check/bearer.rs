//! A bearer token of ours, in the header and nowhere else (RFC 6750 section 2.1).

use http::StatusCode;
use http::header::AUTHORIZATION;
use ringwall_jose::{AccessClaims, Expected};

use crate::answer::{Call, Refusal};
use crate::identity::House;

pub(crate) fn bearer(house: &House, call: &Call) -> Result<AccessClaims, Refusal> {
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
pub(crate) fn verified(house: &House, token: &str) -> Option<AccessClaims> {
    let issuer = house.settings.issuer.clone();
    let expected = Expected { audience: issuer.clone(), issuer };
    let keys = house.keys.snapshot();
    let claims = keys.access.verify_access(token, &expected, house.seams.clock.now()).ok()?;
    (!house.revocations.covers(&claims)).then_some(claims)
}

const REFUSED: Refusal = Refusal::Client {
    status: StatusCode::UNAUTHORIZED,
    error: "invalid_token",
    why: "no valid access token",
};
