//! The manifest: reads `ringwall.toml`, checks it, and says what follows from it.
//!
//! Start with [`Draft::read`], then [`check`]: the caller hands in the texts, and gets findings and
//! a [`Model`]. Nothing here reads a file, opens a socket or knows how a line is enforced.

mod source;
mod finding;
mod catalogue;
mod node;
mod syntax;
mod shape;
mod keys;
mod suggest;
mod draft;
mod model;
mod resolve;
mod analyse;
mod access;
mod matrix;
mod view;

pub use access::{Access, Caller, Flow, flows};
pub use catalogue::{Code, codes};
pub use draft::{Draft, Want, WantKind};
pub use finding::{Finding, Related, Severity};
pub use matrix::{Matrix, Row};
pub use model::*;
pub use resolve::{Failure, Inputs, Report, check};
pub use source::Source;
pub use view::{View, data, routes, secrets, surface};
