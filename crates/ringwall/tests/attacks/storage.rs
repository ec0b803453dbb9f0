//! The database is full, held by another process, or cannot be written: logins are refused, and
//! nothing that was is lost.
//!
//! A full disk is a small file system in a mount namespace of the server's. Without the right to make
//! one nothing is proved here, and that is said.

use std::process::Command;

use crate::house::{BINARY, House, PASSWORD};
use crate::library::{Library, Upstream};
use crate::program::{Outcome, Program, not_run, run};
use crate::wait::until;
use crate::wire::Answer;

/// Serves from a state folder on a file system of its own.
const SMALL: &str = r#"
set -e
cp -a .ringwall aside
mount -t tmpfs -o size=24m,mode=0700 state .ringwall
cp -a aside/. .ringwall
exec "$0" serve --workers 1
"#;

/// Serves from a state folder that cannot be written.
const FROZEN: &str = r#"
set -e
mount --bind .ringwall .ringwall
mount -o remount,bind,ro .ringwall
exec "$0" serve --workers 1
"#;

/// Holds the database until its input ends.
const HOLD: &str = "
import sqlite3, sys
held = sqlite3.connect('.ringwall/store.db', timeout=2, isolation_level=None)
try:
    held.execute('BEGIN EXCLUSIVE')
    print('held', flush=True)
except sqlite3.OperationalError as error:
    print('refused', error, flush=True)
sys.stdin.read()
";

/// A house that has been in use, closed.
fn used() -> (House, Upstream) {
    let (house, upstream) = Library::closed(|manifest| manifest);
    let mut server = house.serve();
    house.person("ada", "customer");
    server.stop();
    (house, upstream)
}

/// A shell in a mount namespace of its own; `None`, and that is said, where that is not permitted.
fn apart(house: &House, script: &str) -> Option<Command> {
    let tried =
        Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "x", "/mnt"]).output();
    if !tried.is_ok_and(|output| output.status.success()) {
        not_run("no right to mount a file system");
        return None;
    }
    let mut command = Command::new("unshare");
    command.current_dir(house.path()).args(["--mount", "sh", "-c", script, BINARY.as_str()]);
    for name in ["RINGWALL_ROOT_KEY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    Some(command)
}

/// A refusal that says that it is not the caller's fault, and no more.
#[track_caller]
fn unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.raw);
    let lower = answer.raw.to_ascii_lowercase();
    for inside in ["sqlite", "disk", "locked", "store.db", ".rs", "panicked"] {
        assert!(!lower.contains(inside), "{inside}: {}", answer.raw);
    }
    assert!(!answer.raw.contains("set-cookie: __Host-ringwall="), "{}", answer.raw);
    assert!(!answer.body.is_empty(), "{}", answer.raw);
}

fn opens(house: &House, session: &str) -> u16 {
    house.send("GET /books/7", &[session], "").status
}

#[test]
fn a_full_disk_refuses_logins_and_loses_no_session() {
    let (house, _upstream) = used();
    let Some(mut command) = apart(&house, SMALL) else { return };
    let mut server = Program::start(&mut command);
    server.hears("Ready.");
    let inside = |script: &str| -> Outcome {
        let script = format!("cd {} && {script}", house.path().display());
        let id = server.id().to_string();
        run(Command::new("nsenter").args(["--target", &id, "--mount", "sh", "-c", &script]), "")
    };
    let session = house.sign_in("ada");
    assert_eq!(opens(&house, &session), 200);
    inside("dd if=/dev/zero of=.ringwall/filler bs=4096");
    // What was set aside for the log is used first.
    let refused = until("the disk is full", || {
        let answer = house.try_sign_in("ada", PASSWORD);
        assert!([303, 503].contains(&answer.status), "{}", answer.raw);
        (answer.status == 503).then_some(answer)
    });
    unavailable(&refused);
    for _ in 0..3 {
        let status = opens(&house, &session);
        assert!([200, 503].contains(&status), "{status}");
        assert_eq!(house.get("/login").status, 200, "the page is shown");
    }
    assert_eq!(inside("rm .ringwall/filler").code, 0);
    until("there is room again", || {
        (house.try_sign_in("ada", PASSWORD).status == 303).then_some(())
    });
    assert_eq!(opens(&house, &session), 200, "the session from before");
    let again = house.sign_in("ada");
    assert_eq!(opens(&house, &again), 200);
    let verified = inside(&format!("{} audit verify", BINARY.as_str()));
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    assert!(!server.said().contains("panicked"), "{}", server.said());
}

#[test]
fn a_database_that_another_process_holds_refuses_logins_and_loses_no_session() {
    let (house, _upstream) = used();
    let mut server = house.serve();
    let session = house.sign_in("ada");
    let mut holder = Command::new("python3");
    holder.current_dir(house.path()).args(["-c", HOLD]);
    let mut holder = Holder::start(&mut holder);
    if holder.said.starts_with("held") {
        unavailable(&house.try_sign_in("ada", PASSWORD));
        let status = opens(&house, &session);
        assert!([200, 503].contains(&status), "{status}");
    } else {
        // The server's own lock keeps others out: nothing to be refused.
        assert!(holder.said.contains("locked"), "{}", holder.said);
        assert_eq!(house.try_sign_in("ada", PASSWORD).status, 303);
    }
    holder.release();
    until("it is released", || (house.try_sign_in("ada", PASSWORD).status == 303).then_some(()));
    assert_eq!(opens(&house, &session), 200);
    // A second server is told who has it.
    let second = house.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_ne!(second.code, 0);
    assert!(!second.err.contains("panicked") && !second.err.is_empty(), "{}", second.err);
    server.stop();
    let _server = house.serve();
    assert_eq!(opens(&house, &session), 200, "the session from before the restart");
}

#[test]
fn a_state_folder_that_cannot_be_written_is_no_state_to_serve_from() {
    let (house, _upstream) = used();
    let mut server = house.serve();
    let session = house.sign_in("ada");
    server.stop();
    let Some(mut command) = apart(&house, FROZEN) else { return };
    let refused = run(&mut command, "");
    assert_ne!(refused.code, 0, "{}{}", refused.out, refused.err);
    assert!(!refused.err.contains("panicked"), "{}", refused.err);
    assert!(refused.err.to_lowercase().contains("read-only"), "{}", refused.err);
    let _server = house.serve();
    assert_eq!(opens(&house, &session), 200, "the session from before");
}

/// The process that holds the database.
struct Holder {
    child: std::process::Child,
    said: String,
}

impl Holder {
    fn start(command: &mut Command) -> Self {
        use std::io::BufRead as _;
        use std::process::Stdio;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        Self { child, said }
    }

    fn release(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}
