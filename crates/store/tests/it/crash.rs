//! `kill -9` at random moments: what was acknowledged is there, and the file is whole.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use ringwall_base::{Entropy, SystemEntropy};
use ringwall_store::OpenError;

use crate::process;
use crate::table::{ids, insert, open, open_live};

/// Rounds here; the system test does two hundred.
const ROUNDS: usize = 20;

/// Acknowledgements that a round may see before the kill.
const ACKNOWLEDGED_MAX: u8 = 200;

/// The process that is killed: four threads commit numbered rows and tell each number.
#[test]
fn victim() {
    let Some(path) = process::path() else { return };
    let store = Arc::new(open_live(&path).unwrap());
    let next = ids(&store).last().map_or(0, |last| last + 1);
    let threads: Vec<_> = (0..4_i64)
        .map(|thread| {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                for step in 0..100_000 {
                    let id = next + step * 4 + thread;
                    insert(&store, id, "a row that takes some space in the page").unwrap();
                    io::stdout().write_all(format!("\nack {id}\n").as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn random(below: u8) -> usize {
    let mut byte = [0];
    SystemEntropy::open().unwrap().fill(&mut byte).unwrap();
    usize::from(byte[0] % below)
}

/// One round: starts the process, kills it after some acknowledgements, returns all of them.
fn round(path: &Path) -> Vec<i64> {
    let mut child = process::start("crash::victim", path);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let kill_after = 1 + random(ACKNOWLEDGED_MAX);
    let mut acknowledged = Vec::new();
    for line in lines {
        let line = line.unwrap();
        let Some(id) = line.strip_prefix("ack ").and_then(|id| id.parse().ok()) else { continue };
        acknowledged.push(id);
        if acknowledged.len() == kill_after {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= kill_after, "the process ended by itself");
    acknowledged
}

#[test]
fn no_acknowledged_row_is_lost_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut acknowledged = BTreeSet::new();
    for _ in 0..ROUNDS {
        acknowledged.extend(round(&path));
        let store = open(&path).unwrap();
        store.check().unwrap();
        let there: BTreeSet<i64> = ids(&store).into_iter().collect();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}

/// The process that holds the lock until its standard output is read.
#[test]
fn holder() {
    let Some(path) = process::path() else { return };
    let _store = open(&path).unwrap();
    io::stdout().write_all(b"\nack 0\n").unwrap();
    // Until killed.
    thread::park();
}

#[test]
fn a_second_process_is_refused_and_told_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut child = process::start("crash::holder", &path);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap() == "ack 0").unwrap().unwrap();
    let error = open(&path).unwrap_err();
    let is_named = matches!(&error, OpenError::Locked { pid: Some(pid), .. } if *pid == child.id());
    assert!(is_named, "{error:?}");
    assert!(error.to_string().ends_with(&format!("is in use by process {}", child.id())));
    child.kill().unwrap();
    child.wait().unwrap();
    // The lock went with the process, whatever became of its file.
    assert!(open(&path).is_ok());
}

#[test]
fn a_log_that_was_cut_anywhere_opens_as_a_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).unwrap();
    for id in 0..40 {
        insert(&store, id, "x").unwrap();
    }
    let (database, log) = (fs::read(&path).unwrap(), fs::read(folder.path().join("store.db-wal")));
    let log = log.unwrap();
    drop(store);
    let copy = folder.path().join("copy.db");
    for cut in (0..12).map(|part| log.len() * part / 12 + random(100)) {
        fs::write(&copy, &database).unwrap();
        fs::write(folder.path().join("copy.db-wal"), &log[..cut.min(log.len())]).unwrap();
        let Ok(store) = open(&copy) else { continue };
        store.check().unwrap();
        let there = ids(&store);
        let want: Vec<i64> = (0..).take(there.len()).collect();
        assert_eq!(there, want, "cut at {cut}");
    }
}
