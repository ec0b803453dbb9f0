//! The pipeline on real sockets, in front of a real service.

mod fleet;
mod upstream;
mod doors;
mod framing;
mod identity;
mod ownership;
mod answers;
mod limits;
mod reload;
mod services;
