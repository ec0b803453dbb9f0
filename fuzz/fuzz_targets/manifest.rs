//! Manifests: read, checked, formatted.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_manifest::fuzz(data));
