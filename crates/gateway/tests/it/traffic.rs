//! What happens to a request on its way: rewrites, fields that go, ranges, upgrades, compression.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::Duration;

use ringwall_manifest::{Model, Service};

use crate::fleet::{Fleet, ask, body, code, field, get, grants, model, raw, service, status};
use crate::upstream::{Seen, Upstream};

fn shop(upstream: &Upstream, change: impl FnOnce(&mut Service)) -> Model {
    let operations =
        ["old = GET /old/{name}", "text = GET /text", "chat = GET /chat", "rpc = POST /a.B/C"];
    let mut users = service("users", upstream.address, &operations);
    users.people.insert("anyone".to_owned(), grants(&["old", "text", "chat", "rpc"]));
    change(&mut users);
    model(vec![users])
}

fn text(seen: &Seen) -> String {
    let body = "to be or not to be, ".repeat(200);
    assert!(!seen.head.is_empty());
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\netag: \"v1\"\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn the_app_sees_the_rewritten_path_and_the_token_names_it() {
    let upstream = Upstream::plain();
    let rewrite = |users: &mut Service| {
        users.mount = "/shop".to_owned();
        users.rewrite = vec![("/old".to_owned(), "/new/v2".to_owned())];
    };
    let fleet = Fleet::new(&shop(&upstream, rewrite));
    let edge = fleet.edge();
    for path in ["/shop/old/a%20b?q=1", "/shop/%6fld/a%20b?q=1"] {
        assert_eq!(status(&get(edge, path, &[])), 200);
        let seen = upstream.last();
        assert_eq!(seen.line(), "GET /new/v2/a%20b?q=1 HTTP/1.1");
        let token = seen.values("ringwall-identity")[0].to_owned();
        let set = ringwall_jose::JwkSet::new(vec![fleet.internal.public().clone()]).unwrap();
        let keys = ringwall_jose::KeySet::from_jwks(&set).unwrap();
        let expected = ringwall_jose::Expected {
            issuer: "ringwall:shop".to_owned(),
            audience: "users".to_owned(),
        };
        let now = ringwall_base::Timestamp::from_secs(crate::fleet::NOW);
        let claims = keys.verify_internal(&token, &expected, now).unwrap();
        assert_eq!(claims.path, "/new/v2/a%20b");
    }
    assert_eq!(status(&get(edge, "/shop/new/v2/x", &[])), 404);
}

#[test]
fn fields_that_would_change_the_meaning_do_not_reach_the_app() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream, |_| {}));
    let fields = [
        "proxy: http://evil.example",
        "x-http-method-override: DELETE",
        "x-original-url: /admin",
        "x-rewrite-url: /admin",
        "x-middleware-subrequest: middleware",
        "x-kept: yes",
    ];
    assert_eq!(status(&get(fleet.edge(), "/text", &fields)), 200);
    let seen = upstream.last();
    for name in ["proxy", "x-http-method-override", "x-original-url", "x-rewrite-url"] {
        assert!(seen.values(name).is_empty(), "{name}");
    }
    assert!(seen.values("x-middleware-subrequest").is_empty());
    assert_eq!(seen.values("x-kept"), ["yes"]);
}

#[test]
fn cookies_have_a_limit() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream, |_| {}));
    let edge = fleet.edge();
    let cookie = |bytes: usize| format!("cookie: {}", "a".repeat(bytes));
    assert_eq!(status(&get(edge, "/text", &[&cookie(16 * 1024)])), 200);
    let answer = get(edge, "/text", &[&cookie(16 * 1024 + 1)]);
    assert_eq!((status(&answer), code(&answer).as_str()), (400, "RW3000"));
}

#[test]
fn a_few_ranges_pass_and_many_do_not() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream, |_| {}));
    let edge = fleet.edge();
    get(edge, "/text", &["range: bytes=0-9", "if-range: \"v1\""]);
    assert_eq!(upstream.last().values("range"), ["bytes=0-9"]);
    get(edge, "/text", &["range: bytes=0-,0-,0-", "if-range: \"v1\""]);
    assert!(upstream.last().values("range").is_empty());
    assert!(upstream.last().values("if-range").is_empty());
}

#[test]
fn only_named_operations_may_become_a_websocket() {
    let accept = |_: &Seen| {
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            .to_owned()
    };
    let upstream = Upstream::scripted(accept);
    let named = |users: &mut Service| users.websocket = Some(vec!["chat".to_owned()]);
    let fleet = Fleet::new(&shop(&upstream, named));
    let edge = fleet.edge();
    let open = |path: &str| {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        status(&raw(edge, &head))
    };
    assert_eq!(open("/chat"), 101);
    assert_eq!(open("/text"), 403);
}

#[test]
fn answers_that_hold_no_secret_are_compressed() {
    let upstream = Upstream::scripted(text);
    let mut shop = shop(&upstream, |_| {});
    let fleet = Fleet::new(&shop);
    let gzip = "accept-encoding: gzip";
    assert!(field(&get(fleet.edge(), "/text", &[gzip]), "content-encoding").is_none());
    shop.gateway.compresses = true;
    let fleet = Fleet::new(&shop);
    let edge = fleet.edge();
    let answer = get(edge, "/text", &[gzip]);
    assert_eq!(field(&answer, "content-encoding"), Some("gzip"), "{answer}");
    assert_eq!(field(&answer, "etag"), Some("W/\"v1\""));
    assert!(field(&answer, "vary").unwrap().contains("accept-encoding"));
    assert!(body(&answer).len() < 1_000);
    let known = get(edge, "/text", &[gzip, "cookie: __Host-ringwall=alice"]);
    assert!(field(&known, "content-encoding").is_none());
    let whole = get(edge, "/text", &[]);
    assert_eq!(body(&whole).len(), 4_000);
    assert!(field(&whole, "vary").unwrap().contains("accept-encoding"));
}

#[test]
fn grpc_web_reaches_the_app_as_grpc_and_comes_back_with_its_trailers() {
    let grpc = |_: &Seen| {
        "HTTP/1.1 200 OK\r\ncontent-type: application/grpc+proto\r\nconnection: close\r\n\
         trailer: grpc-status\r\ntransfer-encoding: chunked\r\n\r\n\
         7\r\n\0\0\0\0\x02hi\r\n0\r\ngrpc-status: 0\r\n\r\n"
            .to_owned()
    };
    let upstream = Upstream::scripted(grpc);
    let fleet = Fleet::new(&shop(&upstream, |users| users.has_grpc_web = true));
    let edge = fleet.edge();
    let kind = "content-type: application/grpc-web-text+proto";
    let answer = ask(edge, "POST /a.B/C", &[kind, "x-grpc-web: 1"], "AAAAAAI=aGk=");
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(field(&answer, "content-type"), Some("application/grpc-web-text+proto"));
    assert!(body(&answer).contains("AAAAAAJoaQ==") && body(&answer).contains("gAAAABBncnBj"));
    let seen = upstream.last();
    assert_eq!(seen.values("content-type"), ["application/grpc+proto"]);
    assert_eq!(seen.values("te"), ["trailers"]);
    assert!(seen.values("x-grpc-web").is_empty());
    assert!(seen.body.contains("\0\0\0\0\x02hi"), "{:?}", seen.body);
    // Without the key it is a request like any other.
    let fleet = Fleet::new(&shop(&upstream, |_| {}));
    ask(fleet.edge(), "POST /a.B/C", &[kind], "AAAAAAI=aGk=");
    assert_eq!(upstream.last().body, "AAAAAAI=aGk=");
}

#[test]
fn an_event_arrives_when_it_happens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, next) = channel::<()>();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        for number in 0..3 {
            stream.write_all(format!("data: {number}\n\n").as_bytes()).unwrap();
            // The next one comes only when this one has been seen.
            next.recv_timeout(Duration::from_secs(10)).unwrap();
        }
    });
    let mut users = service("users", address, &["events = GET /events"]);
    users.people.insert("anyone".to_owned(), grants(&["events"]));
    let fleet = Fleet::new(&model(vec![users]));
    let mut stream = TcpStream::connect(fleet.edge()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: shop.localhost:8443\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    for number in 0..3 {
        let wanted = format!("data: {number}");
        assert!(lines.any(|line| line == wanted), "{wanted}");
        seen.send(()).unwrap();
    }
}
