//! Killed at any moment, the log opens, verifies, and has everything that it acknowledged.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ringwall_audit::{Settings, tail, verify};
use ringwall_base::Sink;

use crate::house::{event, open, open_with, public, settings, spawn, written};

const FOLDER: &str = "RINGWALL_TEST_CRASH_FOLDER";
const ROUNDS: u64 = 25;

/// Not a test of its own: what the test below starts and kills.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let small = Settings { segment_bytes_max: 20_000, ..settings() };
    let log = open_with(&dir, small).unwrap();
    for number in log.stats().events.. {
        log.put(event("secret-written", number)).unwrap();
        writeln!(std::io::stdout(), "acknowledged {number}").unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        acknowledged = run_and_kill(dir.path(), round * 7 % 41).max(acknowledged);
        let before = verify(dir.path(), &public()).unwrap();
        assert!(before.events > acknowledged, "round {round}");
    }
    drop(open(dir.path()));
    let after = verify(dir.path(), &public()).unwrap();
    assert_eq!((after.unfinished_bytes, after.signed), (0, after.events));
}

/// Returns the last number that was acknowledged.
fn run_and_kill(dir: &Path, lines: u64) -> u64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "crash::child_that_writes_until_it_is_killed", "--nocapture"])
        .env(FOLDER, dir)
        .stdout(Stdio::piped());
    let mut child = spawn(&mut command);
    let output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut numbers = output.filter_map(|line| {
        line.rsplit_once("acknowledged ").map(|(_, number)| number.parse::<u64>().unwrap())
    });
    let seen = numbers.nth(usize::try_from(lines).unwrap()).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // What was acknowledged while the signal was on its way counts too.
    numbers.last().unwrap_or(seen)
}

#[test]
fn a_torn_tail_is_cut_and_the_cut_is_recorded() {
    let dir = written(6);
    let path = dir.path().join("events-00000000000000000000.log");
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"torn write").unwrap();
    assert_eq!(verify(dir.path(), &public()).unwrap().unfinished_bytes, 10);
    drop(open(dir.path()));
    assert_eq!(verify(dir.path(), &public()).unwrap().events, 7);
    let last = tail(dir.path(), 1).unwrap()[0].value().unwrap();
    assert_eq!(last["event"]["action"], "audit-recovered");
    assert_eq!(last["event"]["reason"], "10 bytes of a torn write were cut");
}

#[test]
fn a_log_that_died_at_birth_opens() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("events-00000000000000000000.log"), b"RWA").unwrap();
    std::fs::write(dir.path().join("checkpoints.log"), b"RWAUD").unwrap();
    let log = open(dir.path());
    log.put(event("access-denied", 0)).unwrap();
    drop(log);
    // The recovery itself is the first event.
    assert_eq!(verify(dir.path(), &public()).unwrap().events, 2);
}
