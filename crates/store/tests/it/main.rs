//! The store through its public calls, through crashes and on bad disks.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test itself does")]

mod writes;
mod migrations;
mod process;
mod crash;
mod disk;
mod table;
mod collections;
mod redis;
