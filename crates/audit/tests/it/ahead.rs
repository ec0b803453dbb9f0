//! A log that is checked while it is written, and opened without being read twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringwall_audit::{Ahead, Log, OpenError, ProblemKind, Settings, verify};
use ringwall_base::{ManualClock, Sink, Timestamp};
use ringwall_testkit::Sequence;

use crate::house::{Key, event, nobody_forks, open, open_with, public, settings, written};

fn look(dir: &Path) -> Ahead {
    Ahead::look(dir, &public()).unwrap()
}

fn follow(ahead: Ahead) -> Result<Log, OpenError> {
    let _held = nobody_forks();
    let clock = ManualClock::at(Timestamp::from_secs(1_795_300_300));
    ahead.open(settings(), Arc::new(Key::new(7)), Arc::new(clock), Arc::new(Sequence::default()))
}

fn put(log: &Log, numbers: std::ops::Range<u64>) {
    for number in numbers {
        log.put(event("access-denied", number)).unwrap();
    }
}

/// Changes a byte in the middle of the first segment.
fn damage(dir: &Path) -> PathBuf {
    let path = dir.join("events-00000000000000000000.log");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    path
}

#[track_caller]
fn is_whole(dir: &Path, events: u64) {
    let verified = verify(dir, &public()).unwrap();
    assert_eq!((verified.events, verified.signed), (events, events));
}

#[test]
fn what_is_written_between_look_and_opening_is_there_over_segments_too() {
    let dir = tempfile::tempdir().unwrap();
    let small = || Settings { segment_bytes_max: 1_500, ..settings() };
    for more in [0, 1, 2, 7, 40] {
        let log = open_with(dir.path(), small()).unwrap();
        let start = log.stats().events;
        put(&log, start..start + 9);
        let ahead = look(dir.path());
        put(&log, start + 9..start + 9 + more);
        drop(log);
        let log = follow(ahead).unwrap();
        assert_eq!(log.stats().events, start + 9 + more);
        put(&log, 0..2);
        drop(log);
        is_whole(dir.path(), start + 9 + more + 2);
    }
}

#[test]
fn a_log_that_does_not_exist_or_is_empty_is_looked_at_too() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Ahead::look(&dir.path().join("none"), &public()), Err(OpenError::Open(_))));
    let ahead = look(dir.path());
    drop(follow(ahead).unwrap());
    let ahead = look(dir.path());
    let log = follow(ahead).unwrap();
    put(&log, 0..1);
    drop(log);
    is_whole(dir.path(), 1);
}

#[test]
fn the_parts_that_were_seen_are_not_read_again() {
    let dir = written(20);
    let ahead = look(dir.path());
    // As `verify` finds it, and the next opening; this one goes on where it was.
    damage(dir.path());
    drop(follow(ahead).unwrap());
    assert!(matches!(open_with(dir.path(), settings()), Err(OpenError::Damaged(_))));
}

#[test]
fn damage_is_found_before_anything_is_handed_over() {
    // Behind the last checkpoint too: a later commit shows that it was whole once.
    let dir = tempfile::tempdir().unwrap();
    let unsigned = Settings { checkpoint_events: 100, ..settings() };
    let log = open_with(dir.path(), unsigned).unwrap();
    put(&log, 0..9);
    damage(dir.path());
    assert!(matches!(Ahead::look(dir.path(), &public()), Err(OpenError::Damaged(_))));
    drop(log);
    let dir = written(20);
    damage(dir.path());
    assert!(matches!(Ahead::look(dir.path(), &public()), Err(OpenError::Damaged(_))));
    let dir = written(20);
    assert!(matches!(Ahead::look(dir.path(), &Key::new(8).public()), Err(OpenError::Damaged(_))));
    fs::remove_file(dir.path().join("checkpoints.log")).unwrap();
    match Ahead::look(dir.path(), &public()) {
        Err(OpenError::Damaged(problem)) => assert_eq!(problem.kind, ProblemKind::Unsigned),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_does_not_fit_to_what_was_seen_is_read_again_and_that_decides() {
    // Another history, shorter and longer than the one that was seen: whole in itself.
    for (seen, there) in [(20, 4), (4, 20), (7, 6), (6, 7)] {
        let (dir, other) = (written(seen), tempfile::tempdir().unwrap());
        let log = open(other.path());
        put(&log, 100..100 + there);
        drop(log);
        let ahead = look(dir.path());
        for entry in fs::read_dir(other.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
        let log = follow(ahead).unwrap();
        assert_eq!(log.stats().events, there);
        drop(log);
        is_whole(dir.path(), there);
    }
    // One that is not whole does not open.
    let dir = written(20);
    let ahead = look(dir.path());
    let segment = damage(dir.path());
    let bytes = fs::read(&segment).unwrap();
    fs::write(&segment, &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(follow(ahead), Err(OpenError::Damaged(_))));
}

#[test]
fn a_torn_tail_is_left_alone_by_a_look_and_cut_by_the_opening() {
    let dir = written(8);
    let path = dir.path().join("events-00000000000000000000.log");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([9, 0, 0, 0, 1]);
    fs::write(&path, &bytes).unwrap();
    let ahead = look(dir.path());
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let log = follow(ahead).unwrap();
    // And one more says that it was cut.
    assert_eq!(log.stats().events, 8);
    put(&log, 8..9);
    drop(log);
    is_whole(dir.path(), 10);
}

#[test]
fn a_log_whose_last_segment_is_gone_does_not_open() {
    let small = || Settings { segment_bytes_max: 1_500, ..settings() };
    for is_everything in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let log = open_with(dir.path(), small()).unwrap();
        put(&log, 0..40);
        drop(log);
        let ahead = look(dir.path());
        let entries = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut segments: Vec<PathBuf> =
            entries.filter(|path| path.to_string_lossy().contains("events-")).collect();
        segments.sort();
        assert!(segments.len() > 2, "{segments:?}");
        let kept = if is_everything { 0 } else { segments.len() - 1 };
        for gone in &segments[kept..] {
            fs::remove_file(gone).unwrap();
        }
        match follow(ahead) {
            Err(OpenError::Damaged(problem)) => {
                assert!(matches!(problem.kind, ProblemKind::Truncated { .. }), "{problem}");
            }
            other => panic!("{other:?}"),
        }
    }
}
