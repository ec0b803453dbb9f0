//! Sealed private keys.

use ringwall_vault::{Context, KeyError, Purpose, UnsealError};

use crate::house::{house, secret, sql};

#[test]
fn a_key_is_kept_replaced_listed_and_removed() {
    let house = house();
    let keys = house.vault.keys();
    assert!(keys.get("jose", "k1").unwrap().is_none());
    keys.put("jose", "k1", &secret("one")).unwrap();
    keys.put("jose", "-base64url_thumbprint", &secret("two")).unwrap();
    keys.put("ca", "k1", &secret("three")).unwrap();
    keys.put("jose", "k1", &secret("four")).unwrap();
    assert!(keys.get("jose", "k1").unwrap() == Some(secret("four")));
    assert!(keys.get("ca", "k1").unwrap() == Some(secret("three")));
    let ids: Vec<_> = keys.list("jose").unwrap().into_iter().map(|key| key.id).collect();
    assert_eq!(ids, ["-base64url_thumbprint", "k1"]);
    assert!(keys.remove("jose", "k1").unwrap());
    assert!(!keys.remove("jose", "k1").unwrap());
    assert!(keys.get("jose", "k1").unwrap().is_none());
}

#[test]
fn two_spellings_of_a_place_are_not_one() {
    let house = house();
    let keys = house.vault.keys();
    keys.put("a", "b/c", &secret("one")).unwrap();
    for (purpose, id) in [("a/b", "c"), ("", "x"), ("a", ""), ("a", "../x"), ("a", "b\0")] {
        assert!(matches!(keys.put(purpose, id, &secret("x")), Err(KeyError::Name(_))), "{id}");
    }
    let long = secret(&"x".repeat((64 << 10) + 1));
    assert!(matches!(keys.put("a", "b", &long), Err(KeyError::Long { .. })));
}

#[test]
fn a_key_that_was_moved_does_not_open() {
    let house = house();
    let keys = house.vault.keys();
    keys.put("jose", "k1", &secret("one")).unwrap();
    keys.put("jose", "k2", &secret("two")).unwrap();
    let moved = "UPDATE vault_key SET sealed = (SELECT sealed FROM vault_key WHERE id = 'k1')
        WHERE id = 'k2'";
    assert_eq!(sql(&house.store, moved), 1);
    assert!(matches!(
        keys.get("jose", "k2"),
        Err(KeyError::Unseal { source: UnsealError::Damaged, .. })
    ));
}

#[test]
fn a_value_of_another_package_opens_for_its_purpose_and_place_only() {
    let house = house();
    let place =
        Context { tenant: "main", table: "identity_totp", path: "u1", version: 1, field: "seed" };
    let sealed = house.vault.seal(Purpose::Data, &place, b"seed").unwrap();
    let open = |purpose, place: &Context<'_>| house.vault.unseal(purpose, place, &sealed);
    assert_eq!(open(Purpose::Data, &place).unwrap().expose(), b"seed");
    assert!(open(Purpose::PrivateKey, &place).is_err());
    for other in [
        Context { tenant: "other", ..place },
        Context { table: "identity_tot", ..place },
        Context { path: "u2", ..place },
        Context { version: 2, ..place },
        Context { field: "pseed", ..place },
    ] {
        assert!(open(Purpose::Data, &other).is_err(), "{other:?}");
    }
}
