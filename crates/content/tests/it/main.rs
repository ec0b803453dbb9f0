//! The package from outside, against what others make and read.

#![expect(clippy::panic, clippy::unwrap_used, reason = "tests stop where something is missing")]

mod files;
mod graphql;
