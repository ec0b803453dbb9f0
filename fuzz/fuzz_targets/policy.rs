//! Cedar files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_policy::fuzz(data));
