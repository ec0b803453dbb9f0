use std::sync::Arc;

use ringwall_base::ManualClock;
use ringwall_store::Store;
use tempfile::TempDir;

use super::*;
use crate::MIGRATIONS;

/// So many rows of one client, all in one network; each gives room as its rule says.
fn fill(store: &Store, network: &'static str, count: u32) {
    store
        .write(move |transaction| {
            let share = Share::of_stranger(network.parse().unwrap());
            for number in 0..count {
                let hash = format!("{network} {number}");
                insert(transaction, &hash, &share)?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

fn insert(transaction: &Transaction<'_>, hash: &str, share: &Share) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO identity_par_request
         (tenant_id, hash, client_id, parameters, expires, network)
         VALUES (?1, ?2, 'tv', '', ?3, ?4)",
        &[INSTANCE.into(), hash.as_bytes().into(), Timestamp::from_secs(100).into(), share.value()],
    )?;
    transaction.execute(
        "INSERT INTO identity_device_code
         (tenant_id, hash, user_hash, client_id, scope, expires, pace, network)
         VALUES (?1, ?2, ?2, 'tv', '', ?3, 5, ?4)",
        &[INSTANCE.into(), hash.as_bytes().into(), Timestamp::from_secs(100).into(), share.value()],
    )?;
    Ok(())
}

fn store() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(50)));
    let store = Store::open(&folder.path().join("store.db"), clock, MIGRATIONS).unwrap();
    (folder, store)
}

#[track_caller]
fn check(store: &Store, share: Share, now: u64, want: bool) {
    let now = Timestamp::from_secs(now);
    let has = store.write(move |transaction| {
        let mut has = Vec::new();
        for waiting in [Waiting::Devices, Waiting::Requests] {
            has.push(waiting.has_room(transaction, ("tv", &share), now)?);
        }
        if want {
            insert(transaction, &format!("{share:?} {now:?}"), &share)?;
        }
        Ok::<_, StoreError>(has)
    });
    assert_eq!(has.unwrap(), [want; 2]);
}

fn stranger(network: &str) -> Share {
    Share::of_stranger(network.parse().unwrap())
}

#[test]
fn q2_a_network_has_a_share_and_leaves_the_rest() {
    let (_folder, store) = store();
    fill(&store, "192.0.2.1", 999);
    check(&store, stranger("192.0.2.9"), 50, true);
    check(&store, stranger("192.0.2.9"), 50, false);
    check(&store, stranger("198.51.100.1"), 50, true);
    check(&store, Share::Client, 50, true);
    check(&store, stranger("192.0.2.9"), 100, true);
}

#[test]
fn v1_many_networks_together_cannot_hold_a_client_shut() {
    let (_folder, store) = store();
    let networks = [
        "10.0.1.0", "10.0.2.0", "10.0.3.0", "10.0.4.0", "10.0.5.0", "10.0.6.0", "10.0.7.0",
        "10.0.8.0", "10.0.9.0",
    ];
    for network in networks {
        fill(&store, network, 1_000);
    }
    fill(&store, "10.0.0.0", 500);
    fill(&store, "10.1.0.0", 500);
    // Each time, one with less takes the place of one with most.
    check(&store, stranger("192.0.2.1"), 50, true);
    check(&store, Share::Client, 50, true);
    check(&store, stranger("10.0.0.1"), 50, true);
    let left = store.read(|view| {
        let row = view.first("SELECT COUNT(*) FROM identity_par_request", &[])?;
        row.map(|row| row.get::<i64>(0)).transpose()
    });
    assert_eq!(left.unwrap(), Some(10_000));
    check(&store, stranger("10.0.9.7"), 50, false);
}
