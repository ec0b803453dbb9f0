//! How often and how much.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use ringwall_manifest::{Limit, Model, Rate, RateKey};

use crate::fleet::{Fleet, ask, code, field, get, grants, model, raw, service, status};
use crate::upstream::Upstream;

fn shop(upstream: &Upstream, key: RateKey) -> Model {
    let mut users = service("users", upstream.address, &["home = GET /", "put = POST /"]);
    users.people.insert("anyone".to_owned(), grants(&["home", "put"]));
    let mut model = model(vec![users]);
    let rate = Rate { count: 2, per: Duration::from_mins(1), key };
    let limit = Limit { rate: Some(rate), body_bytes_max: Some(8), ..Limit::default() };
    model.limits.default = Some(limit);
    model
}

#[test]
fn who_asks_too_often_waits() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream, RateKey::User));
    let edge = fleet.edge();
    let alice = ["cookie: __Host-ringwall=alice"];
    let first = get(edge, "/", &alice);
    assert_eq!(field(&first, "ratelimit-policy"), Some("\"default\";q=2;w=60"));
    assert_eq!(field(&first, "ratelimit"), Some("\"default\";r=1;t=30"));
    assert_eq!(status(&get(edge, "/", &alice)), 200);
    let third = get(edge, "/", &alice);
    assert_eq!((status(&third), code(&third).as_str()), (429, "RW3004"));
    assert_eq!(field(&third, "retry-after"), Some("30"));
    // Another person from the same address has another quota.
    assert_eq!(status(&get(edge, "/", &["cookie: __Host-ringwall=bob"])), 200);
    assert_eq!(status(&get(edge, "/", &[])), 200);
    // A reload hands out no fresh quota.
    fleet.core.load(&shop(&upstream, RateKey::User), &BTreeMap::new(), None).unwrap();
    assert_eq!(status(&get(edge, "/", &alice)), 429);
    fleet.clock.advance(Duration::from_secs(30));
    assert_eq!(status(&get(edge, "/", &alice)), 200);
    assert_eq!(status(&get(edge, "/", &alice)), 429);
    assert!(fleet.sink.take().iter().any(|event| event.action == "rate-limited"));
}

#[test]
fn an_address_is_counted_whoever_asks() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream, RateKey::Ip));
    let edge = fleet.edge();
    assert_eq!(status(&get(edge, "/", &["cookie: __Host-ringwall=alice"])), 200);
    assert_eq!(status(&get(edge, "/", &["cookie: __Host-ringwall=bob"])), 200);
    // Counted before the token is looked at.
    assert_eq!(status(&get(edge, "/", &["authorization: Bearer junk"])), 429);
}

#[test]
fn q2_a_stranger_cannot_flood_the_fleets_own_pages() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream, RateKey::User));
    let edge = fleet.edge();
    let many = |field: &str, count: usize| {
        let one = format!("GET /login HTTP/1.1\r\nhost: shop.localhost:8443\r\n{field}\r\n");
        let close = one.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
        let answers = raw(edge, &format!("{}{close}", one.repeat(count - 1)));
        let statuses = answers.split("HTTP/1.1 ").skip(1).map(|answer| answer.get(..3).unwrap());
        statuses.map(str::to_owned).collect::<Vec<_>>()
    };
    for _ in 0..6 {
        assert_eq!(many("", 500), vec!["200"; 500]);
    }
    let refused = get(edge, "/login", &[]);
    assert_eq!((status(&refused), code(&refused).as_str()), (429, "RW3004"));
    assert_eq!(field(&refused, "retry-after"), Some("1"));
    fleet.clock.advance(Duration::from_secs(1));
    assert_eq!(many("", 51), [vec!["200"; 50], vec!["429"]].concat());
    // Whom the page knows is not counted.
    fleet.clock.advance(Duration::from_secs(1));
    assert_eq!(many("cookie: __Host-ringwall=alice\r\n", 200), vec!["200"; 200]);
    // The services behind the gateway have limits of their own.
    assert_eq!(status(&get(edge, "/", &[])), 200);
}

#[test]
fn the_last_byte_of_a_body_passes_and_the_next_is_refused() {
    let upstream = Upstream::plain();
    let mut shop = shop(&upstream, RateKey::User);
    shop.limits.default.as_mut().unwrap().rate = None;
    let fleet = Fleet::new(&shop);
    let edge = fleet.edge();
    assert_eq!(status(&ask(edge, "POST /", &[], "12345678")), 200);
    let over = ask(edge, "POST /", &[], "123456789");
    assert_eq!((status(&over), code(&over).as_str()), (413, "RW3009"));
    let chunked = |chunk: &str| {
        format!(
            "POST / HTTP/1.1\r\nhost: shop.localhost:8443\r\nconnection: close\r\n\
             transfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
        )
    };
    assert_eq!(status(&raw(edge, &chunked("8\r\n12345678\r\n"))), 200);
    let over = raw(edge, &chunked("4\r\n1234\r\n5\r\n12345\r\n"));
    assert_eq!((status(&over), code(&over).as_str()), (413, "RW3009"), "{over}");
    assert!(upstream.seen().iter().all(|seen| !seen.body.contains("12345\r\n0")));
}

#[test]
fn a_client_that_hangs_up_is_written_down() {
    let (reached, wait) = std::sync::mpsc::channel();
    let upstream = Upstream::scripted(move |_| {
        reached.send(()).unwrap();
        let (_keep, never) = std::sync::mpsc::channel::<()>();
        never.recv_timeout(Duration::from_secs(3)).ok();
        String::new()
    });
    let fleet = Fleet::new(&shop(&upstream, RateKey::User));
    let mut client = TcpStream::connect(fleet.edge()).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: shop.localhost:8443\r\n\r\n").unwrap();
    wait.recv_timeout(Duration::from_secs(2)).unwrap();
    drop(client);
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let mut events = Vec::new();
    for _ in 0..100 {
        events.extend(fleet.sink.take());
        if !events.is_empty() {
            break;
        }
        never.recv_timeout(Duration::from_millis(20)).ok();
    }
    let [event] = events.as_slice() else { panic!("{events:#?}") };
    assert_eq!(event.reason.as_deref(), Some("the client went away"));
    assert_eq!((event.status, event.operation.as_deref()), (None, Some("home")));
}

#[test]
fn a_service_that_is_too_slow_is_given_up() {
    let upstream = Upstream::scripted(|_| {
        let (_keep, never) = std::sync::mpsc::channel::<()>();
        never.recv_timeout(Duration::from_secs(3)).ok();
        String::new()
    });
    let mut shop = shop(&upstream, RateKey::User);
    shop.limits.default.as_mut().unwrap().timeout = Some(Duration::from_millis(200));
    let fleet = Fleet::new(&shop);
    let answer = get(fleet.edge(), "/", &[]);
    assert_eq!((status(&answer), code(&answer).as_str()), (504, "RW3013"));
}
