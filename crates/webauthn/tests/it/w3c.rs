//! The examples of the specification. They have attestations of all kinds; we take `none` and a
//! credential's own, and of all others at least what they sign in with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringwall_webauthn::{Assertion, Attestation, Expected, Known, WebauthnError, assert, register};
use serde_json::Value;

fn hex(value: &Value) -> Vec<u8> {
    let pairs = value.as_str().unwrap().as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn expected(challenge: &str) -> Expected<'_> {
    Expected {
        challenge,
        origin: "https://example.org",
        rp_id: "example.org",
        must_verify_user: false,
    }
}

/// The key at the end of the authenticator data, which is at the end of the object or before `fmt`'s
/// later members; found by how every key of the examples begins.
fn key_in(object: &[u8]) -> Option<Vec<u8>> {
    let starts: [&[u8]; 3] =
        [&[0xa5, 1, 2, 3, 0x26], &[0xa4, 1, 1, 3, 0x27], &[0xa4, 1, 3, 3, 0x39]];
    let at =
        (0..object.len()).rfind(|at| starts.iter().any(|one| object[*at..].starts_with(one)))?;
    Some(object[at..].to_vec())
}

#[test]
fn the_examples_of_the_specification_are_taken_or_refused_for_what_they_are() {
    let file: Value = serde_json::from_str(include_str!("../data/w3c_level_3.json")).unwrap();
    let (mut taken, mut refused, mut signed_in) = (0, Vec::new(), 0);
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let made = &case["registration"];
        let challenge = URL_SAFE_NO_PAD.encode(hex(&made["challenge"]));
        let (client_data, object) = (hex(&made["clientDataJSON"]), hex(&made["attestationObject"]));
        let response = Attestation { client_data: &client_data, object: &object };
        let key = match register(&response, &expected(&challenge)) {
            Ok(credential) => {
                taken += 1;
                Some(credential.key)
            }
            Err(why) => {
                refused.push((name, why));
                key_in(&object)
            }
        };
        let Some(key) = key else { continue };
        let made = &case["authentication"];
        let challenge = URL_SAFE_NO_PAD.encode(hex(&made["challenge"]));
        let client_data = hex(&made["clientDataJSON"]);
        let (data, signature) = (hex(&made["authenticatorData"]), hex(&made["signature"]));
        let is_backup_eligible = data[32] & 8 != 0;
        let known = Known { key: &key, counter: 0, is_backup_eligible };
        let mut response = Assertion {
            client_data: &client_data,
            authenticator_data: &data,
            signature: &signature,
        };
        let is_framed = name.contains("Origin");
        let answer = assert(&response, &known, &expected(&challenge)).map(|good| good.counter);
        assert_eq!(
            answer,
            if is_framed { Err(WebauthnError::CrossOrigin) } else { Ok(0) },
            "{name}"
        );
        signed_in += usize::from(!is_framed);
        // Any other signature is none.
        let mut other = signature.clone();
        *other.last_mut().unwrap() ^= 1;
        response.signature = &other;
        assert!(assert(&response, &known, &expected(&challenge)).is_err(), "{name}");
    }
    assert_eq!((taken, signed_in), (3, 10));
    let of = |why| refused.iter().filter(|one| one.1 == why).map(|one| one.0).collect::<Vec<_>>();
    assert_eq!(of(WebauthnError::CrossOrigin), ["none-es256-crossOrigin", "none-es256-topOrigin"]);
    assert_eq!(of(WebauthnError::Algorithm), ["packed-es384", "packed-es512", "packed-ed448"]);
    let attested = [
        "packed-es256",
        "packed-rs256",
        "packed-eddsa",
        "tpm-es256",
        "android-key-es256",
        "apple-es256",
        "fido-u2f-es256",
    ];
    assert_eq!(of(WebauthnError::Attestation), attested);
}
