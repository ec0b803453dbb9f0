//! Tunnels and streams end with what admitted them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ringwall_gateway::TenureSettings;
use ringwall_manifest::Model;
use serde_json::json;

use crate::fleet::{ByAddress, Fleet, grants, model, service};

/// A Python program that writes lines.
struct Script {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Script {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", include_str!("lasting.py")]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    fn says(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// An echo of Python's `websockets`. `None`, and said so, where that is not installed.
fn echo() -> Option<(Script, SocketAddr)> {
    let mut server = Script::start(&["server"]);
    let said = server.says();
    let Some(port) = said.strip_prefix("port ") else {
        let line = b"NOT RUN: Python's `websockets` is not installed\n";
        std::io::stderr().write_all(line).unwrap();
        return None;
    };
    Some((server, ([127, 0, 0, 1], port.parse().unwrap()).into()))
}

/// Customers and others may talk; anyone may listen.
fn chat(upstream: SocketAddr) -> Model {
    let mut users = service("users", upstream, &["chat = GET /chat", "news = GET /news"]);
    users.people.insert("customer".to_owned(), grants(&["chat"]));
    users.people.insert("support".to_owned(), grants(&["chat"]));
    users.people.insert("anyone".to_owned(), grants(&["news"]));
    model(vec![users])
}

fn fleet(model: &Model, tenure: TenureSettings) -> Fleet {
    Fleet::lasting(model, &BTreeMap::new(), Arc::new(ByAddress), tenure)
}

/// Opens a `WebSocket`, lets something happen, and says how it ended.
fn ending(change: impl FnOnce(&Fleet), field: impl FnOnce(&Fleet) -> String) -> String {
    let Some((_server, upstream)) = echo() else { return String::new() };
    let fleet = fleet(&chat(upstream), TenureSettings::default());
    let (edge, field) = (fleet.edge(), field(&fleet));
    let mut client = Script::start(&["client", &edge.port().to_string(), &field]);
    assert_eq!(client.says(), "open");
    fleet.sink.take();
    change(&fleet);
    let closed = client.says();
    let events = fleet.sink.take();
    let ended = events.iter().find(|event| event.action == "stream-ended");
    let ended = ended.unwrap_or_else(|| panic!("{closed}: {events:?}"));
    assert_eq!(ended.operation.as_deref(), Some("chat"));
    assert_eq!(ended.person.as_deref(), Some("u-alice"));
    assert!(ended.request.is_some());
    format!("{closed}: {}", ended.reason.clone().unwrap_or_default())
}

fn cookie(_: &Fleet) -> String {
    "cookie: __Host-ringwall=alice".to_owned()
}

fn bearer(fleet: &Fleet) -> String {
    format!("authorization: Bearer {}", fleet.token("at+jwt", &json!({})))
}

#[track_caller]
fn check(said: &str, expected: &str) {
    assert!(said.is_empty() || said == expected, "{said}");
}

#[test]
fn a_websocket_ends_with_its_session() {
    let said = ending(|fleet| fleet.people.sign_out("alice"), cookie);
    check(&said, "closed 1008: its session ended");
}

#[test]
fn a_websocket_ends_with_the_roles_that_opened_it() {
    let said = ending(|fleet| fleet.people.promote("alice"), cookie);
    check(&said, "closed 1008: the person has other roles now");
}

#[test]
fn a_websocket_ends_when_its_token_is_revoked() {
    let said = ending(|fleet| fleet.revocations.revoke("t-1"), bearer);
    check(&said, "closed 1008: its access token was revoked");
}

#[test]
fn a_websocket_ends_when_its_token_has_expired() {
    let said = ending(|fleet| fleet.clock.advance(Duration::from_secs(310)), bearer);
    check(&said, "closed 1008: its access token expired");
}

#[test]
fn a_websocket_ends_when_it_is_old_and_its_client_may_come_again() {
    let said = ending(|fleet| fleet.clock.advance(Duration::from_hours(2)), cookie);
    check(&said, "closed 1012: it was as old as it may become");
}

#[test]
fn a_websocket_without_a_byte_is_closed() {
    let Some((_server, upstream)) = echo() else { return };
    // Its client has to get through a handshake and an echo without such a pause.
    let tunnel_idle = Duration::from_secs(2);
    let tenure = TenureSettings { tunnel_idle, ..TenureSettings::default() };
    let fleet = fleet(&chat(upstream), tenure);
    let edge = fleet.edge().port().to_string();
    let mut client = Script::start(&["client", &edge, &cookie(&fleet)]);
    assert_eq!(client.says(), "open");
    assert_eq!(client.says(), "closed 1001");
}

/// Sends this head and a first piece, then one more piece for each that is read, or holds.
fn streaming(head: &'static str, is_endless: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || stream_on(stream, head, is_endless));
        }
    });
    address
}

fn stream_on(mut stream: TcpStream, head: &str, is_endless: bool) {
    assert!(stream.read(&mut [0_u8; 4_096]).unwrap() > 0);
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n").unwrap();
    write!(stream, "{head}\r\n\r\n").unwrap();
    let piece = if head.starts_with("transfer") { "6\r\ndata\n\n\r\n" } else { "data\n\n" };
    stream.write_all(piece.as_bytes()).unwrap();
    while is_endless && stream.write_all(piece.as_bytes()).is_ok() {}
    // Until the gateway goes away.
    stream.read_to_end(&mut Vec::new()).ok();
}

/// Opens a stream, and gives it after its first piece.
fn listening(fleet: &Fleet, field: &str) -> TcpStream {
    let mut stream = TcpStream::connect(fleet.edge()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET /chat HTTP/1.1\r\nhost: shop.localhost:8443\r\n{field}\r\n\r\n").unwrap();
    let (mut seen, mut byte) = (String::new(), [0_u8; 1]);
    while !seen.ends_with("data\n\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{seen}");
        seen.push(char::from(byte[0]));
    }
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    stream
}

/// Reads to the end, which is no proper one.
#[track_caller]
fn breaks_off(mut stream: TcpStream) {
    let mut rest = Vec::new();
    if let Err(error) = stream.read_to_end(&mut rest) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "still open");
    }
    assert!(!rest.ends_with(b"0\r\n\r\n"));
}

#[test]
fn a_stream_ends_with_its_session_whether_it_waits_or_never_does() {
    for is_endless in [false, true] {
        let upstream = streaming("transfer-encoding: chunked", is_endless);
        let fleet = fleet(&chat(upstream), TenureSettings::default());
        let stream = listening(&fleet, &cookie(&fleet));
        fleet.people.sign_out("alice");
        breaks_off(stream);
        let events = fleet.sink.take();
        assert!(events.iter().any(|event| event.action == "stream-ended"), "{events:?}");
    }
}

#[test]
fn a_stream_ends_when_it_is_old() {
    let upstream = streaming("transfer-encoding: chunked", false);
    let fleet = fleet(&chat(upstream), TenureSettings::default());
    let stream = listening(&fleet, &cookie(&fleet));
    fleet.clock.advance(Duration::from_hours(12));
    breaks_off(stream);
}

#[test]
fn a_stream_that_stops_is_given_up() {
    let upstream = streaming("transfer-encoding: chunked", false);
    let stream_idle = Duration::from_millis(100);
    let tenure = TenureSettings { stream_idle, ..TenureSettings::default() };
    let fleet = fleet(&chat(upstream), tenure);
    breaks_off(listening(&fleet, &cookie(&fleet)));
}

#[test]
fn a_download_may_be_finished_after_its_token_has_expired_and_not_after_it_was_revoked() {
    let fleet = |upstream| fleet(&chat(upstream), TenureSettings::default());
    let endless = fleet(streaming("transfer-encoding: chunked", true));
    let (stream, token) = (listening(&endless, &bearer(&endless)), Duration::from_secs(310));
    endless.clock.advance(token);
    breaks_off(stream);

    let sized = fleet(streaming("content-length: 100000000", true));
    let mut stream = listening(&sized, &bearer(&sized));
    sized.clock.advance(token);
    // More than lies in the buffers of all sockets on the way.
    let count = std::io::copy(&mut (&mut stream).take(40_000_000), &mut std::io::sink()).unwrap();
    assert_eq!(count, 40_000_000);
    sized.revocations.revoke("t-1");
    let count = std::io::copy(&mut stream, &mut std::io::sink()).unwrap_or_default();
    assert!(count < 59_000_000, "{count}");
}
