//! Certificates from an ACME server (RFC 8555), by HTTP-01 or TLS-ALPN-01 (RFC 8737), renewed when
//! the server suggests (RFC 9773) or after two thirds of their life.
//!
//! Start with [`Keeper::tend`]: called now and then, it does what is due. [`Acme`] is one exchange
//! with the server.
//!
//! It asks for no name but those it was given, and a failure changes nothing that is in use. Keys
//! and certificates are kept by a [`Custody`], the network is a [`ringwall_net::Fetch`].

#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod schedule;
mod error;
mod custody;
mod kept;
mod carrier;
mod acme;
mod keeper;

pub use acme::{Acme, Challenge, Seams, Settings};
pub use custody::{Custody, CustodyError, Record};
pub use error::AcmeError;
pub use keeper::Keeper;
pub use kept::Kept;
