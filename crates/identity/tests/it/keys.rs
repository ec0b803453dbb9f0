//! Signing keys and their life: attacks K1, K3, K4; discovery.

use std::time::Duration;

use ringwall_identity::{KeyState, MutualTls, Purpose};
use ringwall_jose::{Expected, KeySet, mint};

use crate::fixture::{Fixture, ISSUER, json, text};

fn expected() -> Expected {
    Expected { issuer: ISSUER.to_owned(), audience: ISSUER.to_owned() }
}

async fn token(f: &Fixture) -> String {
    let form = format!("grant_type=client_credentials&client_id=robot&client_secret={}", f.secret);
    json(&f.post("/oauth/token", &form).await)["access_token"].as_str().unwrap().to_owned()
}

fn states(f: &Fixture, purpose: Purpose) -> Vec<KeyState> {
    let rows = f.identity.key_rows().into_iter();
    rows.filter(|row| row.purpose == purpose).map(|row| row.state).collect()
}

#[tokio::test]
async fn a_key_is_published_for_a_day_before_it_signs_and_no_token_is_lost() {
    let f = Fixture::new();
    let old = token(&f).await;
    f.clock.advance(Duration::from_secs(1));
    f.identity.rotate(Purpose::Access).unwrap();
    assert_eq!(states(&f, Purpose::Access), [KeyState::Active, KeyState::Published]);
    let early = f.identity.keys();
    f.clock.advance(Duration::from_hours(24) - Duration::from_secs(1));
    f.identity.sweep().unwrap();
    assert_eq!(states(&f, Purpose::Access), [KeyState::Active, KeyState::Published]);
    let last = token(&f).await;
    f.clock.advance(Duration::from_secs(1));
    f.identity.sweep().unwrap();
    assert_eq!(states(&f, Purpose::Access), [KeyState::Retiring, KeyState::Active]);
    let new = token(&f).await;
    // A verifier with yesterday's key set knows the new key already.
    assert!(early.verify_access(&new, &expected(), f.now()).is_ok());
    assert!(f.identity.keys().verify_access(&last, &expected(), f.now()).is_ok());
    assert!(f.identity.keys().verify_access(&old, &expected(), f.now()).is_err(), "expired");
    let f = f.restart();
    assert!(f.identity.keys().verify_access(&new, &expected(), f.now()).is_ok());
    f.clock.advance(Duration::from_hours(2));
    f.identity.sweep().unwrap();
    assert_eq!(states(&f, Purpose::Access), [KeyState::Active]);
}

#[tokio::test]
async fn a_key_that_gets_old_is_replaced_without_anyone_asking() {
    let f = Fixture::new();
    f.clock.advance(Duration::from_hours(24 * 59));
    f.identity.sweep().unwrap();
    for purpose in [Purpose::Access, Purpose::AccessEs256, Purpose::Id, Purpose::Internal] {
        assert_eq!(states(&f, purpose), [KeyState::Active, KeyState::Published], "{purpose:?}");
    }
}

#[tokio::test]
async fn a_leaked_key_is_gone_at_once() {
    let f = Fixture::new();
    let old = token(&f).await;
    let rows = f.identity.key_rows();
    let kid = &rows.iter().find(|row| row.purpose == Purpose::Access).unwrap().kid;
    f.identity.revoke_key(kid).unwrap();
    assert!(f.identity.keys().verify_access(&old, &expected(), f.now()).is_err());
    assert!(!text(&f.get("/oauth/jwks", "").await).contains(kid.as_str()));
    let new = token(&f).await;
    assert!(f.identity.keys().verify_access(&new, &expected(), f.now()).is_ok());
}

#[tokio::test]
async fn no_key_serves_two_purposes() {
    let f = Fixture::new();
    let public = KeySet::parse(f.get("/oauth/jwks", "").await.body()).unwrap();
    let internal = KeySet::parse(f.identity.internal_jwks().as_bytes()).unwrap();
    assert_eq!((public.len(), internal.len(), f.identity.keys().len()), (4, 1, 2));
    assert!(internal.kids().all(|kid| public.get(kid).is_none()));
    // An access token under the internal key's name does not verify, whatever it says.
    let signer = f.identity.internal_signer().unwrap();
    let now = f.now().secs();
    let claims = serde_json::json!({"iss": ISSUER, "aud": ISSUER, "sub": "x", "client_id": "x",
        "jti": "x", "iat": now, "exp": now + 60});
    let forged = mint(signer.as_ref(), "at+jwt", &claims).unwrap();
    assert!(f.identity.keys().verify_access(&forged, &expected(), f.now()).is_err());
}

#[tokio::test]
async fn the_key_set_is_cached_by_its_tag_and_discovery_names_what_is_there() {
    let f = Fixture::new();
    let reply = f.get("/oauth/jwks", "").await;
    let tag = reply.headers().get("etag").unwrap().clone();
    assert!(!text(&reply).contains("\"d\""));
    let request = http::Request::get("/oauth/jwks").header("if-none-match", &tag);
    let reply = f.send(request.body(bytes::Bytes::new()).unwrap()).await;
    assert_eq!((reply.status().as_u16(), reply.body().len()), (304, 0));
    f.identity.rotate(Purpose::Id).unwrap();
    assert_ne!(f.get("/oauth/jwks", "").await.headers().get("etag").unwrap(), &tag);
    let known = f.identity.paths();
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let document = json(&f.get(path, "").await);
        assert_eq!(document["issuer"], ISSUER);
        assert_eq!(document["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        let endpoints = document.as_object().unwrap().iter();
        for (name, url) in endpoints.filter(|(name, _)| name.ends_with("_endpoint")) {
            let path = url.as_str().unwrap().strip_prefix(ISSUER).unwrap();
            assert!(known.iter().any(|one| one == path), "{name}");
        }
    }
    assert_eq!(f.get("/oauth/nothing", "").await.status(), 404);
}

#[tokio::test]
async fn documents_lie_ready_and_change_with_what_they_say() {
    let f = Fixture::new();
    let tag =
        |reply: &http::Response<bytes::Bytes>| reply.headers()["etag"].to_str().unwrap().to_owned();
    for path in ["/.well-known/openid-configuration", "/oauth/jwks"] {
        let first = f.get(path, "").await;
        let request = http::Request::get(path).header("if-none-match", tag(&first));
        let again = f.send(request.body(bytes::Bytes::new()).unwrap()).await;
        assert_eq!((again.status().as_u16(), again.body().len()), (304, 0), "{path}");
        // The same bytes, not a copy that was made again.
        let second = f.get(path, "").await;
        assert_eq!(first.body().as_ptr(), second.body().as_ptr(), "{path}");
    }
    let before = f.get("/.well-known/openid-configuration", "").await;
    let origin = ISSUER.to_owned();
    let offer = MutualTls { origin, has_authority: true, takes_self_signed: false };
    f.identity.offer_mutual_tls(Some(offer));
    let after = f.get("/.well-known/openid-configuration", "").await;
    assert_ne!(tag(&before), tag(&after));
    assert_eq!(json(&after)["tls_client_certificate_bound_access_tokens"], true);
}
