//! `ringwall serve` in front of a service that somebody else wrote.

use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use crate::library::{Library, field};
use crate::wait::until;

const JSON: &str = "Content-Type: application/json";

#[test]
fn what_a_line_allows_passes_and_everything_else_is_refused() {
    let library = Library::open();
    let house = &library.house;
    house.person("ada", "customer");
    house.person("cem", "clerk");
    let (ada, cem) = (house.sign_in("ada"), house.sign_in("cem"));
    let origin = format!("Origin: {}", house.origin());
    let check = |line: &str, fields: &[&str], body: &str, want: (u16, &str)| {
        let answer = house.send(line, fields, body);
        let verdict = answer.verdict();
        assert_eq!((verdict.0, verdict.1.as_str()), want, "{line} {fields:?}: {}", answer.raw);
    };
    let book = r#"{"title":"Tides"}"#;
    check("GET /books", &[], "", (200, ""));
    check("GET /books/7", &[], "", (403, "RW3001"));
    check("GET /books/7", &[&ada], "", (200, ""));
    check("DELETE /books/7", &[&ada, &origin], "", (403, "RW3001"));
    check("DELETE /books/7", &[&cem, &origin], "", (200, ""));
    check("DELETE /books/7", &[&cem], "", (403, "RW3005"));
    check("DELETE /books/7", &[&cem, "Origin: https://evil.example"], "", (403, "RW3005"));
    check("POST /books", &[&ada, &origin, JSON], book, (201, ""));
    check("GET /nothing", &[], "", (404, "RW3006"));
    check("PUT /books", &[&ada, &origin], "x", (405, "RW3007"));
    // The schema: path, query, body, media type.
    check("GET /books/seven", &[&ada], "", (400, "RW3008"));
    check("GET /books?limit=51", &[], "", (400, "RW3008"));
    check("GET /books?limit=50", &[], "", (200, ""));
    check("GET /books?other=1", &[], "", (400, "RW3008"));
    check("POST /books", &[&ada, &origin, JSON], r#"{"title":""}"#, (400, "RW3008"));
    check("POST /books", &[&ada, &origin, JSON], r#"{"title":"a","cost":1}"#, (400, "RW3008"));
    check("POST /books", &[&ada, &origin, JSON], r#"{"title":"a","title":"b"}"#, (400, "RW3008"));
    check("POST /books", &[&ada, &origin, "Content-Type: text/xml"], "<a/>", (415, "RW3014"));
    // Objects of one's own.
    check("GET /lab/shelves/ada", &[&ada], "", (200, ""));
    check("GET /lab/shelves/cem", &[&ada], "", (403, "RW3001"));
    check("GET /lab/mine", &[&ada], "", (500, "RW3010"));
    let forwarded: Vec<String> =
        library.upstream.seen().iter().map(|seen| seen["path"].to_string()).collect();
    assert_eq!(forwarded.len(), 7, "only what was allowed went on: {forwarded:?}");
}

/// Joins each connection at a Unix socket with one to this port of loopback.
fn socket_before(port: u16) -> (tempfile::TempDir, String) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for from in listener.incoming().flatten() {
            let to = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut back, mut answers) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
            std::thread::spawn(move || std::io::copy(&mut &from, &mut &to));
        }
    });
    (folder, path.to_str().unwrap().to_owned())
}

#[test]
fn a_service_behind_a_unix_socket_answers_as_any_other() {
    let mut socket = None;
    let library = Library::open_with(|text| {
        let port = text.split("upstream = \"127.0.0.1:").nth(1).unwrap().split('"').next().unwrap();
        let (folder, path) = socket_before(port.parse().unwrap());
        socket = Some(folder);
        text.replace(&format!("127.0.0.1:{port}"), &format!("unix:{path}"))
    });
    assert!(library.house.read("ringwall.toml").contains("unix:/"));
    for _ in 0..3 {
        let answer = library.house.get("/books");
        assert_eq!(answer.json(), serde_json::json!([{ "id": 7, "title": "Tides" }]));
    }
    let seen = library.upstream.seen();
    assert_eq!(seen.len(), 3);
    let host = field(&seen[0], "host").unwrap();
    assert_eq!(host, library.house.authority(), "the host is the client's, not the socket's");
}

#[test]
fn an_answer_loses_what_its_schema_does_not_name() {
    let library = Library::open();
    let answer = library.house.get("/books");
    assert_eq!(answer.json(), serde_json::json!([{ "id": 7, "title": "Tides" }]));
    assert_eq!(answer.field("x-content-type-options").as_deref(), Some("nosniff"));
}

#[test]
fn a_refusing_manifest_turns_the_same_answer_into_502() {
    let library = Library::open_with(|text| {
        text.replace("port = PORT", "port = PORT\nresponses = \"refuse\"")
    });
    let answer = library.house.get("/books");
    assert_eq!(answer.verdict(), (502, "RW3011".to_owned()), "{}", answer.raw);
}

#[test]
fn the_fourth_of_three_a_minute_waits() {
    let library = Library::open();
    let statuses: Vec<u16> = (0..4).map(|_| library.house.get("/lab/rated").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    let answer = library.house.get("/lab/rated");
    assert_eq!(answer.code(), "RW3004");
    let wait: u64 = answer.field("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(library.house.get("/lab/echo").status, 200, "others go on");
}

#[test]
fn observing_lets_through_and_writes_down_what_would_be_refused() {
    let library =
        Library::open_with(|text| text.replace("port = PORT", "port = PORT\nmode = \"observe\""));
    assert_eq!(library.house.get("/books/7").status, 200);
    assert_eq!(library.house.status()["mode"], "observe");
    let would = until("the record", || {
        let found = library.house.events(&["--outcome", "would-deny"]);
        (!found.is_empty()).then_some(found)
    });
    assert!(would[0].to_string().contains("getBook"), "{would:?}");
}

#[test]
fn a_body_over_its_limit_is_refused_and_one_at_it_passes() {
    let library = Library::open();
    let house = &library.house;
    let limit = 64 * 1024;
    let answer = house.send("POST /lab/echo", &["Content-Type: text/plain"], &"x".repeat(limit));
    assert_eq!((answer.status, answer.json()["length"].as_u64()), (200, Some(65_536)));
    let answer =
        house.send("POST /lab/echo", &["Content-Type: text/plain"], &"x".repeat(limit + 1));
    assert_eq!(answer.verdict(), (413, "RW3009".to_owned()), "{}", answer.raw);
    let chunks = format!("4000\r\n{}\r\n", "x".repeat(0x4000)).repeat(5);
    let head = format!(
        "POST /lab/echo HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        house.authority()
    );
    let answer = house.raw(format!("{head}{chunks}0\r\n\r\n").as_bytes());
    assert_eq!(answer.status, 413, "a length that nobody announced: {}", answer.raw);
    let large = house.get("/lab/large?size=20000000");
    assert_eq!((large.status, large.body.len(), large.is_complete), (200, 20_000_000, true));
}

#[test]
fn a_slow_service_is_answered_for_in_time() {
    let library = Library::open();
    assert_eq!(library.house.get("/lab/slow?ms=50").status, 200);
    let answer = library.house.get("/lab/slow?ms=8000");
    assert_eq!(answer.verdict(), (504, "RW3013".to_owned()), "{}", answer.raw);
}

#[test]
fn a_service_that_dies_never_leaves_a_complete_looking_answer() {
    let mut library = Library::open();
    let house = &library.house;
    for path in ["/lab/die-silent", "/lab/die-head", "/lab/two-lengths"] {
        let answer = house.get(path);
        assert_eq!(answer.verdict(), (502, "RW3012".to_owned()), "{path}: {}", answer.raw);
    }
    for path in ["/lab/die-length", "/lab/die-chunked", "/lab/die-killed"] {
        let answer = house.get(path);
        let is_error = answer.status == 502 && answer.is_complete;
        assert!(is_error || !answer.is_complete, "{path}: {}", answer.raw);
        assert!(answer.body != "half" || !answer.is_complete, "{path}: {}", answer.raw);
    }
    library.upstream.program.ends();
    let answer = house.get("/lab/echo");
    assert_eq!(answer.verdict(), (502, "RW3012".to_owned()), "{}", answer.raw);
    assert_eq!(house.get("/login").status, 200, "the house itself is well");
}

#[test]
fn the_service_learns_who_asks_and_nothing_that_a_client_claims() {
    let library = Library::open();
    let house = &library.house;
    house.person("ada", "customer");
    let ada = house.sign_in("ada");
    let answer = house.send("GET /lab/echo", &[&ada, "X-Forwarded-For: 6.6.6.6"], "");
    let seen = answer.json();
    assert!(field(&seen, "cookie").is_none(), "the session stays here: {seen}");
    let token = field(&seen, "ringwall-identity").unwrap().to_owned();
    let claims = claims(&token);
    assert_eq!(claims["name"], "ada");
    assert_eq!(claims["aud"], "lab");
    assert_eq!(claims["op"], "echo");
    assert_eq!(claims["jti"], field(&seen, "ringwall-request").unwrap());
    assert_eq!(claims["jti"], answer.field("ringwall-request").unwrap());
    assert!(field(&seen, "traceparent").is_some());
    assert!(!seen.to_string().contains("6.6.6.6"), "{seen}");
}

#[test]
fn a_refusal_is_explained_to_the_operator() {
    let library = Library::open();
    let id = library.house.get("/books/7").field("ringwall-request").unwrap();
    let text = until("the record", || {
        let outcome = library.house.run(&["why", &id]);
        (outcome.code == 0 && !outcome.out.is_empty()).then_some(outcome.out)
    });
    assert!(text.contains("getBook") && text.contains("ringwall.toml"), "{text}");
}

#[test]
fn asked_to_end_it_finishes_what_it_began() {
    let mut library =
        Library::open_with(|text| text.replace("lab.slow = { timeout = \"1s\" }", ""));
    let house = &library.house;
    let answer = std::thread::scope(|scope| {
        let slow = scope.spawn(|| house.get("/lab/slow?ms=1500"));
        until("the request arrives", || (!library.upstream.seen().is_empty()).then_some(()));
        library.server.signal("TERM");
        slow.join().unwrap()
    });
    assert_eq!((answer.status, answer.is_complete), (200, true), "{}", answer.raw);
    assert!(library.server.ends().success());
    crate::wait::pause(Duration::from_millis(1));
    assert!(TcpStream::connect(("127.0.0.1", house.port)).is_err());
}

/// The claims of a token, unverified.
pub(crate) fn claims(token: &str) -> serde_json::Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
