//! Reads Protocol Buffers: the descriptors of services, and messages held to them.
//!
//! Start with [`Schema::read`] and [`Schema::check`]. Bytes go in, a verdict and the leaves of the
//! message come out; nothing here does I/O. A message is hostile: every loop and every recursion has
//! a limit, work is linear in its bytes, and what two readers may read in two ways is refused.

mod wire;
mod limits;
mod descriptor;
mod features;
mod error;
mod schema;
mod link;
mod leaf;
mod violation;
mod seen;
mod check;
mod fuzz;

pub use check::{Foreign, Repeats, Rules, Unknown};
pub use error::ReadError;
#[doc(hidden)]
pub use fuzz::fuzz;
pub use leaf::{Leaf, Show, Value};
pub use limits::{Limits, SchemaLimits};
pub use schema::{Method, Schema};
pub use violation::{Kind, Violation};
