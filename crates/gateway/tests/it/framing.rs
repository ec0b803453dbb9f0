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

/// Sends each request, with `HOST` replaced by our field, and wants 400.
#[track_caller]
fn check(cases: &[(&str, &str)]) {
    let (upstream, fleet) = open();
    let edge = fleet.edge();
    for (name, request) in cases {
        let answer = raw(edge, &request.replace("HOST", "Host: shop.localhost:8443"));
        assert_eq!(status(&answer), 400, "{name}: {answer}");
    }
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
}

#[test]
fn a_body_whose_length_has_two_readings_is_answered_400() {
    let end = "\r\n\r\n0\r\n\r\n";
    let chunked = |fields: &str| format!("POST / HTTP/1.1\r\nHOST\r\n{fields}{end}");
    let sized = |fields: &str| format!("POST / HTTP/1.1\r\nHOST\r\n{fields}\r\n\r\nabc");
    for (name, request) in [
        ("CL, then TE", chunked("Content-Length: 3\r\nTransfer-Encoding: chunked")),
        ("TE, then CL", chunked("Transfer-Encoding: chunked\r\nContent-Length: 3")),
        ("TE xchunked", chunked("Transfer-Encoding: xchunked")),
        ("TE list", chunked("Transfer-Encoding: chunked, identity")),
        ("TE twice", chunked("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
        ("TE in 1.0", chunked("Transfer-Encoding: chunked").replace("/1.1", "/1.0")),
        ("two CL", sized("Content-Length: 3\r\nContent-Length: 4")),
        ("two equal CL", sized("Content-Length: 3\r\nContent-Length: 3")),
        ("CL list", sized("Content-Length: 3, 3")),
        ("CL +3", sized("Content-Length: +3")),
    ] {
        check(&[(name, &request)]);
    }
}

#[test]
fn a_head_with_two_readings_is_answered_400() {
    check(&[
        ("space before colon", "GET / HTTP/1.1\r\nHOST\r\nX-A : 1\r\n\r\n"),
        ("obs-fold", "GET / HTTP/1.1\r\nHOST\r\nX-A: 1\r\n 2\r\n\r\n"),
        ("bare LF", "GET / HTTP/1.1\nHOST\n\n"),
        ("no Host", "GET / HTTP/1.1\r\nX-A: 1\r\n\r\n"),
        ("two Hosts", "GET / HTTP/1.1\r\nHOST\r\nHOST\r\n\r\n"),
        ("absolute form", "GET http://evil.example/ HTTP/1.1\r\nHOST\r\n\r\n"),
        ("NUL in a value", "GET / HTTP/1.1\r\nHOST\r\nX-A: a\0b\r\n\r\n"),
        ("names host", "GET / HTTP/1.1\r\nHOST\r\nConnection: host\r\n\r\n"),
        (
            "names authorization",
            "GET / HTTP/1.1\r\nHOST\r\nConnection: close, authorization\r\n\r\n",
        ),
        ("names ours", "GET / HTTP/1.1\r\nHOST\r\nConnection: Ringwall-Identity\r\n\r\n"),
        ("upgrade", "GET / HTTP/1.1\r\nHOST\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n"),
        ("underscore of ours", "GET / HTTP/1.1\r\nHOST\r\nRingwall_Identity: x\r\n\r\n"),
        ("underscore twin", "GET / HTTP/1.1\r\nHOST\r\nX-A: 1\r\nX_A: 2\r\n\r\n"),
        ("tunnel", "CONNECT shop.localhost:8443 HTTP/1.1\r\nHOST\r\n\r\n"),
    ]);
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
