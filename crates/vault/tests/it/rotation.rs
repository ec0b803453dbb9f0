//! Keys are replaced, values stay, and a crash in the middle leaves one of both in force.

use std::fs;
use std::sync::Arc;

use ringwall_base::SystemEntropy;
use ringwall_store::StoreError;
use ringwall_testkit::MemorySink;
use ringwall_vault::{OpenError, Purpose, RootFile, RootKey, RootKeyError, RotateError, Vault};

use crate::house::{House, house, open, open_store, root, secret, sql};

fn sink() -> Arc<MemorySink> {
    Arc::new(MemorySink::default())
}

fn keks(house: &House) -> Vec<String> {
    let query = "SELECT DISTINCT kek FROM vault_secret_version ORDER BY kek";
    let rows = house.store.read::<_, StoreError>(|view| view.query(query, &[])).unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

#[test]
fn a_new_root_key_opens_and_the_old_one_does_not() {
    let house = house();
    house.vault.secrets().set("a", &secret("one"), None).unwrap();
    house.vault.rotate_root(root(2)).unwrap();
    assert_eq!(house.vault.secrets().get("a", None).unwrap().value.expose(), b"one");
    house.vault.rotate_kek(Purpose::Data).unwrap();
    house.vault.secrets().set("a", &secret("two"), None).unwrap();
    assert!(matches!(open(&house.store, root(1), sink()), Err(OpenError::WrongRootKey)));
    let again = open(&house.store, root(2), sink()).unwrap();
    assert_eq!(again.secrets().get("a", Some(1)).unwrap().value.expose(), b"one");
    assert_eq!(again.secrets().get("a", Some(2)).unwrap().value.expose(), b"two");
}

#[test]
fn a_new_wrapping_key_takes_over_all_values() {
    let house = house();
    house.vault.secrets().set("a", &secret("one"), None).unwrap();
    house.vault.keys().put("jose", "k1", &secret("key")).unwrap();
    house.vault.rotate_kek(Purpose::Data).unwrap();
    house.vault.rotate_kek(Purpose::PrivateKey).unwrap();
    assert_eq!(keks(&house), ["main.data.2"]);
    let again = open(&house.store, root(1), sink()).unwrap();
    for vault in [&house.vault, &again] {
        assert_eq!(vault.secrets().get("a", None).unwrap().value.expose(), b"one");
        assert!(vault.keys().get("jose", "k1").unwrap() == Some(secret("key")));
    }
}

#[test]
fn a_key_is_replaced_after_its_uses() {
    let house = house();
    sql(&house.store, "UPDATE vault_kek SET wraps = 1073741822");
    house.vault.secrets().set("a", &secret("one"), None).unwrap();
    assert_eq!(keks(&house), ["main.data.1"]);
    house.vault.secrets().set("a", &secret("two"), None).unwrap();
    assert_eq!(keks(&house), ["main.data.2"]);
    sql(&house.store, "UPDATE vault_kek SET wraps = 268435455");
    house.sink.take();
    house.vault.secrets().set("a", &secret("three"), None).unwrap();
    let actions: Vec<_> = house.sink.take().iter().map(|event| event.action).collect();
    assert_eq!(actions, ["secret-written", "vault-key-worn"]);
}

#[test]
fn a_rotation_that_meets_a_damaged_value_changes_nothing() {
    let house = house();
    house.vault.secrets().set("a", &secret("one"), None).unwrap();
    house.vault.secrets().set("b", &secret("two"), None).unwrap();
    sql(&house.store, "UPDATE vault_secret_version SET sealed = x'00' WHERE name = 'b'");
    assert!(house.vault.rotate_kek(Purpose::Data).is_err());
    assert_eq!(keks(&house), ["main.data.1"]);
    assert_eq!(house.vault.secrets().get("a", None).unwrap().value.expose(), b"one");
}

/// A vault whose root key is in a file, with one secret.
struct Filed {
    house: House,
    file: RootFile,
}

fn filed() -> Filed {
    let house = house();
    let file = RootFile::at(&house.folder.path().join("root.key"));
    let key = file.create(&SystemEntropy::open().unwrap()).unwrap();
    house.vault.secrets().set("a", &secret("one"), None).unwrap();
    house.vault.rotate_root(key).unwrap();
    Filed { house, file }
}

fn unseal(filed: &Filed) -> Result<Vault, OpenError> {
    filed.file.unseal(|key: RootKey| open(&filed.house.store, key, sink()))
}

#[test]
fn a_root_file_is_replaced_with_the_key() {
    let filed = filed();
    let path = filed.house.folder.path().join("root.key");
    let before = fs::read(&path).unwrap();
    filed.file.rotate(&filed.house.vault).unwrap();
    assert_ne!(fs::read(&path).unwrap(), before);
    assert!(!filed.house.folder.path().join("root.key.new").exists());
    assert_eq!(unseal(&filed).unwrap().secrets().get("a", None).unwrap().value.expose(), b"one");
}

#[test]
fn a_crash_before_the_database_changed_keeps_the_old_key() {
    let filed = filed();
    let next = filed.house.folder.path().join("root.key.new");
    RootFile::at(&next).create(&SystemEntropy::open().unwrap()).unwrap();
    assert_eq!(unseal(&filed).unwrap().secrets().get("a", None).unwrap().value.expose(), b"one");
    assert!(!next.exists());
}

#[test]
fn a_crash_after_the_database_changed_takes_the_new_key() {
    let filed = filed();
    let next = filed.house.folder.path().join("root.key.new");
    let key = RootFile::at(&next).create(&SystemEntropy::open().unwrap()).unwrap();
    filed.house.vault.rotate_root(key).unwrap();
    assert_eq!(unseal(&filed).unwrap().secrets().get("a", None).unwrap().value.expose(), b"one");
    assert!(!next.exists());
    // And once more, from the renamed file alone.
    assert!(unseal(&filed).is_ok());
}

#[test]
fn the_key_of_an_unfinished_rotation_is_never_overwritten() {
    let filed = filed();
    let next = filed.house.folder.path().join("root.key.new");
    let key = RootFile::at(&next).create(&SystemEntropy::open().unwrap()).unwrap();
    filed.house.vault.rotate_root(key).unwrap();
    // Now the only file with the database's key is the new one: the rename did not happen.
    let kept = fs::read(&next).unwrap();
    let refused = filed.file.rotate(&filed.house.vault);
    let Err(RotateError::RootKey(RootKeyError::Exists { path })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((path, fs::read(&next).unwrap()), (next, kept));
    assert!(unseal(&filed).is_ok());
    filed.file.rotate(&filed.house.vault).unwrap();
}

#[test]
fn a_vault_opens_again_after_the_store_was_closed() {
    let House { vault, store, folder, .. } = house();
    vault.secrets().set("a", &secret("one"), None).unwrap();
    drop((vault, store));
    let store = open_store(&folder.path().join("store.db"));
    let vault = open(&store, root(1), sink()).unwrap();
    assert_eq!(vault.secrets().get("a", None).unwrap().value.expose(), b"one");
}
