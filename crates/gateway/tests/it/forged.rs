//! Tokens that are not for this door: attacks J15 to J17, J19, J20 and Q1 of the attack list.

use ringwall_base::Algorithm;
use ringwall_jose::{PrivateKey, mint};
use serde_json::{Value, json};

use crate::fleet::{Fleet, ISSUER, NOW, get, grants, model, service, status};
use crate::upstream::Upstream;

fn shop() -> (Upstream, Fleet) {
    let upstream = Upstream::plain();
    let mut users = service("users", upstream.address, &["me = GET /me"]);
    users.people.insert("customer".to_owned(), grants(&["me"]));
    let fleet = Fleet::new(&model(vec![users]));
    (upstream, fleet)
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

#[test]
fn a_token_with_claims_for_another_place_or_time_is_refused() {
    let (upstream, fleet) = shop();
    let edge = fleet.edge();
    let with =
        |changes: &Value| status(&get(edge, "/me", &[&bearer(&fleet.token("at+jwt", changes))]));
    for (source, changes) in [
        ("J16: CVE-2026-55669", json!({"aud": "https://shop.localhost"})),
        ("J16: slash", json!({"aud": format!("{ISSUER}/")})),
        ("J16: case", json!({"aud": "https://SHOP.localhost:8443"})),
        ("J16: longer", json!({"aud": format!("{ISSUER}.evil.example")})),
        ("J16: foreign", json!({"aud": "https://other.example"})),
        ("J16: list", json!({"aud": [ISSUER]})),
        ("J16: list with another", json!({"aud": [ISSUER, "https://other.example"]})),
        ("J16: missing", json!({"aud": null})),
        ("J17: slash", json!({"iss": format!("{ISSUER}/")})),
        ("J20: another environment", json!({"iss": "https://staging.localhost:8443"})),
        ("J15: text", json!({"exp": (NOW + 300).to_string()})),
        ("J15: fraction", json!({"exp": 1_800_000_300.5})),
        ("J15: negative", json!({"exp": -1})),
        ("J15: 1e300", json!({"exp": 1e300})),
        ("J15: missing", json!({"exp": null})),
        ("J15: far future", json!({"exp": NOW + 86_400})),
        ("J15: CVE-2026-25537", json!({"nbf": "1"})),
        ("J15: not yet", json!({"nbf": NOW + 60})),
        ("J15: over", json!({"iat": NOW - 400, "exp": NOW - 100})),
    ] {
        assert_eq!(with(&changes), 401, "{source}");
    }
    assert!(upstream.seen().is_empty());
    assert_eq!(with(&json!({})), 200);
}

#[test]
fn q1_unknown_keys_are_refused_and_cost_nobody_else_anything() {
    let (upstream, fleet) = shop();
    let edge = fleet.edge();
    let stranger = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    let claims = json!({"iss": ISSUER, "aud": ISSUER, "sub": "u-alice", "client_id": "web",
        "iat": NOW, "exp": NOW + 300, "jti": "t-1", "roles": ["customer"]});
    let foreign = mint(&stranger, "at+jwt", &claims).unwrap();
    // The cache of verified tokens has nothing of them, so it pushes nobody out.
    for _ in 0..200 {
        assert_eq!(status(&get(edge, "/me", &[&bearer(&foreign)])), 401);
    }
    let long = "a".repeat(9_000);
    for junk in [".", "..", "...", "a.b.c", "rwa_", &long] {
        assert_eq!(status(&get(edge, "/me", &[&bearer(junk)])), 401, "{}", junk.len());
    }
    assert!(upstream.seen().is_empty());
    assert_eq!(status(&get(edge, "/me", &[&bearer(&fleet.token("at+jwt", &json!({})))])), 200);
}
