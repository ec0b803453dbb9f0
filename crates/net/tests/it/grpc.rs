//! gRPC from end to end: Google's own client and server, and HTTP/2 on both sides of us.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use ringwall_base::RequestId;
use ringwall_net::{
    Answer, Answering, Body, Curb, DialTcp, Door, Listen, Opening, Peer, Pool, Protocol, Server,
    Settings, Target, TargetSettings, Violation,
};

use crate::frames::{SETTINGS, curbed, eventually, tls};
use crate::house::{House, Recorder, connect, pause, raw, rest, serve};
use crate::script::Script;
use crate::tls::{Ca, client, mutual};

/// Sends everything on to one target.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) pool: Pool,
    pub(crate) target: Arc<Target>,
}

impl Answer for Relay {
    fn answer(&self, _: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        Box::pin(async move {
            self.pool.send(&self.target, Box::new(request)).await.unwrap_or_else(|error| {
                let text = format!("{error} {}", error.is_not_sent());
                let mut response = Response::new(Body::full(text));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                response
            })
        })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(0)
    }
}

/// An upstream that speaks HTTP/2 in the clear.
pub(crate) fn h2c(port: u16) -> Arc<Target> {
    let dial = DialTcp(([127, 0, 0, 1], port).into());
    let settings = TargetSettings { protocol: Protocol::Http2, ..TargetSettings::default() };
    Target::with(Arc::new(dial), None, settings)
}

const SCRIPT: &str = include_str!("grpc.py");

/// Google's server.
fn server() -> Option<(Script, u16)> {
    Script::server(SCRIPT, "`grpcio` is")
}

#[track_caller]
fn check(arguments: &[&str]) {
    let mut client = Command::new("python3");
    let output = client.args(["-c", SCRIPT, "client"]).args(arguments).output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.trim(), "done", "{err}");
}

#[test]
fn grpc_passes_in_all_four_kinds() {
    let Some((_running, port)) = server() else { return };
    let relay = Relay { pool: Pool::default(), target: h2c(port) };
    let (ca, tls, _) = tls();
    let (_front, address) = serve(&Settings::default(), Some(tls), Arc::new(relay));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ca.pem");
    std::fs::write(&root, ca.pem).unwrap();
    let port = address.port().to_string();
    check(&[&port, root.to_str().unwrap(), &format!("shop.localhost:{port}")]);
}

/// A door behind a service, and one in front of another: what goes in at the first comes out of
/// the second. Gives the address of the first.
fn doors(server: &Server, target: Arc<Target>) -> SocketAddr {
    let (ca, listen) = (Ca::new(), || Listen::Address("127.0.0.1:0".parse().unwrap()));
    let (tls, _) = mutual(&ca, "spiffe://shop/service/echo");
    let answer = Arc::new(Relay { pool: Pool::default(), target });
    let door = Door::Inbound("echo".into());
    let inbound = server.open(Opening { door, listen: listen(), tls: Some(tls), answer }).unwrap();
    let tls = client(&ca, "spiffe://shop/service/shop", "spiffe://shop/service/echo");
    let settings = TargetSettings { protocol: Protocol::AsClient, ..TargetSettings::default() };
    let target = Target::with(Arc::new(DialTcp(inbound)), Some(tls), settings);
    let answer = Arc::new(Relay { pool: Pool::default(), target });
    let door = Door::Outbound("shop".into());
    server.open_h2c(Opening { door, listen: listen(), tls: None, answer }).unwrap()
}

#[test]
fn grpc_passes_from_service_to_service_through_both_their_doors() {
    let Some((_running, port)) = server() else { return };
    let server = Server::start(Settings { workers: 1, ..Settings::default() }).unwrap();
    let outbound = doors(&server, h2c(port));
    check(&[&outbound.port().to_string(), "plain", &outbound.to_string()]);
}

#[test]
fn a_door_behind_a_service_tells_the_versions_apart_by_the_first_bytes() {
    let house = House::plain(&Settings::default());
    let target = Target::new(Arc::new(DialTcp(house.address)), None);
    let outbound = doors(&house.server, target);
    let get = "GET /one HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let (first, rest) = get.split_at(1);
    assert!(raw(outbound, &[get]).ends_with("ok 0"));
    assert!(raw(outbound, &[first, rest]).ends_with("ok 0"));
    // Not a preface, though it begins like one.
    assert!(raw(outbound, &["PRI * HTTP/1.1\r\nHost: a\r\n\r\n"]).starts_with("HTTP/1.1 400"));
    let mut stream = connect(outbound);
    for piece in ["P", "RI * HTTP/2.0\r\n\r\nSM", "\r\n\r\n\0\0\0\x04\0\0\0\0\0"] {
        stream.write_all(piece.as_bytes()).unwrap();
        pause(20);
    }
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(head[3], SETTINGS, "{head:?}");
    // The public door in the clear has one version.
    let answer = raw(house.address, &["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]);
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(house.recorder.seen(), ["GET /one", "GET /one"]);
}

#[test]
fn a_door_in_the_clear_has_one_version_unless_it_is_opened_for_both() {
    let house = House::plain(&Settings::default());
    let answer: Arc<dyn Answer> = Arc::<Recorder>::clone(&house.recorder);
    let (door, listen) =
        (Door::Outbound("shop".into()), Listen::Address("127.0.0.1:0".parse().unwrap()));
    // As a door to a partner is.
    let opened = house.server.open(Opening { door, listen, tls: None, answer }).unwrap();
    let answer = raw(opened, &["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]);
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[test]
fn who_sends_no_version_has_as_long_as_with_http_1_and_who_ends_is_gone_at_once() {
    let settings =
        Settings { workers: 1, head_time: Duration::from_secs(1), ..Settings::default() };
    let server = Server::start(settings).unwrap();
    let outbound = doors(&server, Target::new(Arc::new(DialTcp(([127, 0, 0, 1], 9).into())), None));
    for (count, begun) in [(1, ""), (2, "PRI * HT")] {
        assert_eq!(raw(outbound, &[begun]), "");
        assert!(eventually(|| curbed(&server, Curb::Silent) == count));
    }
    // The end of what could have become either is not waited for.
    let mut ended = connect(outbound);
    ended.write_all(b"P").unwrap();
    ended.shutdown(std::net::Shutdown::Write).unwrap();
    ended.set_read_timeout(Some(Duration::from_millis(900))).unwrap();
    rest(&mut ended);
    assert_eq!(curbed(&server, Curb::Silent), 2);
}
