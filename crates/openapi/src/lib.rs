//! Reads OpenAPI 3.0 and 3.1 and holds requests and responses to it.
//!
//! Start with [`Document::parse`]. `contract` gives the operations, the unit of permission;
//! `compile` gives [`Schemas`], whose [`OperationSchema`] checks the parts of a request and cuts
//! from a response what was never declared. [`filter_fields`] cuts without a schema, and [`decode`]
//! undoes a body's compression within bounds.
//!
//! Nothing here does I/O. Documents and bodies are hostile: size, depth, members and references
//! have limits, and a pattern that does not compile is a finding, never a check that is skipped.

mod limits;
mod number;
mod node;
mod json;
mod yaml;
mod schema;
mod pattern;
mod format;
mod compile;
mod check;
mod violation;
mod document;
mod paths;
mod parameter;
mod query;
mod media_type;
mod multipart;
mod body;
mod operation;
mod shape;
mod filter;
mod decode;
mod fuzz;

pub use decode::{DecodeError, decode};
pub use document::{Document, DocumentError};
pub use filter::{CutRule, Fate, FieldRule, Filtered, filter_fields};
#[doc(hidden)]
pub use fuzz::fuzz;
pub use limits::Limits;
pub use operation::{OperationSchema, RequestParts, Schemas, Unknown};
pub use violation::{Violation, ViolationKind};
