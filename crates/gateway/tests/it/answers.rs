//! What leaves: data classes, and services that break.

use std::io::{Read, Write};
use std::time::Duration;

use ringwall_manifest::{AuditRequests, DataClass, Leak, Limit, Model, Viewer};

use crate::fleet::{Fleet, body, code, get, grants, model, raw, service, status};
use crate::upstream::{Upstream, json, with};

fn shop(upstream: &Upstream, leak: Leak) -> Model {
    let mut users = service("users", upstream.address, &["list = GET /users", "text = GET /text"]);
    users.people.insert("anyone".to_owned(), grants(&["list", "text"]));
    users.data = vec!["pii".to_owned()];
    let mut model = model(vec![users]);
    let see = vec![Viewer::Role { name: "support".to_owned(), own: false }];
    let fields = vec!["email".to_owned(), "api_key".to_owned()];
    let class = DataClass { fields, leak, see: Some(see), ..DataClass::default() };
    model.data.insert("pii".to_owned(), class);
    model
}

const ANSWER: &str = r#"[{"name":"a","email":"a@b.c","deep":{"api_key":"k"}}]"#;

#[test]
fn a_class_is_cut_for_those_who_may_not_see_it() {
    let upstream = Upstream::scripted(|_| json(ANSWER));
    let fleet = Fleet::new(&shop(&upstream, Leak::Cut));
    let edge = fleet.edge();
    let anyone = get(edge, "/users", &[]);
    assert_eq!(status(&anyone), 200);
    assert!(anyone.contains("name") && !anyone.contains("a@b.c") && !anyone.contains("\"k\""));
    let support = get(edge, "/users", &["cookie: __Host-ringwall=sue"]);
    assert_eq!(body(&support), ANSWER);
    assert_eq!(upstream.last().values("accept-encoding"), ["identity"]);
}

#[test]
fn a_log_of_refusals_has_refusals_and_cuts_and_no_more() {
    let upstream = Upstream::scripted(|_| json(ANSWER));
    let mut model = shop(&upstream, Leak::Cut);
    model.audit_requests = AuditRequests::Denied;
    let fleet = Fleet::new(&model);
    let edge = fleet.edge();
    assert_eq!(status(&get(edge, "/users", &["cookie: __Host-ringwall=sue"])), 200);
    assert_eq!(fleet.sink.take().len(), 0, "allowed, and nothing else to say of it");
    assert_eq!(status(&get(edge, "/users", &[])), 200);
    assert_eq!(status(&get(edge, "/nowhere", &[])), 404);
    let events = fleet.sink.take();
    let [cut, refused] = events.as_slice() else { panic!("{events:#?}") };
    assert!(cut.reason.as_ref().unwrap().starts_with("cut"), "{cut:#?}");
    assert_eq!(refused.code, Some("RW3006"));
    assert!(fleet.core.metrics().unwrap().contains("http_response_status_code=\"200\""));
}

#[test]
fn an_alias_is_a_host_of_its_own_with_the_same_doors() {
    let upstream = Upstream::scripted(|_| json(ANSWER));
    let mut model = shop(&upstream, Leak::Cut);
    model.gateway.aliases = vec!["WWW.shop.localhost".to_owned()];
    let fleet = Fleet::new(&model);
    let ask = |host: &str| {
        let head = format!("GET /users HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        status(&raw(fleet.edge(), &head))
    };
    assert_eq!(ask("www.shop.localhost:8443"), 200);
    assert_eq!(ask("other.shop.localhost:8443"), 421);
}

#[test]
fn a_page_of_an_alias_may_act_there_and_no_other_page() {
    let upstream = Upstream::plain();
    let mut users = service("users", upstream.address, &["create = POST /users"]);
    users.people.insert("anyone".to_owned(), grants(&["create"]));
    let mut model = model(vec![users]);
    model.gateway.aliases = vec!["www.shop.localhost".to_owned()];
    let fleet = Fleet::new(&model);
    let post = |origin: &str| {
        let head = format!(
            "POST /users HTTP/1.1\r\nhost: www.shop.localhost:8443\r\nconnection: close\r\n\
             cookie: __Host-ringwall=alice\r\norigin: {origin}\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        status(&raw(fleet.edge(), &head))
    };
    assert_eq!(post("https://www.shop.localhost:8443"), 200);
    for other in [
        "http://www.shop.localhost:8443",
        "https://www.shop.localhost",
        "https://www.shop.localhost:8443.evil.example",
        "https://api.shop.localhost:8443",
        "null",
    ] {
        assert_eq!(post(other), 403, "{other}");
    }
}

#[test]
fn a_class_can_withhold_the_whole_answer() {
    let upstream = Upstream::scripted(|_| json(ANSWER));
    let fleet = Fleet::new(&shop(&upstream, Leak::Refuse));
    let answer = get(fleet.edge(), "/users", &[]);
    assert_eq!((status(&answer), code(&answer).as_str()), (502, "RW3011"));
    assert!(!answer.contains("a@b.c"));
}

#[test]
fn an_answer_too_large_to_look_through_does_not_leave() {
    let upstream = Upstream::scripted(|_| json(&format!("[\"{}\"]", "a".repeat(8 * 1024 * 1024))));
    let fleet = Fleet::new(&shop(&upstream, Leak::Cut));
    assert_eq!(code(&get(fleet.edge(), "/users", &[])), "RW3011");
}

#[test]
fn an_answer_that_breaks_off_is_never_passed_on_as_complete() {
    let broken = |_: &_| {
        "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 100\r\n\r\nhalf".to_owned()
    };
    let upstream = Upstream::scripted(broken);
    let fleet = Fleet::new(&shop(&upstream, Leak::Cut));
    let edge = fleet.edge();
    // Streamed: the head is out, so the client must see that the length is not reached.
    let answer = get(edge, "/text", &[]);
    assert!(answer.contains("content-length: 100") && body(&answer).len() < 100, "{answer}");
    let chunked = |_: &_| {
        "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"
            .to_owned()
    };
    let upstream = Upstream::scripted(chunked);
    let fleet = Fleet::new(&shop(&upstream, Leak::Cut));
    let answer = get(fleet.edge(), "/text", &[]);
    assert!(!answer.contains("\r\n0\r\n\r\n"), "{answer}");
    // Held back: there is still time to say so.
    let json_half = |_: &_| {
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
            .to_owned()
    };
    let upstream = Upstream::scripted(json_half);
    let fleet = Fleet::new(&shop(&upstream, Leak::Cut));
    let answer = get(fleet.edge(), "/users", &[]);
    assert_eq!((status(&answer), code(&answer).as_str()), (502, "RW3012"));
}

#[test]
fn a_service_that_is_not_there_is_an_answer_too() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let mut users = service("users", address, &["home = GET /"]);
    users.people.insert("anyone".to_owned(), grants(&["home"]));
    let fleet = Fleet::new(&model(vec![users]));
    let answer = get(fleet.edge(), "/", &[]);
    assert_eq!((status(&answer), code(&answer).as_str()), (502, "RW3012"));
    assert_eq!(fleet.sink.take().last().unwrap().action, "upstream-error");
}

#[test]
fn one_of_two_endpoints_may_be_down() {
    let upstream = Upstream::plain();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = nobody.local_addr().unwrap();
    drop(nobody);
    let mut users = service("users", dead, &["home = GET /"]);
    users.upstreams.push(ringwall_manifest::Upstream::tcp(upstream.address.to_string()));
    users.people.insert("anyone".to_owned(), grants(&["home"]));
    let fleet = Fleet::new(&model(vec![users]));
    let edge = fleet.edge();
    for _ in 0..6 {
        assert_eq!(status(&get(edge, "/", &[])), 200);
    }
}

#[test]
fn a_websocket_is_joined_only_after_a_true_handshake() {
    let upstream = Upstream::scripted(|seen| match seen.values("sec-websocket-key").as_slice() {
        [key] if !seen.line().contains("fake") => {
            assert_eq!(*key, "dGhlIHNhbXBsZSBub25jZQ==");
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nraw bytes"
                .to_owned()
        }
        _ => "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\nraw bytes"
            .to_owned(),
    });
    let fleet = Fleet::new(&shop(&upstream, Leak::Cut));
    let edge = fleet.edge();
    let open = |path: &str| {
        raw(
            edge,
            &format!(
                "GET {path} HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: Upgrade\r\n\
                 upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                 sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            ),
        )
    };
    let joined = open("/text");
    assert!(joined.starts_with("HTTP/1.1 101") && joined.ends_with("raw bytes"), "{joined}");
}

#[test]
fn trailers_arrive() {
    let upstream = Upstream::scripted(|_| {
        "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntrailer: x-sum\r\n\
         transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n"
            .to_owned()
    });
    let fleet = Fleet::new(&shop(&upstream, Leak::Cut));
    let answer = get(fleet.edge(), "/text", &["te: trailers"]);
    assert!(answer.ends_with("0\r\nx-sum: 7\r\n\r\n"), "{answer}");
}

#[test]
fn a_compressed_answer_is_looked_through_all_the_same() {
    let upstream =
        Upstream::scripted(|_| with("200 OK", &["content-encoding: br"], "whatever it is"));
    let fleet = Fleet::new(&shop(&upstream, Leak::Cut));
    assert_eq!(code(&get(fleet.edge(), "/users", &[])), "RW3011");
}

#[test]
fn json_that_calls_itself_a_page_is_looked_through_all_the_same() {
    let html = |text: &str| {
        let length = text.len();
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n\
             content-length: {length}\r\n\r\n{text}"
        )
    };
    let upstream = Upstream::scripted(move |seen| match seen.line() {
        line if line.contains("/text") => html("[page] with a@b.c"),
        _ => html(ANSWER),
    });
    let fleet = Fleet::new(&shop(&upstream, Leak::Cut));
    let edge = fleet.edge();
    let answer = get(edge, "/users", &[]);
    assert!(answer.contains("name") && !answer.contains("a@b.c"), "{answer}");
    assert_eq!(body(&get(edge, "/text", &[])), "[page] with a@b.c");
}

#[test]
fn a_service_cannot_give_a_session() {
    let upstream = Upstream::scripted(|_| {
        let cookies = [
            "set-cookie: __Host-ringwall=x; Path=/; Secure",
            "set-cookie: __Host-ringwall =x; Path=/; Secure",
            "set-cookie: \t__Host-ringwall\t= x; Path=/; Secure",
            "set-cookie: =__Host-ringwall=x; Path=/; Secure",
            "set-cookie: __Host-ringwall",
            "set-cookie: __Host-ringwall-form=x",
            "set-cookie: own=__Host-ringwall=x",
        ];
        with("200 OK", &cookies, "{}")
    });
    let fleet = Fleet::new(&shop(&upstream, Leak::Cut));
    let answer = get(fleet.edge(), "/users", &[]);
    let left: Vec<_> = answer.lines().filter(|line| line.starts_with("set-cookie")).collect();
    assert_eq!(left, ["set-cookie: own=__Host-ringwall=x"]);
}

#[test]
fn an_answer_that_stops_in_its_middle_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                    content-length: 9\r\n\r\n{";
        stream.write_all(head.as_bytes()).unwrap();
        let (_keep, never) = std::sync::mpsc::channel::<()>();
        never.recv_timeout(Duration::from_secs(3)).ok();
    });
    let mut shop = shop(&Upstream::plain(), Leak::Cut);
    shop.services.get_mut("users").unwrap().upstreams =
        vec![ringwall_manifest::Upstream::tcp(address.to_string())];
    let limit = Limit { timeout: Some(Duration::from_millis(200)), ..Limit::default() };
    shop.limits.default = Some(limit);
    let answer = get(Fleet::new(&shop).edge(), "/users", &[]);
    assert_eq!((status(&answer), code(&answer).as_str()), (504, "RW3013"));
}
