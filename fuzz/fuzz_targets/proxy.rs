//! PROXY headers of both versions, cut anywhere.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_net::proxy::fuzz(data));
