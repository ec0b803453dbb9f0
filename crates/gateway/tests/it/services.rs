//! Service to service: out by one door, in by the other, with the person along.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::Request;
use ringwall_base::RequestId;
use ringwall_gateway::{Door, House, Reach};
use ringwall_jose::mint;
use ringwall_manifest::Model;
use ringwall_net::{
    Answer, Answering, Body, DialTcp, Peer, Target, TargetSettings, TlsFacts, Violation,
};
use serde_json::json;

use crate::fleet::{Fleet, NOW, ask, code, get, grants, model, raw, service, status};
use crate::upstream::Upstream;

/// Stands for mutual TLS: every connection shows this certificate.
#[derive(Debug)]
struct Certified(Arc<House>, &'static str);

impl Answer for Certified {
    fn answer(&self, peer: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        let identity = Some(self.1.to_owned());
        let tls = TlsFacts { sni: None, is_h2: false, version: "TLSv1.3", identity, client: None };
        let peer = Arc::new(Peer::new(peer.address, peer.door.clone(), Some(tls)));
        Box::pin(async move { House::answer(&self.0, &peer, request).await })
    }

    fn refused(&self, peer: &Peer, violation: Violation) -> RequestId {
        self.0.refused(peer, violation)
    }
}

#[derive(Debug, Default)]
struct ByDoor(Mutex<Option<SocketAddr>>);

impl Reach for ByDoor {
    fn app(&self, _service: &str, address: &str, settings: TargetSettings) -> Arc<Target> {
        Target::with(Arc::new(DialTcp(address.parse().unwrap())), None, settings)
    }

    fn door(&self, _caller: &str, _callee: &str) -> Option<Arc<Target>> {
        let address = (*self.0.lock().unwrap())?;
        Some(Target::new(Arc::new(DialTcp(address)), None))
    }
}

fn shop(orders: &Upstream, payments: &Upstream) -> Model {
    let mut orders = service("orders", orders.address, &["make = POST /orders"]);
    orders.people.insert("customer".to_owned(), grants(&["make"]));
    let mut payments = service(
        "payments",
        payments.address,
        &["charge = POST /charge", "refund = POST /refund", "history = GET /history"],
    );
    payments.hosts = vec!["payment-service:5003".to_owned()];
    payments.callers.insert("orders".to_owned(), grants(&["charge", "history:on-behalf"]));
    model(vec![orders, payments])
}

struct Pair {
    fleet: Fleet,
    outbound: SocketAddr,
    inbound: SocketAddr,
}

fn pair(orders: &Upstream, payments: &Upstream, certificate: &'static str) -> Pair {
    let reach = Arc::new(ByDoor::default());
    let manifest = shop(orders, payments);
    let fleet = Fleet::with(&manifest, &BTreeMap::new(), Arc::clone(&reach) as Arc<dyn Reach>);
    let house = fleet.house(Door::Inbound { service: "payments".to_owned() });
    let door = ringwall_net::Door::Inbound("payments".into());
    let inbound = fleet.open(Arc::new(Certified(house, certificate)), door);
    *reach.0.lock().unwrap() = Some(inbound);
    fleet.core.load(&manifest, &BTreeMap::new(), None).unwrap();
    let door = Door::Outbound { caller: "orders".to_owned(), callee: None };
    let outbound = fleet.open(fleet.house(door), ringwall_net::Door::Outbound("orders".into()));
    Pair { fleet, outbound, inbound }
}

fn call(address: SocketAddr, line: &str, host: &str, fields: &str) -> String {
    raw(address, &format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{fields}\r\n"))
}

const ORDERS: &str = "spiffe://shop/service/orders";

#[test]
fn a_call_leaves_and_arrives_under_the_callers_name() {
    let (orders, payments) = (Upstream::plain(), Upstream::plain());
    let pair = pair(&orders, &payments, ORDERS);
    let fields = "authorization: Basic YTpi\r\ncontent-length: 0\r\n";
    for host in ["payment-service:5003", "PAYMENTS", "payments:80"] {
        let answer = call(pair.outbound, "POST /charge", host, fields);
        assert_eq!(status(&answer), 200, "{host}: {answer}");
    }
    let seen = payments.last();
    // Between services this field is the app's own.
    assert_eq!(seen.values("authorization"), ["Basic YTpi"]);
    assert_eq!(seen.values("ringwall-identity").len(), 1);
    let events = pair.fleet.sink.take();
    assert!(events.iter().all(|event| event.caller.as_deref() == Some("orders")));
    assert_eq!(events.len(), 6);
}

#[test]
fn a_call_has_one_trace_at_all_doors() {
    let (orders, payments) = (Upstream::plain(), Upstream::plain());
    let pair = pair(&orders, &payments, ORDERS);
    let fields = ["cookie: __Host-ringwall=alice", "origin: https://shop.localhost:8443"];
    let answer = ask(pair.fleet.edge(), "POST /orders", &fields, "{}");
    assert_eq!(status(&answer), 200, "{answer}");
    // What an app that knows tracing passes on.
    let made = orders.last();
    let told = format!("traceparent: {}\r\ntracestate: a=1\r\n", made.values("traceparent")[0]);
    let empty = "content-length: 0\r\n";
    let answer = call(pair.outbound, "POST /charge", "payments", &format!("{told}{empty}"));
    assert_eq!(status(&answer), 200, "{answer}");
    let events = pair.fleet.sink.take();
    let trace = events[0].trace.clone().unwrap();
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.trace.as_ref() == Some(&trace)), "{events:#?}");
    let charged = payments.last();
    let parent = charged.values("traceparent");
    assert!(parent[0].starts_with(&format!("00-{trace}-")), "{parent:?}");
    assert_ne!(parent, made.values("traceparent"));
    assert_eq!(charged.values("tracestate"), ["a=1"]);
    // What is none begins a new one, and what came with it goes.
    let wrong = format!("{}{empty}", told.replace("00-", "ff-"));
    assert_eq!(status(&call(pair.outbound, "POST /charge", "payments", &wrong)), 200);
    let events = pair.fleet.sink.take();
    assert!(events.iter().all(|event| event.trace.as_ref() != Some(&trace)));
    assert_eq!(events[0].trace, events[1].trace);
    assert!(payments.last().values("tracestate").is_empty());
}

#[test]
fn a_call_that_no_line_allows_is_refused_at_both_doors() {
    let (orders, payments) = (Upstream::plain(), Upstream::plain());
    let pair = pair(&orders, &payments, ORDERS);
    let empty = "content-length: 0\r\n";
    for door in [pair.outbound, pair.inbound] {
        let answer = call(door, "POST /refund", "payments", empty);
        assert_eq!((status(&answer), code(&answer).as_str()), (403, "RW3001"));
    }
    assert_eq!(status(&call(pair.outbound, "GET /", "169.254.169.254", "")), 404);
    assert_eq!(status(&call(pair.outbound, "GET /orders", "users:80", "")), 404);
    assert!(payments.seen().is_empty());
}

#[test]
fn a_certificate_of_another_makes_another_caller() {
    let (orders, payments) = (Upstream::plain(), Upstream::plain());
    for (certificate, want) in [
        ("spiffe://shop/service/users", 403),
        ("spiffe://shop/gateway", 403),
        ("spiffe://evil/service/orders", 401),
        ("spiffe://shop.evil/service/orders", 401),
        ("spiffe://shop/service/orders/x", 401),
        ("spiffe://shop/service/", 401),
    ] {
        let pair = pair(&orders, &payments, certificate);
        let answer = call(pair.inbound, "POST /charge", "payments", "content-length: 0\r\n");
        assert_eq!(status(&answer), want, "{certificate}: {answer}");
    }
    assert!(payments.seen().is_empty());
}

#[test]
fn a_person_comes_along_only_with_a_token_addressed_to_the_caller() {
    let (orders, payments) = (Upstream::plain(), Upstream::plain());
    let pair = pair(&orders, &payments, ORDERS);
    let edge = pair.fleet.edge();
    let mut people = get(edge, "/nothing", &[]);
    assert_eq!(status(&people), 404);
    people = ask(
        edge,
        "POST /orders",
        &["cookie: __Host-ringwall=alice", "sec-fetch-site: same-origin"],
        "x",
    );
    assert_eq!(status(&people), 200);
    let token = orders.last().values("ringwall-identity")[0].to_owned();
    // Without a person `:on-behalf` does not hold.
    assert_eq!(status(&call(pair.outbound, "GET /history", "payments", "")), 403);
    let along = format!("Ringwall-Identity: {token}\r\n");
    let answer = call(pair.outbound, "GET /history", "payments", &along);
    assert_eq!(status(&answer), 200, "{answer}");
    let passed = payments.last().values("ringwall-identity")[0].to_owned();
    assert_ne!(passed, token);
    // A token for orders is none for payments: straight in, it is refused.
    assert_eq!(status(&call(pair.inbound, "GET /history", "payments", &along)), 401);
    // One for payments is none for orders' door.
    let wrong = format!("Ringwall-Identity: {passed}\r\n");
    assert_eq!(status(&call(pair.outbound, "GET /history", "payments", &wrong)), 401);
    pair.fleet.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(status(&call(pair.outbound, "GET /history", "payments", &along)), 401);
}

#[test]
fn an_identity_is_passed_on_only_by_the_service_that_it_names() {
    let (orders, payments) = (Upstream::plain(), Upstream::plain());
    let pair = pair(&orders, &payments, ORDERS);
    let (orders, users) = (json!({"sub": "service:orders"}), json!({"sub": "service:users"}));
    for (actor, method, path, want) in [
        (&orders, "GET", "/history", 200),
        (&users, "GET", "/history", 401),
        (&orders, "POST", "/history", 401),
        (&orders, "GET", "/charges", 401),
    ] {
        let claims = json!({
            "iss": "ringwall:shop", "aud": "payments", "sub": "u-alice", "roles": [],
            "iat": NOW, "exp": NOW + 30, "jti": "r-1", "act": actor,
            "op": "history", "own": false, "htm": method, "htu": path,
        });
        let token = mint(&*pair.fleet.internal, "rw-int+jwt", &claims).unwrap();
        let along = format!("Ringwall-Identity: {token}\r\n");
        let answer = call(pair.inbound, "GET /history", "payments", &along);
        assert_eq!(status(&answer), want, "{actor} {method} {path}: {answer}");
    }
}
