//! The door that speaks no TLS.

use std::sync::Arc;

use ringwall_gateway::{Plain, PlainSettings};
use ringwall_net::Challenges;

use crate::fleet::{Fleet, ask, body, field, model, status};

fn open(fleet: &Fleet, port: u16, challenges: &Arc<Challenges>) -> std::net::SocketAddr {
    let hosts = vec!["shop.example".to_owned(), "www.shop.example".to_owned()];
    let settings = PlainSettings { hosts, port };
    let plain = Plain::new(&fleet.core, settings, Arc::clone(challenges));
    fleet.open(Arc::new(plain), ringwall_net::Door::Edge)
}

#[test]
fn every_request_is_sent_to_the_same_place_behind_tls() {
    let fleet = Fleet::new(&model(Vec::new()));
    let door = open(&fleet, 443, &Arc::default());
    for (line, host, location) in [
        ("GET /a?b=c", "www.shop.example", "https://www.shop.example/a?b=c"),
        ("POST /a", "SHOP.example:80", "https://shop.example/a"),
        ("GET /", "evil.example", "https://shop.example/"),
        ("GET //evil.example/x", "shop.example", "https://shop.example//evil.example/x"),
        ("OPTIONS *", "shop.example", "https://shop.example/"),
    ] {
        let answer = raw(door, line, host);
        assert_eq!(status(&answer), 308, "{line} {host}: {answer}");
        assert_eq!(field(&answer, "location"), Some(location), "{line} {host}");
        assert_eq!(field(&answer, "strict-transport-security"), None);
        assert_eq!(field(&answer, "connection"), Some("close"));
    }
    let other = open(&fleet, 8443, &Arc::default());
    let answer = raw(other, "GET /x", "shop.example:8080");
    assert_eq!(field(&answer, "location"), Some("https://shop.example:8443/x"));
    let answer = ask(door, "GET /a/../b", &[], "");
    assert_eq!(status(&answer), 400, "what has two readings is not led anywhere: {answer}");
}

#[test]
fn an_open_challenge_is_answered_and_everything_else_is_not() {
    let fleet = Fleet::new(&model(Vec::new()));
    let challenges: Arc<Challenges> = Arc::default();
    let door = open(&fleet, 443, &challenges);
    let path = "/.well-known/acme-challenge/abc";
    assert_eq!(status(&raw(door, &format!("GET {path}"), "shop.example")), 308);
    challenges.put_http("abc", "abc.thumb");
    let answer = raw(door, &format!("GET {path}"), "other.example");
    assert_eq!((status(&answer), body(&answer)), (200, "abc.thumb"), "{answer}");
    assert_eq!(status(&raw(door, &format!("POST {path}"), "shop.example")), 308);
    challenges.clear();
    assert_eq!(status(&raw(door, &format!("GET {path}"), "shop.example")), 308);
}

/// One request for this host.
fn raw(door: std::net::SocketAddr, line: &str, host: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(door).unwrap();
    let head = format!("{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
