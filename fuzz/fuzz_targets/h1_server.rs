//! The face of HTTP/1 towards clients.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_net::fuzz_server(data));
