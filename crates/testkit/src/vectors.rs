//! The way to test vectors made by others. They are read in place and never copied.

use std::fs;
use std::path::PathBuf;

/// Reads one vector file, such as `wycheproof/json_web_signature_test.json`.
///
/// # Panics
/// With what to do, when the vectors are not there: a missing vector must not pass as a green test.
#[expect(clippy::panic, reason = "a test without its vectors must fail, and say why")]
pub fn vectors(path: &str) -> Vec<u8> {
    let file = vectors_folder().join(path);
    fs::read(&file).unwrap_or_else(|error| {
        panic!(
            "test vectors are missing: {} ({error}). Put the shared `data` folder beside the \
             checkout (`../shared/data`), or name it in RINGWALL_TEST_DATA",
            file.display()
        )
    })
}

/// The folder of all vectors: `RINGWALL_TEST_DATA`, or `../shared/data` beside the checkout.
#[expect(clippy::disallowed_methods, reason = "only tests read this variable")]
pub fn vectors_folder() -> PathBuf {
    std::env::var("RINGWALL_TEST_DATA").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    )
}
