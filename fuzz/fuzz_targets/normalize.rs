//! A request with two readings that passes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_gateway::fuzz_normalize(data));
