//! Tokens that are bound to a key, at the public door: attacks D1 to D4.

use std::time::Duration;

use ringwall_base::{Algorithm, Signer as _};
use ringwall_jose::{DpopProof, PrivateKey, base64url_encode};
use serde_json::{Value, json};

use crate::fleet::{Fleet, ISSUER, NOW, ask, code, get, grants, model, service, status};
use crate::upstream::Upstream;

struct Bound {
    upstream: Upstream,
    fleet: Fleet,
    key: PrivateKey,
    token: String,
}

impl Bound {
    fn new() -> Self {
        let upstream = Upstream::plain();
        let mut users = service("users", upstream.address, &["me = GET /me", "save = POST /me"]);
        users.people.insert("customer".to_owned(), grants(&["me", "save"]));
        let fleet = Fleet::new(&model(vec![users]));
        let key = PrivateKey::generate(Algorithm::Es256).unwrap();
        let token = fleet.token("at+jwt", &json!({"cnf": {"jkt": key.key_id()}}));
        Self { upstream, fleet, key, token }
    }

    /// A proof, with some claims replaced; `null` takes one away.
    fn proof(&self, key: &PrivateKey, jti: &str, change: &Value) -> String {
        let hash = DpopProof::ath_of(&self.token);
        let mut claims = json!({"jti": jti, "htm": "GET", "htu": format!("{ISSUER}/me"),
            "iat": NOW, "ath": hash});
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public().to_json()});
        let [header, claims] = [header, claims].map(|part| base64url_encode(part.to_string()));
        let text = format!("{header}.{claims}");
        let signature = base64url_encode(key.sign(text.as_bytes()).unwrap());
        format!("dpop: {text}.{signature}")
    }

    fn good(&self, jti: &str) -> String {
        self.proof(&self.key, jti, &json!({}))
    }

    fn shown(&self) -> String {
        format!("authorization: DPoP {}", self.token)
    }
}

#[test]
fn a_bound_token_lets_in_with_a_new_proof_each_time_and_neither_is_passed_on() {
    let b = Bound::new();
    let edge = b.fleet.edge();
    for jti in ["1", "2"] {
        assert_eq!(status(&get(edge, "/me", &[&b.shown(), &b.good(jti)])), 200);
        assert!(b.upstream.last().values("authorization").is_empty());
        assert!(b.upstream.last().values("dpop").is_empty());
    }
    // A verified token that is remembered does not stand for its proof.
    let answer = get(edge, "/me", &[&b.shown(), &b.good("2")]);
    assert_eq!((status(&answer), code(&answer)), (401, "RW3003".to_owned()), "replayed");
    assert!(answer.contains("DPoP error=\"invalid_dpop_proof\", algs=\"ES256 EdDSA"), "{answer}");
    assert_eq!(status(&get(edge, "/me", &[&b.shown()])), 401, "without any");
    let post = json!({"htm": "POST", "htu": format!("{ISSUER}/me?x=y")});
    let proof = b.proof(&b.key, "3", &post);
    assert_eq!(status(&ask(edge, "POST /me?a=b", &[&b.shown(), &proof], "x")), 200);
    let small = format!("authorization: dpop  {}", b.token);
    assert_eq!(status(&get(edge, "/me", &[&small, &b.good("4")])), 200);
}

#[test]
fn d1_a_bound_token_is_nothing_as_a_bearer_token_and_a_free_one_nothing_with_a_proof() {
    let b = Bound::new();
    let edge = b.fleet.edge();
    let bearer = format!("authorization: Bearer {}", b.token);
    let answer = get(edge, "/me", &[&bearer, &b.good("1")]);
    assert_eq!(status(&answer), 401);
    assert!(answer.contains("Bearer error=\"invalid_token\", resource_metadata="), "{answer}");
    assert!(answer.contains(", DPoP algs=\"ES256 EdDSA Ed25519\", resource_metadata="), "{answer}");
    let free = b.fleet.token("at+jwt", &json!({}));
    let proof = b.proof(&b.key, "2", &json!({"ath": DpopProof::ath_of(&free)}));
    let answer = get(edge, "/me", &[&format!("authorization: DPoP {free}"), &proof]);
    assert_eq!(status(&answer), 401);
    assert!(answer.contains("DPoP error=\"invalid_token\""), "{answer}");
    assert_eq!(status(&get(edge, "/me", &["authorization: DPoP"])), 401);
    let (shown, proof) = (b.shown(), b.good("3"));
    let both = [shown.as_str(), &proof, "cookie: __Host-ringwall=alice"];
    assert_eq!(status(&get(edge, "/me", &both)), 400, "beside a session");
    assert!(b.upstream.seen().is_empty());
}

#[test]
fn d2_a_proof_that_is_not_for_this_request_is_refused() {
    let b = Bound::new();
    let edge = b.fleet.edge();
    let other = PrivateKey::generate(Algorithm::Es256).unwrap();
    let (one, two) = (b.good("a"), b.good("b"));
    assert_eq!(status(&get(edge, "/me", &[&b.shown(), &one, &two])), 401, "two proofs");
    assert_eq!(status(&get(edge, "/me", &[&b.shown(), &b.proof(&other, "c", &json!({}))])), 401);
    for change in [
        json!({"htm": "POST"}),
        json!({"htu": format!("{ISSUER}/other")}),
        json!({"htu": format!("{ISSUER}/Me")}),
        json!({"htu": "https://shop.localhost/me"}),
        json!({"htu": "http://shop.localhost:8443/me"}),
        json!({"ath": null}),
        json!({"ath": DpopProof::ath_of("another token")}),
        json!({"iat": NOW - 60}),
        json!({"iat": NOW + 60}),
        json!({"jti": null}),
    ] {
        let proof = b.proof(&b.key, "d", &change);
        assert_eq!(status(&get(edge, "/me", &[&b.shown(), &proof])), 401, "{change}");
    }
    for garbage in ["dpop: ", "dpop: x", "dpop: a.b.c"] {
        assert_eq!(status(&get(edge, "/me", &[&b.shown(), garbage])), 401, "{garbage}");
    }
    assert!(b.upstream.seen().is_empty());
    // None of them used the proof's id up.
    assert_eq!(status(&get(edge, "/me", &[&b.shown(), &b.good("d")])), 200);
}

#[test]
fn a_revoked_bound_token_ends_and_an_old_proof_stays_used() {
    let b = Bound::new();
    let edge = b.fleet.edge();
    let old = b.good("1");
    assert_eq!(status(&get(edge, "/me", &[&b.shown(), &old])), 200);
    b.fleet.clock.advance(Duration::from_secs(30));
    assert_eq!(status(&get(edge, "/me", &[&b.shown(), &old])), 401, "replayed at its end");
    let fresh = |jti| b.proof(&b.key, jti, &json!({"iat": NOW + 30}));
    assert_eq!(status(&get(edge, "/me", &[&b.shown(), &fresh("2")])), 200);
    b.fleet.revocations.revoke("t-1");
    let refused = get(edge, "/me", &[&b.shown(), &fresh("3")]);
    assert_eq!(status(&refused), 401);
    assert!(refused.contains("DPoP error=\"invalid_token\""), "{refused}");
}
