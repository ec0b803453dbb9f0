//! Passkeys: what an authenticator says, read strictly and verified (Web Authentication Level 3).
//!
//! Start with [`register`] and [`assert()`]: each goes through the checks of its section of the
//! specification, one a line. Challenges, people and counters are the caller's; nothing here does I/O
//! or reads a clock, and there is no switch that turns a check off.

#![warn(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::wildcard_enum_match_arm)]

mod ceremony;
mod client_data;
mod authenticator_data;
mod attestation;
mod public_key;
mod cbor;
mod fuzz;

pub use authenticator_data::Flags;
pub use ceremony::{
    Asserted, Assertion, Attestation, Credential, Expected, Known, WebauthnError, assert, register,
};
pub use fuzz::fuzz;
pub use public_key::ALGORITHMS;
