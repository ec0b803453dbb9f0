//! Rules, and requests against rules.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_waf::fuzz(data));
