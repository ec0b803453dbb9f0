use proptest::prelude::*;

use super::*;
use crate::guard::fuzz;

fn request(text: &str) -> (Option<Violation>, usize) {
    let mut machine = Machine::request(HeadLimits::default());
    let settled = machine.feed(text.as_bytes()).unwrap_or(0);
    (machine.violation(), settled)
}

#[track_caller]
fn refused(text: &str, want: Violation) {
    assert_eq!(request(text), (Some(want), 0), "{text:?}");
}

#[track_caller]
fn accepted(text: &str) {
    assert_eq!(request(text), (None, text.len()), "{text:?}");
}

#[test]
fn well_formed_messages_pass_whole() {
    accepted("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    accepted("GET / HTTP/1.0\r\n\r\n");
    accepted("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    accepted("GET http://a.b:8/x?y HTTP/1.1\r\nHost: A.b:8\r\n\r\n");
    accepted(
        "POST /a HTTP/1.1\r\nhost:a\r\ncontent-length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    accepted(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n",
    );
    accepted("GET /a/.b/..c/x.json HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x-y\r\n\r\n");
}

#[test]
fn two_readings_of_the_framing_are_refused() {
    let post = |rest: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{rest}\r\n\r\n");
    for (fields, want) in [
        ("Content-Length: 3\r\nTransfer-Encoding: chunked", Violation::LengthAndEncoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3", Violation::LengthAndEncoding),
        ("Content-Length: 3\r\nContent-Length: 4", Violation::Lengths),
        ("Content-Length: 3\r\nContent-Length: 3", Violation::Lengths),
        ("Content-Length: 3, 3", Violation::Length),
        ("Content-Length: +3", Violation::Length),
        ("Content-Length: 03", Violation::Length),
        ("Content-Length: 0x3", Violation::Length),
        ("Content-Length:", Violation::Length),
        ("Content-Length: 99999999999999999999", Violation::Length),
        ("Transfer-Encoding: xchunked", Violation::TransferEncoding),
        ("Transfer-Encoding: chunked, identity", Violation::TransferEncoding),
        ("Transfer-Encoding: identity", Violation::TransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Violation::TransferEncoding),
        ("Transfer-Encoding: \u{b}chunked", Violation::ControlByte),
        ("Transfer-Encoding : chunked", Violation::SpaceBeforeColon),
        ("X: a\r\n b", Violation::ObsFold),
        ("X: a\r\n\tb", Violation::ObsFold),
        ("X: a\nY: b", Violation::BareLf),
        ("X: a\rY: b", Violation::ControlByte),
        ("X: a\0b", Violation::ControlByte),
        ("X y: a", Violation::FieldName),
        ("X", Violation::FieldName),
        (": a", Violation::FieldName),
        ("Host: a", Violation::Hosts),
        ("Connection: close, Host", Violation::Connection),
        ("Connection: authorization", Violation::Connection),
        ("Connection: cookie", Violation::Connection),
    ] {
        refused(&post(fields), want);
    }
}

#[test]
fn other_spellings_of_a_request_line_are_refused() {
    for line in [
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /",
        "GET / HTTP/2.0",
        "GET / http/1.1",
        " GET / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /\u{e9} HTTP/1.1",
        "",
        "GET * HTTP/1.1",
        "GET a HTTP/1.1",
        "GET /#x HTTP/1.1",
        "G(T / HTTP/1.1",
    ] {
        refused(&format!("{line}\r\nHost: a\r\n\r\n"), Violation::StartLine);
    }
    refused("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", Violation::Connect);
    refused("GET / HTTP/1.1\nHost: a\r\n\r\n", Violation::BareLf);
    refused("GET / HTTP/1.1\r\n\r\n", Violation::Host);
    refused("GET / HTTP/1.1\r\nHost:\r\n\r\n", Violation::Host);
    refused("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", Violation::Host);
    refused("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Violation::Authority);
    refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Violation::TransferEncoding);
    for path in ["/a/../b", "/..", "/.", "/a/%2e%2E/b", "/a/.%2e", "/a/..?x", "/a\\..\\b"] {
        refused(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"), Violation::DotSegment);
    }
}

#[test]
fn malformed_chunks_are_refused() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (body, want) in [
        ("3;x\nabc\r\n0\r\n\r\n", Violation::BareLf),
        ("3\nabc\r\n0\r\n\r\n", Violation::BareLf),
        ("fffffffffffffffff\r\n", Violation::ChunkSize),
        ("\r\n", Violation::ChunkSize),
        ("-1\r\n", Violation::ChunkSize),
        ("0x3\r\n", Violation::ChunkSize),
        ("3 \r\nabc", Violation::ChunkSize),
        ("3\r\nabcd\r\n", Violation::ChunkSyntax),
        ("3\r\nabc\n0\r\n", Violation::ChunkSyntax),
        ("3\r\rabc", Violation::ChunkSyntax),
        ("0\r\nContent-Length: 3\r\n\r\n", Violation::Trailer),
        ("0\r\nAuthorization: x\r\n\r\n", Violation::Trailer),
        ("0\r\nx: y\n\r\n", Violation::BareLf),
    ] {
        refused(&format!("{head}{body}"), want);
    }
}

#[test]
fn nothing_may_follow_an_upgrade() {
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n";
    accepted(upgrade);
    refused(&format!("{upgrade}GET"), Violation::BytesAfterUpgrade);
    let mut machine = Machine::request(HeadLimits::default());
    assert_eq!(machine.feed(upgrade.as_bytes()), Ok(upgrade.len()));
    machine.resume();
    assert_eq!(machine.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(27));
    assert_eq!(machine.feed(upgrade.as_bytes()), Ok(upgrade.len()));
    machine.pass();
    assert_eq!(machine.feed(b"\0\n\xff"), Ok(3));
}

#[test]
fn each_limit_takes_the_last_and_refuses_the_next() {
    let limits =
        HeadLimits { head_bytes_max: 100, fields_max: 2, uri_bytes_max: 10, trailer_bytes_max: 10 };
    let verdict = |text: &str| {
        let mut machine = Machine::request(limits);
        machine.feed(text.as_bytes()).err()
    };
    let uri = |path: &str| verdict(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(uri("/123456789"), None);
    assert_eq!(uri("/1234567890"), Some(Violation::UriTooLong));
    let fields = |more: &str| verdict(&format!("GET / HTTP/1.1\r\nHost: a\r\n{more}\r\n"));
    assert_eq!(fields("x: y\r\n"), None);
    assert_eq!(fields("x: y\r\nz: w\r\n"), Some(Violation::TooManyFields));
    // 27 bytes of frame, and `x: \r\n` is 5 of the rest.
    assert_eq!(fields(&format!("x: {}\r\n", "y".repeat(68))), None);
    assert_eq!(fields(&format!("x: {}\r\n", "y".repeat(69))), Some(Violation::HeadTooLarge));
    assert_eq!(verdict(&"G".repeat(101)), Some(Violation::UriTooLong));
}

#[test]
fn a_request_before_a_refused_one_is_settled_alone() {
    let good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let bad = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz";
    assert_eq!(request(&format!("{good}{bad}")), (Some(Violation::ChunkSize), good.len()));
}

#[test]
fn a_response_ends_where_its_request_and_head_say() {
    let feed = |is_head: bool, text: &str| {
        let mut machine = Machine::response(HeadLimits::default());
        machine.expect(is_head);
        machine.feed(text.as_bytes()).map(|_| machine.is_between())
    };
    assert_eq!(feed(false, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"), Ok(true));
    assert_eq!(feed(true, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), Ok(true));
    assert_eq!(feed(false, "HTTP/1.1 204\r\n\r\n"), Ok(true));
    assert_eq!(feed(false, "HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n"), Ok(true));
    assert_eq!(
        feed(false, "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        Ok(true)
    );
    assert_eq!(feed(false, "HTTP/1.0 200 OK\r\n\r\nuntil the end"), Ok(false));
    for (head, want) in [
        ("Content-Length: 2\r\nTransfer-Encoding: chunked", Violation::LengthAndEncoding),
        ("Content-Length: 2\r\nContent-Length: 2", Violation::Lengths),
        ("X: a\nY: b", Violation::BareLf),
    ] {
        assert_eq!(feed(false, &format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n")), Err(want));
    }
}

/// Pieces that are near to messages find more than bytes do.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("GET / HTTP/1.1\r\n"),
        Just("POST /a HTTP/1.1\r\n"),
        Just("Host: a\r\n"),
        Just("Content-Length: 3\r\n"),
        Just("Transfer-Encoding: chunked\r\n"),
        Just("\r\n"),
        Just("3\r\nabc\r\n"),
        Just("0\r\n"),
        Just("abc"),
        Just("\n"),
        Just("Upgrade: x\r\n"),
        Just("5;a=b\r\n"),
        Just(" x"),
        Just("X: y\r\n"),
        Just("\0"),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn a_split_anywhere_gives_the_same_verdict(mut data in message(), seed in any::<u8>()) {
        data.insert(0, seed);
        fuzz(&data);
    }

    #[test]
    fn bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz(&data);
    }
}
