//! The entry point for fuzzers: hostile bytes must never panic, and never verify.

use crate::authenticator_data::AuthenticatorData;
use crate::public_key::PublicKey;
use crate::{Assertion, Attestation, Expected, Known, assert, cbor, register};

/// Reads the bytes in every way that this package reads bytes.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let mut rest = data;
    if cbor::take(&mut rest).is_ok() {
        debug_assert!(rest.len() < data.len(), "a value takes a byte at least");
    }
    if let Ok(found) = AuthenticatorData::parse(data) {
        debug_assert!(data.len() >= 37 && found.rp_id_hash.len() == 32, "the fixed head");
    }
    if let Ok(key) = PublicKey::parse(data) {
        debug_assert!(!key.verifies(b"", data), "nobody signed this");
    }
    // A first half that is client data comes from the fuzzer; a good one leads to the rest.
    let half = data.len() / 2;
    let (first, second) = data.split_at_checked(half).unwrap_or((data, &[]));
    for client_data in [GOOD, first] {
        ceremonies(client_data, first, second);
    }
}

fn ceremonies(client_data: &[u8], first: &[u8], second: &[u8]) {
    if let Ok(made) = register(&Attestation { client_data, object: second }, &EXPECTED) {
        debug_assert!(PublicKey::parse(&made.key).is_ok(), "a key that was taken is read again");
    }
    let known = Known { key: first, counter: 0, is_backup_eligible: false };
    let response = Assertion { client_data, authenticator_data: second, signature: first };
    debug_assert!(assert(&response, &known, &EXPECTED).is_err(), "nobody signed this");
}

const GOOD: &[u8] =
    br#"{"type":"webauthn.create","challenge":"AAAA","origin":"https://a.example"}"#;
const EXPECTED: Expected<'_> = Expected {
    challenge: "AAAA",
    origin: "https://a.example",
    rp_id: "a.example",
    must_verify_user: false,
};
