//! Attacks through the public door, against a service that writes down whatever reaches it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ClientConnection, StreamOwned};

use crate::library::Library;

/// A request that nobody may forward, with `HOST` for our own Host line.
const PROBES: &[(&str, &str)] = &[
    (
        "length, then chunks",
        "POST /lab/echo HTTP/1.1\r\nHOST\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunks, then length",
        "POST /lab/echo HTTP/1.1\r\nHOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    ),
    (
        "two lengths",
        "POST /lab/echo HTTP/1.1\r\nHOST\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    ),
    (
        "equal lengths twice",
        "POST /lab/echo HTTP/1.1\r\nHOST\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    ),
    ("a list of lengths", "POST /lab/echo HTTP/1.1\r\nHOST\r\nContent-Length: 3, 3\r\n\r\nabc"),
    ("a signed length", "POST /lab/echo HTTP/1.1\r\nHOST\r\nContent-Length: +3\r\n\r\nabc"),
    ("a negative length", "POST /lab/echo HTTP/1.1\r\nHOST\r\nContent-Length: -1\r\n\r\nabc"),
    ("a hexadecimal length", "POST /lab/echo HTTP/1.1\r\nHOST\r\nContent-Length: 0x3\r\n\r\nabc"),
    (
        "a length beyond all",
        "POST /lab/echo HTTP/1.1\r\nHOST\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
    ),
    (
        "an unknown encoding",
        "POST /lab/echo HTTP/1.1\r\nHOST\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked is not last",
        "POST /lab/echo HTTP/1.1\r\nHOST\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked twice",
        "POST /lab/echo HTTP/1.1\r\nHOST\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked in two lines",
        "POST /lab/echo HTTP/1.1\r\nHOST\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked behind a tab",
        "POST /lab/echo HTTP/1.1\r\nHOST\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunks in 1.0",
        "POST /lab/echo HTTP/1.0\r\nHOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    ("a space before the colon", "GET /lab/echo HTTP/1.1\r\nHOST\r\nX-A : 1\r\n\r\n"),
    ("a folded line", "GET /lab/echo HTTP/1.1\r\nHOST\r\nX-A: 1\r\n 2\r\n\r\n"),
    ("bare line feeds", "GET /lab/echo HTTP/1.1\nHOST\n\n"),
    ("a bare return", "GET /lab/echo HTTP/1.1\r\nHOST\r\nX-A: 1\rX-B: 2\r\n\r\n"),
    ("NUL in a value", "GET /lab/echo HTTP/1.1\r\nHOST\r\nX-A: a\0b\r\n\r\n"),
    (
        "an upgrade with a rider",
        "GET /lab/echo HTTP/1.1\r\nHOST\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /lab/echo HTTP/1.1\r\nHOST\r\n\r\n",
    ),
    (
        "a hop that names what protects",
        "GET /lab/echo HTTP/1.1\r\nHOST\r\nConnection: close, authorization\r\n\r\n",
    ),
    (
        "a hop that names our token",
        "GET /lab/echo HTTP/1.1\r\nHOST\r\nConnection: Ringwall-Identity\r\n\r\n",
    ),
    ("a version of its own", "GET /lab/echo HTTP/1.2\r\nHOST\r\n\r\n"),
    (
        "two requests without an end",
        "GET /lab/echo HTTP/1.1 GET /lab/echo HTTP/1.1\r\nHOST\r\n\r\n",
    ),
];

/// A request whose end is clear, but whose target is not one that it may have.
const TARGETS: &[(&str, &str)] = &[
    ("no host", "GET /lab/echo HTTP/1.1\r\nX-A: 1\r\n\r\n"),
    ("two hosts", "GET /lab/echo HTTP/1.1\r\nHOST\r\nHOST\r\n\r\n"),
    ("another host", "GET /lab/echo HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
    ("absolute form of another host", "GET http://evil.example/lab/echo HTTP/1.1\r\nHOST\r\n\r\n"),
    ("a tunnel", "CONNECT 127.0.0.1:80 HTTP/1.1\r\nHOST\r\n\r\n"),
    ("dot segments", "GET /lab/../lab/echo HTTP/1.1\r\nHOST\r\n\r\n"),
    ("encoded dot segments", "GET /lab/%2e%2e/lab/echo HTTP/1.1\r\nHOST\r\n\r\n"),
    ("an encoded slash", "GET /lab%2fecho HTTP/1.1\r\nHOST\r\n\r\n"),
    ("a backslash", "GET /lab\\echo HTTP/1.1\r\nHOST\r\n\r\n"),
    ("an empty segment", "GET //lab/echo HTTP/1.1\r\nHOST\r\n\r\n"),
    ("a path parameter", "GET /lab/echo;x=1 HTTP/1.1\r\nHOST\r\n\r\n"),
    ("bad UTF-8", "GET /lab/%ff HTTP/1.1\r\nHOST\r\n\r\n"),
    ("overlong UTF-8", "GET /lab/%c0%aeecho HTTP/1.1\r\nHOST\r\n\r\n"),
    ("a fragment", "GET /lab/echo#x HTTP/1.1\r\nHOST\r\n\r\n"),
    ("a method in lower case", "get /lab/echo HTTP/1.1\r\nHOST\r\n\r\n"),
];

/// Bodies that break off or lie: the service may see a beginning, but never a request of its own.
const BODIES: &[(&str, &str)] = &[
    ("a size that overflows", "10000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("a size in another base", "0x3\r\nabc\r\n0\r\n\r\n"),
    ("a size with a sign", "+3\r\nabc\r\n0\r\n\r\n"),
    ("an extension ended by a line feed", "3;x\nabc\r\n0\r\n\r\n"),
    ("data that is longer", "3\r\nabcGET /lab/echo?smuggled HTTP/1.1\r\n\r\n0\r\n\r\n"),
    ("a trailer of ours", "3\r\nabc\r\n0\r\nRingwall-Identity: x\r\n\r\n"),
];

#[test]
fn what_has_two_ends_is_refused_and_nothing_of_it_goes_on() {
    let library = Library::open();
    let host = format!("Host: {}", library.house.authority());
    for (name, probe) in PROBES {
        let probe = probe.replace("HOST", &host);
        // Behind each one a request that would show that the connection was read on.
        let both = format!("{probe}GET /lab/echo?smuggled HTTP/1.1\r\n{host}\r\n\r\n");
        check(&library, name, &both);
    }
}

#[test]
fn what_has_two_targets_is_refused_and_nothing_of_it_goes_on() {
    let library = Library::open();
    let host = format!("Host: {}\r\nConnection: close", library.house.authority());
    for (name, probe) in TARGETS {
        check(&library, name, &probe.replace("HOST", &host));
    }
}

#[track_caller]
fn check(library: &Library, name: &str, request: &str) {
    let answer = library.house.raw(request.as_bytes());
    let status = answer.status;
    let is_refused = (400..500).contains(&status) || status == 501 || status == 505;
    // Closing with unread bytes resets the connection, and the refusal may be lost with it.
    assert!(is_refused || answer.raw.is_empty(), "{name}: {}", answer.raw);
    assert!(!answer.raw.contains("HTTP/1.1 200"), "{name}: {}", answer.raw);
    let seen = library.upstream.seen();
    assert!(seen.is_empty(), "{name} reached the service: {seen:?}");
}

#[test]
fn a_body_that_lies_ends_the_connection() {
    let library = Library::open();
    let host = format!("Host: {}", library.house.authority());
    for (name, body) in BODIES {
        let head =
            format!("POST /lab/echo HTTP/1.1\r\n{host}\r\nTransfer-Encoding: chunked\r\n\r\n");
        let next =
            format!("GET /lab/echo?smuggled HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n");
        let answer = library.house.raw(format!("{head}{body}{next}").as_bytes());
        // A trailer is dropped and not refused: then both requests are what they seem.
        let is_trailer = name.contains("trailer") && answer.status == 200;
        assert!(answer.status >= 400 || is_trailer, "{name}: {}", answer.raw);
        let seen = library.upstream.seen();
        let smuggled = seen.iter().any(|seen| seen.to_string().contains("smuggled"));
        assert!(is_trailer || !smuggled, "{name}: {seen:?}");
        assert!(!seen.iter().any(|seen| seen["body"] == "x"), "{name}");
    }
}

#[test]
fn nobody_becomes_somebody_by_a_header() {
    let library = Library::open();
    for name in [
        "Ringwall-Identity",
        "ringwall-identity",
        "RINGWALL-IDENTITY",
        "Ringwall_Identity",
        "RINGWALL_IDENTITY",
        "ringwall-Identity ",
        "Ringwall-Owner",
        "Ringwall-Request",
        "Ringwall-Person",
        "Ringwall_Person",
        "Ringwall--Identity",
        "X-Forwarded-For",
        "X_Forwarded_For",
        "X-Forwarded-User",
        "X_Forwarded-User",
        "X-Forwarded-Host",
        "Forwarded",
        "X-Forwarded-Client-Cert",
        "Ringwall.Identity",
        "HTTP_RINGWALL_IDENTITY",
        "Ringwall-Identity\t",
    ] {
        let answer = library.house.send("GET /lab/echo", &[&format!("{name}: mallory")], "");
        assert!([200, 400].contains(&answer.status), "{name}: {}", answer.raw);
        for seen in library.upstream.seen() {
            // What a WSGI server makes of a name: everything but letters and digits becomes `_`.
            let fields = seen["headers"].as_array().unwrap();
            let is_ours = |field: &str| {
                let wsgi = field.replace(|byte: char| !byte.is_ascii_alphanumeric(), "_");
                ["ringwall_", "x_forwarded_", "forwarded"].iter().any(|ours| wsgi.starts_with(ours))
            };
            let planted = fields.iter().any(|field| {
                is_ours(field[0].as_str().unwrap()) && field[1].to_string().contains("mallory")
            });
            assert!(!planted, "{name}: {seen}");
        }
    }
    let two = ["Ringwall-Identity: mallory", "Ringwall-Identity: eve"];
    let answer = library.house.send("GET /lab/echo", &two, "");
    let tokens = answer.raw.matches("ringwall-identity").count();
    assert!(answer.status == 400 || tokens == 1, "{}", answer.raw);
}

#[test]
fn two_credentials_at_once_are_none() {
    let library = Library::open();
    let house = &library.house;
    house.person("ada", "customer");
    let secret = house.robot("robot");
    let (cookie, token) = (house.sign_in("ada"), house.token("robot", &secret));
    let bearer = format!("Authorization: Bearer {token}");
    let answer = house.send("GET /books/7", &[&cookie, &bearer], "");
    assert_eq!(answer.status, 400, "{}", answer.raw);
    let answer = house.send("GET /books/7", &[&bearer, &bearer], "");
    assert_eq!(answer.status, 400, "{}", answer.raw);
    assert!(library.upstream.seen().is_empty());
}

// ── HTTP/2, whose fields become lines of HTTP/1.1 behind the door ──

/// Frames that came back: kind and payload.
type Frames = Vec<(u8, Vec<u8>)>;

/// One stream with these fields, and the frames that came back.
fn stream(library: &Library, fields: &[(&str, &str)], body: &[u8]) -> Frames {
    let mut socket = h2(library);
    let mut block = Vec::new();
    for (name, value) in fields {
        // Literal, never indexed, no Huffman (RFC 7541 section 6.2.3).
        block.push(0x10);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.bytes());
        }
    }
    let end = u8::from(body.is_empty());
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    bytes.extend(frame(1, 4 | end, 1, &block));
    if !body.is_empty() {
        bytes.extend(frame(0, 1, 1, body));
    }
    drop(socket.write_all(&bytes));
    drop(socket.flush());
    answer(&mut socket)
}

fn h2(library: &Library) -> StreamOwned<ClientConnection, TcpStream> {
    let mut config = library.house.client_config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    library.house.connect_with(Arc::new(config))
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [0, length[0], length[1], kind, flags, 0, 0, 0, stream];
    [&head, payload].concat()
}

/// Reads until the stream is answered, reset, or the connection is over.
fn answer(socket: &mut impl Read) -> Frames {
    let mut frames = Vec::new();
    let mut head = [0; 9];
    while socket.read_exact(&mut head).is_ok() {
        let length = usize::from(head[1]) * 256 + usize::from(head[2]);
        let mut payload = vec![0; length];
        if socket.read_exact(&mut payload).is_err() {
            break;
        }
        let is_end = [1, 3, 7].contains(&head[3]);
        frames.push((head[3], payload));
        if is_end {
            break;
        }
    }
    frames
}

#[test]
fn a_stream_of_http_2_cannot_become_two_requests() {
    let library = Library::open();
    let authority = library.house.authority();
    let good = |path: &'static str, method: &'static str| {
        vec![
            (":method", method),
            (":scheme", "https"),
            (":path", path),
            (":authority", authority.as_str()),
        ]
    };
    let with = |fields: &[(&'static str, &'static str)]| {
        [good("/lab/echo", "GET"), fields.to_vec()].concat()
    };
    let is_good = |frames: &Frames| {
        // `:status: 200` is entry 8 of the static table.
        frames.iter().any(|(kind, payload)| *kind == 1 && payload.first() == Some(&0x88))
    };
    assert!(is_good(&stream(&library, &with(&[]), b"")), "the control is answered");
    let control = library.upstream.seen().len();
    for (name, fields) in [
        ("a line break in a value", with(&[("x-a", "1\r\nx-b: 2")])),
        ("a request in a value", with(&[("x-a", "1\r\n\r\nGET /lab/echo?smuggled HTTP/1.1\r\n")])),
        ("a colon in a name", with(&[("x-a: 1\r\nx-b", "2")])),
        ("a line break in the path", good("/lab/echo\r\nx-a: 1", "GET")),
        ("a space in the path", good("/lab/echo HTTP/1.1", "GET")),
        ("a line break in the method", good("/lab/echo", "GET / HTTP/1.1\r\nx:")),
        ("an encoding", with(&[("transfer-encoding", "chunked")])),
        ("a hop", with(&[("connection", "close")])),
        ("an upgrade", with(&[("upgrade", "h2c")])),
        ("a name in upper case", with(&[("X-A", "1")])),
        ("another host beside", with(&[("host", "evil.example")])),
        ("two paths", with(&[(":path", "/lab/put")])),
        ("a pseudo field behind", with(&[("x-a", "1"), (":method", "POST")])),
        ("another scheme's tunnel", vec![(":method", "CONNECT"), (":authority", "127.0.0.1:80")]),
        ("dot segments", good("/lab/../lab/echo", "GET")),
        ("our token", with(&[("ringwall_identity", "mallory")])),
    ] {
        let frames = stream(&library, &fields, b"");
        assert!(!is_good(&frames), "{name}: {frames:?}");
    }
    let short = [good("/lab/echo", "POST"), vec![("content-length", "3")]].concat();
    let frames = stream(&library, &short, b"abcGET /lab/echo?smuggled HTTP/1.1\r\n\r\n");
    assert!(!is_good(&frames), "a length that lies: {frames:?}");
    let seen = library.upstream.seen();
    let smuggled = seen.iter().any(|seen| seen.to_string().contains("smuggled"));
    assert!(!smuggled, "{seen:?}");
    assert_eq!(seen.len(), control, "{seen:?}");
}

#[test]
fn ranges_and_cookies_over_their_limits_are_counted() {
    let library = Library::open();
    let house = &library.house;
    let ranges = "Range: bytes=0-1,0-2,0-3,0-4";
    assert_eq!(house.send("GET /books", &[ranges], "").status, 200, "the whole instead");
    let cookies = format!("Cookie: a={}", "b".repeat(17_000));
    assert_eq!(house.send("GET /books", &[&cookies], "").status, 400);
    let metrics = house.metrics();
    for limit in ["ranges", "large_cookies"] {
        let line = format!("ringwall_limits_reached_total{{worker=\"0\",limit=\"{limit}\"}} 1\n");
        assert!(metrics.contains(&line), "{limit}: {metrics}");
    }
}
