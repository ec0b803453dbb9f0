//! Who gets in, who is told what, and what is written down.

use ringwall_base::{Class, Outcome};

use crate::fleet::{Fleet, ask, body, code, field, get, grants, model, service, status};
use crate::upstream::Upstream;

fn shop(upstream: &Upstream) -> Fleet {
    let mut users = service(
        "users",
        upstream.address,
        &["home = GET /", "list = GET /users", "create = POST /users", "feed = GET /feed/"],
    );
    users.people.insert("anyone".to_owned(), grants(&["home", "create", "feed"]));
    users.people.insert("support".to_owned(), grants(&["list"]));
    let mut pay = service("pay", upstream.address, &["charge = POST /charge", "dup = GET /users"]);
    pay.callers.insert("users".to_owned(), grants(&["charge"]));
    Fleet::new(&model(vec![users, pay]))
}

#[test]
fn what_a_line_allows_is_forwarded_and_what_none_allows_is_refused() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    let edge = fleet.edge();
    assert_eq!(status(&get(edge, "/", &[])), 200);
    let denied = get(edge, "/users", &[]);
    assert_eq!((status(&denied), code(&denied).as_str()), (403, "RW3001"));
    assert!(denied.contains("application/problem+json"));
    assert!(body(&denied).contains("\"line\":\"ringwall.toml:37:1\""), "{denied}");
    let customer = get(edge, "/users", &["cookie: __Host-ringwall=alice"]);
    assert_eq!(status(&customer), 403);
    // An admin is a support: roles contain others.
    assert_eq!(status(&get(edge, "/users", &["cookie: __Host-ringwall=sue"])), 200);
    assert_eq!(status(&ask(edge, "POST /charge", &[], "x")), 403);
    assert_eq!(upstream.seen().len(), 2);
}

#[test]
fn an_unknown_path_or_method_is_refused() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    let edge = fleet.edge();
    assert_eq!(code(&get(edge, "/nothing", &[])), "RW3006");
    let wrong = ask(edge, "DELETE /users", &[], "");
    assert_eq!((status(&wrong), field(&wrong, "allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(status(&ask(edge, "OPTIONS /", &[], "")), 405);
    assert_eq!(status(&ask(edge, "HEAD /", &[], "")), 200);
    let moved = get(edge, "/feed?a=b", &[]);
    assert_eq!((status(&moved), field(&moved, "location")), (308, Some("/feed/?a=b")));
    assert!(upstream.last().line().starts_with("HEAD / "));
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn a_browser_that_navigates_is_sent_to_the_login_page() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    let edge = fleet.edge();
    let page = get(edge, "/users?a=b", &["accept: text/html,*/*;q=0.8"]);
    assert_eq!(status(&page), 303);
    assert_eq!(field(&page, "location"), Some("/login?return_to=%2Fusers%3Fa%3Db"));
    // Who is signed in and may not would come back here for ever.
    let fields = ["accept: text/html", "cookie: __Host-ringwall=alice"];
    assert_eq!(status(&get(edge, "/users", &fields)), 403);
    assert_eq!(status(&ask(edge, "POST /charge", &["accept: text/html"], "x")), 403);
}

#[test]
fn the_fleets_own_pages_see_the_session_and_no_service_takes_their_place() {
    let upstream = Upstream::plain();
    let mut users = service("users", upstream.address, &["login = POST /login"]);
    users.people.insert("anyone".to_owned(), grants(&["login"]));
    let fleet = Fleet::new(&model(vec![users]));
    let answer = ask(fleet.edge(), "POST /login", &["cookie: a=1; __Host-ringwall=s"], "abc");
    assert_eq!(body(&answer), "127.0.0.1 __Host-ringwall=s; a=1 3");
    assert_eq!(field(&answer, "x-frame-options"), Some("DENY"));
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_client_cannot_speak_for_ringwall_and_is_described_by_it() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    let answer = get(
        fleet.edge(),
        "/",
        &[
            "Ringwall-Identity: forged",
            "RINGWALL-Request: forged",
            "X-Forwarded-For: 6.6.6.6",
            "X-Forwarded-Prefix: /evil",
            "Forwarded: for=6.6.6.6",
            "X-Real-IP: 6.6.6.6",
            "traceparent: 00-11111111111111111111111111111111-1111111111111111-01",
            "X-HTTP-Method-Override: DELETE",
            "cookie: a=1; __Host-ringwall=alice; b=2",
            "x_ident: 1",
            "Connection: close, X-Secret",
            "X-Secret: 1",
        ],
    );
    assert_eq!(status(&answer), 200, "{answer}");
    let seen = upstream.last();
    assert_eq!(seen.values("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.values("x-forwarded-proto"), ["https"]);
    assert_eq!(seen.values("host"), ["shop.localhost:8443"]);
    assert_eq!(seen.values("cookie"), ["a=1; b=2"]);
    for name in [
        "forwarded",
        "x-forwarded-prefix",
        "x-real-ip",
        "x-http-method-override",
        "x_ident",
        "x-secret",
    ] {
        assert!(seen.values(name).is_empty(), "{name} in {}", seen.head);
    }
    assert_eq!(seen.values("ringwall-identity").len(), 1);
    assert_eq!(seen.values("ringwall-request"), [field(&answer, "ringwall-request").unwrap()]);
    assert!(!seen.head.contains("forged") && !seen.head.contains("1111111111"), "{}", seen.head);
}

#[test]
fn an_answer_is_dressed_and_tells_nothing_of_the_server() {
    let upstream = Upstream::scripted(|_| {
        crate::upstream::with(
            "200 OK",
            &[
                "ringwall-owner: checked",
                "ringwall-x: 1",
                "set-cookie: __Host-ringwall=fixed",
                "set-cookie: a=1",
            ],
            "{}",
        )
    });
    let fleet = shop(&upstream);
    let edge = fleet.edge();
    for answer in [get(edge, "/", &[]), get(edge, "/nothing", &[])] {
        assert_eq!(field(&answer, "x-content-type-options"), Some("nosniff"));
        assert_eq!(field(&answer, "x-frame-options"), Some("DENY"));
        assert!(field(&answer, "strict-transport-security").is_some());
        assert!(field(&answer, "server").is_none());
        assert!(field(&answer, "ringwall-request").unwrap().starts_with("r-"));
        assert!(
            field(&answer, "ringwall-owner").is_none() && field(&answer, "ringwall-x").is_none()
        );
        assert!(!answer.contains("fixed"));
    }
    assert_eq!(field(&get(edge, "/", &[]), "set-cookie"), Some("a=1"));
}

#[test]
fn each_request_leaves_one_record() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    let edge = fleet.edge();
    get(edge, "/", &[]);
    let denied = get(edge, "/users", &["cookie: __Host-ringwall=alice"]);
    let events = fleet.sink.take();
    let [allowed, refused] = events.as_slice() else { panic!("{events:#?}") };
    assert_eq!((allowed.action, allowed.class), ("request-completed", Class::Sampled));
    assert_eq!(allowed.line.as_ref().unwrap().to_string(), "ringwall.toml:37:1");
    assert_eq!(refused.action, "access-denied");
    assert_eq!((refused.class, refused.outcome), (Class::Group, Outcome::Failure));
    assert_eq!((refused.code, refused.stage), (Some("RW3001"), Some("authorize")));
    assert_eq!(refused.person.as_deref(), Some("u-alice"));
    assert_eq!(refused.request.as_deref(), field(&denied, "ringwall-request"));
    assert_eq!(refused.operation.as_deref(), Some("list"));
    let text = fleet.core.metrics().unwrap();
    for part in [
        "http_server_request_duration_seconds_count{ringwall_door=\"edge\"",
        "http_response_status_code=\"403\",error_type=\"RW3001\"",
        "http_server_active_requests 0",
        "ringwall_authz_decisions_total{effect=\"deny\"",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}
