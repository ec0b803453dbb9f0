//! The face of HTTP/1 towards upstreams.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_net::fuzz_client(data));
