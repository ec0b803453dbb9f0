//! Attack list J, as far as it is not in the shared file: key confusion, the matrix of kinds, caches.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::{any, proptest};
use ringwall_base::{Algorithm, Timestamp};
use ringwall_jose::{
    AccessClaims, AccessToken, ClientAssertion, Expected, IdToken, Internal, JwkError, JwkSet,
    KeySet, LogoutToken, PrivateKey, Profile, TokenCache, VerifyError, base64url_encode, explain,
    fuzz, mint,
};
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_secs(NOW)
}

fn expected() -> Expected {
    Expected { issuer: "me".to_owned(), audience: "you".to_owned() }
}

fn keys(key: &PrivateKey) -> KeySet {
    KeySet::from_jwks(&key.public().clone().into()).unwrap()
}

/// Claims that satisfy every kind at once, so that only `typ` tells them apart.
fn claims() -> Value {
    json!({"iss": "me", "aud": "you", "sub": "me", "client_id": "me", "jti": "1", "iat": NOW,
        "exp": NOW + 30, "op": "o", "htm": "GET", "htu": "/",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}}})
}

fn accepts<P: Profile>(keys: &KeySet, token: &str) -> bool {
    keys.verify::<P>(token, &expected(), now()).is_ok()
}

#[test]
fn the_microseconds_of_a_token_are_less_than_a_second() {
    let key = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    let keys = keys(&key);
    let issued = |micros: Value| {
        let mut claims = claims();
        claims["iat_us"] = micros;
        let token = mint(&key, "at+jwt", &claims).unwrap();
        let read = keys.verify::<AccessToken>(&token, &expected(), now());
        read.map(|claims| claims.issued.micros()).map_err(|error| error.reason())
    };
    assert_eq!(issued(json!(999_999)), Ok(NOW * 1_000_000 + 999_999));
    assert_eq!(issued(json!(0)), Ok(NOW * 1_000_000));
    for other in [json!(1_000_000), json!(-1), json!(1.5), json!("1"), json!(null), json!(true)] {
        assert_eq!(issued(other.clone()), Err("claim"), "{other}");
    }
}

#[test]
fn a_token_of_one_kind_is_never_one_of_another() {
    let key = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    let keys = keys(&key);
    for (typ, want) in [
        ("at+jwt", [true, false, false, false, false]),
        ("rw-int+jwt", [false, true, false, false, false]),
        ("logout+jwt", [false, false, true, false, false]),
        // An ID token and an assertion are both `JWT`: issuer and audience keep them apart.
        ("JWT", [false, false, false, true, true]),
        ("client-authentication+jwt", [false, false, false, false, true]),
        ("dpop+jwt", [false; 5]),
        ("at+JWT", [false; 5]),
        ("", [false; 5]),
    ] {
        let token = mint(&key, typ, &claims()).unwrap();
        let got = [
            accepts::<AccessToken>(&keys, &token),
            accepts::<Internal>(&keys, &token),
            accepts::<LogoutToken>(&keys, &token),
            accepts::<IdToken>(&keys, &token),
            accepts::<ClientAssertion>(&keys, &token),
        ];
        assert_eq!(got, want, "{typ}");
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let key = PrivateKey::generate(Algorithm::Es256).unwrap();
    let public = key.public().to_json().unwrap().to_string();
    for alg in ["HS256", "HS384", "HS512"] {
        let header =
            format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{}"}}"#, key.public().kid().unwrap());
        let signed =
            format!("{}.{}", base64url_encode(header), base64url_encode(claims().to_string()));
        let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.as_bytes());
        let tag = aws_lc_rs::hmac::sign(&secret, signed.as_bytes());
        let token = format!("{signed}.{}", base64url_encode(tag));
        let result = keys(&key).verify_access(&token, &expected(), now());
        assert_eq!(result, Err(VerifyError::Algorithm), "{alg}");
    }
    let symmetric =
        json!({"keys": [{"kty": "oct", "alg": "HS256", "k": base64url_encode([7; 32])}]});
    let set = JwkSet::parse(symmetric.to_string().as_bytes()).unwrap();
    assert_eq!(KeySet::from_jwks(&set).err(), Some(JwkError::NotForSignatures));
}

#[test]
fn weak_and_contradicting_keys_are_refused() {
    let rsa = |n: &[u8], e: &[u8]| json!({"kty": "RSA", "alg": "RS256", "n": base64url_encode(n), "e": base64url_encode(e)});
    let good = [&[0xc5; 255][..], &[1]].concat();
    let f4 = [1, 0, 1];
    let point = PrivateKey::generate(Algorithm::Es256).unwrap().public().to_json().unwrap();
    let with = |name: &str, value: Value| {
        let mut key = point.clone();
        key[name] = value;
        key
    };
    let cases = [
        (rsa(&good[1..], &f4), "the key is weak: an RSA modulus under 2048 bits"),
        (
            rsa(&[&[0x7f], &good[1..]].concat(), &f4),
            "the key is weak: an RSA modulus under 2048 bits",
        ),
        (rsa(&[0xff; 1_025], &f4), "the key is weak: an RSA modulus over 8192 bits"),
        (rsa(&[0xc4; 256], &f4), "the key is weak: an even RSA modulus"),
        (rsa(&good, &[1]), "the key is weak: an RSA exponent under 65537"),
        (rsa(&good, &[3]), "the key is weak: an RSA exponent under 65537"),
        (rsa(&good, &[1, 0, 0]), "the key is weak: an RSA exponent under 65537"),
        (rsa(&[&[0], &good[..]].concat(), &f4), "the member `n` is missing or malformed"),
        (with("alg", json!("ES384")), "`alg` does not fit the key"),
        (with("alg", json!("ES521")), "`alg` does not fit the key"),
        (with("crv", json!("P-384")), "`alg` does not fit the key"),
        (with("x", json!("AA")), "the member `x` is missing or malformed"),
        (with("y", json!(1)), "the member `y` is missing or malformed"),
        (with("kid", json!("")), "the member `kid` is missing or malformed"),
        (with("d", json!("AA")), "the key is private"),
    ];
    for (key, want) in cases {
        let set = json!({"keys": [key]}).to_string();
        let got = JwkSet::parse(set.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(got.err().as_deref(), Some(want), "{set}");
    }
    let off_curve = json!({"keys": [with("y", point["x"].clone())]}).to_string();
    assert!(KeySet::parse(off_curve.as_bytes()).is_err());
    assert_eq!(JwkSet::parse(&vec![b' '; 65 * 1024]), Err(JwkError::TooLarge));
    assert!(JwkSet::parse(b"<html></html>").is_err());
}

#[test]
fn a_cache_forgets_when_keys_change_and_when_time_is_up() {
    let key = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    let (ours, none) = (keys(&key), KeySet::default());
    let token = mint(&key, "at+jwt", &claims()).unwrap();
    let cache = TokenCache::<AccessToken, String>::new(expected(), 16);
    let subject = |claims: &Arc<AccessClaims>| claims.subject.clone();
    let ask = |keys, token: &str, at| cache.verify(keys, token, (at, 1), subject);
    let first = ask(&ours, &token, now()).unwrap();
    assert!(Arc::ptr_eq(&first, &ask(&ours, &token, now()).unwrap()), "remembered");
    assert_eq!(ask(&none, &token, now()).err(), Some(VerifyError::Key), "rotated");
    let both = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    let both = vec![key.public().clone(), both.public().clone()];
    let both = KeySet::from_jwks(&JwkSet::new(both).unwrap()).unwrap();
    let again = ask(&both, &token, now()).unwrap();
    assert!(!Arc::ptr_eq(&first, &again), "verified again under other keys");
    let late = now().plus(Duration::from_secs(36));
    assert!(matches!(ask(&ours, &token, late), Err(VerifyError::Expired(_))));
    // A clock that was set back.
    ask(&ours, &token, now()).unwrap();
    let early = Timestamp::from_secs(NOW - 3_600);
    ask(&ours, &token, early).unwrap_err();
}

#[test]
fn what_was_made_of_a_token_is_made_anew_for_another_reading_and_not_verified_again() {
    let key = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    let ours = keys(&key);
    let token = mint(&key, "at+jwt", &claims()).unwrap();
    let cache = TokenCache::<AccessToken, (u64, Arc<AccessClaims>)>::new(expected(), 16);
    let ask = |reading| {
        let make = |claims: &Arc<AccessClaims>| (reading, Arc::clone(claims));
        cache.verify(&ours, &token, (now(), reading), make).unwrap()
    };
    let (one, two, three) = (ask(1), ask(2), ask(1));
    assert_eq!((one.0, two.0, three.0), (1, 2, 1));
    assert!(Arc::ptr_eq(&one.1, &two.1), "the claims of one verification");
}

#[test]
fn a_cache_serves_one_audience_and_one_kind_of_token_and_is_not_poisoned() {
    let key = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    let ours = keys(&key);
    let token = mint(&key, "at+jwt", &claims()).unwrap();
    let cache = TokenCache::<AccessToken, ()>::new(expected(), 16);
    assert!(cache.verify(&ours, &token, (now(), 1), |_claims| ()).is_ok());
    let other = Expected { issuer: "me".to_owned(), audience: "other".to_owned() };
    let other = TokenCache::<AccessToken, ()>::new(other, 16);
    assert!(other.verify(&ours, &token, (now(), 1), |_claims| ()).is_err());
    let internal = TokenCache::<Internal, ()>::new(expected(), 16);
    let refused = internal.verify(&ours, &token, (now(), 1), |_claims| ());
    assert_eq!(refused.err(), Some(VerifyError::Typ));
    // What differs in one place is another token, and junk is refused each time.
    for junk in [token.replace('A', "B"), format!("{token}A"), token.replacen('e', "", 1)] {
        assert!(cache.verify(&ours, &junk, (now(), 1), |_claims| ()).is_err());
        assert!(cache.verify(&ours, &junk, (now(), 1), |_claims| ()).is_err());
    }
    assert!(cache.verify(&ours, &token, (now(), 1), |_claims| ()).is_ok());
}

#[test]
fn an_explanation_names_the_step_that_fails() {
    let key = PrivateKey::generate(Algorithm::EdDsa).unwrap();
    let failed = |token: &str, keys: &KeySet, now: Timestamp| -> Vec<&'static str> {
        let steps = explain(token, keys, &expected(), now);
        steps.iter().filter(|step| !step.is_ok).map(|step| step.name).collect()
    };
    let token = mint(&key, "at+jwt", &claims()).unwrap();
    assert_eq!(failed(&token, &keys(&key), now()), Vec::<&str>::new());
    assert_eq!(failed(&token, &keys(&key), now().plus(Duration::from_mins(9))), ["time"]);
    assert_eq!(failed(&token, &KeySet::default(), now()), ["key"]);
    assert_eq!(failed("x", &keys(&key), now()), ["form"]);
    let mut other = claims();
    other["aud"] = "elsewhere".into();
    let token = mint(&key, "at+jwt", &other).unwrap();
    assert_eq!(failed(&token, &keys(&key), now()), ["audience"]);
    // Nobody can show a proof here: that a token is bound is no fault of it.
    for (cnf, want) in [(json!({"jkt": "t"}), &[][..]), (json!({"jkt": 7}), &["claims"])] {
        let mut bound = claims();
        bound["cnf"] = cnf;
        let token = mint(&key, "at+jwt", &bound).unwrap();
        assert_eq!(failed(&token, &keys(&key), now()), want);
        let steps = explain(&token, &keys(&key), &expected(), now());
        assert!(steps.last().unwrap().detail.contains("proof of its key"), "{steps:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_or_verify(bytes: Vec<u8>) {
        fuzz(&bytes);
    }

    #[test]
    fn no_text_of_three_parts_panics_or_verifies(header: String, claims: String, end: Vec<u8>) {
        let parts = [header.as_bytes(), claims.as_bytes(), &end].map(base64url_encode);
        fuzz(parts.join(".").as_bytes());
    }

    #[test]
    fn an_address_has_one_normal_spelling(text in "https?://[a-c:.]{1,8}(/[a-c.%2e5/:]{0,8})?") {
        fuzz(text.as_bytes());
    }

    #[test]
    fn a_changed_byte_breaks_a_token(index in any::<proptest::sample::Index>(), byte: u8) {
        let key = fixed();
        let good = mint(&key, "at+jwt", &claims()).unwrap();
        let mut bytes = good.clone().into_bytes();
        let index = index.index(bytes.len());
        bytes[index] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            assert!(text == good || !accepts::<AccessToken>(&keys(&key), &text));
        }
    }
}

fn fixed() -> PrivateKey {
    let mut document = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    document.extend([9; 32]);
    PrivateKey::from_pkcs8(Algorithm::EdDsa, &ringwall_base::Secret::new(document)).unwrap()
}

/// The token cache forgets by the fingerprint: two sets with one would share what is remembered.
#[test]
fn a_key_id_cannot_make_two_sets_look_alike() {
    let [one, two] = [(); 2].map(|()| PrivateKey::generate(Algorithm::EdDsa).unwrap());
    let named = |key: &PrivateKey, kid: &str| {
        let mut members = key.public().to_json().unwrap();
        members["kid"] = kid.into();
        members
    };
    let set =
        |keys: Vec<Value>| KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    let both = set(vec![named(&one, "a"), named(&two, "b")]);
    let other = format!("a\n{}EdDSA\nb", one.public().thumbprint());
    assert_ne!(both.fingerprint(), set(vec![named(&two, &other)]).fingerprint());
}
