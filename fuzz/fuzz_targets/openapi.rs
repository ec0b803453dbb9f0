//! OpenAPI documents, and bodies against their schemas.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_openapi::fuzz(data));
