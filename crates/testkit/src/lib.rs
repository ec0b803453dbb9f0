//! Small test doubles, and the one way to test vectors made by others.
//!
//! Start with [`vectors`]. Nothing here is used outside tests.

pub mod ftw;
mod vectors;
mod sequence;
mod memory_sink;
mod redis_server;

pub use memory_sink::MemorySink;
pub use redis_server::RedisServer;
pub use sequence::Sequence;
pub use vectors::{vectors, vectors_folder};
