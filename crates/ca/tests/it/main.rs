//! The certificates through the eyes of other implementations.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test itself does")]

mod load;
mod openssl;
mod webpki;
mod house;
