//! The append-only Merkle log, checkpoints and queries.
