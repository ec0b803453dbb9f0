//! The attack list, made against the running program from outside.
//!
//! Written from the specifications and the reports of others' flaws. `list.rs` has the list; a module
//! for each group has its rows. The program under test is the one that Cargo built, or the one that
//! `RINGWALL_BINARY` names: `cargo xtask attack` runs all of it against a release build.

#![expect(clippy::type_complexity, reason = "a table of cases is read as a table")]

// The attribute tells the lints that helpers of tests may panic.
#[cfg(test)]
#[path = "../it/wait.rs"]
mod wait;
#[cfg(test)]
#[path = "../it/program.rs"]
#[expect(dead_code, reason = "the other target uses the rest")]
mod program;
#[cfg(test)]
#[path = "../it/house.rs"]
#[expect(dead_code, reason = "the other target uses the rest")]
mod house;
#[cfg(test)]
#[path = "../it/wire.rs"]
#[expect(dead_code, reason = "the other target uses the rest")]
mod wire;
#[cfg(test)]
#[path = "../it/library.rs"]
#[expect(dead_code, reason = "the other target uses the rest")]
mod library;
#[cfg(test)]
#[path = "../it/letters.rs"]
mod letters;
#[cfg(test)]
#[path = "../../../webauthn/tests/it/device.rs"]
#[expect(dead_code, reason = "its own package uses the rest")]
mod authenticator;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod request;
#[cfg(test)]
mod ground;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod forgery;
#[cfg(test)]
mod jose;
#[cfg(test)]
mod client_auth;
#[cfg(test)]
mod token;
#[cfg(test)]
mod sender;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod device;
#[cfg(test)]
mod authorization;
#[cfg(test)]
mod second_factor;
#[cfg(test)]
mod users;
#[cfg(test)]
mod links;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod passkey;
#[cfg(test)]
mod races;
#[cfg(test)]
mod logout;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod emergency;
#[cfg(test)]
mod input;
#[cfg(test)]
mod storage;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod told;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod list;
