//! Credentials at the public door: tokens of attack list J, cookies, and what the app learns.

use std::sync::Arc;

use ringwall_base::{Algorithm, Timestamp};
use ringwall_jose::{Expected, PrivateKey};
use serde_json::json;

use crate::fleet::{Fleet, ISSUER, NOW, ask, code, get, grants, model, service, status};
use crate::upstream::Upstream;

fn shop(upstream: &Upstream) -> Fleet {
    let mut users = service("users", upstream.address, &["me = GET /me", "save = POST /me"]);
    users.people.insert("customer".to_owned(), grants(&["me", "save"]));
    Fleet::new(&model(vec![users]))
}

#[test]
fn a_good_token_and_a_session_let_in_and_neither_is_passed_on() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    let edge = fleet.edge();
    let bearer = format!("authorization: Bearer {}", fleet.token("at+jwt", &json!({})));
    assert_eq!(status(&get(edge, "/me", &[&bearer])), 200);
    assert!(upstream.last().values("authorization").is_empty());
    assert_eq!(status(&get(edge, "/me", &["cookie: __Host-ringwall=alice"])), 200);
    assert!(upstream.last().values("cookie").is_empty());
    // The app's own scheme is the app's own, and makes nobody known.
    let basic = ["authorization: Basic YTpi", "cookie: __Host-ringwall=alice"];
    assert_eq!(status(&get(edge, "/me", &basic)), 200);
    assert_eq!(upstream.last().values("authorization"), ["Basic YTpi"]);
    assert_eq!(status(&get(edge, "/me", &["authorization: Basic YTpi"])), 403);
    assert_eq!(status(&get(edge, "/me", &["cookie: __Host-ringwall=mallory"])), 403);
    assert_eq!(upstream.seen().len(), 3);
}

#[test]
fn two_credentials_are_refused() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    let edge = fleet.edge();
    let bearer = format!("authorization: Bearer {}", fleet.token("at+jwt", &json!({})));
    for fields in [
        vec![bearer.as_str(), "cookie: __Host-ringwall=alice"],
        vec![bearer.as_str(), bearer.as_str()],
        vec!["authorization: Bearer\tx", "cookie: __Host-ringwall=alice"],
        vec!["cookie: __Host-ringwall=alice; __Host-ringwall=sue"],
    ] {
        assert_eq!(status(&get(edge, "/me", &fields)), 400, "{fields:?}");
    }
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_bad_token_is_refused_whatever_is_bad() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    let edge = fleet.edge();
    let good = fleet.token("at+jwt", &json!({}));
    let (head, rest) = good.split_once('.').unwrap();
    let none = ringwall_jose::base64url_encode(br#"{"alg":"none","typ":"at+jwt","kid":"x"}"#);
    let bad = [
        format!("{none}.{rest}"),
        format!("{none}.{}.", rest.split('.').next().unwrap()),
        format!("{head}.{}.", rest.split('.').next().unwrap()),
        format!("{good}A"),
        format!("{good}="),
        format!("{good}.{good}"),
        "x".repeat(9_000),
        String::new(),
        fleet.token("JWT", &json!({})),
        fleet.token("rw-int+jwt", &json!({})),
        fleet.token("at+jwt", &json!({"exp": NOW - 60})),
        fleet.token("at+jwt", &json!({"exp": "2000000000"})),
        fleet.token("at+jwt", &json!({"exp": null})),
        fleet.token("at+jwt", &json!({"iat": NOW + 600, "exp": NOW + 900})),
        fleet.token("at+jwt", &json!({"exp": NOW + 10_000_000})),
        fleet.token("at+jwt", &json!({"aud": "https://evil.example"})),
        fleet.token("at+jwt", &json!({"aud": format!("{ISSUER}/")})),
        fleet.token("at+jwt", &json!({"iss": "https://evil.example"})),
        fleet.token("at+jwt", &json!({"cnf": {"jkt": "x"}})),
        fleet.token("at+jwt", &json!({"jti": "t-revoked"})),
    ];
    for token in bad {
        let answer = get(edge, "/me", &[&format!("authorization: Bearer {token}")]);
        let shown: String = token.chars().take(60).collect();
        assert_eq!((status(&answer), code(&answer).as_str()), (401, "RW3003"), "{shown}: {answer}");
    }
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_change_by_cookie_must_come_from_our_own_pages() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    let edge = fleet.edge();
    let cookie = "cookie: __Host-ringwall=alice";
    let ours = format!("origin: {ISSUER}");
    for (extra, want) in [
        (None, 403),
        (Some("origin: https://evil.example"), 403),
        (Some("origin: null"), 403),
        (Some("origin: https://shop.localhost"), 403),
        (Some("sec-fetch-site: cross-site"), 403),
        (Some("sec-fetch-site: same-site"), 403),
        (Some("sec-fetch-site: same-origin"), 200),
        (Some(ours.as_str()), 200),
    ] {
        let fields: Vec<&str> = [Some(cookie), extra].into_iter().flatten().collect();
        let answer = ask(edge, "POST /me", &fields, "x");
        assert_eq!(status(&answer), want, "{extra:?}: {answer}");
        assert!(want == 200 || code(&answer) == "RW3005");
    }
    let mixed = [cookie, "origin: https://evil.example", "sec-fetch-site: same-origin"];
    assert_eq!(status(&ask(edge, "POST /me", &mixed, "x")), 403);
    let bearer = format!("authorization: Bearer {}", fleet.token("at+jwt", &json!({})));
    assert_eq!(status(&ask(edge, "POST /me", &[&bearer], "x")), 200);
}

#[test]
fn the_app_gets_a_token_bound_to_this_request() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    get(fleet.edge(), "/me?a=b", &["cookie: __Host-ringwall=alice"]);
    let seen = upstream.last();
    let [token] = seen.values("ringwall-identity")[..] else { panic!("{}", seen.head) };
    let keys = ringwall_jose::KeySet::from_jwks(
        &ringwall_jose::JwkSet::new(vec![fleet.internal.public().clone()]).unwrap(),
    );
    let expected = Expected { issuer: "ringwall:shop".to_owned(), audience: "users".to_owned() };
    let claims =
        keys.unwrap().verify_internal(token, &expected, Timestamp::from_secs(NOW)).unwrap();
    assert_eq!((claims.subject.as_str(), claims.name.as_deref()), ("u-alice", Some("alice")));
    assert_eq!((claims.roles.as_slice(), claims.actor), (&["customer".to_owned()][..], None));
    assert_eq!((claims.operation.as_str(), claims.own), ("me", false));
    assert_eq!((claims.method.as_str(), claims.path.as_str()), ("GET", "/me"));
    assert_eq!(vec![claims.request.as_str()], seen.values("ringwall-request"));
}

#[test]
fn a_key_that_takes_over_signs_the_next_token() {
    let upstream = Upstream::plain();
    let fleet = shop(&upstream);
    let edge = fleet.edge();
    let key = || {
        assert_eq!(status(&get(edge, "/me", &["cookie: __Host-ringwall=alice"])), 200);
        let token = upstream.last().values("ringwall-identity").concat();
        token.split('.').next().unwrap().to_owned()
    };
    let before = key();
    assert_eq!(key(), before);
    let next = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    *fleet.signers.0.lock().unwrap() = Arc::new(next);
    assert_ne!(key(), before);
}
