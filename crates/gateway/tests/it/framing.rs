//! The smuggling list of the reference, through the public door: answered 400, and nothing of it
//! reaches the service.

use crate::fleet::{Fleet, code, get, grants, model, raw, service, status};
use crate::upstream::Upstream;

fn open() -> (Upstream, Fleet) {
    let upstream = Upstream::plain();
    let mut users = service("users", upstream.address, &["home = GET /", "put = POST /"]);
    users.people.insert("anyone".to_owned(), grants(&["home", "put"]));
    let fleet = Fleet::new(&model(vec![users]));
    (upstream, fleet)
}

#[test]
fn what_has_two_readings_is_answered_400() {
    let (upstream, fleet) = open();
    let edge = fleet.edge();
    let host = "Host: shop.localhost:8443\r\n";
    let cases: &[(&str, String)] = &[
        (
            "CL, then TE",
            format!(
                "POST / HTTP/1.1\r\n{host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "TE, then CL",
            format!(
                "POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "two CL",
            format!("POST / HTTP/1.1\r\n{host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        ),
        (
            "two equal CL",
            format!("POST / HTTP/1.1\r\n{host}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        ),
        ("CL list", format!("POST / HTTP/1.1\r\n{host}Content-Length: 3, 3\r\n\r\nabc")),
        ("CL +3", format!("POST / HTTP/1.1\r\n{host}Content-Length: +3\r\n\r\nabc")),
        (
            "TE xchunked",
            format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ),
        (
            "TE list",
            format!(
                "POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "TE twice",
            format!(
                "POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "TE in 1.0",
            format!("POST / HTTP/1.0\r\n{host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ),
        ("space before colon", format!("GET / HTTP/1.1\r\n{host}X-A : 1\r\n\r\n")),
        ("obs-fold", format!("GET / HTTP/1.1\r\n{host}X-A: 1\r\n 2\r\n\r\n")),
        ("bare LF", "GET / HTTP/1.1\nHost: shop.localhost:8443\n\n".to_owned()),
        ("no Host", "GET / HTTP/1.1\r\nX-A: 1\r\n\r\n".to_owned()),
        ("two Hosts", format!("GET / HTTP/1.1\r\n{host}{host}\r\n")),
        ("absolute form", format!("GET http://evil.example/ HTTP/1.1\r\n{host}\r\n")),
        ("NUL in a value", format!("GET / HTTP/1.1\r\n{host}X-A: a\0b\r\n\r\n")),
        ("Connection: host", format!("GET / HTTP/1.1\r\n{host}Connection: host\r\n\r\n")),
        (
            "Connection: authorization",
            format!("GET / HTTP/1.1\r\n{host}Connection: close, authorization\r\n\r\n"),
        ),
        (
            "Connection: ours",
            format!("GET / HTTP/1.1\r\n{host}Connection: Ringwall-Identity\r\n\r\n"),
        ),
        (
            "upgrade foo",
            format!("GET / HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: foo\r\n\r\n"),
        ),
        ("underscore of ours", format!("GET / HTTP/1.1\r\n{host}Ringwall_Identity: x\r\n\r\n")),
        ("underscore twin", format!("GET / HTTP/1.1\r\n{host}X-A: 1\r\nX_A: 2\r\n\r\n")),
        ("CONNECT", format!("CONNECT shop.localhost:8443 HTTP/1.1\r\n{host}\r\n")),
    ];
    for (name, request) in cases {
        let answer = raw(edge, request);
        assert_eq!(status(&answer), 400, "{name}: {answer}");
    }
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
}

#[test]
fn a_path_with_two_readings_is_answered_400() {
    let (upstream, fleet) = open();
    let edge = fleet.edge();
    for path in [
        "/a/../", "/%2e%2e/", "/.", "//", "/a//b", "/a%2fb", "/a%5cb", "/a\\b", "/a;b", "/%00",
        "/%252e", "/%c0%ae", "/%ff", "/%zz", "/a%", "/?a=%00", "/?a=%",
    ] {
        let answer = get(edge, path, &[]);
        assert_eq!(status(&answer), 400, "{path}: {answer}");
    }
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
}

#[test]
fn another_host_is_answered_421() {
    let (_upstream, fleet) = open();
    let answer =
        raw(fleet.edge(), "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert_eq!((status(&answer), code(&answer).as_str()), (421, "RW3017"));
}

#[test]
fn a_chunked_body_arrives_with_one_length() {
    let (upstream, fleet) = open();
    let answer = raw(
        fleet.edge(),
        "POST / HTTP/1.1\r\nHost: shop.localhost:8443\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
    assert_eq!(status(&answer), 200, "{answer}");
    let seen = upstream.last();
    let lengths = seen.values("content-length").len() + seen.values("transfer-encoding").len();
    assert_eq!(lengths, 1, "{}", seen.head);
    assert!(seen.body.contains("hello"));
}
