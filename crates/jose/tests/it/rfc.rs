//! The examples of the standards.

use ringwall_base::{Algorithm, Secret, Signer as _};
use ringwall_jose::{
    Jwk, JwkSet, KeySet, PrivateKey, base64url_decode, base64url_encode, parse_json, verify_jws,
};
use serde_json::{Value, json};

fn jwk(value: &Value) -> Jwk {
    Jwk::parse(value.as_object().unwrap()).unwrap()
}

#[test]
fn rfc_7515_a_1_hs256() {
    let key = jwk(&json!({"kty": "oct", "alg": "HS256", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-\
        EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}));
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkz\
        ODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1g\
        FWFOEjXk";
    let payload = verify_jws(&key.into(), token).unwrap();
    assert_eq!(parse_json(&payload).unwrap()["iss"], "joe");
}

#[test]
fn rfc_7515_a_3_es256() {
    let key = jwk(&json!({"kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}));
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leG\
        FtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8\
        ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    assert!(verify_jws(&key.into(), token).is_ok());
}

#[test]
fn rfc_7515_a_5_an_unsecured_token_is_nothing() {
    let key = jwk(&json!({"kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}));
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leG\
        FtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert!(verify_jws(&key.into(), token).is_err());
}

#[test]
fn rfc_7638_section_3_1_thumbprint() {
    let key = jwk(&json!({"kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc\
        _BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW\
        2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6\
        WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}));
    assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn rfc_8037_appendix_a_ed25519() {
    // A.1: the key pair; A.3: its thumbprint; A.4: a signature.
    let mut document = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    document.extend(base64url_decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap());
    let key = PrivateKey::from_pkcs8(Algorithm::EdDsa, &Secret::new(document)).unwrap();
    let public = key.public().to_json().unwrap();
    assert_eq!(public["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(key.key_id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvp\
        Ar_MuM0KAg";
    assert_eq!(base64url_encode(key.sign(signed.as_bytes()).unwrap()), signature);
    let set = JwkSet::from(key.public().clone());
    let payload = verify_jws(&set, &format!("{signed}.{signature}")).unwrap();
    assert_eq!(payload, b"Example of Ed25519 signing");
}

#[test]
fn rfc_7520_4_2_and_4_3_with_their_own_algorithms() {
    // Wycheproof carries these with a contradicting `alg`; with the right one they verify.
    let suite = ringwall_testkit::vectors("wycheproof/json_web_signature_test.json");
    let suite: Value = serde_json::from_slice(&suite).unwrap();
    let mut count = 0;
    for group in suite["testGroups"].as_array().unwrap() {
        let fitting = match group["public"]["alg"].as_str() {
            Some("PS256") if group["comment"] == "rfc7520" => "PS384",
            Some("ES521") if group["comment"] == "rfc7520" => "ES512",
            _ => continue,
        };
        let mut public = group["public"].clone();
        public["alg"] = fitting.into();
        let set = JwkSet::from(jwk(&public));
        let token = group["tests"][0]["jws"].as_str().unwrap();
        assert!(verify_jws(&set, token).is_ok(), "{fitting}");
        count += 1;
    }
    assert_eq!(count, 2);
}

#[test]
fn a_printed_set_reads_back_the_same() {
    let keys = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256]
        .map(|algorithm| PrivateKey::generate(algorithm).unwrap().public().clone());
    let set = JwkSet::new(keys.to_vec()).unwrap();
    let text = set.to_json().to_string();
    assert_eq!(JwkSet::parse(text.as_bytes()).unwrap(), set);
    assert_eq!(KeySet::parse(text.as_bytes()).unwrap().len(), 3);
}

#[test]
fn a_key_survives_its_document() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let key = PrivateKey::generate(algorithm).unwrap();
        let document = key.to_pkcs8().unwrap();
        let again = PrivateKey::from_pkcs8(algorithm, &document).unwrap();
        assert_eq!(again.key_id(), key.key_id());
        let other = match algorithm {
            Algorithm::EdDsa => Algorithm::Es256,
            Algorithm::Es256 => Algorithm::Rs256,
            Algorithm::Rs256 => Algorithm::EdDsa,
        };
        assert!(PrivateKey::from_pkcs8(other, &document).is_err());
        assert_eq!(format!("{document:?}"), "Secret(…)");
    }
}
