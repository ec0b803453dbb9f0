//! What a name server answers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(ringwall_net::read_message(data)));
