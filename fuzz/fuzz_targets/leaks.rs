//! Answers that may hold what must not leave.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_leaks::fuzz(data));
