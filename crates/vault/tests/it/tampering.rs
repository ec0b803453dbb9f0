//! Somebody who can write the database gets an error out of the vault, never another value.

use ringwall_store::{StoreError, Value};
use ringwall_vault::{SecretError, UnsealError};

use crate::house::{House, house, secret, sql};

fn planted() -> House {
    let house = house();
    for name in ["a", "b"] {
        for value in ["one", "two"] {
            house.vault.secrets().set(name, &secret(value), None).unwrap();
        }
    }
    house
}

#[track_caller]
fn refused(house: &House, name: &str, version: u64, want: UnsealError) {
    let got = match house.vault.secrets().get(name, Some(version)) {
        Err(SecretError::Unseal { source, .. }) => Some(source),
        Ok(_) | Err(_) => None,
    };
    assert_eq!(got, Some(want));
}

fn sealed(house: &House) -> Vec<u8> {
    let find = "SELECT sealed FROM vault_secret_version WHERE name = 'a' AND version = 1";
    let row = house.store.read::<_, StoreError>(|view| view.first(find, &[])).unwrap().unwrap();
    row.get(0).unwrap()
}

fn replace(house: &House, sealed: Vec<u8>) {
    let update = "UPDATE vault_secret_version SET sealed = ?1 WHERE name = 'a' AND version = 1";
    let values: [Value; 1] = [sealed.into()];
    house.store.write::<_, StoreError, _>(move |t| t.execute(update, &values)).unwrap();
}

#[test]
fn a_value_moved_to_another_name_does_not_open() {
    let house = planted();
    sql(
        &house.store,
        "UPDATE vault_secret_version SET sealed = (SELECT o.sealed FROM vault_secret_version o
         WHERE o.name = 'a' AND o.version = vault_secret_version.version) WHERE name = 'b'",
    );
    refused(&house, "b", 1, UnsealError::Damaged);
    refused(&house, "b", 2, UnsealError::Damaged);
}

#[test]
fn an_older_value_does_not_stand_in_for_a_newer_one() {
    let house = planted();
    sql(
        &house.store,
        "UPDATE vault_secret_version SET sealed = (SELECT o.sealed FROM vault_secret_version o
         WHERE o.name = 'a' AND o.version = 1) WHERE name = 'a' AND version = 2",
    );
    refused(&house, "a", 2, UnsealError::Damaged);
    assert!(house.vault.secrets().get("a", Some(1)).is_ok());
}

#[test]
fn every_cut_and_every_flipped_byte_is_found() {
    let house = planted();
    let good = sealed(&house);
    for length in 0..good.len() {
        replace(&house, good[..length].to_vec());
        assert!(house.vault.secrets().get("a", Some(1)).is_err(), "cut at {length}");
    }
    for index in 0..good.len() {
        let mut flipped = good.clone();
        flipped[index] ^= 1;
        replace(&house, flipped);
        assert!(house.vault.secrets().get("a", Some(1)).is_err(), "flipped at {index}");
    }
    replace(&house, [good.clone(), vec![0]].concat());
    refused(&house, "a", 1, UnsealError::Damaged);
    replace(&house, good);
    assert!(house.vault.secrets().get("a", Some(1)).is_ok());
}

#[test]
fn a_swapped_or_unknown_key_id_does_not_open() {
    let house = planted();
    let good = sealed(&house);
    let text = b"rw1:main.data.1:";
    assert!(good.starts_with(text));
    let other = [b"rw1:main.private-key.1:".as_slice(), &good[text.len()..]].concat();
    replace(&house, other);
    refused(&house, "a", 1, UnsealError::UnknownKey);
    let other = [b"rw1:main.data.2:".as_slice(), &good[text.len()..]].concat();
    replace(&house, other);
    refused(&house, "a", 1, UnsealError::UnknownKey);
}
