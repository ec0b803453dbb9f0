//! What a peer may cost.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use ringwall_net::{Answer, Curb, Door, Listen, OpenError, Opening, Server, Settings};

use crate::house::{House, Recorder, connect, pause, raw, rest, until};

fn quick() -> Settings {
    Settings {
        head_time: Duration::from_millis(200),
        idle_time: Duration::from_millis(200),
        body_idle_time: Duration::from_millis(200),
        ..Settings::default()
    }
}

#[test]
fn a_head_that_trickles_is_answered_408() {
    let house = House::plain(&quick());
    let mut stream = connect(house.address);
    stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    for _ in 0..6 {
        pause(50);
        // The server may have closed by now.
        stream.write_all(b"x: y\r\n").ok();
    }
    let answer = rest(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
    assert!(house.has_curbed(Curb::SlowHead, 1));
    assert_eq!(house.recorder.seen(), Vec::<String>::new());
}

#[test]
fn a_silent_connection_is_closed_and_so_is_an_idle_one() {
    let house = House::plain(&quick());
    assert_eq!(rest(&mut connect(house.address)), "");
    assert!(house.has_curbed(Curb::Silent, 1));
    let mut stream = connect(house.address);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert!(rest(&mut stream).ends_with("ok 0"));
    assert_eq!(house.curbed(Curb::Silent), 1, "an idle one has not passed a limit");
}

#[test]
fn a_body_that_stands_still_is_cut_and_a_slow_answer_is_not() {
    let house = House::plain(&quick());
    assert_eq!(
        raw(house.address, &["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"]),
        ""
    );
    assert_eq!(*house.recorder.whole.lock().unwrap(), 0);
    assert!(house.has_curbed(Curb::SlowBody, 1));
    let answer =
        raw(house.address, &["GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]);
    assert!(answer.ends_with("ok 0"), "{answer:?}");
}

#[test]
fn the_connection_after_the_last_of_an_address_is_closed() {
    let house = House::plain(&Settings { connections_per_address_max: 2, ..Settings::default() });
    let mut held = [connect(house.address), connect(house.address)];
    for stream in &mut held {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert!(until(stream, "ok 0").starts_with("HTTP/1.1 200"));
    }
    let mut third = connect(house.address);
    third.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").ok();
    // An end or a reset, but no answer.
    assert_eq!(third.read(&mut [0; 9]).unwrap_or(0), 0);
    assert_eq!(house.recorder.seen().len(), 2);
}

#[test]
fn a_port_that_another_server_has_is_not_shared_with_it() {
    let house = House::plain(&Settings::default());
    let answer: Arc<dyn Answer> = Arc::<Recorder>::clone(&house.recorder);
    let listen = Listen::Address(house.address);
    let other = Server::start(Settings::default()).unwrap();
    let opened = other.open(Opening { door: Door::Edge, listen, tls: None, answer });
    assert!(matches!(opened, Err(OpenError::Bind { address, .. }) if address == house.address));
}

#[test]
fn the_last_request_of_a_connection_says_close() {
    let house = House::plain(&Settings { requests_per_connection_max: 2, ..Settings::default() });
    let mut stream = connect(house.address);
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let answer = rest(&mut stream);
    assert_eq!(answer.matches("connection: close").count(), 1, "{answer:?}");
    assert_eq!(answer.matches("ok 0").count(), 2);
}
