//! Python sources, compose files and environment files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_scan::fuzz(data));
