//! Rules of the firewall, from the head of a request to the end of its answer.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use ringwall_base::{Event, Judged, Outcome};
use ringwall_manifest::{DataClass, Limit, Mode, Model, Protocol, Waf};
use ringwall_openapi::Document;
use ringwall_waf::{NoLibrary, OwnRules, Ruleset, Source, Strictness};

use crate::fleet::{Fleet, ask, body, code, field, get, grants, model, raw, service, status};
use crate::upstream::{Upstream, json, with};

const RULES: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 100
SecRequestBodyLimitAction ProcessPartial
SecResponseBodyAccess On
SecResponseBodyMimeType text/html application/json
SecResponseBodyLimit 100
SecResponseBodyLimitAction ProcessPartial
SecRule REQUEST_HEADERS:Content-Type "@beginsWith application/json" \
    "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:User-Agent|REQUEST_HEADERS:X-Forwarded-For|REQUEST_URI_RAW "@contains evil" \
    "id:100,phase:1,deny,status:403,log,msg:'head',tag:'attack-generic'"
SecRule ARGS|FILES|REQUEST_COOKIES "@contains bad" \
    "id:200,phase:2,deny,status:406,log,msg:'found %{MATCHED_VAR}',tag:'attack-sqli',severity:CRITICAL"
SecRule RESPONSE_HEADERS:X-Debug "@rx ." "id:300,phase:3,deny,log,msg:'debug'"
SecRule RESPONSE_BODY "@contains leaked" "id:400,phase:4,deny,log,msg:'leak',tag:'attack-disclosure'"
"#;

fn rules(text: &str) -> Arc<Ruleset> {
    let source = Source { name: "test.conf".to_owned(), text: text.as_bytes().to_vec() };
    Arc::new(Ruleset::load(&[source], &NoLibrary).unwrap())
}

fn shop(upstream: &Upstream, waf: Waf) -> Model {
    let operations = ["find = GET /find", "put = POST /put", "other = POST /other"];
    let mut shop = service("shop", upstream.address, &operations);
    shop.people.insert("anyone".to_owned(), grants(&["find", "put", "other"]));
    let mut model = model(vec![shop]);
    model.gateway.waf = waf;
    model.gateway.account_path = "/account".to_owned();
    model
}

fn fleet(upstream: &Upstream, waf: Waf) -> Fleet {
    Fleet::judged(&shop(upstream, waf), &BTreeMap::new(), &rules(RULES))
}

/// What rules found in the requests since the last time.
fn found(fleet: &Fleet) -> Vec<(Outcome, Judged)> {
    let events = fleet.sink.take().into_iter().filter(|one| one.action == "waf-matched");
    events.map(|event| (event.outcome, event.judged.unwrap())).collect()
}

fn ids(judged: &Judged) -> Vec<u64> {
    judged.matches.iter().map(|one| one.rule).collect()
}

const FORM: &str = "content-type: application/x-www-form-urlencoded";

#[test]
fn what_a_rule_denies_never_reaches_the_service() {
    let upstream = Upstream::plain();
    let fleet = fleet(&upstream, Waf::Block);
    let edge = fleet.edge();
    let chunked = "POST /put HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: close\r\n\
                   transfer-encoding: chunked\r\ncontent-type: application/x-www-form-urlencoded\r\n\r\n\
                   4\r\na=1&\r\n5\r\nb=bad\r\n0\r\n\r\n";
    let multipart = "content-type: multipart/form-data; boundary=x";
    let file = "--x\r\ncontent-disposition: form-data; name=\"f\"; filename=\"bad.txt\"\r\n\r\n1\r\n--x--\r\n";
    let json_type = "content-type: application/json";
    for (answer, want) in [
        (get(edge, "/find", &["user-agent: evil"]), 403),
        (get(edge, "/find?q=%65vil%20", &["x-forwarded-for: evil"]), 403),
        (get(edge, "/find?evil", &[]), 403),
        (get(edge, "/find?q=b%61d", &[]), 406),
        (get(edge, "/find", &["cookie: a=bad"]), 406),
        (ask(edge, "POST /put", &[FORM], "a=b%61d"), 406),
        (ask(edge, "POST /put", &[json_type], r#"{"a":["b\u0061d"]}"#), 406),
        (ask(edge, "POST /put", &[multipart], file), 406),
        (raw(edge, chunked), 406),
    ] {
        assert_eq!((status(&answer), code(&answer).as_str()), (want, "RW3019"), "{answer}");
    }
    assert!(upstream.seen().is_empty());
    assert_eq!(status(&ask(edge, "POST /put", &[FORM], "a=good")), 200);
    assert_eq!(upstream.last().body, "a=good");
    let found = found(&fleet);
    assert_eq!(found.len(), 9);
    for (outcome, judged) in &found {
        assert_eq!((*outcome, judged.matches.len()), (Outcome::Failure, 1), "{judged:?}");
        assert!(judged.matches[0].is_disruptive);
    }
    let text = fleet.core.metrics().unwrap();
    let sqli = r#"ringwall_waf_matches_total{action="blocked",category="sqli"} 6"#;
    assert!(text.contains(sqli), "{text}");
    assert!(text.contains("error_type=\"RW3019\""), "{text}");
}

#[test]
fn a_packed_body_is_judged_by_what_is_in_it() {
    // `a=bad`, packed by gzip without compression.
    let packed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x05\x00\xfa\xffa=bad\xbb\xd9\x3b\x6b\x05\x00\x00\x00";
    let upstream = Upstream::plain();
    let fleet = fleet(&upstream, Waf::Block);
    let mut stream = TcpStream::connect(fleet.edge()).unwrap();
    write!(
        stream,
        "POST /put HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: close\r\n{FORM}\r\n\
         content-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        packed.len()
    )
    .unwrap();
    stream.write_all(packed).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // A checksum that does not hold is refused too, but not by the rules.
    assert!(matches!(code(&answer).as_str(), "RW3019" | "RW3000"), "{answer}");
    assert!(upstream.seen().is_empty());
}

/// Sends these bytes with a content coding.
fn packed(fleet: &Fleet, coding: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(fleet.edge()).unwrap();
    let length = bytes.len();
    let head = format!(
        "POST /put HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: close\r\n{FORM}\r\n\
         content-encoding: {coding}\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), bytes].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn where_the_firewall_logs_a_packed_body_reaches_the_service_as_it_was_sent() {
    let gzip =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03\x01\x05\x00\xfa\xffa=badui[\x1d\x05\x00\x00\x00";
    let sent = String::from_utf8_lossy(gzip);
    let upstream = Upstream::plain();
    let logs = fleet(&upstream, Waf::Log);
    assert_eq!(status(&packed(&logs, "gzip", gzip)), 200);
    assert_eq!(ids(&found(&logs)[0].1), [200], "rules see what is in it");
    let seen = upstream.last();
    assert_eq!((seen.body.as_str(), seen.values("content-encoding")), (&*sent, vec!["gzip"]));
    // What cannot be unpacked is for the service to refuse.
    for (coding, bytes) in [("gzip", &b"no gzip"[..]), ("zstd", b"abc")] {
        assert_eq!(status(&packed(&logs, coding, bytes)), 200, "{coding}");
        assert_eq!(upstream.last().body.as_bytes(), bytes);
    }
    let noted = logs.sink.take();
    let noted = noted.iter().filter(|one| one.outcome == Outcome::WouldDeny);
    assert_eq!(noted.filter(|one| matches!(one.code, Some("RW3000" | "RW3014"))).count(), 2);
    let blocks = fleet(&upstream, Waf::Block);
    let before = upstream.seen().len();
    assert_eq!(code(&packed(&blocks, "gzip", gzip)), "RW3019");
    assert_eq!(status(&packed(&blocks, "gzip", b"no gzip")), 400);
    assert_eq!(status(&packed(&blocks, "zstd", b"abc")), 415);
    assert_eq!(upstream.seen().len(), before);
}

/// Rules that want bodies of up to a megabyte.
fn rules_for_large_bodies() -> Arc<Ruleset> {
    rules(&RULES.replace("SecRequestBodyLimit 100\n", "SecRequestBodyLimit 1000000\n"))
}

#[test]
fn a_body_that_no_rule_looks_at_streams_after_its_beginning() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (begun, has_begun) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut count, mut bytes) = (0, [0; 4096]);
        while count < 64 * 1024 {
            count += stream.read(&mut bytes).unwrap();
        }
        begun.send(()).unwrap();
        while !bytes.contains(&b'Z') {
            assert!(stream.read(&mut bytes).unwrap() > 0);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let mut shop = service("shop", address, &["put = POST /put"]);
    shop.people.insert("anyone".to_owned(), grants(&["put"]));
    let mut model = model(vec![shop]);
    model.gateway.waf = Waf::Block;
    let fleet = Fleet::judged(&model, &BTreeMap::new(), &rules_for_large_bodies());
    let mut client = TcpStream::connect(fleet.edge()).unwrap();
    let head = "POST /put HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: close\r\n\
                content-type: application/octet-stream\r\ncontent-length: 200001\r\n\r\n";
    client.write_all(&[head.as_bytes(), "x".repeat(150_000).as_bytes()].concat()).unwrap();
    has_begun.recv_timeout(Duration::from_mins(1)).expect("the service has the beginning");
    client.write_all(format!("{}Z", "x".repeat(50_000)).as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(status(&answer), 200, "{answer}");
}

#[test]
fn a_body_that_rules_look_at_is_held_to_its_end() {
    let upstream = Upstream::plain();
    let model = shop(&upstream, Waf::Block);
    let fleet = Fleet::judged(&model, &BTreeMap::new(), &rules_for_large_bodies());
    let long = format!("a={}&b=bad", "x".repeat(200_000));
    assert_eq!(status(&ask(fleet.edge(), "POST /put", &[FORM], &long)), 406);
    let file = format!(
        "--x\r\ncontent-disposition: form-data; name=\"f\"; filename=\"1\"\r\n\r\n{}\r\n\
         --x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nbad\r\n--x--\r\n",
        "y".repeat(200_000)
    );
    let multipart = "content-type: multipart/form-data; boundary=x";
    assert_eq!(status(&ask(fleet.edge(), "POST /put", &[multipart], &file)), 406);
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_request_that_ends_early_costs_the_last_phase_and_not_those_between() {
    let upstream = Upstream::plain();
    let mut model = shop(&upstream, Waf::Block);
    model.services.get_mut("shop").unwrap().upstreams =
        vec![ringwall_manifest::Upstream::tcp("127.0.0.1:1".to_owned())];
    let phase = |number| format!("SecAction \"id:{number},phase:{number},pass,log,msg:'phase'\"\n");
    let text = [1, 2, 3, 4, 5].map(phase).concat();
    let fleet =
        Fleet::judged(&model, &BTreeMap::new(), &rules(&format!("SecRuleEngine On\n{text}")));
    assert_eq!(status(&get(fleet.edge(), "/find", &[])), 502);
    assert_eq!(ids(&found(&fleet)[0].1), [1, 2, 5]);
}

#[test]
fn rules_know_who_has_signed_in() {
    let upstream = Upstream::plain();
    let text = "SecRuleEngine On\nSecRule REMOTE_USER \"@streq alice\" \"id:1,phase:1,deny,log\"\n";
    let fleet = Fleet::judged(&shop(&upstream, Waf::Block), &BTreeMap::new(), &rules(text));
    let session = &["cookie: __Host-ringwall=alice"];
    assert_eq!(status(&get(fleet.edge(), "/find", &[])), 200);
    assert_eq!(code(&get(fleet.edge(), "/find", session)), "RW3019");
}

#[test]
fn the_head_of_a_request_is_not_kept_where_its_operation_is_off() {
    let upstream = Upstream::plain();
    let mut model = shop(&upstream, Waf::Block);
    let modes = &mut model.services.get_mut("shop").unwrap().waf;
    modes.operations = BTreeMap::from([("find".to_owned(), Waf::Off)]);
    let fleet = Fleet::judged(&model, &BTreeMap::new(), &rules(RULES));
    let edge = fleet.edge();
    // Refused before its operation is known: what was kept of it is shown to the rules.
    let twice = &["user-agent: evil", "content-type: a/b", "content-type: c/d"];
    for (line, is_kept) in [
        ("GET /find", false),
        ("HEAD /find", false),
        ("POST /put", true),
        ("GET /nowhere", true),
        ("GET /f%69nd", true),
    ] {
        assert_eq!(status(&ask(edge, line, twice, "")), 400, "{line}");
        assert_eq!(found(&fleet).len(), usize::from(is_kept), "{line}");
    }
    assert_eq!(status(&get(edge, "/f%69nd?evil", &[])), 200);
    assert_eq!(code(&get(edge, "/login?next=bad", &[])), "RW3019");
}

#[test]
fn where_the_firewall_logs_everything_passes_and_is_recorded() {
    let upstream = Upstream::scripted(|_| json("leaked"));
    let fleet = fleet(&upstream, Waf::Log);
    let edge = fleet.edge();
    assert_eq!(status(&ask(edge, "POST /put", &[FORM], "a=bad")), 200);
    assert_eq!(upstream.last().body, "a=bad");
    assert_eq!(body(&get(edge, "/find", &[])), "leaked");
    let events = fleet.sink.take();
    let would: Vec<&Event> = events.iter().filter(|one| one.code == Some("RW3019")).collect();
    assert_eq!(would.len(), 2, "{events:#?}");
    assert!(would.iter().all(|one| one.outcome == Outcome::WouldDeny));
    let judged: Vec<&Event> = events.iter().filter(|one| one.judged.is_some()).collect();
    let found: Vec<_> = judged.iter().map(|one| ids(one.judged.as_ref().unwrap())).collect();
    assert_eq!(found, [vec![200, 400], vec![400]]);
    assert!(judged.iter().all(|one| one.outcome == Outcome::WouldDeny && one.request.is_some()));
}

#[test]
fn where_it_is_off_nothing_is_looked_at() {
    let upstream = Upstream::plain();
    let mut model = shop(&upstream, Waf::Off);
    let off = Fleet::judged(&model, &BTreeMap::new(), &rules(RULES));
    assert_eq!(status(&get(off.edge(), "/find?evil", &["user-agent: evil"])), 200);
    assert!(found(&off).is_empty());
    // One operation is on, another off; what has no word of its own is as the door.
    let modes = &mut model.services.get_mut("shop").unwrap().waf;
    modes.operations = BTreeMap::from([("put".to_owned(), Waf::Block)]);
    let one = Fleet::judged(&model, &BTreeMap::new(), &rules(RULES));
    let edge = one.edge();
    assert_eq!(status(&ask(edge, "POST /put", &[FORM], "a=bad")), 406);
    assert_eq!(status(&ask(edge, "POST /other", &[FORM], "a=bad")), 200);
    assert_eq!(found(&one).len(), 1);
    model.gateway.waf = Waf::Block;
    let modes = &mut model.services.get_mut("shop").unwrap().waf;
    modes.service = Some(Waf::Log);
    modes.operations.insert("put".to_owned(), Waf::Off);
    let two = Fleet::judged(&model, &BTreeMap::new(), &rules(RULES));
    let edge = two.edge();
    assert_eq!(status(&ask(edge, "POST /put", &[FORM], "a=bad")), 200);
    assert!(found(&two).is_empty());
    assert_eq!(status(&ask(edge, "POST /other", &[FORM], "a=bad")), 200);
    assert_eq!(found(&two)[0].0, Outcome::WouldDeny);
}

#[test]
fn a_firewall_without_rules_is_not_in_force() {
    let upstream = Upstream::plain();
    let fleet = fleet(&upstream, Waf::Block);
    let error = fleet.core.load(&shop(&upstream, Waf::Log), &BTreeMap::new(), None).unwrap_err();
    assert_eq!(error.to_string(), "the firewall is on, and there are no rules for it");
    assert_eq!(status(&get(fleet.edge(), "/find?evil", &[])), 403, "what was in force stays");
}

#[test]
fn an_answer_that_a_rule_denies_does_not_leave() {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("debug") => with("200 OK", &["x-debug: 1"], "{}"),
        line if line.contains("page") => json("{\"leaked\":1}"),
        line if line.contains("far") => json(&format!("{}leaked", "x".repeat(100))),
        line if line.contains("head") => json("leaked"),
        _ => json("{}"),
    });
    let fleet = fleet(&upstream, Waf::Block);
    let edge = fleet.edge();
    for path in ["/find?q=debug", "/find?q=page"] {
        let answer = get(edge, path, &[]);
        assert_eq!((status(&answer), code(&answer).as_str()), (403, "RW3019"), "{answer}");
        assert!(!answer.contains("leaked"));
    }
    get(edge, "/find?q=page", &["range: bytes=0-5", "if-range: \"a\""]);
    let seen = upstream.last();
    assert_eq!(seen.values("accept-encoding"), ["identity"]);
    // In two pieces no rule would know it.
    assert!(seen.values("range").is_empty() && seen.values("if-range").is_empty());
    // Beyond what the rules read, an answer passes as it came.
    let far = get(edge, "/find?q=far", &[]);
    assert_eq!((status(&far), body(&far).len()), (200, 106));
    assert_eq!(status(&ask(edge, "HEAD /find?q=head", &[], "")), 200);
    let found: Vec<_> = found(&fleet).into_iter().map(|(_, judged)| ids(&judged)).collect();
    assert_eq!(found, [[300], [400], [400]]);
}

#[test]
fn the_last_word_on_an_answer_is_said_also_where_there_is_nothing_to_read() {
    let typed = |name: &str| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {name}\r\nx-score: 9\r\ncontent-length: 1\r\n\r\nx"
        )
    };
    let upstream = Upstream::scripted(move |seen| match seen.line() {
        line if line.contains("image") => typed("image/png"),
        line if line.contains("stream") => typed("text/event-stream"),
        line if line.contains("moved") => with("302 Found", &["location: /", "x-score: 9"], ""),
        _ => with("200 OK", &["x-score: 9"], "{}"),
    });
    let text = RULES
        .replace("text/html application/json", "text/html application/json text/event-stream")
        + "SecRule RESPONSE_HEADERS:X-Score \"@eq 9\" \"id:301,phase:3,pass,nolog,setvar:tx.out=9\"\n\
           SecRule TX:OUT \"@ge 5\" \"id:401,phase:4,deny,log,msg:'score'\"\n";
    let fleet = Fleet::judged(&shop(&upstream, Waf::Block), &BTreeMap::new(), &rules(&text));
    let edge = fleet.edge();
    for line in ["GET /find?image", "GET /find?stream", "GET /find?moved", "HEAD /find"] {
        assert_eq!(status(&ask(edge, line, &[], "")), 403, "{line}");
    }
    assert!(found(&fleet).iter().all(|(outcome, _)| *outcome == Outcome::Failure));
}

#[test]
fn an_answer_that_comes_bit_by_bit_is_not_kept_back_and_one_that_breaks_off_passes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (release, released) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 99\r\n\r\nfirst";
        stream.write_all(head.as_bytes()).unwrap();
        // Only who has the first of it lets the rest come; it never comes whole.
        released.recv().ok();
        stream.write_all(b"last").unwrap();
    });
    let mut shop = service("shop", address, &["find = GET /find"]);
    shop.people.insert("anyone".to_owned(), grants(&["find"]));
    let mut model = model(vec![shop]);
    model.gateway.waf = Waf::Block;
    let fleet = Fleet::judged(&model, &BTreeMap::new(), &rules(RULES));
    let mut client = TcpStream::connect(fleet.edge()).unwrap();
    client.write_all(b"GET /find HTTP/1.1\r\nhost: shop.localhost:8443\r\n\r\n").unwrap();
    client.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let (mut answer, mut bytes) = (String::new(), [0; 4096]);
    while !answer.contains("first") {
        let count = client.read(&mut bytes).unwrap();
        assert!(count > 0, "{answer}");
        answer.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    assert_eq!(status(&answer), 200);
    release.send(()).unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).ok();
    assert_eq!(rest, b"last");
}

#[test]
fn a_body_beyond_the_limit_of_the_rules_passes_in_part_or_not_at_all() {
    let upstream = Upstream::plain();
    let fleet = fleet(&upstream, Waf::Block);
    let long = format!("a={}&b=bad", "x".repeat(200));
    assert_eq!(status(&ask(fleet.edge(), "POST /put", &[FORM], &long)), 200);
    assert_eq!(upstream.last().body, long, "the rest follows what was held back");
    let text = RULES
        .replace("SecRequestBodyLimitAction ProcessPartial", "SecRequestBodyLimitAction Reject");
    let strict = Fleet::judged(&shop(&upstream, Waf::Block), &BTreeMap::new(), &rules(&text));
    let refused = ask(strict.edge(), "POST /put", &[FORM], &long);
    assert_eq!((status(&refused), code(&refused).as_str()), (413, "RW3019"));
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn the_limit_of_the_operation_holds_beside_that_of_the_rules() {
    let upstream = Upstream::plain();
    let mut model = shop(&upstream, Waf::Block);
    let limit = Limit { body_bytes_max: Some(150), ..Limit::default() };
    model.limits.default = Some(limit);
    let fleet = Fleet::judged(&model, &BTreeMap::new(), &rules(RULES));
    let edge = fleet.edge();
    assert_eq!(status(&ask(edge, "POST /put", &[FORM], &"x".repeat(150))), 200);
    assert_eq!(code(&ask(edge, "POST /put", &[FORM], &"x".repeat(151))), "RW3009");
    let chunk = "x".repeat(151);
    let chunked = format!(
        "POST /put HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: close\r\n\
         transfer-encoding: chunked\r\n{FORM}\r\n\r\n97\r\n{chunk}\r\n0\r\n\r\n"
    );
    assert_ne!(status(&raw(edge, &chunked)), 200);
}

#[test]
fn what_normalize_and_route_refuse_is_named_by_the_rules() {
    let upstream = Upstream::plain();
    let fleet = fleet(&upstream, Waf::Block);
    let edge = fleet.edge();
    assert_eq!(code(&get(edge, "/find/..%2fevil", &[])), "RW3000");
    assert_eq!(code(&get(edge, "/nowhere?evil", &[])), "RW3006");
    let found = found(&fleet);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|(_, judged)| ids(judged) == [100]));
    let text = fleet.core.metrics().unwrap();
    // It was not the rules that refused.
    assert!(
        text.contains(r#"ringwall_waf_matches_total{action="logged",category="generic"} 2"#),
        "{text}"
    );
    assert!(!text.contains(r#"action="blocked""#), "{text}");
}

#[test]
fn what_others_refuse_costs_two_phases_and_only_so_often() {
    let upstream = Upstream::plain();
    let text = RULES.to_owned()
        + "SecAction \"id:2,phase:2,pass,log,msg:'two'\"\nSecAction \"id:3,phase:3,pass,log,msg:'three'\"\n\
           SecAction \"id:4,phase:4,pass,log,msg:'four'\"\nSecAction \"id:5,phase:5,pass,log,msg:'five'\"\n";
    let fleet = Fleet::judged(&shop(&upstream, Waf::Block), &BTreeMap::new(), &rules(&text));
    let mut stream = TcpStream::connect(fleet.edge()).unwrap();
    let asked = "GET /nowhere HTTP/1.1\r\nhost: shop.localhost:8443\r\n";
    for _ in 0..249 {
        stream.write_all(format!("{asked}\r\n").as_bytes()).unwrap();
    }
    stream.write_all(format!("{asked}connection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 404").count(), 250);
    let found = found(&fleet);
    assert_eq!(found.len(), 200);
    assert!(found.iter().all(|(_, judged)| ids(judged) == [2, 5]), "{found:?}");
}

#[test]
fn detection_only_is_respected_and_so_is_observe() {
    let upstream = Upstream::plain();
    let text = RULES.replace("SecRuleEngine On", "SecRuleEngine DetectionOnly");
    let only = Fleet::judged(&shop(&upstream, Waf::Block), &BTreeMap::new(), &rules(&text));
    assert_eq!(status(&get(only.edge(), "/find?evil", &["cookie: a=bad"])), 200);
    let detected = found(&only);
    assert_eq!(detected[0].0, Outcome::Success);
    assert_eq!(ids(&detected[0].1), [100, 200]);
    let mut model = shop(&upstream, Waf::Block);
    model.gateway.mode = Mode::Observe;
    let observes = Fleet::judged(&model, &BTreeMap::new(), &rules(RULES));
    assert_eq!(status(&get(observes.edge(), "/find?evil", &[])), 200);
    assert_eq!(found(&observes)[0].0, Outcome::WouldDeny);
}

#[test]
fn nothing_secret_is_written_down() {
    let upstream = Upstream::plain();
    let mut model = shop(&upstream, Waf::Log);
    let class = DataClass { fields: vec!["Email".to_owned()], ..DataClass::default() };
    model.data.insert("pii".to_owned(), class);
    let text = RULES.replace("deny,", "pass,");
    let fleet = Fleet::judged(&model, &BTreeMap::new(), &rules(&text));
    let edge = fleet.edge();
    let secret = "bad-4711-secret";
    let sent = format!(
        "email={secret}&user%5Bemail%5D={secret}&password={secret}&q=bad-\u{1b}-{}",
        "y".repeat(90)
    );
    get(edge, "/find", &[&format!("cookie: session={secret}")]);
    get(edge, &format!("/find?email={secret}"), &[]);
    ask(edge, "POST /put", &[FORM], &sent.replace('\u{1b}', "%1b"));
    let events = fleet.sink.take();
    let text = format!("{events:?}");
    assert!(!text.contains("4711"), "{text}");
    let judged: Vec<_> = events.iter().filter_map(|one| one.judged.as_ref()).collect();
    assert_eq!(judged.len(), 3, "{events:#?}");
    let last = &judged[2].matches;
    assert_eq!(last.len(), 4, "{last:#?}");
    assert_eq!(last[0].value, None);
    assert_eq!(last[0].message, "found %{MATCHED_VAR}");
    assert_eq!(last[3].variable, "ARGS:q");
    let shown = last[3].value.as_ref().unwrap();
    assert!(shown.starts_with("bad-\\x1b-yyy") && shown.len() < 80, "{shown}");
}

#[test]
fn a_form_of_our_own_is_judged_but_not_the_password_in_it() {
    let upstream = Upstream::plain();
    let fleet = fleet(&upstream, Waf::Block);
    let edge = fleet.edge();
    assert_eq!(code(&ask(edge, "POST /login", &[FORM], "name=bad&password=x")), "RW3019");
    assert_eq!(code(&get(edge, "/login?next=bad", &[])), "RW3019");
    assert_eq!(status(&ask(edge, "POST /login", &[FORM], "name=ann&password=bad")), 200);
    let form = "content-type: Application/X-WWW-Form-Urlencoded";
    assert_eq!(status(&ask(edge, "POST /login", &[form], "name=ann&password=bad")), 200);
    let judged = found(&fleet);
    assert_eq!(judged.len(), 2);
    let shown = judged.iter().flat_map(|(_, one)| &one.matches).find_map(|one| one.value.as_ref());
    assert_eq!(shown, None, "{judged:#?}");
}

#[test]
fn the_schema_comes_before_the_rules() {
    let upstream = Upstream::plain();
    let document = r"
openapi: 3.0.3
info: { title: shop, version: '1' }
paths:
  /find:
    get:
      operationId: find
      parameters: [{ name: q, in: query, schema: { type: string, maxLength: 5 } }]
      responses: { '200': { description: found } }
  /put:
    post:
      operationId: put
      requestBody:
        content:
          application/json:
            schema: { type: object, properties: { a: { type: string, maxLength: 5 } } }
      responses: { '200': { description: done } }
";
    let schemas = Document::parse(document.as_bytes(), "openapi.yaml").unwrap().compile().unwrap();
    let schemas = BTreeMap::from([("shop".to_owned(), Arc::new(schemas))]);
    let fleet = Fleet::judged(&shop(&upstream, Waf::Block), &schemas, &rules(RULES));
    let edge = fleet.edge();
    let json_type = &["content-type: application/json"];
    assert_eq!(code(&get(edge, "/find?q=very-bad", &[])), "RW3008");
    assert!(found(&fleet).is_empty(), "the rules did not run");
    assert_eq!(code(&get(edge, "/find?q=bad", &[])), "RW3019");
    assert_eq!(code(&ask(edge, "POST /put", json_type, r#"{"a":"very-bad"}"#)), "RW3008");
    assert_eq!(code(&ask(edge, "POST /put", json_type, r#"{"a":"bad"}"#)), "RW3019");
    assert_eq!(status(&ask(edge, "POST /put", json_type, r#"{"a":"good"}"#)), 200);
    assert!(upstream.last().body.contains("good"));
}

#[test]
fn a_websocket_is_no_way_around_the_rules() {
    let upstream = Upstream::plain();
    let fleet = fleet(&upstream, Waf::Block);
    let fields = format!(
        "host: shop.localhost:8443\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{FORM}"
    );
    for (framing, body) in
        [("content-length: 5", "a=bad"), ("transfer-encoding: chunked", "5\r\na=bad\r\n0\r\n\r\n")]
    {
        let asked = format!("GET /find HTTP/1.1\r\n{fields}\r\n{framing}\r\n\r\n{body}");
        let answer = raw(fleet.edge(), &asked);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_name_of_grpc_is_no_way_around_the_rules() {
    let upstream = Upstream::plain();
    let mut model = shop(&upstream, Waf::Block);
    let form = RULES.to_owned()
        + "SecRule REQUEST_HEADERS:Content-Type \"@contains grpc\" \
           \"id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=URLENCODED\"\n";
    let fleet = Fleet::judged(&model, &BTreeMap::new(), &rules(&form));
    let grpc = &["content-type: application/grpc"];
    let told = |fleet: &Fleet, fields: &[&str]| -> String {
        let answer = ask(fleet.edge(), "POST /put", fields, "a=bad");
        field(&answer, "ringwall-code").unwrap_or_default().to_owned()
    };
    assert_eq!(told(&fleet, grpc), "RW3019");
    // Where the service speaks HTTP/2 it may be a stream without end: only its head is judged.
    model.services.get_mut("shop").unwrap().protocol = Protocol::Http2;
    let streams = Fleet::judged(&model, &BTreeMap::new(), &rules(&form));
    assert_eq!(told(&streams, grpc), "RW3012", "the service does not answer in HTTP/2");
    assert_eq!(told(&streams, &["content-type: application/grpc-web; a=b"]), "RW3012");
    for name in ["application/grpc+json", "application/grpc-x+json", "application/grpcx"] {
        assert_eq!(told(&streams, &[&format!("content-type: {name}")]), "RW3019", "{name}");
    }
    let evil = &["content-type: application/grpc", "user-agent: evil"];
    assert_eq!(told(&streams, evil), "RW3019");
}

const COUNTS: &str = r#"
SecRuleEngine On
SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
SecRule IP:count "@ge 2" "id:2,phase:1,deny,status:429,log,msg:'often'"
SecAction "id:3,phase:5,pass,log,msg:'over',setvar:ip.count=+1,expirevar:ip.count=60"
"#;

#[test]
fn the_last_phase_runs_also_when_the_client_goes_away() {
    let (told, came) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (told, released) = (Mutex::new(told), Mutex::new(released));
    let upstream = Upstream::scripted(move |_| {
        told.lock().unwrap().send(()).unwrap();
        released.lock().unwrap().recv().ok();
        json("{}")
    });
    let fleet = Fleet::judged(&shop(&upstream, Waf::Block), &BTreeMap::new(), &rules(COUNTS));
    let mut client = TcpStream::connect(fleet.edge()).unwrap();
    client.write_all(b"GET /find HTTP/1.1\r\nhost: shop.localhost:8443\r\n\r\n").unwrap();
    came.recv_timeout(Duration::from_mins(1)).unwrap();
    drop(client);
    let found = loop {
        let found = found(&fleet);
        if !found.is_empty() {
            break found;
        }
        std::thread::yield_now();
    };
    assert_eq!(ids(&found[0].1), [3]);
    drop(release);
}

#[test]
fn what_rules_remember_outlives_a_reload_and_an_upstream_that_fails() {
    let upstream = Upstream::plain();
    let mut model = shop(&upstream, Waf::Block);
    let fleet = Fleet::judged(&model, &BTreeMap::new(), &rules(COUNTS));
    let edge = fleet.edge();
    assert_eq!(status(&get(edge, "/find", &[])), 200);
    model.services.get_mut("shop").unwrap().upstreams =
        vec![ringwall_manifest::Upstream::tcp("127.0.0.1:1".to_owned())];
    fleet.core.load(&model, &BTreeMap::new(), Some(&rules(COUNTS))).unwrap();
    assert_eq!(status(&get(edge, "/find", &[])), 502);
    assert_eq!(status(&get(edge, "/find", &[])), 429, "the count was kept");
}

#[test]
fn the_rules_in_the_program_stop_attacks_and_let_work_pass() {
    let mut sources = vec![OwnRules::engine(), Strictness::default().source()];
    sources.extend(OwnRules::sources());
    let own = Arc::new(Ruleset::load(&sources, &OwnRules).unwrap());
    let upstream = Upstream::plain();
    let fleet = Fleet::judged(&shop(&upstream, Waf::Block), &BTreeMap::new(), &own);
    let edge = fleet.edge();
    let json_type = "content-type: application/json";
    for answer in [
        get(edge, "/find?q=1%27%20or%20%271%27=%271", &[]),
        get(edge, "/find?q=%3Cscript%3Ealert(1)%3C/script%3E", &[]),
        get(edge, "/find?file=../../../../etc/passwd", &[]),
        ask(edge, "POST /put", &[json_type], r#"{"a":"x' union select password from users--"}"#),
    ] {
        assert_eq!((status(&answer), code(&answer).as_str()), (403, "RW3019"), "{answer}");
    }
    let text = fleet.core.metrics().unwrap();
    for category in ["lfi", "sqli", "xss"] {
        let line =
            format!(r#"ringwall_waf_matches_total{{action="blocked",category="{category}"}}"#);
        assert!(text.contains(&line), "{text}");
    }
    let broken = ask(edge, "POST /put", &[json_type], r#"{"a":"#);
    assert_eq!((status(&broken), code(&broken).as_str()), (400, "RW3019"), "{broken}");
    let found = found(&fleet);
    assert!(found[0].1.inbound_score.is_some_and(|score| score >= 5), "{found:#?}");
    assert_eq!(status(&get(edge, "/find?q=O%27Brien%20and%20sons", &[])), 200);
    assert_eq!(status(&ask(edge, "POST /put", &[json_type], r#"{"a":"select a size"}"#)), 200);
}
