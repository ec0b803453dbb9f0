//! The vault on a real store: what goes in comes out, and nothing else does.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test itself does")]

mod house;
mod secrets;
mod keys;
mod tampering;
mod disk;
mod root;
mod rotation;
