//! Full, read-only and damaged disks.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;

use ringwall_base::Fault;
use ringwall_store::{CheckError, OpenError, StoreError};

use crate::table::{hold, ids, insert, open};

/// A file system of its own; gone when dropped.
struct Mount<'p>(&'p Path);

impl<'p> Mount<'p> {
    /// `None` where mounting is not allowed (it takes root).
    fn small(path: &'p Path) -> Option<Self> {
        let is_mounted = run("mount", &["-t", "tmpfs", "-o", "size=1m", "none"], path);
        if !is_mounted {
            // Written past the capture of the test's output: a silent pass would claim a proof.
            let line = "NOT RUN: a test on a full disk, because mounting a tmpfs takes root\n";
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
        is_mounted.then_some(Self(path))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        assert!(run("umount", &[], self.0), "the test's file system stays mounted");
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    let status = Command::new(program).args(arguments).arg(path).status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_is_told_and_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::small(folder.path()) else { return };
    let path = folder.path().join("store.db");
    let store = open(&path).unwrap();
    let body = "x".repeat(20_000);
    let mut kept = Vec::new();
    let mut refused = 0;
    for id in 0..100 {
        match insert(&store, id, &body) {
            Ok(()) => kept.push(id),
            Err(error) => {
                assert!(matches!(error, StoreError::Full(_)), "{error:?}");
                assert_eq!(error.fault(), Fault::Upstream);
                refused += 1;
            }
        }
    }
    assert!(!kept.is_empty() && refused > 0, "{kept:?}");
    assert_eq!(ids(&store), kept);
    drop(store);
    // It opens on the full disk.
    let store = open(&path).unwrap();
    store.check().unwrap();
    assert_eq!(ids(&store), kept);
    drop(store);
}

#[test]
fn a_write_that_does_not_fit_does_not_take_its_neighbours_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::small(folder.path()) else { return };
    let store = open(&folder.path().join("store.db")).unwrap();
    let gate = hold(&store);
    let (sender, results) = channel();
    for (id, bytes) in [(1_i64, 10), (2, 4_000_000), (3, 10)] {
        let (sender, body) = (sender.clone(), "x".repeat(bytes));
        store.write_then(
            move |transaction| {
                let values = [id.into(), body.as_str().into()];
                transaction.execute("INSERT INTO item (id, body) VALUES (?1, ?2)", &values)
            },
            move |result: Result<usize, StoreError>| sender.send(result).unwrap(),
        );
    }
    gate.wait();
    drop(sender);
    let results: Vec<_> = results.into_iter().collect();
    assert!(matches!(results.as_slice(), [Ok(1), Err(StoreError::Full(_)), Ok(1)]), "{results:?}");
    assert_eq!(ids(&store), [1, 3]);
    drop(store);
}

#[test]
fn the_files_are_for_their_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).unwrap();
    insert(&store, 1, "one").unwrap();
    for name in ["store.db", "store.db-wal", "store.db-shm", "store.db.lock"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().mode();
        assert_eq!(mode & 0o7777, 0o600, "{name}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    fs::write(&path, "not a database, but long enough to be read as a header".repeat(20)).unwrap();
    let refused = open(&path);
    assert!(matches!(refused, Err(OpenError::Store(StoreError::Damaged(_)))), "{refused:?}");
    assert!(matches!(open(Path::new("/nowhere/store.db")), Err(OpenError::File { .. })));
}

#[test]
fn flipped_bytes_are_found_by_the_check_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).unwrap();
    for id in 0..200 {
        insert(&store, id, &"x".repeat(100)).unwrap();
    }
    store.checkpoint().unwrap();
    store.check().unwrap();
    drop(store);
    let good = fs::read(&path).unwrap();
    // The heads of all pages after the first: there the structure is.
    for page in 1..good.len() / 4_096 {
        let mut bad = good.clone();
        bad[page * 4_096 + 3] ^= 0x55;
        fs::write(&path, &bad).unwrap();
        let Ok(store) = open(&path) else { continue };
        let found = store.check();
        let is_told = matches!(
            found,
            Err(CheckError::Damaged { .. } | CheckError::Store(StoreError::Damaged(_)))
        );
        assert!(is_told, "page {page}: {found:?}");
    }
}

#[test]
fn a_checkpoint_empties_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).unwrap();
    insert(&store, 1, "one").unwrap();
    let log = folder.path().join("store.db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 0);
    store.checkpoint().unwrap();
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    assert_eq!(ids(&store), [1]);
}
