//! A file of upstreams.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(ringwall_gateway::read_list(data)));
