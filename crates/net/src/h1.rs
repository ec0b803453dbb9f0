//! HTTP/1.1 and 1.0, both sides: our own connections, with [`crate::guard`] as their parser.
//!
//! [`serve`] is the loop of a client's connection, [`exchange()`] asks an upstream. Neither spawns:
//! the task of the client's connection drives all that belongs to its request.

mod link;
mod head;
mod encode;
mod session;
mod vigil;
mod reply;
mod serve;
mod linger;
mod exchange;
mod upstream;
mod fuzz;

pub(crate) use exchange::{Failed, exchange};
pub use fuzz::{fuzz_client, fuzz_server};
pub(crate) use link::Link;
pub(crate) use serve::serve;
pub use session::FromClient;
pub use upstream::Upstream;
