//! The entry point for fuzzers: whatever another issuer sends, nobody comes in whom it did not sign for.

use std::sync::OnceLock;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Algorithm, Timestamp};
use ringwall_jose::{Expected, JwkSet, KeySet, PrivateKey, mint, parse_json};
use serde_json::{Value, json};

use super::metadata::{Metadata, json as object};
use super::{Journey, Outgoing, OutgoingError, UpstreamSettings};

/// Answers everything with the same bytes.
#[derive(Debug)]
struct Says(Bytes);

impl Outgoing for Says {
    fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, OutgoingError> {
        let answer = Response::builder().header("content-type", "application/json");
        answer.body(self.0.clone()).map_err(|error| OutgoingError(error.to_string()))
    }
}

/// Metadata, keys, token answer and ID token of another issuer, read as its answers are.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let says = Says(Bytes::copy_from_slice(data));
    if let Ok(metadata) = Metadata::fetch(THERE, &says) {
        let address = &metadata.authorization_endpoint;
        debug_assert!(address.starts_with("https://"), "{address}");
        debug_assert!(!address.contains(['"', '<', '>', '#', '\n', ' ']), "{address}");
    }
    let good = Metadata::fetch(THERE, &Says(Bytes::from_static(GOOD.as_bytes())));
    let keys = good.and_then(|good| good.keys(&says));
    let text = String::from_utf8_lossy(data);
    let now = Timestamp::from_secs(1_800_000_000);
    let expected = Expected { issuer: THERE.to_owned(), audience: "shop".to_owned() };
    if let Some((key, known)) = own_key() {
        debug_assert!(
            known.verify_foreign_id(&text, &expected, now).is_err(),
            "nobody signed this"
        );
        vouched(data, (key, known), &expected, now);
    }
    let answer = Response::builder().header("content-type", "application/json");
    let members = answer.body(says.0).ok().and_then(|answer| object(&answer).ok());
    let token = members.as_ref().and_then(|all| all.get("id_token")?.as_str());
    if let (Ok(keys), Some(token)) = (keys, token) {
        // Whoever wrote both could have signed it.
        drop(keys.verify_foreign_id(token, &expected, now));
    }
}

/// Claims that the issuer did sign, whatever they are.
fn vouched(data: &[u8], (key, known): (&PrivateKey, &KeySet), expected: &Expected, now: Timestamp) {
    let Ok(mut claims) = parse_json(data) else { return };
    for (name, value) in [
        ("iss", json!(THERE)),
        ("aud", json!("shop")),
        ("iat", json!(now.secs())),
        ("exp", json!(now.secs().saturating_add(60))),
    ] {
        claims.entry(name).or_insert(value);
    }
    let Ok(token) = mint(key, "JWT", &Value::Object(claims)) else { return };
    let Ok(claims) = known.verify_foreign_id(&token, expected, now) else { return };
    let settings = UpstreamSettings {
        issuer: THERE.to_owned(),
        domains: vec!["example.org".to_owned()],
        name_claim: Some("name".to_owned()),
        ..UpstreamSettings::default()
    };
    for is_fresh in [false, true] {
        let journey = json!({"state": "s", "issuer": THERE, "back": "/", "link": null,
            "is_fresh": is_fresh, "begun": now.micros()});
        let Ok(journey) = serde_json::from_value::<Journey>(journey) else { return };
        let Ok(person) = settings.vouched(&claims, &journey, now) else { continue };
        debug_assert!((1..=255).contains(&person.subject.len()), "a person has a subject");
        debug_assert!(person.since <= now, "nobody signs in later than now");
        let name = person.name.as_deref().unwrap_or_default();
        debug_assert!(!name.contains('/'), "a slash is an organisation's");
        let is_address = name.ends_with("@example.org") || !name.contains('@');
        debug_assert!(is_address, "an address that it did not confirm: {name}");
    }
}

/// What signs, and what verifies.
type Pair = (PrivateKey, KeySet);

/// A key of the issuer's, made once.
fn own_key() -> Option<&'static Pair> {
    static KEY: OnceLock<Option<Pair>> = OnceLock::new();
    let made = KEY.get_or_init(|| {
        let key = PrivateKey::generate(Algorithm::Es256).ok()?;
        let set = JwkSet::new(vec![key.public().clone()]).ok()?;
        let known = KeySet::from_jwks(&set).ok()?;
        Some((key, known))
    });
    made.as_ref()
}

const THERE: &str = "https://idp.example";
const GOOD: &str = r#"{"issuer":"https://idp.example","jwks_uri":"https://idp.example/k",
    "authorization_endpoint":"https://idp.example/a","token_endpoint":"https://idp.example/t"}"#;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Documents as issuers send them, from which the search starts.
    const SEEDS: [&str; 4] = [
        GOOD,
        r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#,
        r#"{"id_token":"e30.e30.e30","access_token":"a","token_type":"Bearer"}"#,
        r#"{"sub":"s","name":"eve@example.org","email":"eve@example.org","email_verified":true,
            "auth_time":1800000000,"amr":["mfa"],"acr":"x"}"#,
    ];

    proptest! {
        #[test]
        fn no_bytes_of_an_issuer_let_a_stranger_in(
            seed in 0..SEEDS.len(), at in 0..300_usize, bytes in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut data = SEEDS[seed].as_bytes().to_vec();
            let at = at.min(data.len());
            let end = (at + bytes.len()).min(data.len());
            data.splice(at..end, bytes.iter().copied());
            fuzz(&data);
            fuzz(&bytes);
        }
    }

    #[test]
    fn the_seeds_are_read() {
        let says = |text: &'static str| Says(Bytes::from_static(text.as_bytes()));
        assert!(Metadata::fetch(THERE, &says(SEEDS[0])).is_ok());
        for seed in SEEDS {
            fuzz(seed.as_bytes());
        }
    }
}
