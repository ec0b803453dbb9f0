use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringwall_testkit::vectors_folder;
use serde_json::Value;

use super::*;
use crate::merkle::{Frontier, leaf_hash};

type Check<'a> = &'a mut dyn FnMut(&Path, &Value);

/// All vectors below a folder. Their names are part of the message when one fails.
fn each(folder: &Path, check: Check<'_>) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            count += each(&entry.path(), check);
        } else {
            check(
                &entry.path(),
                &serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap(),
            );
            count += 1;
        }
    }
    count
}

/// Some vectors have other bytes in the place of a hash: any hash of them is as wrong, and equal
/// ones stay equal.
fn hash(value: &Value) -> Hash {
    let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).unwrap();
    bytes.as_slice().try_into().map_or_else(|_| leaf_hash(&bytes), Hash)
}

fn proof(value: &Value) -> Proof {
    value.as_array().map(|all| all.iter().map(hash).collect()).unwrap_or_default()
}

#[test]
fn every_public_inclusion_vector_is_judged_right() {
    let folder = vectors_folder().join("merkle/testdata/inclusion");
    let count = each(&folder, &mut |path, vector| {
        let number = |key: &str| vector[key].as_u64().unwrap();
        // The type of a hash already refuses what is empty.
        let is_hash = |key: &str| !vector[key].as_str().unwrap().is_empty();
        let are_hashes = is_hash("leafHash") && is_hash("root");
        let (leaf, root) = (hash(&vector["leafHash"]), hash(&vector["root"]));
        let proof = proof(&vector["proof"]);
        let judged = verify_inclusion(&leaf, number("leafIdx"), number("treeSize"), &proof, &root);
        let is_refused = !are_hashes || judged.is_err();
        assert_eq!(is_refused, vector["wantErr"].as_bool().unwrap(), "{}", path.display());
    });
    assert!(count >= 90, "{count} vectors");
}

#[test]
fn every_public_consistency_vector_is_judged_right() {
    let folder = vectors_folder().join("merkle/testdata/consistency");
    let count = each(&folder, &mut |path, vector| {
        let number = |key: &str| vector[key].as_u64().unwrap();
        let (old, new) = (hash(&vector["root1"]), hash(&vector["root2"]));
        let proof = proof(&vector["proof"]);
        let judged = verify_consistency((number("size1"), &old), (number("size2"), &new), &proof);
        assert_eq!(judged.is_err(), vector["wantErr"].as_bool().unwrap(), "{}", path.display());
    });
    assert!(count >= 90, "{count} vectors");
}

#[test]
fn own_proofs_hold_for_every_size_and_for_nothing_else() {
    let leaves: Vec<Hash> = (0_u8..40).map(|n| leaf_hash(&[n])).collect();
    let mut roots = vec![empty_root()];
    let mut frontier = Frontier::default();
    for leaf in &leaves {
        frontier.push(*leaf);
        roots.push(frontier.root());
    }
    for size in 1..=leaves.len() {
        let part = &leaves[..size];
        assert_eq!(root(part), roots[size]);
        for index in 0..size {
            let proof = inclusion_path(part, index).unwrap();
            let check =
                |leaf| verify_inclusion(leaf, index as u64, size as u64, &proof, &roots[size]);
            assert_eq!(check(&leaves[index]), Ok(()));
            assert!(check(&leaves[(index + 1) % 40]).is_err());
        }
        for old in 1..=size {
            let proof = consistency_path(part, old).unwrap();
            let new = (size as u64, &roots[size]);
            assert_eq!(verify_consistency((old as u64, &roots[old]), new, &proof), Ok(()));
            assert!(verify_consistency((old as u64, &roots[old - 1]), new, &proof).is_err());
        }
    }
    assert_eq!(inclusion_path(&leaves, 40), None);
    assert_eq!(consistency_path(&leaves, 0), None);
}
