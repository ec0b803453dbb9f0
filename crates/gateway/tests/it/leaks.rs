//! What must not leave: found in answers, masked, withheld, cut off or recorded.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use ringwall_base::{Event, Outcome};
use ringwall_manifest::{DataClass, Leak, Mask, Mode, Model, Viewer, Waf};

use crate::fleet::{Fleet, ask, body, code, field, get, grants, model, service, status};
use crate::upstream::{Upstream, json, with};

const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/app.py\", line 3, in f\n";

fn shop(upstream: std::net::SocketAddr, leaks: Waf) -> Model {
    let operations = ["find = GET /find", "other = GET /other"];
    let mut shop = service("shop", upstream, &operations);
    shop.people.insert("anyone".to_owned(), grants(&["find", "other"]));
    shop.data = vec!["payment".to_owned()];
    let mut model = model(vec![shop]);
    model.gateway.leaks = leaks;
    model
}

fn payment(model: &mut Model, see: Option<Vec<Viewer>>, leak: Leak, mask: Mask) {
    let class = DataClass { detect: vec!["card", "iban"], see, leak, mask, ..DataClass::default() };
    model.data.insert("payment".to_owned(), class);
}

/// Outcome, code and reason of an event.
type Told = (Outcome, &'static str, String);

/// What was found since the last time.
fn found(fleet: &Fleet) -> Vec<Told> {
    let events = fleet.sink.take().into_iter().filter(|one| one.action == "leak-found");
    let told = |event: Event| (event.outcome, event.code.unwrap(), event.reason.unwrap());
    events.map(told).collect()
}

/// The answer that a path asks for.
fn script(path: &str) -> String {
    let page = |body: &str| with("500 Oops", &[], body).replace("application/json", "text/html");
    match path {
        line if line.contains("trace") => page(TRACE),
        line if line.contains("sql") => {
            with("500 Oops", &[], "{\"error\":\"no such table: peeple\"}")
        }
        line if line.contains("comment") => json("{\"text\":\"no such table: peeple\"}"),
        line if line.contains("says") => {
            page("no such table: peeple").replace("500 Oops", "200 OK")
        }
        line if line.contains("signed") => with(
            "302 Found",
            &[&format!(
                "location: https://b.s3.amazonaws.com/x?X-Amz-Credential={}{}%2F20261123",
                "AKIA", "IOSFODNN7EXAMPLE"
            )],
            &format!("{{\"maps\":\"{}{}\"}}", "AIza", "aB3dE5gH7j".repeat(4).split_at(35).0),
        ),
        line if line.contains("deep") => {
            json(&format!("{}4111111111111111{}", "[".repeat(600), "]".repeat(600)))
        }
        line if line.contains("key") => {
            json(&format!("{{\"k\":\"{}{}\"}}", "AKIA", "IOSFODNN7EXAMPLE"))
        }
        line if line.contains("field") => with(
            "200 OK",
            &[&format!("x-debug-token: {}{}", "ghp_", "aB3dE5gH7j".repeat(4).split_at(36).0)],
            "{}",
        ),
        line if line.contains("cookie") => {
            with("200 OK", &[&format!("set-cookie: t={}{}", "AKIA", "IOSFODNN7EXAMPLE")], "{}")
        }
        line if line.contains("packed") => with("200 OK", &["content-encoding: gzip"], "no gzip"),
        line if line.contains("stars") => {
            with("200 OK", &["etag: \"1\"", "x-last: 4111111111111111"], CARDS)
        }
        line if line.contains("plain") => {
            page("paid with 4111 1111 1111 1111, thanks").replace("text/html", "text/plain")
        }
        _ => json("{\"ok\":true}"),
    }
}

const CARDS: &str = "{\"n\":4111111111111111,\"list\":[{\"iban\":\"DE89 3704 0044 0532 0130 00\"}],\"id\":1763862000123}";

#[test]
fn where_it_blocks_nothing_of_a_leak_leaves() {
    let upstream = Upstream::scripted(|seen| script(seen.line()));
    let fleet = Fleet::new(&shop(upstream.address, Waf::Block));
    for (path, want) in [
        ("/find?trace", "stack-trace at byte 0"),
        ("/find?sql", "sql-error at byte 10"),
        ("/find?key", "aws-key at byte 6"),
        ("/find?field", "github-token in the field x-debug-token"),
    ] {
        let answer = get(fleet.edge(), path, &[]);
        assert_eq!((status(&answer), code(&answer).as_str()), (502, "RW3022"), "{answer}");
        for part in ["Traceback", "peeple", "AKIA", "ghp_"] {
            assert!(!answer.contains(part), "{answer}");
        }
        assert_eq!(found(&fleet), [(Outcome::Failure, "RW3022", want.to_owned())], "{path}");
    }
    for (path, want) in [("/find", 200), ("/find?cookie", 200), ("/find?signed", 302)] {
        assert_eq!(status(&get(fleet.edge(), path, &[])), want, "{path}");
    }
    assert_eq!(status(&get(fleet.edge(), "/find?says", &[])), 502, "a page");
    found(&fleet);
    // What people write into fields is no page of errors.
    let comment = get(fleet.edge(), "/find?comment", &[]);
    assert!(body(&comment).contains("peeple"), "{comment}");
    let want = (Outcome::Success, "RW3022", "sql-error at byte 9".to_owned());
    assert_eq!(found(&fleet), [want]);
    // The app is asked for what can be read, and what cannot is withheld.
    assert_eq!(upstream.last().values("accept-encoding"), ["identity"]);
    let packed = get(fleet.edge(), "/find?packed", &["accept-encoding: gzip"]);
    assert_eq!((status(&packed), code(&packed).as_str()), (502, "RW3011"), "{packed}");
    let text = fleet.core.metrics().unwrap();
    let line = "ringwall_leaks_total{detector=\"stack-trace\",action=\"blocked\"} 1";
    assert!(text.contains(line), "{text}");
}

#[test]
fn where_it_logs_everything_passes_and_is_recorded() {
    let upstream = Upstream::scripted(|seen| script(seen.line()));
    let fleet = Fleet::new(&shop(upstream.address, Waf::Log));
    for (path, want, part) in [
        ("/find?trace", "stack-trace at byte 0", TRACE),
        ("/find?key", "aws-key at byte 6", "AKIA"),
        ("/find?field", "github-token in the field x-debug-token", "ghp_"),
    ] {
        let answer = get(fleet.edge(), path, &["accept-encoding: gzip"]);
        assert!(answer.contains(part), "{answer}");
        assert_eq!(found(&fleet), [(Outcome::Success, "RW3022", want.to_owned())], "{path}");
    }
    assert_eq!(upstream.last().values("accept-encoding"), ["gzip"], "nothing is asked of the app");
    assert!(get(fleet.edge(), "/find?packed", &[]).ends_with("no gzip"));
    let mut model = shop(upstream.address, Waf::Block);
    model.services.get_mut("shop").unwrap().leaks.operations.insert("find".to_owned(), Waf::Off);
    let off = Fleet::new(&model);
    assert!(get(off.edge(), "/find?trace", &[]).contains(TRACE));
    assert_eq!(status(&get(off.edge(), "/other?trace", &[])), 502, "only one operation is off");
    model.gateway.mode = Mode::Observe;
    let observed = Fleet::new(&model);
    assert!(get(observed.edge(), "/other?trace", &[]).contains(TRACE));
    assert_eq!(found(&observed)[0].0, Outcome::WouldDeny);
}

#[test]
fn a_value_of_a_class_is_masked_for_those_who_may_not_see_it() {
    let upstream = Upstream::scripted(|seen| script(seen.line()));
    let mut model = shop(upstream.address, Waf::Off);
    payment(&mut model, Some(Vec::new()), Leak::Cut, Mask::Last4);
    let fleet = Fleet::new(&model);
    let answer = get(fleet.edge(), "/find?stars", &[]);
    let masked = "{\"n\":\"************1111\",\"list\":[{\"iban\":\"**** **** **** **** **30 00\"}],\
                  \"id\":1763862000123}";
    assert_eq!(body(&answer), masked);
    assert_eq!(field(&answer, "content-length"), Some(masked.len().to_string().as_str()));
    assert_eq!(
        (field(&answer, "etag"), field(&answer, "x-last")),
        (None, Some("************1111"))
    );
    let told: Vec<String> = found(&fleet).into_iter().map(|(_, _, reason)| reason).collect();
    assert_eq!(told, ["card in the field x-last", "card at /n; iban at /list/0/iban"]);
    let plain = get(fleet.edge(), "/find?plain", &["range: bytes=10-"]);
    assert_eq!(body(&plain), "paid with **** **** **** 1111, thanks");
    assert!(upstream.last().values("range").is_empty(), "half a number would not be known");
    let deep = get(fleet.edge(), "/find?deep", &[]);
    assert_eq!((status(&deep), code(&deep).as_str()), (502, "RW3011"), "{deep}");
    payment(&mut model, Some(Vec::new()), Leak::Refuse, Mask::All);
    let answer = get(Fleet::new(&model).edge(), "/find?plain", &[]);
    assert_eq!((status(&answer), code(&answer).as_str()), (502, "RW3022"));
    let anyone = Viewer::Role { name: "anyone".to_owned(), own: false };
    for see in [None, Some(vec![anyone])] {
        payment(&mut model, see, Leak::Refuse, Mask::All);
        assert_eq!(body(&get(Fleet::new(&model).edge(), "/find?stars", &[])), CARDS);
    }
}

/// An answer without a length, in pieces: each is written when the one before has arrived.
fn in_pieces(kind: &str, pieces: &[&str], leaks: Waf, mode: Mode, see: bool) -> (String, Fleet) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (next, go_on) = mpsc::channel::<()>();
    let kind = kind.to_owned();
    let count = pieces.len();
    let pieces: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = [0; 4096];
        assert!(stream.read(&mut bytes).unwrap() > 0);
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n")
            .unwrap();
        for piece in pieces {
            if stream.write_all(piece.as_bytes()).is_err() {
                return;
            }
            if go_on.recv_timeout(Duration::from_secs(2)).is_err() {
                return;
            }
        }
    });
    let mut model = shop(address, leaks);
    model.gateway.mode = mode;
    if !see {
        payment(&mut model, Some(Vec::new()), Leak::Cut, Mask::All);
    }
    let fleet = Fleet::new(&model);
    let mut client = TcpStream::connect(fleet.edge()).unwrap();
    let head = "GET /find HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: close\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let (mut answer, mut bytes, mut sent) = (Vec::new(), [0; 4096], 0);
    loop {
        match client.read(&mut bytes) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&bytes[..read]),
            // Nothing comes: the next piece may be written.
            Err(_) if sent < count => {
                sent += 1;
                next.send(()).ok();
            }
            Err(_) => break,
        }
    }
    (String::from_utf8_lossy(&answer).into_owned(), fleet)
}

const EVENTS: &str = "text/event-stream";

#[test]
fn a_stream_is_cut_off_before_the_value_and_what_came_before_has_arrived() {
    let secret = format!("data: {}{}\n\n", "AKIA", "IOSFODNN7EXAMPLE");
    let (begin, end) = secret.split_at(14);
    let pieces = ["data: one\n\n", begin, end, "data: never\n\n"];
    let (answer, fleet) = in_pieces(EVENTS, &pieces, Waf::Block, Mode::Block, true);
    assert!(answer.contains("data: one\n\n"), "{answer}");
    for part in ["IOSF", "never", "EXAMPLE"] {
        assert!(!answer.contains(part), "{answer}");
    }
    assert!(!answer.ends_with("0\r\n\r\n"), "it does not look complete: {answer}");
    assert_eq!(found(&fleet), [(Outcome::Failure, "RW3023", "aws-key at byte 17".to_owned())]);
    for (leaks, mode, outcome) in
        [(Waf::Log, Mode::Block, Outcome::Success), (Waf::Block, Mode::Observe, Outcome::WouldDeny)]
    {
        let (answer, fleet) = in_pieces(EVENTS, &pieces, leaks, mode, true);
        assert!(answer.contains("never") && answer.contains("EXAMPLE"), "{answer}");
        assert_eq!(found(&fleet)[0].0, outcome);
    }
}

#[test]
fn a_stream_is_cut_off_at_a_value_that_its_reader_may_not_see() {
    let pieces = ["data: one\n\n", "data: 4111 1111 ", "1111 1111\n\n", "data: never\n\n"];
    let (answer, fleet) = in_pieces(EVENTS, &pieces, Waf::Off, Mode::Block, false);
    assert!(answer.contains("data: one\n\n"), "{answer}");
    assert!(!answer.contains("4111") && !answer.contains("never"), "{answer}");
    assert_eq!(found(&fleet), [(Outcome::Failure, "RW3023", "card at byte 17".to_owned())]);
}

#[test]
fn a_card_ends_a_stream_however_much_else_is_in_it() {
    let tokens = format!("data: {}{}\n\n", "ghp_", "aB3dE5gH7j".repeat(4).split_at(36).0);
    let pieces = [&*tokens.repeat(70), "data: 4111111111111111\n\n", "data: never\n\n"];
    let (answer, _fleet) = in_pieces(EVENTS, &pieces, Waf::Log, Mode::Block, false);
    assert!(answer.contains("ghp_"), "{answer}");
    assert!(!answer.contains("4111") && !answer.contains("never"), "{answer}");
}

#[test]
fn what_one_writes_keeps_no_event_from_others() {
    let begun = "data: PuTTY-User-Key-File-2: \n\ndata: two\n\n";
    let pieces = [begun, "data: three\n", "\n", "data: 4111111111111111\n\n"];
    for leaks in [Waf::Log, Waf::Block] {
        let (answer, _fleet) = in_pieces(EVENTS, &pieces, leaks, Mode::Block, false);
        assert!(answer.contains("data: two\n\n") && !answer.contains("4111"), "{answer}");
        assert!(answer.contains("data: three\n"), "{answer}");
    }
    let lines = ["{\"a\":\"PuTTY-User-Key-File-2: \"}\n{\"b\":1}\n", "4111111111111111\n"];
    let (answer, _fleet) =
        in_pieces("application/x-ndjson", &lines, Waf::Block, Mode::Block, false);
    assert!(answer.contains("{\"b\":1}") && !answer.contains("4111"), "{answer}");
}

#[test]
fn a_coding_that_is_none_is_looked_through() {
    for coding in ["identity", "none", "Identity, identity"] {
        let kind = format!("{EVENTS}\r\ncontent-encoding: {coding}");
        let pieces = ["data: one\n\n", "data: 4111111111111111\n\n"];
        let (answer, _fleet) = in_pieces(&kind, &pieces, Waf::Block, Mode::Block, false);
        assert!(answer.contains("data: one\n\n") && !answer.contains("4111"), "{answer}");
        assert!(!answer.to_ascii_lowercase().contains("content-encoding"), "{answer}");
    }
    for coding in ["gzip", "identity, gzip"] {
        let kind = format!("{EVENTS}\r\ncontent-encoding: {coding}");
        let (answer, _fleet) = in_pieces(&kind, &["data: one"], Waf::Block, Mode::Block, false);
        assert_eq!(status(&answer), 502, "{answer}");
    }
}

#[test]
fn a_long_answer_is_cut_off_where_the_leak_is() {
    let filler = "x ".repeat(700_000);
    let pieces = [&*filler, TRACE, "never"];
    let (answer, fleet) = in_pieces("text/plain", &pieces, Waf::Block, Mode::Block, true);
    assert!(answer.len() > 1_300_000 && !answer.contains("Traceback"), "{}", answer.len());
    assert_eq!(found(&fleet)[0].1, "RW3023");
    let late = ask(fleet.edge(), "HEAD /find", &[], "");
    assert!(status(&late) >= 500, "the service has gone: {late}");
}
