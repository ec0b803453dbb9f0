//! The Merkle tree of RFC 6962 section 2.1 over SHA-256.

mod frontier;
mod proof;

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) use frontier::Frontier;
pub use proof::{Proof, ProofError, verify_consistency, verify_inclusion};
pub(crate) use proof::{consistency_path, inclusion_path};

/// A SHA-256 value. It prints as base64, as in a checkpoint.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// The hash of an event's line.
pub fn leaf_hash(line: &[u8]) -> Hash {
    hash(&[&[0x00], line])
}

/// As [`leaf_hash`], of a line that has its zero before it already: in one piece it is hashed in
/// two thirds of the time.
pub(crate) fn prefixed_leaf_hash(leaf: &[u8]) -> Hash {
    to_hash(digest(&SHA256, leaf).as_ref())
}

/// The hash of two neighbours. The prefixes keep a leaf from passing as a node.
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut node = [0x01; 65];
    if let Some((first, second)) = node.split_at_mut_checked(33) {
        first.iter_mut().skip(1).zip(&left.0).for_each(|(to, from)| *to = *from);
        second.copy_from_slice(&right.0);
    }
    to_hash(digest(&SHA256, &node).as_ref())
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
    Hash(bytes.try_into().unwrap_or_default())
}
