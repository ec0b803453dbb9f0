//! The strict reader between TLS and hyper: what has two readings is refused, with an answer.
//!
//! hyper is lenient where proxies before and services behind may read otherwise: bare LF, equal
//! `Content-Length` twice, obs-fold, chunk syntax. [`Machine`] follows heads, lengths and chunk
//! borders, refuses, and never changes a byte. `Guarded` puts it under hyper: a head is withheld
//! until all of it was checked.

mod violation;
mod machine;
mod line;
mod chunk;
mod linger;
mod stream;

pub(crate) use line::has_dot_segment;
pub(crate) use linger::Linger;
pub use machine::{Machine, fuzz};
pub(crate) use stream::{Cue, Guarded, Stand};
pub use violation::Violation;
