//! The feed of what is revoked: attacks K4 and L4 for who verifies tokens elsewhere.

use ringwall_identity::{Access, NewClient};
use serde_json::{Value, json as value};

use crate::fixture::*;

const SCOPE: &str = "ringwall:revocations";

struct Feed {
    f: Fixture,
    secret: String,
}

impl Feed {
    fn new() -> Self {
        let f = Fixture::new();
        let client = NewClient {
            id: "orders".to_owned(),
            scopes: vec![SCOPE.to_owned()],
            ..NewClient::default()
        };
        let secret = f.identity.clients().add(client).unwrap().unwrap().expose().clone();
        Self { f, secret }
    }

    async fn read(&self, tag: &str) -> Value {
        let form = format!("client_id=orders&client_secret={}&tag={tag}", self.secret);
        let reply = self.f.post("/oauth/revocations", &form).await;
        assert_eq!(
            (reply.status().as_u16(), &reply.headers()["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        json(&reply)
    }
}

#[tokio::test]
async fn every_kind_of_revocation_is_in_the_feed_at_once() {
    let o = Feed::new();
    let first = o.read("").await;
    let tag = first["tag"].as_str().unwrap().to_owned();
    assert_eq!(first["revoked"], value!({}));
    assert_eq!(o.read(&tag).await, value!({"tag": tag}), "nothing new");

    let session = o.f.sign_in().await;
    let tokens = json(&o.f.redeem(&o.f.code(&session).await).await);
    let access = tokens["access_token"].as_str().unwrap();
    o.f.post("/oauth/revoke", &format!("client_id=web&token={access}")).await;
    let claims = payload(access);
    let jti = o.read(&tag).await;
    assert!(jti["revoked"]["jti"].get(claims["jti"].as_str().unwrap()).is_some(), "{jti}");

    let kid = o.f.identity.key_rows()[0].kid.clone();
    o.f.identity.revoke_key(&kid).unwrap();
    o.f.identity.clients().disable("robot", true).unwrap();
    o.f.identity.users().disable("ada", true).unwrap();
    let all = o.read(&tag).await["revoked"].clone();
    assert!(all["kid"].get(&kid).is_some(), "{all}");
    assert_eq!(all["client_id"]["robot"], o.f.now().micros());
    assert_eq!(all["sub"][claims["sub"].as_str().unwrap()], o.f.now().micros());
    let o = Feed { f: o.f.restart(), ..o };
    let after = o.read("").await;
    assert_eq!(after["revoked"], all, "the same after a restart");
    assert_eq!(o.read(after["tag"].as_str().unwrap()).await.get("revoked"), None);
}

#[tokio::test]
async fn the_feed_is_for_clients_with_its_scope_that_prove_who_they_are() {
    let o = Feed::new();
    let open = NewClient {
        id: "open".to_owned(),
        access: Access::Public,
        scopes: vec![SCOPE.to_owned()],
        grants: vec![ringwall_identity::Grant::DeviceCode],
        ..NewClient::default()
    };
    o.f.identity.clients().add(open).unwrap();
    for (form, status) in [
        (format!("client_id=robot&client_secret={}", o.f.secret), 403),
        ("client_id=open".to_owned(), 403),
        ("client_id=orders&client_secret=x".to_owned(), 401),
        ("client_id=orders".to_owned(), 401),
        (String::new(), 401),
    ] {
        let reply = o.f.post("/oauth/revocations", &form).await;
        assert_eq!(reply.status(), status, "{form}: {}", text(&reply));
        assert!(!text(&reply).contains("revoked"), "{form}");
    }
    assert_eq!(o.f.get("/oauth/revocations", "").await.status(), 405);
}

/// One client's tokens do not fill the list that everybody reads: above its share, one revocation of
/// the client stands for them.
#[tokio::test]
async fn a_client_that_revokes_without_end_ends_its_own_tokens_and_nobody_elses() {
    let o = Feed::new();
    let robot = format!("client_id=robot&client_secret={}", o.f.secret);
    let ask = || async {
        let form = format!("grant_type=client_credentials&{robot}");
        json(&o.f.post("/oauth/token", &form).await)["access_token"].as_str().unwrap().to_owned()
    };
    let revoke = async |token: &str| {
        o.f.post("/oauth/revoke", &format!("{robot}&token={token}")).await;
    };
    let kept = ask().await;
    for _ in 0..1_000 {
        revoke(&ask().await).await;
    }
    let told = o.read("").await["revoked"].clone();
    assert_eq!(told["jti"].as_object().unwrap().len(), 1_000);
    assert_eq!(told.get("client_id"), None);
    let is_live = async |token: &str| {
        let form = format!("{robot}&token={token}");
        json(&o.f.post("/oauth/introspect", &form).await)["active"] == true
    };
    assert!(is_live(&kept).await);
    revoke(&ask().await).await;
    let told = o.read("").await["revoked"].clone();
    assert_eq!(told.get("jti"), None, "folded into one");
    assert_eq!(told, value!({"client_id": {"robot": o.f.now().micros()}}));
    assert!(!is_live(&kept).await, "issued before");
    o.f.clock.advance(std::time::Duration::from_secs(1));
    let (next, spare) = (ask().await, ask().await);
    assert!(is_live(&next).await, "issued after");
    revoke(&next).await;
    assert!(!is_live(&next).await && is_live(&spare).await);
    let before = o.read("").await["revoked"].clone();
    let o = Feed { f: o.f.restart(), ..o };
    assert_eq!(o.read("").await["revoked"], before, "the same after a restart");
}
