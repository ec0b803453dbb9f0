//! Proofs of possession: RFC 9449's examples, and attacks D2 to D4 as far as a proof alone tells.

use std::time::Duration;

use ringwall_base::{Algorithm, Signer as _, Timestamp};
use ringwall_jose::{
    AccessToken, BoundAccessToken, Confirmation, DpopProof, Expected, KeySet, PrivateKey,
    base64url_encode, mint,
};
use serde_json::{Value, json};

const URI: &str = "https://shop.example/oauth/token";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn public(key: &PrivateKey) -> Value {
    key.public().to_json().unwrap()
}

/// Signs a header and claims as they are.
fn signed(key: &PrivateKey, header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| base64url_encode(part.to_string()));
    let text = format!("{header}.{claims}");
    let signature = base64url_encode(key.sign(text.as_bytes()).unwrap());
    format!("{text}.{signature}")
}

fn claims() -> Value {
    json!({"jti": "j-1", "htm": "POST", "htu": URI, "iat": NOW.secs()})
}

fn with(mut base: Value, change: &Value) -> Value {
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

fn verify(proof: &str) -> Result<DpopProof, &'static str> {
    DpopProof::verify(proof, "POST", URI, NOW).map_err(|error| error.reason())
}

#[test]
fn the_examples_of_rfc_9449() {
    let head = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHg\
        tMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG1\
        0NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
    let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    // Section 4.2.
    let proof = format!(
        "{head}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVy\
         LmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.\
         2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    );
    let now = Timestamp::from_secs(1_562_262_616);
    let uri = "https://server.example.com/token";
    let read = DpopProof::verify(&proof, "POST", uri, now).unwrap();
    assert_eq!((read.jkt(), read.token_id(), read.nonce()), (jkt, "-BwC3ESc6acc2lTc", None));
    // Section 7.1.
    let proof = format!(
        "{head}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5\
         leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTN\
         Fc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxH\
         F8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
    );
    let uri = "https://resource.example.org/protectedresource";
    let read = DpopProof::verify(&proof, "GET", uri, now).unwrap();
    assert!(read.is_for("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"));
    assert!(!read.is_for("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxV"), "attack D4");
    assert_eq!(read.jkt(), jkt);
}

#[test]
fn both_kinds_of_keys_prove_themselves() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let key = PrivateKey::generate(algorithm).unwrap();
        let header = json!({"typ": "dpop+jwt", "alg": algorithm.name(), "jwk": public(&key)});
        let proof =
            verify(&signed(&key, &header, &with(claims(), &json!({"nonce": "n"})))).unwrap();
        assert_eq!((proof.jkt(), proof.nonce()), (key.key_id(), Some("n")));
        assert!(!proof.is_for("x"), "no `ath`");
    }
    let key = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    // RFC 9864's name for the same.
    let header = json!({"typ": "dpop+jwt", "alg": "Ed25519", "jwk": public(&key)});
    assert!(verify(&signed(&key, &header, &claims())).is_ok());
}

#[test]
fn d3_a_header_that_could_mean_another_key_is_refused() {
    let key = PrivateKey::generate(Algorithm::Es256).unwrap();
    let other = PrivateKey::generate(Algorithm::Es256).unwrap();
    let jwk = public(&key);
    let good = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
    assert!(verify(&signed(&key, &good, &claims())).is_ok());
    for (change, reason) in [
        (json!({"typ": "JWT"}), "typ"),
        (json!({"typ": "at+jwt"}), "typ"),
        (json!({"typ": null}), "typ"),
        (json!({"alg": "none"}), "algorithm"),
        (json!({"alg": "HS256"}), "algorithm"),
        (json!({"alg": "RS256"}), "algorithm"),
        (json!({"alg": "EdDSA"}), "algorithm"),
        (json!({"alg": null}), "header"),
        (json!({"jwk": null}), "header"),
        (json!({"jwk": "x"}), "header"),
        (json!({"jwk": with(jwk.clone(), &json!({"d": "AA"}))}), "header"),
        (json!({"jwk": with(jwk.clone(), &json!({"k": "AA"}))}), "header"),
        (json!({"jwk": with(jwk, &json!({"x": "AA"}))}), "header"),
        (json!({"jwk": {"kty": "oct", "alg": "HS256", "k": base64url_encode([7; 32])}}), "header"),
        (json!({"jwk": public(&other)}), "signature"),
        (json!({"crit": ["x"]}), "header"),
        (json!({"jku": "https://evil.example"}), "header"),
        (json!({"x5c": []}), "header"),
        (json!({"b64": false}), "header"),
    ] {
        let proof = signed(&key, &with(good.clone(), &change), &claims());
        assert_eq!(verify(&proof).unwrap_err(), reason, "{change}");
    }
    // No token of another kind carries its key.
    let token = signed(&key, &with(good, &json!({"typ": "at+jwt", "kid": "x"})), &claims());
    let expected = Expected { issuer: "i".to_owned(), audience: "a".to_owned() };
    let refused = KeySet::default().verify::<AccessToken>(&token, &expected, NOW);
    assert_eq!(refused.unwrap_err().reason(), "header");
}

#[test]
fn d2_a_proof_is_for_one_request_and_one_moment() {
    let key = PrivateKey::generate(Algorithm::Es256).unwrap();
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": public(&key)});
    let now = NOW.secs();
    for (change, reason) in [
        (json!({"htm": "GET"}), "claim"),
        (json!({"htm": "post"}), "claim"),
        (json!({"htm": null}), "claim"),
        (json!({"htu": "https://shop.example/oauth/par"}), "claim"),
        (json!({"htu": "https://shop.example:8443/oauth/token"}), "claim"),
        (json!({"htu": "http://shop.example/oauth/token"}), "claim"),
        (json!({"htu": "https://shop.example/OAUTH/token"}), "claim"),
        (json!({"htu": null}), "claim"),
        (json!({"jti": null}), "claim"),
        (json!({"jti": ""}), "claim"),
        (json!({"jti": "x".repeat(257)}), "claim"),
        (json!({"jti": 7}), "claim"),
        (json!({"nonce": 7}), "claim"),
        (json!({"ath": ""}), "claim"),
        (json!({"iat": null}), "claim"),
        (json!({"iat": now.to_string()}), "claim"),
        (json!({"iat": now - 60}), "expired"),
        (json!({"iat": now - 31}), "expired"),
        (json!({"iat": now + 31}), "not-yet"),
        (json!({"iat": now + 60}), "not-yet"),
    ] {
        let proof = signed(&key, &header, &with(claims(), &change));
        assert_eq!(verify(&proof).unwrap_err(), reason, "{change}");
    }
    for change in [
        json!({"iat": now - 10}),
        json!({"iat": now + 10}),
        json!({"htu": format!("{URI}?a=b#c")}),
        json!({"htu": "HTTPS://SHOP.example:443/oauth/%74oken"}),
        json!({"jti": "x".repeat(256), "more": {"of": "it"}}),
    ] {
        assert!(verify(&signed(&key, &header, &with(claims(), &change))).is_ok(), "{change}");
    }
    assert!(DpopProof::memory() >= Duration::from_mins(1));
}

#[test]
fn d1_a_bound_token_is_one_kind_and_a_free_one_another() {
    let key = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    let keys = KeySet::from_jwks(&key.public().clone().into()).unwrap();
    let expected = Expected { issuer: "i".to_owned(), audience: "a".to_owned() };
    let claims = json!({"iss": "i", "aud": "a", "sub": "s", "client_id": "c", "jti": "j",
        "iat": NOW.secs(), "exp": NOW.secs() + 60});
    let token =
        |cnf: Value| mint(&key, "at+jwt", &with(claims.clone(), &json!({"cnf": cnf}))).unwrap();
    let bound = token(json!({"jkt": "t"}));
    let reason = |token: &str| keys.verify_access(token, &expected, NOW).unwrap_err().reason();
    assert_eq!(reason(&bound), "bound");
    let read = keys.verify::<BoundAccessToken>(&bound, &expected, NOW).unwrap();
    let key = Confirmation::Key("t".to_owned());
    assert_eq!((read.confirmation, read.access.subject.as_str()), (key, "s"));
    let hash = base64url_encode([7; 32]);
    let certified = token(json!({"x5t#S256": hash}));
    assert_eq!(reason(&certified), "bound");
    let read = keys.verify::<BoundAccessToken>(&certified, &expected, NOW).unwrap();
    assert_eq!(read.confirmation, Confirmation::Certificate(hash.clone()));
    for cnf in [
        json!(null),
        json!({}),
        json!("t"),
        json!({"jkt": 7}),
        json!({"x5t#S256": "t"}),
        json!({"x5t#S256": format!("{hash}=")}),
        json!({"x5t#S256": hash, "jkt": "t"}),
        json!({"x5t": hash}),
        json!({"jkt": "t", "x5t#S256": "t"}),
    ] {
        let read = keys.verify::<BoundAccessToken>(&token(cnf.clone()), &expected, NOW);
        assert_eq!(read.unwrap_err().reason(), "claim", "{cnf}");
    }
}
