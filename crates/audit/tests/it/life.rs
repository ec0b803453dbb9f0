//! Putting and finding.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ringwall_audit::{
    Checkpoint, Filter, Log, OpenError, Settings, consistency, leaf_hash, prove, tail, verify,
    verify_consistency, verify_inclusion,
};
use ringwall_base::{Class, Event, Outcome, Sink, SinkError, Timestamp};

use crate::house::{Key, event, open, open_with, public, settings, written};

#[test]
fn what_was_put_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for number in 0..10 {
        log.put(event("access-denied", number)).unwrap();
    }
    let at = Timestamp::from_secs(1_900_000_000);
    let login = Event { at, outcome: Outcome::Failure, ..event("login-failed", 4) };
    log.put(Event { class: Class::Group, ..login }).unwrap();
    log.flush().unwrap();

    let sequences = |filter: Filter| -> Vec<u64> {
        log.query(&filter).unwrap().iter().map(|entry| entry.sequence).collect()
    };
    let any = Filter::default;
    assert_eq!(sequences(any()).len(), 11);
    assert_eq!(sequences(Filter { action: Some("login-failed".to_owned()), ..any() }), [10]);
    assert_eq!(sequences(Filter { outcome: Some("failure".to_owned()), ..any() }), [10]);
    assert_eq!(sequences(Filter { person: Some("u-2".to_owned()), ..any() }), [2, 5, 8]);
    assert_eq!(sequences(Filter { service: Some("payments".to_owned()), ..any() }), [0; 0]);
    assert_eq!(sequences(Filter { since: Some(at), ..any() }), [10]);
    assert_eq!(sequences(Filter { until: Some(at), limit: 2, ..any() }), [8, 9]);
    assert_eq!(sequences(Filter { after: Some(8), ..any() }), [9, 10]);
    let request: Vec<u64> =
        log.find_request("r-4").unwrap().iter().map(|entry| entry.sequence).collect();
    assert_eq!(request, [4, 10]);
    assert_eq!(log.tail(1).unwrap()[0].value().unwrap()["event"]["action"], "login-failed");
    assert_eq!(log.stats().events, 11);
}

#[test]
fn a_log_goes_on_where_it_ended_over_many_segments() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let small = Settings { segment_bytes_max: 1_000, ..settings() };
        let log = open_with(dir.path(), small).unwrap();
        for number in 0..10 {
            log.put(event("access-denied", round * 10 + number)).unwrap();
        }
    }
    let segments = fs::read_dir(dir.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("events"))
        .count();
    assert!(segments > 5, "{segments}");
    let verified = verify(dir.path(), &public()).unwrap();
    assert_eq!((verified.events, verified.signed, verified.unfinished_bytes), (30, 30, 0));
    let numbers: Vec<u64> =
        tail(dir.path(), 100).unwrap().iter().map(|entry| entry.sequence).collect();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>());
}

#[test]
fn proofs_hold_against_a_signed_checkpoint() {
    let dir = written(20);
    let note = fs::read_to_string(dir.path().join("checkpoint")).unwrap();
    let checkpoint = Checkpoint::verify(&note, &public()).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("test/audit", 20));
    let entry = &tail(dir.path(), 8).unwrap()[0];
    let proof = prove(dir.path(), entry.sequence, 20).unwrap().unwrap();
    let leaf = leaf_hash(entry.line.as_bytes());
    verify_inclusion(&leaf, entry.sequence, 20, &proof, &checkpoint.root).unwrap();
    assert_eq!(prove(dir.path(), 20, 20).unwrap(), None);

    let old = verify(written(13).path(), &public()).unwrap();
    let proof = consistency(dir.path(), 13, 20).unwrap().unwrap();
    // The same thirteen events in another log: the ids are from the same seed.
    verify_consistency((13, &old.root), (20, &checkpoint.root), &proof).unwrap();
}

#[test]
fn two_processes_cannot_write_one_log() {
    let dir = tempfile::tempdir().unwrap();
    let _log = open(dir.path());
    assert!(matches!(open_with(dir.path(), settings()), Err(OpenError::InUse(_))));
}

#[test]
fn a_key_that_is_not_the_signers_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let other = Settings { public_key: Key::new(8).public(), ..settings() };
    assert!(matches!(open_with(dir.path(), other), Err(OpenError::Key)));
}

#[test]
fn an_unknown_action_is_refused_while_developing() {
    let dir = tempfile::tempdir().unwrap();
    let refused = open(dir.path()).put(event("no-such-action", 1));
    assert!(matches!(refused, Err(SinkError::Write(_))));
}

#[test]
fn sampled_events_drop_when_the_queue_is_full_and_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let tight = Settings { queue_max: 2, sampled_window: Duration::from_mins(1), ..settings() };
    let log = open_with(dir.path(), tight).unwrap();
    // The writer is woken by a full queue; while it writes, more is put than there is place for.
    while log.stats().dropped == 0 {
        for number in 0..100 {
            let event = event("request-completed", number);
            log.put(Event { class: Class::Sampled, ..event }).unwrap();
        }
    }
    let dropped = log.stats().dropped;
    drop(log);
    let counted: u64 = tail(dir.path(), usize::MAX)
        .unwrap()
        .iter()
        .map(|entry| entry.value().unwrap())
        .filter(|value| value["event"]["action"] == "audit-dropped")
        .map(|value| value["event"]["reason"].as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(counted, dropped);
    verify(dir.path(), &public()).unwrap();
}

#[test]
fn group_events_wait_for_a_place_and_none_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    // A slow disk is no loss: nobody waits in vain here.
    let tight = Settings { queue_max: 4, queue_deadline: Duration::from_mins(5), ..settings() };
    let log = Arc::new(open_with(dir.path(), tight).unwrap());
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for number in 0..50 {
                    let event = event("login-failed", thread * 50 + number);
                    log.put(Event { class: Class::Group, ..event }).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    drop(log);
    assert_eq!(verify(dir.path(), &public()).unwrap().events, 400);
}

#[test]
fn a_log_whose_file_was_replaced_refuses_to_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let log: Log = open(dir.path());
    log.put(event("access-denied", 0)).unwrap();
    let path = dir.path().join("events-00000000000000000000.log");
    fs::rename(&path, dir.path().join("taken")).unwrap();
    fs::write(&path, "other").unwrap();
    assert!(matches!(log.put(event("access-denied", 1)), Err(SinkError::Write(_))));
    assert!(matches!(log.put(event("access-denied", 2)), Err(SinkError::Write(_))));
    assert!(!log.stats().is_writable);
}
