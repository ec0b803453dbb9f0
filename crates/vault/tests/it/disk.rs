//! The raw files, as a thief would read them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::house::{House, house, secret};

/// In which of the database's files the bytes stand.
fn found(folder: &Path, needle: &[u8]) -> Vec<String> {
    let has =
        |path: &Path| fs::read(path).unwrap().windows(needle.len()).any(|window| window == needle);
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| has(path))
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn planted_values_are_in_no_file() {
    let House { vault, store, folder, .. } = house();
    let value = "planted-canary-7f3a91c2";
    vault.secrets().set("canary-name", &secret(value), None).unwrap();
    vault.keys().put("jose", "k1", &secret("planted-key-55d1")).unwrap();
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for file in ["store.db", "store.db-wal", "store.db-shm", "store.db.lock"] {
        assert!(names.iter().any(|name| name == file), "{names:?}");
        let mode = fs::metadata(folder.path().join(file)).unwrap().mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
    // The search works: a name is not secret, and is found.
    assert!(!found(folder.path(), b"canary-name").is_empty());
    let base64 = b"cGxhbnRlZC1jYW5hcnkt";
    for needle in [value.as_bytes(), &value.as_bytes()[..12], base64, b"planted-key", &[1; 32]] {
        assert_eq!(found(folder.path(), needle), [""; 0]);
    }
    store.checkpoint().unwrap();
    assert_eq!(found(folder.path(), value.as_bytes()), [""; 0]);
    drop((vault, store));
    assert_eq!(found(folder.path(), value.as_bytes()), [""; 0]);
}

#[test]
fn a_removed_secret_leaves_no_sealed_value_behind() {
    let House { vault, folder, .. } = house();
    vault.secrets().set("a", &secret("value"), None).unwrap();
    assert!(!found(folder.path(), b"rw1:main.data.1:").is_empty());
    vault.secrets().remove("a").unwrap();
    assert_eq!(found(folder.path(), b"rw1:main.data.1:"), [""; 0]);
}
