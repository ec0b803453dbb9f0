//! `:own`: only the caller's own objects, wherever the owner stands.

use ringwall_base::Place;
use ringwall_manifest::{Mode, Model, OwnerRule, OwnerSource, OwnerValue};

use crate::fleet::{Fleet, ask, code, get, grants, model, service, status};
use crate::upstream::{Upstream, json, with};

fn rule(source: OwnerSource, name: &str, equals: OwnerValue) -> OwnerRule {
    OwnerRule { source, name: name.to_owned(), equals, place: Place::default() }
}

fn shop(upstream: &Upstream) -> Model {
    let operations = [
        "user = GET /users/{id}",
        "list = GET /orders",
        "make = POST /orders",
        "order = GET /orders/{id}",
        "stated = GET /stated",
    ];
    let mut orders = service("orders", upstream.address, &operations);
    let own = ["user:own", "list:own", "make:own", "order:own", "stated:own"];
    orders.people.insert("customer".to_owned(), grants(&own));
    orders
        .people
        .insert("support".to_owned(), grants(&["user", "list", "make", "order", "stated"]));
    for (name, rule) in [
        ("user", rule(OwnerSource::Path, "id", OwnerValue::Subject)),
        ("list", rule(OwnerSource::Query, "user", OwnerValue::Name)),
        ("make", rule(OwnerSource::Body, "order.user", OwnerValue::Name)),
        ("order", rule(OwnerSource::Response, "user", OwnerValue::Name)),
    ] {
        orders.own.insert(name.to_owned(), rule);
    }
    model(vec![orders])
}

const ALICE: &str = "cookie: __Host-ringwall=alice";
const SUE: &str = "cookie: __Host-ringwall=sue";

#[test]
fn the_owner_in_path_and_query_is_compared_before_the_service_is_asked() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    for (path, who, want) in [
        ("/users/u-alice", ALICE, 200),
        ("/users/u%2Dalice", ALICE, 200),
        ("/users/u-bob", ALICE, 403),
        ("/users/U-ALICE", ALICE, 403),
        ("/users/u-bob", SUE, 200),
        ("/orders?user=alice", ALICE, 200),
        ("/orders?user=bob", ALICE, 403),
        ("/orders?user=alice&user=bob", ALICE, 403),
        ("/orders?x=1;user=bob&user=alice", ALICE, 403),
        ("/orders", ALICE, 403),
        ("/orders", SUE, 200),
    ] {
        assert_eq!(status(&get(edge, path, &[who])), want, "{path} {who}");
    }
    assert_eq!(upstream.seen().len(), 5);
}

#[test]
fn the_owner_in_the_body_is_compared_in_json_and_forms() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    let json = "content-type: application/json";
    let form = "content-type: application/x-www-form-urlencoded";
    for (media_type, text, want) in [
        (json, r#"{"order":{"user":"alice"}}"#, 200),
        (json, r#"{"order":{"user":"bob"}}"#, 403),
        (json, r#"{"order":{"user":"alice","user":"bob"}}"#, 403),
        (json, "{}", 403),
        (json, r#"{"order":{"user":[]}}"#, 403),
        (form, r#"{"order":{"user":"bob"},"x":"&order.user=alice&"}"#, 403),
        (json, "not json", 403),
        (form, "order.user=alice", 200),
        (form, "order.user=bob&order.user=alice", 403),
    ] {
        let fields = [ALICE, "sec-fetch-site: same-origin", media_type];
        assert_eq!(status(&ask(edge, "POST /orders", &fields, text)), want, "{text}");
    }
    assert_eq!(upstream.last().body, "order.user=alice");
}

#[test]
fn an_answer_about_anothers_object_looks_as_if_it_were_not_there() {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/orders/1 ") => json(r#"{"user":"alice"}"#),
        line if line.contains("/orders/2 ") => json(r#"[{"user":"alice"},{"user":"bob"}]"#),
        line if line.contains("/orders/3 ") => with("404 Not Found", &[], r#"{"user":"bob"}"#),
        _ => json(r#"{"user":"bob","total":7}"#),
    });
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    assert_eq!(status(&get(edge, "/orders/1", &[ALICE])), 200);
    for path in ["/orders/2", "/orders/4"] {
        let answer = get(edge, path, &[ALICE]);
        assert_eq!((status(&answer), code(&answer).as_str()), (404, "RW3002"), "{path}");
        assert!(!answer.contains("bob"));
    }
    assert_eq!(status(&get(edge, "/orders/3", &[ALICE])), 404);
    assert_eq!(status(&get(edge, "/orders/4", &[SUE])), 200);
}

#[test]
fn an_app_that_does_not_state_the_owner_is_not_believed() {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("checked") => with("200 OK", &["Ringwall-Owner: checked"], "{}"),
        line if line.contains("missing") => with("404 Not Found", &[], "{}"),
        _ => json(r#"{"secret":1}"#),
    });
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    assert_eq!(status(&get(edge, "/stated?checked", &[ALICE])), 200);
    assert_eq!(status(&get(edge, "/stated?missing", &[ALICE])), 404);
    let silent = get(edge, "/stated?silent", &[ALICE]);
    assert_eq!((status(&silent), code(&silent).as_str()), (500, "RW3010"));
    assert!(!silent.contains("secret"));
    assert_eq!(status(&get(edge, "/stated?silent", &[SUE])), 200);
}

#[test]
fn observe_mode_lets_through_and_writes_down_what_it_would_refuse() {
    let upstream = Upstream::plain();
    let mut shop = shop(&upstream);
    shop.gateway.mode = Mode::Observe;
    let fleet = Fleet::new(&shop);
    let edge = fleet.edge();
    assert_eq!(status(&get(edge, "/users/u-bob", &[ALICE])), 200);
    assert_eq!(status(&get(edge, "/stated", &[])), 200);
    let events = fleet.sink.take();
    let would: Vec<_> = events.iter().filter_map(|event| event.code).collect();
    assert_eq!(would, ["RW3001", "RW3001"]);
    assert!(events.iter().any(|event| event.outcome == ringwall_base::Outcome::WouldDeny));
    // Two readings stay two readings.
    assert_eq!(status(&get(edge, "/users/%2e%2e", &[ALICE])), 400);
    assert_eq!(status(&get(edge, "/nothing", &[ALICE])), 404);
}

#[test]
fn an_answer_without_a_body_names_no_owner() {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/stated ") => with("200 OK", &["Ringwall-Owner: checked"], ""),
        _ => with("200 OK", &[], ""),
    });
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    let empty = get(edge, "/orders/1", &[ALICE]);
    assert_eq!((status(&empty), code(&empty).as_str()), (500, "RW3010"));
    // Whether it is there is told to its owner only.
    assert_eq!(status(&ask(edge, "HEAD /orders/1", &[ALICE], "")), 404);
    assert_eq!(status(&get(edge, "/orders/stated", &[ALICE])), 200);
    assert_eq!(status(&ask(edge, "HEAD /orders/stated", &[ALICE], "")), 200);
    assert_eq!(status(&ask(edge, "HEAD /orders/1", &[SUE], "")), 200);
    get(edge, "/orders/1", &[ALICE, "if-none-match: *"]);
    assert!(upstream.last().values("if-none-match").is_empty());
}
