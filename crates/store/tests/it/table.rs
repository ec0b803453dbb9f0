//! A store with one table of numbered rows.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use ringwall_base::{ManualClock, SystemClock, Timestamp};
use ringwall_store::{Migration, OpenError, Store, StoreError};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_300_200);

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        area: "test",
        version: 1,
        sql: "CREATE TABLE item (id BIGINT NOT NULL PRIMARY KEY, body TEXT NOT NULL)",
    },
    Migration {
        area: "test",
        version: 2,
        sql: "CREATE TABLE part (item BIGINT NOT NULL REFERENCES item (id), size BIGINT
            CHECK (size > 0))",
    },
];

pub(crate) fn open(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, Arc::new(ManualClock::at(NOW)), MIGRATIONS)
}

/// With a clock that moves, so that groups end as they do in production.
pub(crate) fn open_live(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, Arc::new(SystemClock::start()), MIGRATIONS)
}

pub(crate) fn insert(store: &Store, id: i64, body: &str) -> Result<(), StoreError> {
    let body = body.to_owned();
    store.write(move |transaction| {
        let values = [id.into(), body.as_str().into()];
        transaction.execute("INSERT INTO item (id, body) VALUES (?1, ?2)", &values)?;
        Ok(())
    })
}

/// Keeps the writer busy until the barrier is met: what is asked for until then is one group.
pub(crate) fn hold(store: &Store) -> Arc<Barrier> {
    let (gate, held) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (own_gate, own_held) = (Arc::clone(&gate), Arc::clone(&held));
    // A lost group is run again, and the second run must not wait for a gate that has opened.
    let waited = AtomicBool::new(false);
    store.write_then(
        move |_| {
            if !waited.swap(true, Ordering::Relaxed) {
                own_held.wait();
                own_gate.wait();
            }
            Ok::<_, StoreError>(())
        },
        |_| {},
    );
    held.wait();
    gate
}

pub(crate) fn ids(store: &Store) -> Vec<i64> {
    let rows = store
        .read::<_, StoreError>(|view| view.query("SELECT id FROM item ORDER BY id", &[]))
        .unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}
