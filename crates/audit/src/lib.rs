//! The audit log: append-only, Merkle-hashed, with signed checkpoints.
//!
//! Start with [`Log::open`] to write and [`verify`] to check. Every event is one canonical ECS line;
//! exactly these bytes are a leaf of the RFC 6962 tree, so a proof survives export. What is on disk
//! is never rewritten: only a torn tail, which no checkpoint and no later commit covers, is cut.
//!
//! A log proves itself only up to a checkpoint that somebody else holds: who owns both the disk and
//! the signing key can cut the tail or write another history. Keep checkpoints elsewhere.

mod action;
mod line;
mod merkle;
mod checkpoint;
mod frame;
mod segment;
mod log;
mod query;
mod verify;

pub use action::{ACTIONS, Action};
pub use checkpoint::{Checkpoint, CheckpointError, public_key};
pub use log::{Ahead, Log, OpenError, Settings, Stats};
pub use merkle::{Hash, Proof, ProofError, leaf_hash, verify_consistency, verify_inclusion};
pub use query::{Entry, Filter, ReadError, find_request, query, tail};
pub use verify::{Problem, ProblemKind, Verified, consistency, prove, verify, verify_against};

#[doc(hidden)]
pub use line::canonical;
