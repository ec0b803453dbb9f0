//! `WebSocket` over HTTP/1.1 and HTTP/2 (RFC 8441), with clients and servers that others wrote; and
//! how a tunnel ends when it has to.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use ringwall_base::RequestId;
use ringwall_net::{
    Answer, Answering, Body, DialTcp, Farewell, Peer, Pool, Server, ServerTls, Settings, Target,
    Upgrade, Violation,
};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::frames::tls;
use crate::house::{connect, serve};
use crate::script::Script;

/// Joins each client to one target, if that agrees, until it is told to end it.
#[derive(Debug)]
struct Joiner {
    target: Arc<Target>,
    ends: watch::Receiver<Option<Farewell>>,
}

impl Answer for Joiner {
    fn answer(&self, peer: Arc<Peer>, mut request: Request<Body>) -> Answering<'_> {
        let mut ends = self.ends.clone();
        let ending = Box::pin(async move {
            let told = ends.wait_for(Option::is_some).await.map(|told| *told);
            match told {
                Ok(Some(farewell)) => farewell,
                Ok(None) | Err(_) => std::future::pending().await,
            }
        });
        Box::pin(async move {
            let mut failed = Response::new(Body::Empty);
            *failed.status_mut() = StatusCode::BAD_GATEWAY;
            let Some(upgrade) = Upgrade::take(&mut request, peer) else { return failed };
            match Pool::default().send(&self.target, Box::new(request)).await {
                Ok(mut response) => match upgrade.join(&mut response, IDLE, ending) {
                    Ok(()) => response,
                    Err(_refused) => failed,
                },
                Err(_lost) => failed,
            }
        })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(0)
    }
}

/// Longer than any test.
const IDLE: Duration = Duration::from_mins(5);

struct Front {
    server: Server,
    address: SocketAddr,
    end: watch::Sender<Option<Farewell>>,
}

fn front(upstream: SocketAddr, tls: Option<ServerTls>) -> Front {
    let (end, ends) = watch::channel(None);
    let target = Target::new(Arc::new(DialTcp(upstream)), None);
    let (server, address) = serve(&Settings::default(), tls, Arc::new(Joiner { target, ends }));
    Front { server, address, end }
}

/// An echo of Python's `websockets` behind us, and what its clients need to know.
struct Lab {
    front: Front,
    folder: TempDir,
    _server: Script,
}

impl Lab {
    /// `None`, and said so, where that is not installed.
    fn open() -> Option<Self> {
        let (server, port) = Script::server(SCRIPT, "`h2`, `wsproto` and `websockets` are")?;
        let (ca, tls, _) = tls();
        let front = front(([127, 0, 0, 1], port).into(), Some(tls));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca.pem).unwrap();
        Some(Self { front, folder, _server: server })
    }

    fn client(&self, role: &str) -> Script {
        let port = self.front.address.port().to_string();
        let root: PathBuf = self.folder.path().join("ca.pem");
        let arguments = [role, &port, root.to_str().unwrap(), &format!("shop.localhost:{port}")];
        Script::start(SCRIPT, &arguments)
    }
}

const SCRIPT: &str = include_str!("websocket.py");

#[test]
fn a_websocket_over_http_2_reaches_a_server_of_http_1() {
    let Some(lab) = Lab::open() else { return };
    assert_eq!(lab.client("client").says(), "done");
}

#[test]
fn clients_of_both_versions_are_told_why_their_tunnel_ends() {
    for role in ["wait1", "wait2"] {
        for (farewell, code) in
            [(Farewell::Away, 1001), (Farewell::Policy, 1008), (Farewell::Restart, 1012)]
        {
            let Some(lab) = Lab::open() else { return };
            let mut client = lab.client(role);
            assert_eq!(client.says(), "open", "{role}");
            lab.front.end.send_replace(Some(farewell));
            assert_eq!(client.says(), format!("closed {code}"), "{role}");
            assert!(client.ends().success(), "{role}");
        }
    }
}

#[test]
fn a_drain_tells_tunnels_to_come_again_and_does_not_wait_for_its_last_moment() {
    for role in ["wait1", "wait2"] {
        let Some(lab) = Lab::open() else { return };
        let mut client = lab.client(role);
        assert_eq!(client.says(), "open", "{role}");
        let server = lab.front.server;
        let (gone, went) = mpsc::channel();
        let drain = std::thread::spawn(move || {
            // Long enough that a tunnel that ends with it is not read as one that was told.
            server.drain(Duration::from_secs(4));
            gone.send(()).unwrap();
        });
        assert_eq!(client.says(), "closed 1012", "{role}");
        assert!(client.ends().success(), "{role}");
        went.recv_timeout(Duration::from_secs(20)).unwrap();
        drain.join().unwrap();
    }
}

/// Accepts one handshake, sends this behind it, and gives the connection.
fn upstream(behind: &'static [u8]) -> (SocketAddr, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (give, take) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        head(&mut stream);
        stream.write_all(ACCEPTED).unwrap();
        stream.write_all(behind).unwrap();
        give.send(stream).unwrap();
    });
    (address, take)
}

/// Reads to the end of a head.
fn head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (String::new(), [0_u8; 1]);
    while !head.ends_with("\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{head}");
        head.push(char::from(byte[0]));
    }
    head
}

fn open(front: &Front) -> TcpStream {
    let mut stream = connect(front.address);
    stream.write_all(HANDSHAKE).unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 101"));
    stream
}

#[track_caller]
fn hears(stream: &mut TcpStream, expected: &[u8]) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(heard, expected);
}

#[test]
fn nothing_that_a_client_says_after_its_farewell_arrives() {
    let (address, taken) = upstream(b"\x81\x02hi");
    let front = front(address, None);
    let mut client = open(&front);
    hears(&mut client, b"\x81\x02hi");
    client.write_all(b"\x81\x82\0\0\0\0ok").unwrap();
    let mut upstream = taken.recv().unwrap();
    hears(&mut upstream, b"\x81\x82\0\0\0\0ok");
    front.end.send_replace(Some(Farewell::Policy));
    hears(&mut client, b"\x88\x17\x03\xf0not admitted any more");
    client.write_all(b"\x81\x82\0\0\0\0no\x88\x82\0\0\0\0\x03\xf0").unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    upstream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
}

#[test]
fn a_client_in_the_middle_of_a_frame_is_not_told_what_it_would_misread() {
    let (address, taken) = upstream(b"\x81\x04hi");
    let front = front(address, None);
    let mut client = open(&front);
    hears(&mut client, b"\x81\x04hi");
    front.end.send_replace(Some(Farewell::Policy));
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    drop(taken.recv().unwrap());
}

#[test]
fn a_frame_may_end_before_a_drain_ends_its_tunnel() {
    let (address, taken) = upstream(b"\x81\x04hi");
    let front = front(address, None);
    let mut client = open(&front);
    hears(&mut client, b"\x81\x04hi");
    let mut upstream = taken.recv().unwrap();
    front.server.leave(ringwall_net::Drain::within(Duration::from_secs(10)));
    upstream.write_all(b"!!\x81\x01?").unwrap();
    let mut rest = Vec::new();
    client.read_exact(&mut [0; 2]).unwrap();
    while !rest.ends_with(b"\x88\x0c\x03\xf4come again") {
        let mut byte = [0];
        assert_eq!(client.read(&mut byte).unwrap(), 1, "{rest:?}");
        rest.push(byte[0]);
    }
    // What its client says in a drain still arrives: nothing has forbidden it.
    client.write_all(b"\x81\x82\0\0\0\0ok\x88\x82\0\0\0\0\x03\xf4").unwrap();
    hears(&mut upstream, b"\x81\x82\0\0\0\0ok\x88\x82\0\0\0\0\x03\xf4");
    client.read_to_end(&mut rest).unwrap();
}

#[test]
fn a_tunnel_inside_a_frame_ends_at_once_in_a_drain_when_its_admission_does() {
    let (address, taken) = upstream(b"\x81\x04hi");
    let front = front(address, None);
    let mut client = open(&front);
    hears(&mut client, b"\x81\x04hi");
    let _upstream = taken.recv().unwrap();
    // It stays for up to half of a drain, and then for the end of its frame.
    front.server.leave(ringwall_net::Drain::within(Duration::from_secs(10)));
    client.set_read_timeout(Some(Duration::from_millis(5_200))).unwrap();
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    front.end.send_replace(Some(Farewell::Policy));
    client.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

const HANDSHAKE: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
