//! Descriptor sets, and messages held to them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringwall_protobuf::fuzz(data));
