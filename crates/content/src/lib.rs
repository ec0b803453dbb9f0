//! Looks into content that no OpenAPI schema describes: uploaded files, archives, GraphQL.
//!
//! Start with [`upload::check`] and [`graphql::check`]. Bytes go in, findings come out; nothing here
//! does I/O. Whatever is read is hostile: each loop and each recursion has a limit in `limits`, and
//! what cannot be read is a finding, never something that is passed over.

mod bytes;
mod finding;
mod limits;
mod multipart;
mod name;
mod markup;
mod kind;
mod image;
mod active;
mod pdf;
mod archive;
mod xml;
mod json;
pub mod upload;
pub mod graphql;
mod fuzz;

pub use finding::{Cause, Finding, Grade};
#[doc(hidden)]
pub use fuzz::fuzz;
