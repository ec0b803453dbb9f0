//! ID tokens by RS256, for clients that ask, and a key that nobody else pays for.

use ringwall_identity::{Access, Grant, IdTokenAlgorithm, NewClient, Purpose};
use ringwall_jose::{Expected, IdToken, KeySet};
use serde_json::Value;

use crate::fixture::*;

fn algorithms(jwks: &Value) -> Vec<String> {
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["alg"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_client_that_asks_gets_rs256_and_the_key_is_made_then() {
    let f = Fixture::new();
    let jwks = json(&f.get("/oauth/jwks", "").await);
    assert!(!algorithms(&jwks).contains(&"RS256".to_owned()), "{jwks}");
    f.identity.sweep().unwrap();
    assert!(f.identity.key_rows().iter().all(|row| row.purpose != Purpose::IdRs256));
    for id in ["old", "older"] {
        let client = NewClient {
            id: id.to_owned(),
            access: Access::Public,
            grants: vec![Grant::AuthorizationCode],
            redirect_uris: vec![CALLBACK.to_owned()],
            id_token: IdTokenAlgorithm::Rs256,
            ..NewClient::default()
        };
        f.identity.clients().add(client).unwrap();
    }
    let rows = f.identity.key_rows();
    assert_eq!(rows.iter().filter(|row| row.purpose == Purpose::IdRs256).count(), 1);
    let f = f.restart();
    let session = f.sign_in().await;
    let reply = f.get(&authorize_path(&[("client_id", "old")]), &session).await;
    let code = parameter(&location(&reply), "code").unwrap();
    let reply = f.post("/oauth/token", &code_form(&code, &[("client_id", "old")])).await;
    let body = json(&reply);
    let token = body["id_token"].as_str().unwrap_or_else(|| panic!("{body}"));
    let jwks = f.get("/oauth/jwks", "").await;
    let rsa =
        json(&jwks)["keys"].as_array().unwrap().iter().find(|key| key["kty"] == "RSA").cloned();
    let rsa = rsa.unwrap();
    assert_eq!((&rsa["alg"], &rsa["e"]), (&"RS256".into(), &"AQAB".into()));
    assert_eq!(rsa["n"].as_str().unwrap().len(), 512, "3,072 bits");
    let expected = Expected { issuer: ISSUER.to_owned(), audience: "old".to_owned() };
    let keys = KeySet::parse(jwks.body()).unwrap();
    let claims = keys.verify::<IdToken>(token, &expected, f.now()).unwrap();
    assert_eq!(claims.extra["azp"], "old");
    // Who did not ask goes on as before, and access tokens are signed by no RSA key.
    let reply = f.redeem(&f.code(&session).await).await;
    let header = |token: &str| {
        let part = token.split('.').next().unwrap();
        let bytes = ringwall_jose::base64url_decode(part).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()["alg"].clone()
    };
    assert_eq!(header(json(&reply)["id_token"].as_str().unwrap()), "ES256");
    assert_eq!(header(token), "RS256");
    assert_eq!(header(body["access_token"].as_str().unwrap()), "EdDSA");
}
