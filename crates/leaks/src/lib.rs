//! Finds what must not leave in an answer: secrets, numbers of cards and accounts, stack traces,
//! errors of databases, listings of folders.
//!
//! Start with [`Scanner`]: bytes go in, findings come out, each with the name of its detector and its
//! place. The value itself is in none. [`Stream`] does the same for what comes in pieces. One
//! automaton finds the literals that every secret or page begins with; what stands around a literal
//! decides, and is read for a bounded number of bytes, so the time is linear in the text.

mod base64;
mod card;
mod detector;
mod finding;
mod fuzz;
mod iban;
mod listing;
mod literals;
mod look;
mod password;
mod private_key;
mod scanner;
mod sql;
mod stream;
mod token;
mod trace;

pub use detector::{Detector, Detectors};
pub use finding::{Finding, Found};
#[doc(hidden)]
pub use fuzz::fuzz;
pub use scanner::{BuildError, Scanner};
pub use stream::Stream;
