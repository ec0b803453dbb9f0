//! What the tests share: the shim, and a service that stays until it is stopped.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use ringwall_cell::{Cell, Exit, Line, SHIM_COMMAND, Shim, Spec, available};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn shim() -> Shim {
    let mut program = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    program.push("examples/shim");
    assert!(program.exists(), "build the examples first: cargo test -p ringwall-cell");
    Shim { program, arguments: vec![SHIM_COMMAND.to_owned()] }
}

pub(crate) fn spec(command: &str) -> Spec {
    let path = std::env::var_os("PATH").unwrap().into_string().unwrap();
    Spec {
        name: "test".to_owned(),
        command: command.to_owned(),
        dir: PathBuf::from("/"),
        env: vec![("PATH".to_owned(), path)],
        shim: shim(),
        ..Spec::default()
    }
}

/// False, with the reason printed, where the machine does not allow cells.
pub(crate) fn is_possible() -> bool {
    match available(shim()) {
        Ok(()) => true,
        Err(why) => {
            writeln!(std::io::stderr(), "not tested: {why}").unwrap();
            false
        }
    }
}

/// Runs a command to its end.
pub(crate) fn output(spec: Spec) -> (Exit, String) {
    let mut cell = Cell::spawn(spec).unwrap();
    let text = rest(&mut cell);
    (cell.wait_blocking(LIMIT).unwrap(), text)
}

/// All output until the service has closed it.
pub(crate) fn rest(cell: &mut Cell) -> String {
    let mut lines = cell.lines().unwrap();
    let mut text = String::new();
    while let Some(Line { text: line, .. }) = lines.blocking_recv() {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Connects as soon as the service listens.
pub(crate) fn dial(cell: &Cell, address: SocketAddr) -> TcpStream {
    for _ in 0..200 {
        match cell.dial_blocking(address) {
            Ok(stream) => return stream,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused),
        }
        assert_eq!(cell.wait_blocking(Duration::from_millis(50)), None, "the service has ended");
    }
    panic!("nothing listens on {address}");
}

pub(crate) fn get(mut stream: TcpStream, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
