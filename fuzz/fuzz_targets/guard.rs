//! HTTP/1 framing, split anywhere.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_net::guard::fuzz(data));
