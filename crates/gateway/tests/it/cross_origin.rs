//! CORS at the public door, as the Fetch standard has it.

use ringwall_manifest::{Cors, Model};

use crate::fleet::{Fleet, ask, code, field, get, grants, model, service, status};
use crate::upstream::{Upstream, json, with};

const APP: &str = "origin: https://app.example";

fn shop(upstream: &Upstream, cors: Option<Cors>) -> Model {
    let mut users = service("users", upstream.address, &["list = GET /users", "add = POST /users"]);
    users.people.insert("customer".to_owned(), grants(&["list", "add"]));
    users.cors = cors;
    model(vec![users])
}

fn rule() -> Cors {
    Cors {
        origins: vec!["https://app.example".to_owned()],
        headers: vec!["authorization".to_owned(), "x-token".to_owned()],
        expose: vec!["x-total".to_owned()],
        has_credentials: true,
        max_age: Some(std::time::Duration::from_mins(10)),
        ..Cors::default()
    }
}

fn preflight(address: std::net::SocketAddr, fields: &[&str]) -> String {
    ask(address, "OPTIONS /users", fields, "")
}

#[test]
fn a_preflight_is_answered_before_anybody_says_who_they_are() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream, Some(rule())));
    let edge = fleet.edge();
    let wants = "access-control-request-method: POST";
    let answer = preflight(edge, &[APP, wants, "access-control-request-headers: x-token"]);
    assert_eq!(status(&answer), 204, "{answer}");
    assert_eq!(field(&answer, "access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(field(&answer, "access-control-allow-credentials"), Some("true"));
    assert_eq!(field(&answer, "access-control-allow-methods"), Some("GET, POST"));
    assert_eq!(field(&answer, "access-control-allow-headers"), Some("authorization, x-token"));
    assert_eq!(field(&answer, "access-control-max-age"), Some("600"));
    assert!(field(&answer, "vary").unwrap().contains("origin"));
    assert!(field(&answer, "access-control-allow-private-network").is_none());
    let evil = preflight(edge, &["origin: https://app.example.evil", wants]);
    assert_eq!((status(&evil), code(&evil).as_str()), (403, "RW3005"));
    assert!(field(&evil, "access-control-allow-origin").is_none());
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_private_network_is_opened_only_where_declared() {
    let upstream = Upstream::plain();
    let open = Cors { is_for_private_network: true, ..rule() };
    let fleet = Fleet::new(&shop(&upstream, Some(open)));
    let answer = preflight(
        fleet.edge(),
        &[
            APP,
            "access-control-request-method: GET",
            "access-control-request-private-network: true",
        ],
    );
    assert_eq!(field(&answer, "access-control-allow-private-network"), Some("true"));
}

#[test]
fn an_answer_can_be_read_by_declared_origins_only() {
    let own = ["access-control-allow-origin: *", "access-control-allow-credentials: true"];
    let upstream = Upstream::scripted(move |_| with("200 OK", &own, "{}"));
    let fleet = Fleet::new(&shop(&upstream, Some(rule())));
    let edge = fleet.edge();
    let session = "cookie: __Host-ringwall=alice";
    let good = get(edge, "/users", &[APP, session]);
    assert_eq!(field(&good, "access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(field(&good, "access-control-expose-headers"), Some("x-total"));
    for other in ["origin: https://evil.example", "origin: null", "x-origin: none"] {
        let answer = get(edge, "/users", &[other, session]);
        assert_eq!(status(&answer), 200);
        assert!(field(&answer, "access-control-allow-origin").is_none(), "{answer}");
        assert!(field(&answer, "access-control-allow-credentials").is_none(), "{answer}");
        assert_eq!(field(&answer, "vary"), Some("origin"));
    }
    // A refusal can be read too: the page's program has to know why.
    let refused = get(edge, "/users", &[APP]);
    assert_eq!(status(&refused), 403);
    assert_eq!(field(&refused, "access-control-allow-origin"), Some("https://app.example"));
}

#[test]
fn a_declared_origin_may_act_with_cookies_and_another_may_not() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream, Some(rule())));
    let edge = fleet.edge();
    let session = "cookie: __Host-ringwall=alice";
    assert_eq!(status(&ask(edge, "POST /users", &[APP, session], "{}")), 200);
    let evil = ask(edge, "POST /users", &["origin: https://evil.example", session], "{}");
    assert_eq!(code(&evil), "RW3005");
    let without = Cors { has_credentials: false, ..rule() };
    let fleet = Fleet::new(&shop(&upstream, Some(without)));
    assert_eq!(code(&ask(fleet.edge(), "POST /users", &[APP, session], "{}")), "RW3005");
}

#[test]
fn without_a_rule_the_app_speaks_for_itself() {
    let own = ["access-control-allow-origin: https://partner.example"];
    let upstream = Upstream::scripted(move |seen| match seen.line() {
        line if line.starts_with("OPTIONS") => json("{}"),
        _ => with("200 OK", &own, "{}"),
    });
    let fleet = Fleet::new(&shop(&upstream, None));
    let edge = fleet.edge();
    let answer = get(edge, "/users", &[APP, "cookie: __Host-ringwall=alice"]);
    assert_eq!(field(&answer, "access-control-allow-origin"), Some("https://partner.example"));
    let answer = preflight(edge, &[APP, "access-control-request-method: GET"]);
    assert_eq!(status(&answer), 405);
}
