//! Start, output, connections, end: with and without isolation.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ringwall_cell::{Cell, CellError, Exit, SHIM_COMMAND, Spec, Stream};

use crate::house::{LIMIT, dial, get, is_possible, output, rest, shim, spec};

fn both(test: impl Fn(bool)) {
    test(false);
    if is_possible() {
        test(true);
    }
}

#[test]
fn a_service_has_exactly_its_environment_and_folder() {
    both(|isolate| {
        let mut spec = Spec { isolate, dir: "/usr".into(), ..spec("env | sort; pwd; exit 7") };
        spec.env = vec![("TOKEN".to_owned(), "a b".to_owned())];
        let (exit, text) = output(spec);
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('_')).collect();
        assert_eq!((exit, lines), (Exit::Code(7), vec!["PWD=/usr", "TOKEN=a b", "/usr"]));
    });
}

#[test]
fn both_outputs_are_told_apart() {
    both(|isolate| {
        let spec = Spec { isolate, ..spec("echo out; echo err >&2") };
        let mut cell = Cell::spawn(spec).unwrap();
        let mut reader = cell.lines().unwrap();
        let mut seen = Vec::new();
        while let Some(line) = reader.blocking_recv() {
            seen.push((line.stream == Stream::Err, line.text));
        }
        seen.sort();
        assert_eq!(seen, vec![(false, "out".to_owned()), (true, "err".to_owned())]);
    });
}

#[test]
fn connections_are_made_inside_and_refused_inside() {
    both(|isolate| {
        let port = if isolate { 5001 } else { free_port() };
        let spec = Spec {
            isolate,
            ..spec(&format!("exec python3 -m http.server --bind 127.0.0.1 {port}"))
        };
        let cell = Cell::spawn(spec).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        assert!(get(dial(&cell, address), "/etc/hosts").contains("localhost"));
        let nothing = SocketAddr::from(([127, 0, 0, 1], 1));
        assert_eq!(cell.dial_blocking(nothing).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (one, two) = tokio::join!(cell.dial(address), cell.dial(address));
            assert!(one.is_ok() && two.is_ok());
        });
    });
}

#[test]
fn a_service_that_does_not_want_to_end_is_killed_with_its_children() {
    both(|isolate| {
        // Children that left the group and the session are found too.
        let command = "trap '' TERM; setsid sleep 4711 & (setsid sleep 4711 &) ; echo ready; while :; do sleep 1; done";
        let mut cell = Cell::spawn(Spec { isolate, ..spec(command) }).unwrap();
        let mut lines = cell.lines().unwrap();
        assert_eq!(lines.blocking_recv().unwrap().text, "ready");
        cell.stop(Duration::from_millis(200)).unwrap();
        assert_eq!(cell.wait_blocking(LIMIT), Some(Exit::Signal(9)));
        // The end of the output proves that no process holds it any more.
        while lines.blocking_recv().is_some() {}
    });
}

#[test]
fn a_service_that_ends_when_asked_is_not_killed() {
    both(|isolate| {
        let command = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
        let mut cell = Cell::spawn(Spec { isolate, ..spec(command) }).unwrap();
        let mut lines = cell.lines().unwrap();
        assert_eq!(lines.blocking_recv().unwrap().text, "ready");
        cell.stop(LIMIT).unwrap();
        assert_eq!(cell.wait_blocking(LIMIT), Some(Exit::Code(3)));
        // A shell may also report that its `sleep` was ended.
        let rest = std::iter::from_fn(|| lines.blocking_recv()).map(|line| line.text);
        assert!(rest.collect::<Vec<_>>().contains(&"bye".to_owned()));
    });
}

#[test]
fn dropping_the_cell_ends_the_service() {
    both(|isolate| {
        let mut cell = Cell::spawn(Spec { isolate, ..spec("exec sleep 4712") }).unwrap();
        let (pid, mut lines) = (cell.pid(), cell.lines().unwrap());
        drop(cell);
        while lines.blocking_recv().is_some() {}
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    });
}

#[test]
fn a_killed_shim_takes_the_service_with_it() {
    both(|isolate| {
        let mut cell = Cell::spawn(Spec { isolate, ..spec("exec sleep 4713") }).unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", cell.pid())).unwrap();
        let parent = stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap();
        assert!(Command::new("kill").args(["-9", parent]).status().unwrap().success());
        rest(&mut cell);
        assert_eq!(cell.wait_blocking(LIMIT), Some(Exit::Lost));
        let after = cell.dial_blocking(SocketAddr::from(([127, 0, 0, 1], 1)));
        assert_eq!(after.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn what_cannot_start_says_why() {
    let missing = Spec { dir: "/does/not/exist".into(), ..spec("true") };
    assert!(matches!(Cell::spawn(missing), Err(CellError::Directory(_))));
    let (exit, text) = output(Spec { isolate: false, ..spec("no-such-command") });
    assert_eq!(exit, Exit::Code(127));
    assert!(text.contains("not found"), "{text}");
    if is_possible() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let twice = Spec { listen: vec![address, address], ..spec("true") };
        let Err(CellError::Inside { step, source }) = Cell::spawn(twice) else { panic!() };
        assert_eq!((step.as_str(), source.kind()), ("open door", ErrorKind::AddrInUse));
    }
}

#[test]
fn a_shim_without_a_parent_ends() {
    let shim = shim();
    let status = Command::new(shim.program).arg(SHIM_COMMAND).stdin(Stdio::null()).status();
    assert!(!status.unwrap().success());
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
