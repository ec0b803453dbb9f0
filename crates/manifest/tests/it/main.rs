//! The package through its public interface.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions shared by tests are tests too"
)]

mod fleet;
mod sample;
mod broken;
mod questions;
mod hostile;
#[cfg(test)]
mod login;
mod gateway;
#[cfg(test)]
mod headers;
