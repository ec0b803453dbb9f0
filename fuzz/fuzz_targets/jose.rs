//! Tokens, keys and key sets.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_jose::fuzz(data));
