//! Uploaded files, archives and GraphQL requests.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_content::fuzz(data));
