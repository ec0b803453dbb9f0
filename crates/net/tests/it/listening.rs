//! Where a door listens, and how its sockets pass to another server.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use ringwall_net::{Answer, Door, Drain, Listen, Opening, Passed, Server, Settings};

use crate::house::{House, Recorder, connect, pause, raw, rest, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn open(server: &Server, listen: Listen) -> (SocketAddr, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let answer: Arc<dyn Answer> = Arc::<Recorder>::clone(&recorder);
    let opening = Opening { door: Door::Edge, listen, tls: None, answer };
    (server.open(opening).unwrap(), recorder)
}

#[test]
fn an_ipv6_address_is_for_ipv6_only_unless_it_is_opened_for_both() {
    let server = Server::start(Settings { workers: 2, ..Settings::default() }).unwrap();
    let any = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0);
    let (six, _) = open(&server, Listen::Address(any));
    assert!(raw((Ipv6Addr::LOCALHOST, six.port()).into(), &[GET]).ends_with("ok 0"));
    assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, six.port())).is_err());
    let (both, recorder) = open(&server, Listen::Dual(any));
    assert!(raw((Ipv6Addr::LOCALHOST, both.port()).into(), &[GET]).ends_with("ok 0"));
    assert!(raw((Ipv4Addr::LOCALHOST, both.port()).into(), &[GET]).ends_with("ok 0"));
    let peers = recorder.peers.lock().unwrap();
    assert_eq!(peers[1].address.ip(), Ipv4Addr::LOCALHOST, "not ::ffff:127.0.0.1");
}

#[test]
fn one_address_of_a_door_closes_and_the_other_stays() {
    let server = Server::start(Settings { workers: 2, ..Settings::default() }).unwrap();
    let local = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let (first, _) = open(&server, Listen::Address(local));
    let (second, _) = open(&server, Listen::Address(local));
    server.close_at(&Door::Edge, first, Drain::default());
    crate::house::wait_for(|| std::net::TcpStream::connect(first).is_err());
    assert!(raw(second, &[GET]).ends_with("ok 0"));
}

#[test]
fn sockets_pass_to_another_server_with_all_that_waits_in_them() {
    let house = House::plain(&Settings::default());
    let mut kept = connect(house.address);
    let get = GET.replace("Connection: close\r\n", "");
    std::io::Write::write_all(&mut kept, get.as_bytes()).unwrap();
    assert!(until(&mut kept, "ok 0").contains("200"));
    let passed = house.server.passed().unwrap();
    let [Passed { door: Door::Edge, address, sockets }] = &passed[..] else { panic!("{passed:?}") };
    assert_eq!((*address, sockets.len()), (house.address, 2));
    let drain = Drain { within: Duration::from_secs(5), idle: Duration::from_secs(5) };
    house.server.leave(drain);
    // Nobody accepts now: clients wait in the queues of sockets that are still open.
    pause(100);
    let mut waiting: Vec<_> = (0..8).map(|_| connect(house.address)).collect();
    for client in &mut waiting {
        std::io::Write::write_all(client, GET.as_bytes()).unwrap();
    }
    // The old server still answers whom it knows, once.
    std::io::Write::write_all(&mut kept, get.as_bytes()).unwrap();
    let last = rest(&mut kept);
    assert!(last.contains("connection: close") && last.ends_with("ok 0"), "{last}");
    let next = Server::start(Settings { workers: 1, ..Settings::default() }).unwrap();
    let sockets = passed.into_iter().flat_map(|passed| passed.sockets);
    let (address, _) = open(&next, Listen::Passed(sockets.map(TcpListener::from).collect()));
    assert_eq!(address, house.address);
    for mut client in waiting {
        assert!(rest(&mut client).ends_with("ok 0"));
    }
    house.server.finish(Duration::from_secs(5));
    assert!(raw(address, &[GET]).ends_with("ok 0"));
}

#[test]
fn fewer_sockets_than_threads_are_shared() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = Server::start(Settings { workers: 3, ..Settings::default() }).unwrap();
    let (address, _) = open(&server, Listen::Passed(vec![listener]));
    for _ in 0..20 {
        assert!(raw(address, &[GET]).ends_with("ok 0"));
    }
    let accepted: u64 = server.counts().iter().map(|count| count.accepted).sum();
    assert_eq!(accepted, 20);
}
