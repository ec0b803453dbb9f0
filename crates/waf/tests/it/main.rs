//! The engine against rules, tests and vectors made by others.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "tests stop where something is missing"
)]

mod crs;
mod crs_3;
mod crs_4;
mod ftw;
mod oracle;
mod own;
mod spec;
mod vectors;
mod werkzeug;
mod worst;
