//! Ending without losing an answer.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use ringwall_net::{Answer, Door, Listen, Opening, Settings};

use crate::house::{House, Recorder, connect, pause, raw, rest};

#[test]
fn a_drain_answers_what_was_asked_closes_what_is_idle_and_accepts_nothing() {
    let house = House::plain(&Settings::default());
    let mut idle = connect(house.address);
    let mut busy = connect(house.address);
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    pause(100);
    let (server, address) = (house.server, house.address);
    let drain = std::thread::spawn(move || server.drain(Duration::from_secs(5)));
    let answer = rest(&mut busy);
    assert!(answer.contains("connection: close") && answer.ends_with("ok 0"), "{answer:?}");
    assert_eq!(rest(&mut idle), "");
    drain.join().unwrap();
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_socket_made_elsewhere_is_a_door_and_closes_alone() {
    let house = House::plain(&Settings::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let door = Door::Outbound("orders".into());
    let recorder = Arc::new(Recorder::default());
    let answer: Arc<dyn Answer> = Arc::<Recorder>::clone(&recorder);
    let listen = Listen::Tcp(listener);
    let opening = Opening { door: door.clone(), listen, tls: None, answer };
    let address = house.server.open(opening).unwrap();
    let get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(raw(address, &[get]).ends_with("ok 0"));
    assert_eq!(recorder.peers.lock().unwrap()[0].door, door);
    house.server.close(&door, Duration::from_secs(1));
    pause(100);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(raw(house.address, &[get]).ends_with("ok 0"));
}
