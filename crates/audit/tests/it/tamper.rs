//! Every kind of tampering is seen and named.

use std::fs;
use std::path::{Path, PathBuf};

use ringwall_audit::{OpenError, Problem, ProblemKind, verify, verify_against};

use crate::house::{open_with, public, settings, written};

const NAME: &str = "events-00000000000000000000.log";

fn segment(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// Where each frame is: eight bytes in front of the first; each begins with its length.
fn frames(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut at, mut all) = (8, Vec::new());
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        let end = at + 8 + length as usize;
        all.push(at..end);
        at = end;
    }
    all
}

/// A frame with a right checksum, as an attacker would write it.
fn forged(frame: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let line = String::from_utf8(frame[8..].to_vec()).unwrap().replace(from, to);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[..4]);
    hasher.update(line.as_bytes());
    let mut forged = frame[..4].to_vec();
    forged.extend(hasher.finalize().to_le_bytes());
    forged.extend(line.as_bytes());
    forged
}

fn rewrite(dir: &Path, change: impl Fn(&mut Vec<Vec<u8>>)) {
    let bytes = fs::read(segment(dir)).unwrap();
    let mut all: Vec<Vec<u8>> = frames(&bytes).into_iter().map(|at| bytes[at].to_vec()).collect();
    change(&mut all);
    fs::write(segment(dir), [bytes[..8].to_vec(), all.concat()].concat()).unwrap();
}

#[track_caller]
fn first(dir: &Path) -> Problem {
    // Neither does a damaged log open for writing.
    assert!(matches!(open_with(dir, settings()), Err(OpenError::Damaged(_))));
    verify(dir, &public()).unwrap_err().remove(0)
}

#[test]
fn every_flipped_byte_is_found_and_named() {
    let dir = written(4);
    let good = fs::read(segment(dir.path())).unwrap();
    let all = frames(&good);
    for at in 8..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x20;
        fs::write(segment(dir.path()), &bad).unwrap();
        let problems = verify(dir.path(), &public()).unwrap_err();
        let event = all.iter().position(|frame| frame.contains(&at)).unwrap();
        assert_eq!(problems[0].sequence, event as u64, "byte {at}: {}", problems[0]);
        assert_eq!(problems[0].offset, all[event].start as u64);
        assert_eq!(
            (problems[0].segment.as_str(), &problems[0].kind),
            (NAME, &ProblemKind::Checksum)
        );
    }
}

#[test]
fn a_forged_event_is_found_between_two_checkpoints() {
    let dir = written(9);
    rewrite(dir.path(), |all| all[4] = forged(&all[4], "\"u-1\"", "\"u-9\""));
    let problem = first(dir.path());
    assert_eq!(problem.kind, ProblemKind::Root { after: 3, until: 6 });
    assert!(problem.to_string().contains("an event from 3 to 5 is not what was signed"));
}

#[test]
fn a_removed_event_is_named() {
    let dir = written(9);
    rewrite(dir.path(), |all| drop(all.remove(4)));
    let problem = first(dir.path());
    assert_eq!((problem.sequence, problem.kind), (4, ProblemKind::Sequence { found: 5 }));
}

#[test]
fn reordered_events_are_named() {
    let dir = written(9);
    rewrite(dir.path(), |all| all.swap(4, 5));
    let problem = first(dir.path());
    assert_eq!((problem.sequence, problem.kind), (4, ProblemKind::Sequence { found: 5 }));
}

#[test]
fn a_cut_end_is_seen_by_the_checkpoints() {
    let dir = written(9);
    rewrite(dir.path(), |all| all.truncate(7));
    let problem = first(dir.path());
    assert_eq!((problem.sequence, problem.kind), (7, ProblemKind::Truncated { checkpoint: 9 }));
}

#[test]
fn a_log_cut_together_with_its_checkpoints_is_seen_from_outside_only() {
    let dir = written(9);
    let outside = fs::read_to_string(dir.path().join("checkpoint")).unwrap();
    rewrite(dir.path(), |all| all.truncate(3));
    let notes = fs::read(dir.path().join("checkpoints.log")).unwrap();
    let kept = frames(&notes)[0].end;
    fs::write(dir.path().join("checkpoints.log"), &notes[..kept]).unwrap();
    assert_eq!(verify(dir.path(), &public()).unwrap().events, 3);
    let problems = verify_against(dir.path(), &public(), &[outside]).unwrap_err();
    assert_eq!(problems[0].kind, ProblemKind::Truncated { checkpoint: 9 });
}

#[test]
fn a_changed_checkpoint_is_found() {
    let dir = written(9);
    let path = dir.path().join("checkpoints.log");
    let good = fs::read(&path).unwrap();
    let all = frames(&good);
    let mut bad = good.clone();
    bad[all[1].start + 20] ^= 1;
    fs::write(&path, &bad).unwrap();
    assert_eq!(first(dir.path()).kind, ProblemKind::Checksum);

    let last = all.last().unwrap().clone();
    let forged = forged(&good[last.clone()], "\n9\n", "\n8\n");
    fs::write(&path, [&good[..last.start], &forged].concat()).unwrap();
    assert!(matches!(first(dir.path()).kind, ProblemKind::Checkpoint(_)));
}

/// A wrong length hides all that follows: none of it may pass for the trace of a crash.
#[test]
fn a_changed_length_does_not_drop_what_stands_behind_it() {
    let dir = written(9);
    let path = dir.path().join("checkpoints.log");
    let good = fs::read(&path).unwrap();
    let start = frames(&good)[0].start;
    // A length that cannot be, one beyond the end, and another first byte of the file.
    for at in [start + 2, start + 1, 0] {
        let mut bad = good.clone();
        bad[at] ^= 0x7f;
        fs::write(&path, &bad).unwrap();
        assert_eq!(first(dir.path()).kind, ProblemKind::Checksum, "byte {at}");
        assert_eq!(fs::read(&path).unwrap(), bad, "nothing is cut");
    }
    fs::write(&path, &good).unwrap();
    // Events that no checkpoint covers yet, but that were acknowledged in commits of their own.
    fs::write(&path, &good[..frames(&good)[0].end]).unwrap();
    let events = fs::read(segment(dir.path())).unwrap();
    let mut bad = events.clone();
    bad[frames(&events)[5].start + 2] ^= 0x7f;
    fs::write(segment(dir.path()), &bad).unwrap();
    assert_eq!(first(dir.path()).kind, ProblemKind::Checksum);
    assert_eq!(fs::read(segment(dir.path())).unwrap(), bad, "nothing is cut");
}

/// Who has the disk and not the key could otherwise write any history, and we would sign it.
#[test]
fn events_without_any_checkpoint_are_refused() {
    let dir = written(9);
    rewrite(dir.path(), |all| all[4] = forged(&all[4], "u-1", "u-2"));
    fs::remove_file(dir.path().join("checkpoints.log")).unwrap();
    assert_eq!(first(dir.path()).kind, ProblemKind::Unsigned);
    fs::write(dir.path().join("checkpoints.log"), b"RWAUDIT1").unwrap();
    assert_eq!(first(dir.path()).kind, ProblemKind::Unsigned);
}

#[test]
fn a_missing_segment_is_named() {
    let dir = written(9);
    fs::rename(segment(dir.path()), dir.path().join("events-00000000000000000003.log")).unwrap();
    assert_eq!(first(dir.path()).kind, ProblemKind::Sequence { found: 3 });
}

#[test]
fn another_key_verifies_nothing() {
    let dir = written(3);
    let other = crate::house::Key::new(8).public();
    assert!(matches!(verify(dir.path(), &other).unwrap_err()[0].kind, ProblemKind::Checkpoint(_)));
}
