//! Tunnels and streams end with what admitted them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use ringwall_gateway::TenureSettings;
use ringwall_manifest::{Mode, Model};
use serde_json::json;

use crate::fleet::{ByAddress, Fleet, grants, model, service};
use crate::script::Script;

/// An echo of Python's `websockets`.
fn echo() -> Option<(Script, SocketAddr)> {
    let text = include_str!("../../../net/tests/it/websocket.py");
    let (server, port) = Script::server(text, "`h2`, `wsproto` and `websockets` are")?;
    Some((server, ([127, 0, 0, 1], port).into()))
}

fn client(fleet: &Fleet, field: &str) -> Script {
    let port = fleet.edge().port().to_string();
    Script::start(include_str!("lasting.py"), &[&port, field])
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
    let mut client = client(&fleet, &field(&fleet));
    assert_eq!(client.says(), "open");
    fleet.sink.take();
    change(&fleet);
    let closed = client.says();
    assert!(client.ends().success());
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
    let mut client = client(&fleet, &cookie(&fleet));
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
    let is_chunked = head.starts_with("transfer");
    let piece = |text: &str| {
        if is_chunked { format!("{:x}\r\n{text}\r\n", text.len()) } else { text.to_owned() }
    };
    stream.write_all(piece("data\n\n").as_bytes()).unwrap();
    let more = piece(&"more\n\n".repeat(10_000));
    while is_endless && stream.write_all(more.as_bytes()).is_ok() {}
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

/// Alice's role, and what it contains, may chat no longer.
fn without_customers(model: &Model) -> Model {
    let mut model = model.clone();
    model.services.get_mut("users").unwrap().people.remove("customer");
    model
}

#[test]
fn a_websocket_ends_with_the_line_that_permitted_it() {
    let said = ending(
        |fleet| {
            let next = without_customers(&chat(([127, 0, 0, 1], 9).into()));
            fleet.core.load(&next, &BTreeMap::new(), None).unwrap();
        },
        cookie,
    );
    check(&said, "closed 1008: the manifest no longer permits it");
}

#[test]
fn a_stream_goes_on_under_a_new_manifest_for_as_long_as_that_permits_it() {
    for field in [cookie, bearer] {
        let admitted = chat(streaming("transfer-encoding: chunked", true));
        let fleet = fleet(&admitted, TenureSettings::default());
        let mut stream = listening(&fleet, &field(&fleet));
        let mut others = without_customers(&admitted);
        others.roles.get_mut("customer").unwrap().includes = vec!["support".to_owned()];
        let mut observed = without_customers(&admitted);
        observed.gateway.mode = Mode::Observe;
        for permitting in [&admitted, &others, &observed] {
            fleet.core.load(permitting, &BTreeMap::new(), None).unwrap();
            // More than lies in the buffers of all sockets on the way.
            let mut some = (&mut stream).take(20_000_000);
            let count = std::io::copy(&mut some, &mut std::io::sink()).unwrap();
            assert_eq!(count, 20_000_000);
        }
        let own = |text| {
            let mut model = admitted.clone();
            let users = model.services.get_mut("users").unwrap();
            users.people.insert("customer".to_owned(), grants(&[text]));
            model
        };
        // Whose it is was not asked when it began.
        fleet.core.load(&own("chat:own"), &BTreeMap::new(), None).unwrap();
        breaks_off(stream);
        let events = fleet.sink.take();
        let ended = events.iter().find(|event| event.action == "stream-ended").unwrap();
        assert_eq!(ended.reason.as_deref(), Some("the manifest no longer permits it"));
    }
}

#[test]
fn a_stream_that_is_read_slowly_over_http_2_ends_with_its_session() {
    let upstream = streaming("transfer-encoding: chunked", true);
    let fleet = fleet(&chat(upstream), TenureSettings::default());
    let mut slow = TcpStream::connect(fleet.edge_h2c()).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    slow.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    slow.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    let fields = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "shop.localhost:8443"),
        (":path", "/chat"),
        ("cookie", "__Host-ringwall=alice"),
    ];
    slow.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&fields))).unwrap();
    let mut taken = 0;
    // The window that every stream has at first: what comes after it has to be asked for.
    while taken < 65_535 {
        let (kind, payload) = next(&mut slow);
        assert_ne!(kind, RST_STREAM);
        taken += if kind == DATA { payload.len() } else { 0 };
    }
    fleet.people.sign_out("alice");
    let room = 512_u32.to_be_bytes();
    for _ in 0..400 {
        for stream in [0, 1] {
            slow.write_all(&frame(WINDOW_UPDATE, 0, stream, &room)).unwrap();
        }
        if next(&mut slow).0 == RST_STREAM {
            let events = fleet.sink.take();
            assert!(events.iter().any(|event| event.action == "stream-ended"), "{events:?}");
            return;
        }
    }
    panic!("it goes on");
}

/// The next frame that is about the stream: its kind and payload.
fn next(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).unwrap();
        if head[8] == 1 {
            return (head[3], payload);
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[high, middle, low, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Fields as literals without a name of a table (RFC 7541 section 6.2.2).
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    fields.iter().flat_map(field).collect()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

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
