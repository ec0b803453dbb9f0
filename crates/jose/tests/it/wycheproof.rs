//! Project Wycheproof: nothing invalid is accepted; of the valid, exactly six are refused, because
//! their keys contradict themselves or their text has stray characters.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm,
};
use ringwall_jose::{JwkSet, KeySet, verify_jws};
use ringwall_testkit::vectors;
use serde_json::{Value, json};

struct Case {
    id: u64,
    keys: Value,
    text: String,
    valid: bool,
}

fn cases(file: &str, field: &str) -> Vec<Case> {
    let suite: Value = serde_json::from_slice(&vectors(&format!("wycheproof/{file}"))).unwrap();
    let groups = suite["testGroups"].as_array().unwrap();
    let mut cases = Vec::new();
    for group in groups {
        let key = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        let keys = if key["keys"].is_array() { key.clone() } else { json!({"keys": [key]}) };
        for test in group["tests"].as_array().unwrap() {
            let text = match &test[field] {
                Value::String(text) => text.clone(),
                Value::Null => continue,
                other => other.to_string(),
            };
            cases.push(Case {
                id: test["tcId"].as_u64().unwrap(),
                keys: keys.clone(),
                text,
                valid: test["result"] == "valid",
            });
        }
    }
    cases
}

fn accepts(case: &Case) -> bool {
    JwkSet::parse(case.keys.to_string().as_bytes())
        .is_ok_and(|keys| verify_jws(&keys, &case.text).is_ok())
}

#[track_caller]
fn check(
    file: &str,
    field: &str,
    count: usize,
    valid_but_refused: &[u64],
    self_contradictions: &[u64],
) {
    let cases = cases(file, field);
    assert_eq!(cases.len(), count, "cases in {file}");
    let contradicts = |case: &Case| {
        cases.iter().any(|other| other.valid && other.text == case.text && other.keys == case.keys)
    };
    let wrongly_accepted: Vec<_> = cases
        .iter()
        .filter(|case| !case.valid && !contradicts(case) && accepts(case))
        .map(|case| case.id)
        .collect();
    assert_eq!(wrongly_accepted, Vec::<u64>::new(), "accepted although invalid");
    let contradictions: Vec<_> =
        cases.iter().filter(|case| !case.valid && contradicts(case)).map(|case| case.id).collect();
    assert_eq!(contradictions, self_contradictions, "the suite contradicts itself");
    let refused: Vec<_> =
        cases.iter().filter(|case| case.valid && !accepts(case)).map(|case| case.id).collect();
    assert_eq!(refused, valid_but_refused, "refused although valid");
}

#[test]
fn signatures() {
    // 367 and 370 ("invalid padding") are byte for byte the valid case 357, key and text: the suite
    // lost their padding. Nobody can refuse them and accept 357.
    let refused = [346, 347, 350, 351, 372, 373];
    check("json_web_signature_test.json", "jws", 401, &refused, &[367, 370]);
}

#[test]
fn keys() {
    check("json_web_key_test.json", "jws", 26, &[], &[]);
}

#[test]
fn nothing_of_the_encryption_suite_is_taken_for_a_signature() {
    for case in cases("json_web_encryption_test.json", "jwe") {
        assert!(!accepts(&case), "{}", case.id);
    }
}

#[test]
fn of_the_crypto_suite_only_its_valid_signatures_are_accepted() {
    for case in cases("json_web_crypto_test.json", "jws") {
        assert!(case.valid || !accepts(&case), "{}", case.id);
    }
    for case in cases("json_web_crypto_test.json", "jwe") {
        assert!(!accepts(&case), "{}", case.id);
    }
}

#[test]
fn no_vector_verifies_as_a_token_of_any_kind() {
    use ringwall_jose::{AccessToken, ClientAssertion, Expected, IdToken, Internal, LogoutToken};
    let expected = Expected { issuer: "joe".to_owned(), audience: "joe".to_owned() };
    let now = ringwall_base::Timestamp::from_secs(1_300_819_000);
    for (file, field) in [
        ("json_web_signature_test.json", "jws"),
        ("json_web_key_test.json", "jws"),
        ("json_web_crypto_test.json", "jws"),
        ("json_web_encryption_test.json", "jwe"),
    ] {
        for case in cases(file, field) {
            let keys = KeySet::parse(case.keys.to_string().as_bytes()).unwrap_or_default();
            assert!(keys.verify::<AccessToken>(&case.text, &expected, now).is_err());
            assert!(keys.verify::<ClientAssertion>(&case.text, &expected, now).is_err());
            assert!(keys.verify::<IdToken>(&case.text, &expected, now).is_err());
            assert!(keys.verify::<Internal>(&case.text, &expected, now).is_err());
            assert!(keys.verify::<LogoutToken>(&case.text, &expected, now).is_err());
        }
    }
}

/// The library below us, on the vectors of the primitives that tokens use.
#[track_caller]
fn primitive(file: &str, key: &[&str], algorithm: &'static dyn VerificationAlgorithm) {
    let suite: Value = serde_json::from_slice(&vectors(&format!("wycheproof/{file}"))).unwrap();
    let mut count = 0;
    for group in suite["testGroups"].as_array().unwrap() {
        let public = key.iter().fold(group, |value, name| &value[*name]);
        let public = unhex(public.as_str().unwrap());
        for test in group["tests"].as_array().unwrap() {
            let message = unhex(test["msg"].as_str().unwrap());
            let signature = unhex(test["sig"].as_str().unwrap());
            let ok =
                UnparsedPublicKey::new(algorithm, &public).verify(&message, &signature).is_ok();
            match test["result"].as_str().unwrap() {
                "valid" => assert!(ok, "{file} {}", test["tcId"]),
                "invalid" => assert!(!ok, "{file} {}", test["tcId"]),
                _ => {}
            }
            count += 1;
        }
    }
    assert!(count > 100, "{file} has {count} cases");
}

#[test]
fn ed25519() {
    primitive("ed25519_test.json", &["publicKey", "pk"], &ED25519);
}

#[test]
fn ecdsa_p256() {
    let file = "ecdsa_secp256r1_sha256_p1363_test.json";
    primitive(file, &["publicKey", "uncompressed"], &ECDSA_P256_SHA256_FIXED);
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
