//! The probes of the smuggling list: each is answered with the bytes `400`, and nothing of it
//! reaches the handler.

use ringwall_net::{Settings, Violation};

use crate::house::{House, connect, pause, raw, rest, until};
use std::io::Write as _;

const PROBES: &[(&str, &str)] = &[
    (
        "length, then encoding",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "encoding, then length",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    ),
    (
        "two lengths",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    ),
    (
        "two equal lengths",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    ),
    ("a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc"),
    ("a signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc"),
    (
        "unknown encoding",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked is not last",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ),
    (
        "two encodings",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "encoding in 1.0",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    ("space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    ("folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"),
    ("bare line feeds", "GET / HTTP/1.1\nHost: a\n\n"),
    (
        "chunk extension ended by line feed",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\nabc\r\n0\r\n\r\n",
    ),
    (
        "chunk size overflows",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n",
    ),
    ("no host", "GET / HTTP/1.1\r\n\r\n"),
    ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("absolute form, other host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
    (
        "connection names a protected header",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Authorization\r\n\r\n",
    ),
    (
        "bytes after an upgrade",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    ("connect", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
    ("dot segment", "GET /a/../admin HTTP/1.1\r\nHost: a\r\n\r\n"),
];

#[track_caller]
fn is_refusal(name: &str, answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{name}: {answer:?}");
    assert!(answer.contains("connection: close\r\n"), "{name}: {answer:?}");
    assert!(
        answer.contains("\"code\":\"RW3000\",\"request_id\":\"r-0000000007\"}"),
        "{name}: {answer:?}"
    );
}

#[test]
fn every_probe_is_answered_400_and_nothing_of_it_arrives() {
    let house = House::plain(&Settings::default());
    for (name, probe) in PROBES {
        is_refusal(name, &raw(house.address, &[probe]));
    }
    assert_eq!(house.recorder.seen(), Vec::<String>::new());
    assert_eq!(house.recorder.refused().len(), PROBES.len());
}

#[test]
fn a_probe_split_in_two_is_answered_alike() {
    let house = House::plain(&Settings::default());
    for (name, probe) in PROBES {
        // In the middle of the head, so that the guard must remember.
        let (start, end) = probe.split_at(20.min(probe.len() - 6));
        is_refusal(name, &raw(house.address, &[start, end]));
    }
    assert_eq!(house.recorder.seen(), Vec::<String>::new());
}

#[test]
fn a_probe_behind_a_good_request_is_refused_after_its_answer() {
    let house = House::plain(&Settings::default());
    for (name, probe) in PROBES {
        let both = format!("GET /good HTTP/1.1\r\nHost: a\r\n\r\n{probe}");
        let answer = raw(house.address, &[&both]);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{name}: {answer:?}");
        let second = answer.split_once("ok 0").unwrap().1;
        is_refusal(name, second);
    }
    assert!(house.recorder.seen().iter().all(|seen| seen == "GET /good"));
}

#[test]
fn a_bad_chunk_after_the_head_went_out_drops_the_handler_and_is_answered() {
    let house = House::plain(&Settings::default());
    let head = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    is_refusal("late", &raw(house.address, &[head, "3;x\nabc\r\n0\r\n\r\n"]));
    assert_eq!(house.recorder.seen(), ["POST /a"]);
    assert_eq!(*house.recorder.whole.lock().unwrap(), 0, "the body must not look complete");
    assert_eq!(house.recorder.refused(), [Violation::BareLf]);
}

#[test]
fn bytes_that_come_while_an_upgrade_waits_are_refused() {
    let house = House::plain(&Settings::default());
    let head = "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n";
    is_refusal("late", &raw(house.address, &[head, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n"]));
    assert_eq!(house.recorder.seen(), ["GET /slow"]);
}

#[test]
fn after_a_refused_upgrade_http_goes_on() {
    let house = House::plain(&Settings::default());
    let mut stream = connect(house.address);
    stream
        .write_all(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n")
        .unwrap();
    assert!(until(&mut stream, "ok 0").starts_with("HTTP/1.1 200"));
    stream.write_all(b"GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    assert!(rest(&mut stream).ends_with("ok 0"));
    assert_eq!(house.recorder.seen(), ["GET /a", "GET /b"]);
}

#[test]
fn requests_may_be_pipelined_and_split_anywhere() {
    let house = House::plain(&Settings::default());
    let text = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
                POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n\
                GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut stream = connect(house.address);
    for byte in text.as_bytes() {
        stream.write_all(std::slice::from_ref(byte)).unwrap();
        pause(1);
    }
    let answer = rest(&mut stream);
    let bodies: Vec<_> = answer.matches("ok ").collect();
    assert_eq!(bodies.len(), 3, "{answer:?}");
    assert!(answer.contains("ok 3") && answer.contains("ok 2") && answer.ends_with("ok 0"));
    let whole = raw(house.address, &[text]);
    assert_eq!(whole.matches("HTTP/1.1 200 OK").count(), 3);
}

#[test]
fn heads_over_the_limit_are_answered_with_their_own_status() {
    let house = House::plain(&Settings::default());
    let answer =
        raw(house.address, &[&format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(9_000))]);
    assert!(answer.starts_with("HTTP/1.1 414 "), "{answer:?}");
    let fields = "x: y\r\n".repeat(101);
    let answer = raw(house.address, &[&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")]);
    assert!(answer.starts_with("HTTP/1.1 431 ") && answer.contains("RW3016"), "{answer:?}");
    let fields = format!("x: {}\r\n", "y".repeat(40_000));
    let answer = raw(house.address, &[&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")]);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
    assert_eq!(house.recorder.seen(), Vec::<String>::new());
}
