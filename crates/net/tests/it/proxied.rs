//! Load balancers that speak for their clients, and strangers who try.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ringwall_net::{Answer, Door, Listen, Networks, Opening, Server, Settings};

use crate::house::{Recorder, connect, raw, rest, until};

/// A door behind load balancers at these addresses.
struct Proxied {
    server: Server,
    address: SocketAddr,
    recorder: Arc<Recorder>,
}

fn open(settings: &Settings, proxies: &[&str]) -> Proxied {
    let recorder = Arc::new(Recorder::default());
    let answer: Arc<dyn Answer> = Arc::<Recorder>::clone(&recorder);
    let server = Server::start(Settings { workers: 1, ..settings.clone() }).unwrap();
    let listen = Listen::Address((Ipv4Addr::LOCALHOST, 0).into());
    let opening = Opening { door: Door::Edge, listen, tls: None, answer };
    let address = server.open_behind(opening, Networks::parse(proxies).unwrap()).unwrap();
    Proxied { server, address, recorder }
}

impl Proxied {
    fn refused(&self, why: &str) -> u64 {
        let counts = self.server.counts();
        let refused = counts.iter().flat_map(|count| &count.refused);
        refused.filter(|(label, _)| *label == why).map(|(_, count)| count).sum()
    }

    fn peers(&self) -> Vec<String> {
        let peers = self.recorder.peers.lock().unwrap();
        peers.iter().map(|peer| peer.address.to_string()).collect()
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const LINE: &str = "PROXY TCP4 198.51.100.7 192.0.2.1 4711 443\r\n";

#[test]
fn the_client_that_is_named_is_the_peer() {
    let door = open(&Settings::default(), &["127.0.0.0/8"]);
    assert!(raw(door.address, &[&format!("{LINE}{GET}")]).ends_with("ok 0"));
    // In pieces, cut within the header and within the request.
    assert!(
        raw(
            door.address,
            &[
                "PROXY TCP6 2001:db8::9 ",
                "::1 1 2\r",
                "\nGET / HTT",
                "P/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            ]
        )
        .ends_with("ok 0")
    );
    let binary = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\x01\x02\x03\x0a\0\0\x01\x12\x34\0\x50";
    assert!(raw(door.address, &[&format!("{binary}{GET}")]).ends_with("ok 0"));
    let local = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    assert!(raw(door.address, &[&format!("{local}{GET}")]).ends_with("ok 0"));
    let peers = door.peers();
    assert_eq!(peers[..3], ["198.51.100.7:4711", "[2001:db8::9]:1", "10.1.2.3:4660"]);
    assert!(peers[3].starts_with("127.0.0.1:"), "{peers:?}");
}

#[test]
fn a_listed_peer_that_does_not_say_for_whom_is_refused() {
    let door = open(&Settings::default(), &["127.0.0.1"]);
    for bytes in
        [GET, "PROXY TCP4 nobody 192.0.2.1 4711 443\r\n", "\r\n\r\n\0\r\nQUIT\n\x21\x12\0\0"]
    {
        assert_eq!(raw(door.address, &[bytes]), "", "{bytes:?}");
    }
    assert_eq!(door.refused("proxy_header"), 3);
    assert!(door.recorder.seen().is_empty());
}

#[test]
fn a_stranger_names_nobody() {
    let door = open(&Settings::default(), &["10.0.0.0/8"]);
    let answer = raw(door.address, &[&format!("{LINE}{GET}")]);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let answer = raw(door.address, &[&format!("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0{GET}")]);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(door.recorder.seen().is_empty());
    assert!(raw(door.address, &[GET]).ends_with("ok 0"));
    assert!(door.peers()[0].starts_with("127.0.0.1:"));
}

#[test]
fn a_header_has_to_come_in_time() {
    let settings = Settings { head_time: Duration::from_millis(200), ..Settings::default() };
    let door = open(&settings, &["127.0.0.1"]);
    let mut slow = connect(door.address);
    slow.write_all(b"PROXY TCP4 198.51").unwrap();
    assert_eq!(rest(&mut slow), "");
    assert_eq!(door.refused("proxy_header"), 1);
}

#[test]
fn limits_are_those_of_the_client_that_is_named() {
    let settings = Settings { connections_per_address_max: 1, ..Settings::default() };
    let door = open(&settings, &["127.0.0.1"]);
    let keep = GET.replace("Connection: close\r\n", "");
    let mut held = connect(door.address);
    held.write_all(format!("{LINE}{keep}").as_bytes()).unwrap();
    assert!(until(&mut held, "ok 0").ends_with("ok 0"));
    assert_eq!(raw(door.address, &[&format!("{LINE}{GET}")]), "", "the second of one client");
    let other = LINE.replace("198.51.100.7", "198.51.100.8");
    assert!(raw(door.address, &[&format!("{other}{GET}")]).ends_with("ok 0"));
    assert_eq!(door.refused("connections_per_address_max"), 1);
}
