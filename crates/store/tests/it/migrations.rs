//! Forward, never back, never half.

use std::path::Path;
use std::sync::Arc;

use ringwall_base::ManualClock;
use ringwall_store::{Migration, OpenError, Store, StoreError};

use crate::table::{MIGRATIONS, NOW, ids, insert, open};

fn open_with(path: &Path, migrations: &[Migration]) -> Result<Store, OpenError> {
    Store::open(path, Arc::new(ManualClock::at(NOW)), migrations)
}

#[test]
fn missing_steps_are_applied_and_rows_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open_with(&path, &MIGRATIONS[..1]).unwrap();
    insert(&store, 1, "one").unwrap();
    drop(store);
    let store = open(&path).unwrap();
    assert_eq!(ids(&store), [1]);
    store.write::<_, StoreError, _>(|t| t.execute("INSERT INTO part VALUES (1, 1)", &[])).unwrap();
    drop(store);
    assert!(open(&path).is_ok());
}

#[test]
fn an_older_program_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&path).unwrap());
    let error = open_with(&path, &MIGRATIONS[..1]).unwrap_err();
    assert!(matches!(&error, OpenError::Newer { found: 2, known: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("start the newer program"), "{error}");
    assert!(matches!(open_with(&path, &[]), Err(OpenError::Newer { known: 0, .. })));
    assert!(open(&path).is_ok());
}

#[test]
fn a_step_that_was_changed_or_is_out_of_order_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&path).unwrap());
    let changed = Migration { sql: "CREATE TABLE item (id BIGINT)", ..MIGRATIONS[0] };
    let refused = open_with(&path, &[changed, MIGRATIONS[1]]);
    assert!(matches!(refused, Err(OpenError::Changed { version: 1, .. })));
    let refused = open_with(&path, &[MIGRATIONS[1], MIGRATIONS[0]]);
    assert!(matches!(refused, Err(OpenError::Order { version: 2, .. })));
    let twice = open_with(&path, &[MIGRATIONS[0], MIGRATIONS[0]]);
    assert!(matches!(twice, Err(OpenError::Order { version: 1, .. })));
}

#[test]
fn a_step_that_fails_leaves_nothing_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let broken =
        Migration { sql: "CREATE TABLE part (item BIGINT); CREATE nonsense", ..MIGRATIONS[1] };
    let refused = open_with(&path, &[MIGRATIONS[0], broken]);
    assert!(matches!(refused, Err(OpenError::Migration { version: 2, .. })));
    // The first step stays, and the right second step finds its table's name free.
    assert!(open(&path).is_ok());
}
