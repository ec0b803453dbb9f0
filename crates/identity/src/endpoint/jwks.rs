//! The public keys (RFC 7517), made when they change.

use crate::answer::{Call, Refusal, Reply};
use crate::endpoint::document::{Label, reply};
use crate::identity::House;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let keys = house.keys.snapshot();
    reply(call, (&keys.jwks, &keys.etag), LABEL)
}

/// A new key is published a day before it signs, so five minutes are never too old.
const LABEL: Label =
    ("application/jwk-set+json", "public, max-age=300, stale-while-revalidate=3600");
