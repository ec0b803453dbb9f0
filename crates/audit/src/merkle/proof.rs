//! Inclusion and consistency proofs: made from leaves, checked without them.
//!
//! Making follows RFC 6962 section 2.1.1 and 2.1.2, checking RFC 9162 section 2.1.3.2 and 2.1.4.2.

use super::{Hash, empty_root, node_hash};

/// The hashes that lead from a leaf, or from an older root, to a root.
pub type Proof = Vec<Hash>;

/// Why a proof is not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProofError {
    /// The number of hashes does not fit the sizes.
    #[error("the proof has the wrong length")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
    /// The index or the sizes contradict each other.
    #[error("the proof is about sizes that cannot be")]
    Size,
}

/// Checks that `leaf` is at `index` of the tree of `size` leaves with this `root`.
///
/// # Errors
/// When it is not, or the proof is malformed.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Size);
    }
    let (mut node, mut last, mut hash) = (index, size.saturating_sub(1), *leaf);
    for step in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(step, &hash);
            // A right edge without a neighbour is the same node on the level above.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, step);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `old` leaves is a prefix of the tree of `new` leaves.
///
/// # Errors
/// When it is not, when the proof is malformed, or when `old` is empty and so proves nothing.
pub fn verify_consistency(
    (old, old_root): (u64, &Hash),
    (new, new_root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old == 0 || old > new {
        return Err(ProofError::Size);
    }
    if old == new {
        return match (proof.is_empty(), old_root == new_root) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    // A power of two is itself a node of the new tree, so its root need not be sent.
    let mut steps =
        old.is_power_of_two().then_some(*old_root).into_iter().chain(proof.iter().copied());
    let shift = old.saturating_sub(1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let first = steps.next().ok_or(ProofError::Length)?;
    let (mut old_hash, mut new_hash) = (first, first);
    for step in steps {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(&step, &old_hash);
            new_hash = node_hash(&step, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, &step);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if old_hash == *old_root && new_hash == *new_root { Ok(()) } else { Err(ProofError::Root) }
}

/// The proof that the leaf at `index` is in the tree over `leaves`. `None` when it is not.
pub(crate) fn inclusion_path(leaves: &[Hash], index: usize) -> Option<Proof> {
    if index >= leaves.len() {
        return None;
    }
    let (mut part, mut index, mut path) = (leaves, index, Vec::new());
    while part.len() > 1 {
        let (left, right) = part.split_at_checked(split(part.len()))?;
        if index < left.len() {
            path.push(root(right));
            part = left;
        } else {
            path.push(root(left));
            index -= left.len();
            part = right;
        }
    }
    path.reverse();
    Some(path)
}

/// The proof that the first `old` of `leaves` are a prefix. `None` when there are not so many.
pub(crate) fn consistency_path(leaves: &[Hash], old: usize) -> Option<Proof> {
    if old == 0 || old > leaves.len() {
        return None;
    }
    let (mut part, mut old, mut path, mut is_whole) = (leaves, old, Vec::new(), true);
    while old < part.len() {
        let (left, right) = part.split_at_checked(split(part.len()))?;
        if old <= left.len() {
            path.push(root(right));
            part = left;
        } else {
            path.push(root(left));
            old -= left.len();
            part = right;
            is_whole = false;
        }
    }
    if !is_whole {
        path.push(root(part));
    }
    path.reverse();
    Some(path)
}

/// The largest power of two that is smaller than `len`.
fn split(len: usize) -> usize {
    len.div_ceil(2).next_power_of_two()
}

fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        more => {
            let (left, right) = more.split_at_checked(split(more.len())).unwrap_or_default();
            node_hash(&root(left), &root(right))
        }
    }
}

#[cfg(test)]
mod tests;
