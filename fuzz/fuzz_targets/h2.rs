//! A connection of an HTTP/2 client, from its first frame to its last.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ringwall_net::fuzz_h2(data);
});
