//! JSON Web Keys, Signatures and Tokens: closed profiles, strict parsing.
//!
//! Start with [`KeySet::verify`]: one function, nine checks in a fixed order, and a type per kind of
//! token. [`mint()`] is the way back. Nothing here does I/O or reads a clock, and there is no switch
//! that turns a check off: `none` and symmetric keys do not exist for tokens.

#![warn(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::wildcard_enum_match_arm)]

mod verify;
mod profile;
mod claims;
mod key_set;
mod jws;
mod json;
mod base64url;
mod jwk;
mod weak;
mod algorithm;
mod private_key;
mod mint;
mod dpop;
mod htu;
mod nonce;
mod replay;
mod recent;
mod token_cache;
mod explain;
mod fuzz;

pub use algorithm::SignatureAlgorithm;
pub use base64url::{decode as base64url_decode, encode as base64url_encode};
pub use claims::{
    AccessClaims, Actor, AssertionClaims, BoundClaims, Confirmation, FederatedClaims, IdClaims,
    InternalClaims, LogoutClaims,
};
pub use dpop::DpopProof;
pub use explain::{Step, explain};
pub use fuzz::fuzz;
pub use json::{JsonError, parse as parse_json};
pub use jwk::{Jwk, JwkError, JwkSet};
pub use jws::verify_jws;
pub use key_set::{Key, KeySet};
pub use mint::mint;
pub use nonce::Nonces;
pub use private_key::{KeyError, PrivateKey};
pub use profile::{
    AccessToken, BoundAccessToken, ClientAssertion, FederatedAssertion, ForeignIdToken, IdToken,
    Internal, LogoutToken, Profile,
};
pub use recent::Recent;
pub use replay::{Replays, Use};
pub use token_cache::TokenCache;
pub use verify::{Expected, TOKEN_BYTES_MAX, VerifyError};
