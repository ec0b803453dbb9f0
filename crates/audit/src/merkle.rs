//! The Merkle tree of RFC 6962 section 2.1 over SHA-256.

mod frontier;
mod proof;

use aws_lc_rs::digest::{Context, SHA256, digest};

pub(crate) use frontier::Frontier;
pub use proof::{Proof, ProofError, verify_consistency, verify_inclusion};
pub(crate) use proof::{consistency_path, inclusion_path};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The hash of an event's line.
pub fn leaf_hash(line: &[u8]) -> Hash {
    hash(&[&[0x00], line])
}

/// The hash of two neighbours. The prefixes keep a leaf from passing as a node.
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash(&[&[0x01], left, right])
}

/// The root of the tree without leaves.
pub(crate) fn empty_root() -> Hash {
    to_hash(digest(&SHA256, b"").as_ref())
}

pub(crate) fn hash(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    to_hash(context.finish().as_ref())
}

/// SHA-256 always gives 32 bytes.
fn to_hash(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap_or_default()
}
