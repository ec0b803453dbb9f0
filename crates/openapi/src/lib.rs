//! Reads OpenAPI 3.0 and 3.1 and holds requests and responses to it.
//!
//! Start with [`Document::parse`]. `contract` gives the operations, the unit of permission;
//! `compile` gives [`Schemas`], whose [`OperationSchema`] checks the parts of a request and cuts
//! from a response what was never declared. [`filter_fields`] cuts without a schema, and [`decode`]
//! undoes a body's compression within bounds. [`Lessons`] learns a document from what was observed.
//!
//! Nothing here does I/O. Documents and bodies are hostile: size, depth, members and references
//! have limits, and a pattern that does not compile is a finding, never a check that is skipped.

mod limits;
mod number;
mod node;
mod proof;
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
mod value;
mod parameter;
mod query;
mod media_type;
mod multipart;
mod form;
mod xml;
mod body;
mod operation;
mod shape;
mod filter;
mod decode;
mod learn;
mod fuzz;

pub use decode::{DecodeError, decode};
pub use document::{Document, DocumentError};
pub use filter::{CutRule, Fate, FieldRule, Filtered, filter_fields};
#[doc(hidden)]
pub use fuzz::fuzz;
pub use learn::{Answered, Doubt, Draft, Drift, Exchange, Lens, Lessons, Needed, operation_of};
pub use limits::Limits;
pub use operation::{BodyParts, OperationSchema, RequestParts, Schemas, Unknown};
pub use proof::{Kind, Proof, ProofPlace, ProofStep};
pub use violation::{Violation, ViolationKind};
