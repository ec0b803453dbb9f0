//! The entry point for fuzzers: hostile bytes must never panic, and never verify.

use ringwall_base::Timestamp;

use crate::{
    AccessToken, BoundAccessToken, DpopProof, Expected, Internal, JwkSet, KeySet, explain, htu,
    json, verify_jws,
};

/// Reads the bytes in every way that this package reads bytes.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let keys = JwkSet::parse(data).unwrap_or_default();
    let ready = KeySet::from_jwks(&keys).unwrap_or_default();
    let expected = Expected { issuer: "i".to_owned(), audience: "a".to_owned() };
    let now = Timestamp::from_secs(1_800_000_000);
    let object = json::parse(data).is_ok();
    let Ok(text) = std::str::from_utf8(data) else {
        debug_assert!(!object, "JSON is UTF-8");
        return;
    };
    // Without keys nothing verifies, whatever the bytes are.
    let accepted = [
        ready.verify::<AccessToken>(text, &expected, now).is_ok(),
        ready.verify::<BoundAccessToken>(text, &expected, now).is_ok(),
        ready.verify::<Internal>(text, &expected, now).is_ok(),
        verify_jws(&keys, text).is_ok(),
        explain(text, &ready, &expected, now).iter().all(|step| step.is_ok),
    ];
    debug_assert!(!accepted.contains(&true), "accepted a token that nobody signed");
    // A proof carries its own key, so that a good one may be found.
    if let Ok(proof) = DpopProof::verify(text, "GET", "https://a/", now) {
        debug_assert_eq!(proof.jkt().len(), 43, "the thumbprint of a key");
    }
    if let Some(normal) = htu::normal(text) {
        debug_assert_eq!(htu::normal(&normal).as_ref(), Some(&normal), "one spelling");
    }
}
