//! The engine against rules, tests and vectors made by others.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tests stop where something is missing"
)]

use ringwall_testkit::ftw;

mod crs;
mod crs_3;
mod crs_4;
mod crs_versions;
mod modsecurity_3;
mod oracle;
mod own;
mod peer;
mod spec;
mod vectors;
mod werkzeug;
mod worst;
