//! Transactions, groups, views, values.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use proptest::prelude::*;
use ringwall_base::{Fault, Timestamp};
use ringwall_store::{Constraint, StoreError, Value};

use crate::table::{NOW, hold, ids, insert, open};

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("changed its mind")]
    Own,
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[test]
fn a_refused_write_undoes_all_that_it_did_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).unwrap();
    insert(&store, 1, "one").unwrap();
    let refused: Result<(), Refused> = store.write(|transaction| {
        transaction.execute("INSERT INTO item (id, body) VALUES (2, 'two')", &[])?;
        transaction.execute("DELETE FROM item WHERE id = 1", &[])?;
        Err(Refused::Own)
    });
    assert!(matches!(refused, Err(Refused::Own)));
    assert_eq!(ids(&store), [1]);
}

#[test]
fn in_a_group_each_write_has_its_own_result() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).unwrap();
    let gate = hold(&store);
    let (sender, results) = channel();
    for id in 0..600_i64 {
        let sender = sender.clone();
        store.write_then(
            // Every third id is taken by the one before.
            move |transaction| {
                let id = if id % 3 == 2 { id - 1 } else { id };
                transaction.execute("INSERT INTO item (id, body) VALUES (?1, 'x')", &[id.into()])
            },
            move |result: Result<usize, StoreError>| sender.send((id, result)).unwrap(),
        );
    }
    gate.wait();
    drop(sender);
    let mut order = Vec::new();
    for (id, result) in results {
        order.push(id);
        assert_eq!(result.as_ref().is_err_and(StoreError::is_unique), id % 3 == 2, "{result:?}");
    }
    assert_eq!(order, (0..600).collect::<Vec<_>>());
    assert_eq!(ids(&store).len(), 400);
}

#[test]
fn an_acknowledged_write_is_seen_by_every_later_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&folder.path().join("store.db")).unwrap());
    let writers: Vec<_> = (0..8_i64)
        .map(|writer| {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                for number in 0..50 {
                    let id = writer * 50 + number;
                    insert(&store, id, "x").unwrap();
                    assert!(ids(&store).contains(&id));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(ids(&store), (0..400).collect::<Vec<_>>());
}

#[test]
fn two_queries_of_one_read_see_the_same_moment() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).unwrap();
    let count = "SELECT COUNT(*) FROM item";
    let counts = store.read::<_, StoreError>(|view| {
        let before: i64 = view.first(count, &[])?.map_or(Ok(0), |row| row.get(0))?;
        insert(&store, 1, "one")?;
        let after: i64 = view.first(count, &[])?.map_or(Ok(0), |row| row.get(0))?;
        Ok((before, after))
    });
    assert_eq!(counts.unwrap(), (0, 0));
    assert_eq!(ids(&store), [1]);
}

#[test]
fn a_read_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).unwrap();
    let sneaky = "INSERT INTO item (id, body) VALUES (1, 'x') RETURNING id";
    let refused = store.read::<_, StoreError>(|view| view.query(sneaky, &[]));
    assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
    assert_eq!(ids(&store), [0; 0]);
}

#[test]
fn a_write_inside_a_write_is_refused_and_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&folder.path().join("store.db")).unwrap());
    let inner = Arc::clone(&store);
    let nested = store.write(move |_| insert(&inner, 1, "one"));
    assert!(matches!(nested, Err(StoreError::Nested)));
}

#[test]
fn a_broken_rule_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).unwrap();
    insert(&store, 1, "one").unwrap();
    let kind = |sql: &'static str| {
        let result = store.write::<_, StoreError, _>(move |t| t.execute(sql, &[]));
        match result {
            Err(StoreError::Constraint { kind, .. }) => Some(kind),
            Ok(_) | Err(_) => None,
        }
    };
    let unique = kind("INSERT INTO item (id, body) VALUES (1, 'x')");
    assert_eq!(unique, Some(Constraint::Unique));
    let null = kind("INSERT INTO item (id, body) VALUES (2, NULL)");
    assert_eq!(null, Some(Constraint::NotNull));
    let reference = kind("INSERT INTO part (item, size) VALUES (9, 1)");
    assert_eq!(reference, Some(Constraint::ForeignKey));
    let check = kind("INSERT INTO part (item, size) VALUES (1, 0)");
    assert_eq!(check, Some(Constraint::Check));
    let wrong = store.write::<_, StoreError, _>(|t| t.execute("INSERT nonsense", &[]));
    assert_eq!(wrong.unwrap_err().fault(), Fault::Ours);
}

#[test]
fn a_column_is_read_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).unwrap();
    let row = store
        .read::<_, StoreError>(|view| {
            let values = [NOW.into(), true.into(), Value::from(None::<i64>)];
            view.first("SELECT ?1, ?2, ?3, 'text', x'00ff', -1, 1.5", &values)
        })
        .unwrap()
        .unwrap();
    assert_eq!(row.get::<Timestamp>(0).unwrap(), NOW);
    assert!(row.get::<bool>(1).unwrap());
    assert_eq!(row.get::<Option<String>>(2).unwrap(), None);
    assert_eq!(row.get::<Option<String>>(3).unwrap().as_deref(), Some("text"));
    assert_eq!(row.get::<Vec<u8>>(4).unwrap(), [0, 255]);
    assert_eq!(row.get::<i64>(5).unwrap(), -1);
    assert!(matches!(row.get::<u64>(5), Err(StoreError::Column { index: 5 })));
    assert!(row.get::<String>(0).is_err());
    assert!(row.get::<String>(2).is_err());
    assert!(row.get::<i64>(6).is_err());
    assert!(row.get::<i64>(7).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_value_comes_back_as_it_was(
        text in "\\PC*", bytes in prop::collection::vec(any::<u8>(), 0..200), number: i64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("store.db")).unwrap();
        let values: [Value; 3] = [text.clone().into(), bytes.clone().into(), number.into()];
        let row = store
            .read::<_, StoreError>(|view| view.first("SELECT ?1, ?2, ?3", &values))
            .unwrap()
            .unwrap();
        prop_assert_eq!(row.get::<String>(0).unwrap(), text);
        prop_assert_eq!(row.get::<Vec<u8>>(1).unwrap(), bytes);
        prop_assert_eq!(row.get::<i64>(2).unwrap(), number);
    }
}
