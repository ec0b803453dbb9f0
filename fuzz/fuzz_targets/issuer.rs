//! What another issuer sends: metadata, keys, token answers, ID tokens.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_identity::fuzz(data));
