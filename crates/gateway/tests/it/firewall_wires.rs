//! Rules of the firewall see the same request whatever it came over: HTTP/2, event streams, upgraded
//! connections; and where it came in.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use ringwall_manifest::{Model, Waf};
use ringwall_waf::{NoLibrary, Ruleset, Source};
use serde_json::{Value, json};

use crate::fleet::{Fleet, code, get, grants, model, raw, service, status};
use crate::script::Script;
use crate::upstream::{Upstream, json as answered};

const RULES: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess On
SecResponseBodyMimeType text/html application/json text/event-stream
SecRule REQUEST_HEADERS_NAMES "@beginsWith :" "id:1,phase:1,deny,status:418,log,msg:'pseudo'"
SecRule &REQUEST_HEADERS:Host "!@eq 1" "id:2,phase:1,deny,status:418,log,msg:'hosts'"
SecRule REQUEST_HEADERS:Host "!@streq shop.localhost:8443" "id:3,phase:1,deny,status:418,log,msg:'host'"
SecRule REQUEST_HEADERS:User-Agent|REQUEST_URI_RAW "@contains evil" "id:10,phase:1,deny,status:403,log,msg:'head'"
SecRule REQUEST_HEADERS:Cookie "@rx in; out" "id:11,phase:1,deny,status:409,log,msg:'joined'"
SecRule REQUEST_LINE "@streq GET /find?line HTTP/2.0" "id:12,phase:1,deny,status:410,log,msg:'line'"
SecRule ARGS|REQUEST_COOKIES "@contains bad" "id:20,phase:2,deny,status:406,log,msg:'body'"
"#;

fn rules(text: &str) -> Arc<Ruleset> {
    let source = Source { name: "test.conf".to_owned(), text: text.as_bytes().to_vec() };
    Arc::new(Ruleset::load(&[source], &NoLibrary).unwrap())
}

fn shop(upstream: SocketAddr) -> Model {
    let mut shop =
        service("shop", upstream, &["find = GET /find", "put = POST /put", "chat = GET /chat"]);
    shop.people.insert("anyone".to_owned(), grants(&["find", "put", "chat"]));
    let mut model = model(vec![shop]);
    model.gateway.waf = Waf::Block;
    model.gateway.refuses_unknown_parameters = false;
    model
}

fn fleet(upstream: SocketAddr) -> Fleet {
    Fleet::judged(&shop(upstream), &BTreeMap::new(), &rules(RULES))
}

/// Sends requests over HTTP/2, by the `h2` of Python, and gives the lines that it says.
fn over_h2(address: SocketAddr, asked: &[Value]) -> Vec<String> {
    let asked_text = Value::from(asked.to_vec()).to_string();
    let port = address.port().to_string();
    let mut client = Script::start(include_str!("firewall_h2.py"), &[&port, &asked_text]);
    asked.iter().map(|_| client.says()).collect()
}

#[test]
fn a_request_over_http_2_is_the_same_to_the_rules() {
    let upstream = Upstream::plain();
    let fleet = fleet(upstream.address);
    let form = ["content-type", "application/x-www-form-urlencoded"];
    let host = ["host", "shop.localhost:8443"];
    let cases = [
        ("200", json!({"path": "/find"})),
        ("403", json!({"path": "/find?evil"})),
        ("403", json!({"path": "/find", "fields": [["user-agent", "evil"]]})),
        ("410", json!({"path": "/find?line"})),
        // A cookie a field is one cookie field to the service.
        ("406", json!({"path": "/find", "fields": [["cookie", "a=1"], ["cookie", "b=bad"]]})),
        ("409", json!({"path": "/find", "fields": [["cookie", "a=in"], ["cookie", "out=1"]]})),
        ("200", json!({"path": "/find", "fields": [["cookie", "a=in"], ["cookie", "b=1"]]})),
        // The host stands in one place for rules, however often it was said.
        ("200", json!({"path": "/find", "fields": [host]})),
        ("200", json!({"path": "/find", "authority": false, "fields": [host]})),
        ("400", json!({"path": "/find", "fields": [["host", "evil.example"]]})),
        ("406", json!({"method": "POST", "path": "/put", "fields": [form], "body": ["a=b", "ad"]})),
        ("200", json!({"method": "POST", "path": "/put", "fields": [form], "body": ["a=", "b"]})),
        (
            "406",
            json!({"method": "POST", "path": "/put", "fields": [form], "body": ["a=bad"],
                   "trailers": [["x-checksum", "1"]]}),
        ),
    ];
    let asked: Vec<Value> = cases.iter().map(|(_, one)| one.clone()).collect();
    let said = over_h2(fleet.edge_h2c(), &asked);
    if said.first().is_some_and(|line| line == "missing") {
        std::io::stderr().write_all(b"NOT RUN: Python's `h2` is not installed\n").unwrap();
        return;
    }
    for ((want, asked), said) in cases.iter().zip(&said) {
        assert_eq!(said.split(' ').next(), Some(*want), "{asked} {said}");
    }
    let passed = cases.iter().filter(|(want, _)| *want == "200").count();
    assert_eq!(upstream.seen().len(), passed);
}

/// A service whose event stream says one thing, and no more until it is let.
fn events() -> (SocketAddr, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (release, released) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: first\n\n";
        stream.write_all(head.as_bytes()).unwrap();
        released.recv().ok();
    });
    (address, release)
}

#[test]
fn an_event_stream_is_not_held_back_for_rules_not_even_for_the_time_of_an_answer() {
    let (upstream, release) = events();
    let fleet = fleet(upstream);
    let mut client = TcpStream::connect(fleet.edge()).unwrap();
    client.write_all(b"GET /find HTTP/1.1\r\nhost: shop.localhost:8443\r\n\r\n").unwrap();
    // Of other answers rules see what comes in two seconds; an event may be late by then.
    client.set_read_timeout(Some(Duration::from_millis(1_500))).unwrap();
    let (mut answer, mut bytes) = (String::new(), [0; 4096]);
    while !answer.contains("data: first") {
        let count = client.read(&mut bytes).unwrap();
        assert!(count > 0, "{answer}");
        answer.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    assert_eq!(status(&answer), 200);
    drop(release);
    let (upstream, release) = events();
    let said = over_h2(self::fleet(upstream).edge_h2c(), &[json!({"path": "/find"})]);
    assert!(["200 data: first", "missing"].contains(&said[0].as_str()), "{said:?}");
    drop(release);
}

#[test]
fn the_head_of_a_websocket_is_judged_and_a_clean_one_opens() {
    let text = include_str!("../../../net/tests/it/websocket.py");
    let Some((_server, port)) = Script::server(text, "`h2`, `wsproto` and `websockets` are") else {
        return;
    };
    let fleet = fleet(([127, 0, 0, 1], port).into());
    let edge = fleet.edge();
    let hello = |field: &str| {
        let fields = "connection: Upgrade\r\nupgrade: websocket\r\norigin: https://shop.localhost:8443\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
        raw(
            edge,
            &format!(
                "GET /chat HTTP/1.1\r\nhost: shop.localhost:8443\r\n{fields}\r\n{field}\r\n\r\n"
            ),
        )
    };
    for (field, want) in [("user-agent: evil", 403), ("cookie: a=bad", 406)] {
        let answer = hello(field);
        assert_eq!((status(&answer), code(&answer).as_str()), (want, "RW3019"), "{answer}");
    }
    let port = edge.port().to_string();
    let mut client = Script::start(include_str!("lasting.py"), &[&port, "x-clean: yes"]);
    assert_eq!(client.says(), "open", "the words in it are not judged");
}

#[test]
fn where_the_firewall_logs_or_the_door_observes_rules_after_the_first_are_asked_too() {
    let text = RULES.to_owned()
        + "SecRule RESPONSE_BODY \"@contains leaked\" \"id:40,phase:4,deny,log,msg:'leak'\"\n";
    let upstream = Upstream::scripted(|_| answered("leaked"));
    let mut log = shop(upstream.address);
    log.gateway.waf = Waf::Log;
    let mut observe = shop(upstream.address);
    observe.gateway.mode = ringwall_manifest::Mode::Observe;
    for model in [log, observe] {
        let fleet = Fleet::judged(&model, &BTreeMap::new(), &rules(&text));
        let answer = get(fleet.edge(), "/find?evil=bad", &["cookie: a=bad"]);
        assert_eq!(status(&answer), 200);
        let events = fleet.sink.take();
        let found = events.iter().find_map(|event| event.judged.as_ref()).unwrap();
        let ids: Vec<u64> = found.matches.iter().map(|one| one.rule).collect();
        assert_eq!(ids, [10, 20, 20, 40], "the argument and the cookie");
        let would = events.iter().filter(|one| one.code == Some("RW3019"));
        assert_eq!(would.count(), 1);
    }
}

#[test]
fn rules_know_where_the_connection_came_in() {
    let upstream = Upstream::plain();
    let fleet = |want: &str| {
        let text = format!(
            "SecRuleEngine On\n\
             SecRule SERVER_ADDR \"!@streq 127.0.0.1\" \"id:1,phase:1,deny,status:418,log\"\n\
             SecRule SERVER_PORT \"@streq {want}\" \"id:2,phase:1,deny,status:409,log\"\n"
        );
        Fleet::judged(&shop(upstream.address), &BTreeMap::new(), &rules(&text))
    };
    // That of the manifest is what clients are told.
    assert_eq!(status(&get(fleet("8443").edge(), "/find", &[])), 200);
    let named = fleet("0");
    let edge = named.edge();
    let text = format!(
        "SecRuleEngine On\nSecRule SERVER_PORT \"@streq {}\" \"id:2,phase:1,deny,status:409,log\"\n",
        edge.port()
    );
    named.core.load(&shop(upstream.address), &BTreeMap::new(), Some(&rules(&text))).unwrap();
    assert_eq!(status(&get(edge, "/find", &[])), 409);
}
