//! Setting, getting, listing, removing; each recorded.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use ringwall_base::{Class, Outcome, Secret};
use ringwall_vault::{Actor, SecretError, VALUE_BYTES_MAX, Version};

use crate::house::{House, NOW, Refusing, house, open, root, secret};

fn value(house: &House, name: &str, version: Option<u64>) -> String {
    let found = house.vault.secrets().get(name, version).unwrap();
    String::from_utf8(found.value.expose().clone()).unwrap()
}

#[test]
fn versions_are_kept_and_the_newest_is_given() {
    let house = house();
    let secrets = house.vault.secrets();
    assert_eq!(secrets.set("stripe-key", &secret("one"), None).unwrap(), 1);
    house.clock.advance(Duration::from_secs(5));
    assert_eq!(secrets.set("stripe-key", &secret("two"), None).unwrap(), 2);
    assert_eq!(secrets.set("db/password", &secret(""), None).unwrap(), 1);
    assert_eq!(value(&house, "stripe-key", None), "two");
    assert_eq!(value(&house, "stripe-key", Some(1)), "one");
    assert_eq!(value(&house, "db/password", None), "");
    let later = NOW.plus(Duration::from_secs(5));
    let versions = secrets.versions("stripe-key").unwrap();
    let want = [Version { version: 1, created: NOW }, Version { version: 2, created: later }];
    assert_eq!(versions, want);
    let list = secrets.list().unwrap();
    let names: Vec<_> = list.iter().map(|s| (s.name.as_str(), s.version, s.versions)).collect();
    assert_eq!(names, [("db/password", 1, 1), ("stripe-key", 2, 2)]);
    assert_eq!(list.last().map(|s| (s.created, s.updated)), Some((NOW, later)));
}

#[test]
fn a_removed_secret_is_gone_and_its_numbers_are_not_used_again() {
    let house = house();
    let secrets = house.vault.secrets();
    secrets.set("a", &secret("one"), None).unwrap();
    secrets.set("a", &secret("two"), None).unwrap();
    secrets.remove("a").unwrap();
    for version in [None, Some(1), Some(2)] {
        assert!(matches!(secrets.get("a", version), Err(SecretError::Missing { .. })));
    }
    assert!(matches!(secrets.versions("a"), Err(SecretError::Missing { .. })));
    assert!(matches!(secrets.remove("a"), Err(SecretError::Missing { .. })));
    assert_eq!(secrets.list().unwrap(), []);
    assert_eq!(secrets.set("a", &secret("three"), Some(0)).unwrap(), 3);
    assert_eq!(value(&house, "a", None), "three");
}

#[test]
fn what_is_not_there_or_not_allowed_is_said() {
    let house = house();
    let secrets = house.vault.secrets();
    secrets.set("a", &secret("one"), None).unwrap();
    let error = secrets.get("a", Some(7)).unwrap_err().to_string();
    assert_eq!(error, "there is no secret `a` at version 7");
    assert_eq!(secrets.get("b", None).unwrap_err().to_string(), "there is no secret `b`");
    assert!(matches!(secrets.get("../a", None), Err(SecretError::Name(_))));
    assert!(matches!(secrets.set("a b", &secret(""), None), Err(SecretError::Name(_))));
    let largest = Secret::new(vec![7; VALUE_BYTES_MAX]);
    assert_eq!(secrets.set("large", &largest, None).unwrap(), 1);
    assert!(secrets.get("large", None).unwrap().value == largest);
    let larger = Secret::new(vec![7; VALUE_BYTES_MAX + 1]);
    assert!(matches!(secrets.set("large", &larger, None), Err(SecretError::Long { .. })));
}

#[test]
fn of_many_writers_that_expect_the_same_version_one_wins() {
    let house = Arc::new(house());
    house.vault.secrets().set("a", &secret("start"), Some(0)).unwrap();
    let writers: Vec<_> = (0..20)
        .map(|number| {
            let house = Arc::clone(&house);
            thread::spawn(move || {
                house.vault.secrets().set("a", &secret(&format!("{number}")), Some(1))
            })
        })
        .collect();
    let results: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    assert_eq!(results.iter().filter(|result| matches!(result, Ok(2))).count(), 1);
    let lost = |result: &&Result<u64, SecretError>| {
        matches!(result, Err(SecretError::Conflict { current: 2, expected: 1 }))
    };
    assert_eq!(results.iter().filter(lost).count(), 19);
}

#[test]
fn every_act_is_recorded_with_its_actor_and_without_the_value() {
    let house = house();
    let actor = Actor { service: Some("payments".to_owned()), ..Actor::default() };
    let secrets = house.vault.secrets().by(actor);
    secrets.set("a", &secret("planted-value"), None).unwrap();
    secrets.get("a", None).unwrap();
    secrets.list().unwrap();
    secrets.get("b", None).unwrap_err();
    secrets.remove("a").unwrap();
    let events = house.sink.take();
    let told: Vec<_> = events
        .iter()
        .map(|e| (e.action, e.operation.as_deref().unwrap_or(""), e.outcome))
        .collect();
    let done = Outcome::Success;
    assert_eq!(
        told,
        [
            ("vault-created", "root", done),
            ("secret-written", "a", done),
            ("secret-read", "a", done),
            ("secret-listed", "*", done),
            ("secret-read", "b", done),
            ("secret-read", "b", Outcome::Failure),
            ("secret-deleted", "a", done),
        ]
    );
    assert!(events.iter().all(|e| e.class == Class::Sync));
    assert!(events.iter().skip(1).all(|e| e.caller.as_deref() == Some("payments")));
    assert!(!format!("{events:?}").contains("planted-value"));
}

#[test]
fn what_cannot_be_recorded_is_not_done() {
    let house = house();
    house.vault.secrets().set("a", &secret("one"), None).unwrap();
    assert!(open(&house.store, root(1), Arc::new(Refusing)).is_err());
    let events = house.sink.take().len();
    assert_eq!(events, 2);
}

#[test]
fn nothing_prints_a_value() {
    let house = house();
    house.vault.secrets().set("a", &secret("planted-value"), None).unwrap();
    let found = house.vault.secrets().get("a", None).unwrap();
    assert!(!format!("{found:?} {:?} {:?}", house.vault, root(1)).contains("planted-value"));
    assert_eq!(format!("{:?}", root(1)), "RootKey(…)");
    assert!(!format!("{:?}", house.vault).contains("1, 1, 1, 1"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_bytes_come_back_as_they_were(values in prop::collection::vec(
        prop::collection::vec(any::<u8>(), 0..300), 1..6,
    )) {
        let house = house();
        let secrets = house.vault.secrets();
        for value in &values {
            secrets.set("a", &Secret::new(value.clone()), None).unwrap();
        }
        for (version, value) in (1_u64..).zip(&values) {
            let found = secrets.get("a", Some(version)).unwrap();
            prop_assert_eq!(found.value.expose(), value);
        }
    }
}
