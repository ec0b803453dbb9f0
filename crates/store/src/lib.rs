//! The embedded database: durable transactions, pooled reads, migrations.
//!
//! Start with [`Store::open`], then [`Store::write`] and [`Store::read`]. SQL is the subset that
//! SQLite and PostgreSQL share: `TEXT`, `BIGINT`, `BLOB`; time is microseconds since 1970; JSON is
//! opaque text; placeholders are `?1`. No other package names the engine, so that a second driver
//! can stand behind the same types.
//!
//! Beside it, [`Shared`]: hot state that several gateways keep together, in Redis ([`Redis`]).
//!
//! Never: opens a socket, knows what a row means, holds plaintext of a secret, acknowledges before the disk has it.

mod store;
mod transaction;
mod value;
mod migration;
mod writer;
mod readers;
mod engine;
mod lock;
mod error;
mod shared;
mod redis;

pub use error::{CheckError, Constraint, EngineError, OpenError, StoreError};
pub use migration::Migration;
pub use redis::{Connect, Parsed, Redis, RedisSettings, Reply, Wire, Wiring, parse_reply};
pub use shared::{
    Act, Batch, Change, Count, Exchanging, Member, Merged, Merging, Part, Shared,
    SharedCollections, SharedError, Tally, Total,
};
pub use store::{Settings, Store};
pub use transaction::{Transaction, View};
pub use value::{Column, Row, Value};
