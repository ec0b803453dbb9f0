//! What a Redis server answers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(ringwall_store::parse_reply(data)));
