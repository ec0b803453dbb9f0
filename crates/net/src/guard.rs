//! The strict reader of HTTP/1: what has two readings is refused, with an answer.
//!
//! Lenient parsers take what proxies before and services behind may read otherwise: bare LF, equal
//! `Content-Length` twice, obs-fold, chunk syntax. [`Machine`] follows heads, lengths and chunk
//! borders, refuses, and says where the parts of a message stand. It is the only parser of HTTP/1
//! here, for both sides of the proxy.

mod violation;
mod machine;
mod line;
mod chunk;
mod fuzz;

pub use fuzz::fuzz;
pub(crate) use line::{Head, Span, has_dot_segment};
pub use machine::Machine;
pub(crate) use machine::Part;
pub use violation::Violation;

#[cfg(test)]
mod tests;
