//! A disk that is really full: a small file system in a namespace of its own.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use ringwall_audit::{Filter, Settings, verify};
use ringwall_base::{Class, Event, Sink, SinkError};

use crate::house::{event, open_with, public, settings, spawn};

const FOLDER: &str = "RINGWALL_TEST_FULL_FOLDER";

#[test]
fn a_full_disk_refuses_with_its_cause_and_goes_on_when_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=512k none \"$1\" && exec \"$2\" --exact \
                  full_disk::child_on_a_small_disk --nocapture";
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let run = spawn(&mut command).wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    if text.contains("unshare failed") {
        // Written past the capture of the test's output: a silent pass would claim a proof.
        let line = "NOT RUN: a test on a full disk, because namespaces are not allowed here\n";
        return std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    assert!(run.status.success(), "{text}");
    assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"));
}

/// Not a test of its own: what the test above runs.
#[test]
fn child_on_a_small_disk() {
    let Some(dir) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let (filler, dir) = (dir.join("filler"), dir.join("log"));
    fs::write(&filler, vec![1; 256 * 1024]).unwrap();
    let settings = Settings { reserve_bytes: 16 * 1024, ..settings() };
    let log = open_with(&dir, settings).unwrap();
    let mut acknowledged = 0;
    let refused = loop {
        match log.put(event("secret-written", acknowledged)) {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    let SinkError::Write(cause) = refused else { panic!("{refused}") };
    assert_eq!(cause.kind(), ErrorKind::StorageFull);
    assert!(!log.stats().is_writable && !dir.join("reserve").exists());
    let login = Event { class: Class::Group, ..event("login-failed", 0) };
    assert!(matches!(log.put(login), Err(SinkError::Write(_))));

    fs::remove_file(filler).unwrap();
    let (_never, clock) = mpsc::channel::<()>();
    while log.put(event("secret-written", acknowledged)).is_err() {
        clock.recv_timeout(Duration::from_millis(20)).unwrap_err();
    }
    let degraded = Filter { action: Some("audit-degraded".to_owned()), ..Filter::default() };
    assert_eq!(log.query(&degraded).unwrap().len(), 1);
    drop(log);
    assert_eq!(verify(&dir, &public()).unwrap().events, acknowledged + 2);
}
