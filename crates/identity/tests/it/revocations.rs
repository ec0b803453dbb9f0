//! The feed of what is revoked: attacks K4 and L4 for who verifies tokens elsewhere.

use bytes::Bytes;
use http::Request;
use ringwall_identity::{Access, Grant, NewClient};
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
        grants: vec![Grant::DeviceCode],
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

/// One program's tokens do not fill the list that everybody reads: above its share, one revocation of
/// its `sub` stands for them.
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
    assert_eq!(told.get("sub"), None);
    let is_live = async |token: &str| {
        let form = format!("{robot}&token={token}");
        json(&o.f.post("/oauth/introspect", &form).await)["active"] == true
    };
    assert!(is_live(&kept).await);
    revoke(&ask().await).await;
    let told = o.read("").await["revoked"].clone();
    assert_eq!(told.get("jti"), None, "folded into one");
    assert_eq!(told, value!({"sub": {"robot": o.f.now().micros()}}));
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

/// A public application, two people in it, and a service that acts for one of them.
struct Two {
    o: Feed,
    actor: String,
    sessions: Vec<String>,
}

impl Two {
    async fn new() -> Self {
        let o = Feed::new();
        let word = ringwall_base::Secret::new(PASSWORD.to_owned());
        o.f.identity.users().add("eve", &[], &word).unwrap();
        let app = NewClient {
            id: "app".to_owned(),
            access: Access::Public,
            grants: vec![Grant::AuthorizationCode, Grant::RefreshToken],
            redirect_uris: vec![CALLBACK.to_owned()],
            ..NewClient::default()
        };
        o.f.identity.clients().add(app).unwrap();
        let actor = NewClient {
            id: "actor".to_owned(),
            grants: vec![Grant::TokenExchange],
            may_act_for: vec!["app".to_owned()],
            ..NewClient::default()
        };
        let actor = o.f.identity.clients().add(actor).unwrap().unwrap().expose().clone();
        let sessions = vec![o.f.sign_in().await, o.f.sign_in_with("", "eve").await];
        Self { o, actor, sessions }
    }

    async fn begin(&self, who: usize) -> Value {
        let path = authorize_path(&[("client_id", "app"), ("scope", "openid+offline_access")]);
        let code = self.o.f.get(&path, &self.sessions[who]).await;
        let code = parameter(&location(&code), "code").unwrap();
        self.post("/oauth/token", &code_form(&code, &[("client_id", "app")])).await
    }

    async fn post(&self, path: &str, form: &str) -> Value {
        let reply = self.o.f.post(path, form).await;
        if reply.body().is_empty() { Value::Null } else { json(&reply) }
    }

    async fn end(&self, token: &Value) {
        let token = token.as_str().unwrap();
        self.post("/oauth/revoke", &format!("client_id=app&token={token}")).await;
    }

    /// Refreshes and gives back, so often; gives the last of it.
    async fn waste(&self, mut held: Value, times: usize) -> Value {
        for _ in 0..times {
            self.end(&held["access_token"]).await;
            let token = held["refresh_token"].as_str().unwrap();
            let form = format!("grant_type=refresh_token&client_id=app&refresh_token={token}");
            held = self.post("/oauth/token", &form).await;
        }
        held
    }

    async fn exchanged(&self, held: &Value) -> Value {
        let form = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=actor\
             &client_secret={}&subject_token={}\
             &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token",
            self.actor,
            held["access_token"].as_str().unwrap()
        );
        self.post("/oauth/token", &form).await
    }

    async fn is_live(&self, held: &Value) -> bool {
        let bearer = format!("Bearer {}", held["access_token"].as_str().unwrap());
        let request = Request::get("/oauth/userinfo").header("authorization", bearer);
        self.o.f.send(request.body(Bytes::new()).unwrap()).await.status() == 200
    }
}

/// Whoever gives back without end ends their own tokens: nobody else's, and nothing that ended by itself
/// comes back with it.
#[tokio::test]
async fn a_person_who_revokes_without_end_ends_their_own_tokens_and_brings_none_back() {
    let two = Two::new().await;
    let (adas, mallorys) = (two.begin(0).await, two.begin(1).await);
    let (lost, spare) = (two.begin(1).await, two.begin(1).await);
    let acting = two.exchanged(&lost).await;
    assert!(two.is_live(&acting).await);
    two.end(&lost["refresh_token"]).await;
    assert!(!two.is_live(&acting).await, "the grant at the other client ended");
    let last = two.waste(mallorys, 999).await;
    let told = two.o.read("").await["revoked"].clone();
    assert_eq!(told["jti"].as_object().unwrap().len(), 999);
    assert!(two.is_live(&last).await && two.is_live(&spare).await && told.get("sub").is_none());
    two.o.f.clock.advance(std::time::Duration::from_secs(1));
    two.end(&last["access_token"]).await;
    let told = two.o.read("").await["revoked"].clone();
    let sub = payload(last["access_token"].as_str().unwrap())["sub"].clone();
    assert_eq!(told["sub"], value!({sub.as_str().unwrap(): two.o.f.now().micros()}));
    assert_eq!((told.get("jti"), told.get("client_id")), (None, None), "folded");
    assert_eq!(told["gid"].as_object().unwrap().len(), 1, "what names no token stays");
    assert!(!two.is_live(&acting).await, "came back");
    assert!(!two.is_live(&last).await && !two.is_live(&spare).await);
    assert!(two.is_live(&adas).await, "somebody else's");
    let two = Two { o: Feed { f: two.o.f.restart(), ..two.o }, ..two };
    assert!(!two.is_live(&acting).await && !two.is_live(&last).await, "after a restart");
    assert!(two.is_live(&adas).await);
    assert_eq!(two.o.read("").await["revoked"], told);
}
