//! Opaque access tokens: attack J21, and that they are tokens like all others.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use ringwall_identity::{NewClient, TokenFormat};
use serde_json::Value;

use crate::fixture::*;

struct Opaque {
    f: Fixture,
    secret: String,
}

impl Opaque {
    fn new() -> Self {
        let f = Fixture::new();
        let client = NewClient {
            id: "shy".to_owned(),
            token_format: TokenFormat::Opaque,
            ..NewClient::default()
        };
        let secret = f.identity.clients().add(client).unwrap().unwrap().expose().clone();
        Self { f, secret }
    }

    async fn post(&self, path: &str, form: &str) -> Value {
        let form = format!("{form}&client_id=shy&client_secret={}", self.secret);
        json(&self.f.post(path, &form).await)
    }

    async fn token(&self) -> String {
        let body = self.post("/oauth/token", "grant_type=client_credentials").await;
        assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &600.into()));
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn is_active(&self, token: &str) -> bool {
        let form = format!("token={}", encoded(token));
        self.post("/oauth/introspect", &form).await["active"] == true
    }
}

#[tokio::test]
async fn an_opaque_token_is_a_token_for_all_who_take_one() {
    let o = Opaque::new();
    let token = o.token().await;
    assert!(token.starts_with("rwa_") && token.len() == 54, "{token}");
    let told = o.post("/oauth/introspect", &format!("token={token}")).await;
    assert_eq!((&told["active"], &told["client_id"]), (&true.into(), &"shy".into()));
    let signed = o.f.identity.swap(&token).unwrap();
    assert_eq!(payload(signed.expose())["client_id"], "shy");
    // Userinfo understands it, and says what it says to every program.
    let request =
        Request::get("/oauth/userinfo").header("authorization", format!("Bearer {token}"));
    let reply = o.f.send(request.body(Bytes::new()).unwrap()).await;
    assert_eq!(reply.status(), 403, "{}", text(&reply));
    o.post("/oauth/revoke", &format!("token={token}")).await;
    assert!(!o.is_active(&token).await, "revoked");
}

#[tokio::test]
async fn j21_nothing_but_the_whole_token_is_one() {
    let o = Opaque::new();
    let token = o.token().await;
    let other_case: String = token
        .chars()
        .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    for other in [
        token.get(..53).unwrap().to_owned(),
        token.get(..47).unwrap().to_owned(),
        format!("{token}0"),
        format!(" {token}"),
        format!("{token}\n"),
        other_case,
        token.to_uppercase(),
        token.replace("rwa_", ""),
        "rwa_".to_owned(),
    ] {
        assert!(o.f.identity.swap(&other).is_none(), "{other:?}");
        assert!(!o.is_active(&other).await, "{other:?}");
    }
    assert!(o.is_active(&token).await);
}

#[tokio::test]
async fn an_opaque_token_outlives_a_restart_and_not_its_time() {
    let o = Opaque::new();
    let token = o.token().await;
    let o = Opaque { f: o.f.restart(), ..o };
    assert!(o.is_active(&token).await);
    o.f.clock.advance(Duration::from_secs(599));
    assert!(o.f.identity.swap(&token).is_some());
    o.f.clock.advance(Duration::from_secs(1));
    assert!(o.f.identity.swap(&token).is_none());
    o.f.identity.sweep().unwrap();
    assert!(!o.is_active(&token).await);
}

#[tokio::test]
async fn k4_a_revoked_key_takes_opaque_tokens_along() {
    let o = Opaque::new();
    let token = o.token().await;
    for row in o.f.identity.key_rows() {
        o.f.identity.revoke_key(&row.kid).unwrap();
    }
    assert!(!o.is_active(&token).await);
    assert!(o.is_active(&o.token().await).await, "the next key signs at once");
}
