//! Pushed authorization requests: attacks A7, A8, D5, Q2.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use ringwall_identity::{Access, Grant, NewClient};
use serde_json::json as value;

use crate::fixture::*;

/// `web`'s request, as a form.
fn form(changes: &[(&str, &str)]) -> String {
    authorize_path(changes).split_once('?').unwrap().1.to_owned()
}

async fn push(f: &Fixture, changes: &[(&str, &str)]) -> String {
    let reply = f.post("/oauth/par", &form(changes)).await;
    assert_eq!(reply.status(), 201, "{}", text(&reply));
    let body = json(&reply);
    assert_eq!(body["expires_in"], 90);
    body["request_uri"].as_str().unwrap().to_owned()
}

fn path(request_uri: &str) -> String {
    format!("/oauth/authorize?client_id=web&request_uri={}", encoded(request_uri))
}

fn error(reply: &Response<Bytes>) -> Option<String> {
    parameter(&location(reply), "error")
}

#[tokio::test]
async fn a_pushed_request_gives_one_code() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let request_uri = push(&f, &[("state", "s-2"), ("nonce", "n-2")]).await;
    assert!(request_uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    let back = location(&f.get(&path(&request_uri), &session).await);
    assert!(back.starts_with(CALLBACK), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some("s-2"));
    let code = parameter(&back, "code").unwrap();
    let body = json(&f.redeem(&code).await);
    assert_eq!(payload(body["id_token"].as_str().unwrap())["nonce"], "n-2");
    let again = f.get(&path(&request_uri), &session).await;
    assert_eq!((again.status().as_u16(), location(&again)), (400, String::new()), "used");
    let known = json(&f.get("/.well-known/oauth-authorization-server", "").await);
    assert_eq!(known["pushed_authorization_request_endpoint"], format!("{ISSUER}/oauth/par"));
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_at_once_get_one_code() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let path = path(&push(&f, &[]).await);
    let tries = (0..32).map(|_| {
        let (identity, path, session) = (f.identity.clone(), path.clone(), session.clone());
        tokio::spawn(async move {
            let request = http::Request::get(path).header("cookie", session);
            let request = request.body(Bytes::new()).unwrap();
            identity.answer("192.0.2.1".parse().unwrap(), request).await
        })
    });
    let mut codes = 0;
    for one in tries.collect::<Vec<_>>() {
        let reply = one.await.unwrap();
        assert!(matches!(reply.status().as_u16(), 303 | 400), "{}", text(&reply));
        codes += usize::from(parameter(&location(&reply), "code").is_some());
    }
    assert_eq!(codes, 1);
}

#[tokio::test]
async fn a8_a_request_is_for_its_client_and_its_time() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let request_uri = push(&f, &[]).await;
    let other = format!("/oauth/authorize?client_id=native&request_uri={}", encoded(&request_uri));
    assert_eq!(f.get(&other, &session).await.status(), 400, "another client's");
    let alone = format!("/oauth/authorize?request_uri={}", encoded(&request_uri));
    assert_eq!(f.get(&alone, &session).await.status(), 400, "no client_id");
    f.clock.advance(Duration::from_secs(89));
    assert_eq!(f.get(&path(&request_uri), &session).await.status(), 303);
    let late = push(&f, &[]).await;
    f.clock.advance(Duration::from_secs(90));
    assert_eq!(f.get(&path(&late), &session).await.status(), 400, "late");
    let unknown = path("urn:ietf:params:oauth:request_uri:x");
    assert_eq!(f.get(&unknown, &session).await.status(), 400);
    // Nothing is ever fetched from an address.
    let foreign = authorize_path(&[("request_uri", "https%3A%2F%2Fevil.example")]);
    let reply = f.get(&foreign, &session).await;
    assert_eq!(error(&reply).as_deref(), Some("request_uri_not_supported"));
}

#[tokio::test]
async fn a8_what_stands_beside_a_pushed_request_does_not_count() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let request_uri = push(&f, &[("scope", "")]).await;
    let beside = "&scope=openid&state=evil&prompt=none&response_type=token&max_age=0\
                  &redirect_uri=https%3A%2F%2Fevil.example";
    let back = location(&f.get(&format!("{}{beside}", path(&request_uri)), &session).await);
    assert!(back.starts_with(CALLBACK), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some("s-1"));
    let body = json(&f.redeem(&parameter(&back, "code").unwrap()).await);
    assert!(body.get("id_token").is_none(), "{body}");
}

#[tokio::test]
async fn a_request_outlives_the_time_that_signing_in_takes() {
    let f = Fixture::new();
    let request_uri = push(&f, &[]).await;
    f.clock.advance(Duration::from_secs(80));
    let to_login = f.get(&path(&request_uri), "").await;
    assert!(location(&to_login).starts_with("/login?return_to="), "{}", location(&to_login));
    f.clock.advance(Duration::from_mins(10));
    let session = f.sign_in().await;
    let back = location(&f.get(&path(&request_uri), &session).await);
    assert!(parameter(&back, "code").is_some(), "{back}");
    let left = push(&f, &[]).await;
    f.get(&path(&left), "").await;
    f.clock.advance(Duration::from_mins(15));
    assert_eq!(f.get(&path(&left), &session).await.status(), 400, "not for ever");
}

#[tokio::test]
async fn what_could_not_be_asked_cannot_be_pushed() {
    let f = Fixture::new();
    for (changes, error) in [
        (vec![("redirect_uri", "https%3A%2F%2Fevil.example")], "invalid_request"),
        (vec![("redirect_uri", "")], "invalid_request"),
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("response_mode", "form_post")], "invalid_request"),
        (vec![("code_challenge", "")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("scope", "admin")], "invalid_scope"),
        (vec![("request", "x")], "request_not_supported"),
        (vec![("request_uri", "urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax")], "invalid_request"),
        (vec![("resource", "https%3A%2F%2Fevil.example")], "invalid_target"),
        (vec![("max_age", "x")], "invalid_request"),
        (vec![("prompt", "x")], "invalid_request"),
        (vec![("dpop_jkt", "x")], "invalid_request"),
    ] {
        let reply = f.post("/oauth/par", &form(&changes)).await;
        assert_eq!(reply.status(), 400, "{changes:?}");
        assert_eq!(json(&reply)["error"], error, "{changes:?}");
    }
    assert_eq!(f.post("/oauth/par", &form(&[("client_id", "nobody")])).await.status(), 401);
    let robot = format!("client_id=robot&client_secret={}", f.secret);
    let reply = f.post("/oauth/par", &format!("{}&{robot}", form(&[("client_id", "")]))).await;
    assert_eq!(json(&reply)["error"], "unauthorized_client");
    assert_eq!(f.get("/oauth/par", "").await.status(), 405);
}

#[tokio::test]
async fn a_client_that_must_push_is_not_heard_otherwise() {
    let f = Fixture::new();
    let client = NewClient {
        id: "strict".to_owned(),
        access: Access::Secret,
        grants: vec![Grant::AuthorizationCode],
        redirect_uris: vec![CALLBACK.to_owned()],
        requires_par: true,
        ..NewClient::default()
    };
    let secret = f.identity.clients().add(client).unwrap().unwrap();
    let session = f.sign_in().await;
    let reply = f.get(&authorize_path(&[("client_id", "strict")]), &session).await;
    assert_eq!(error(&reply).as_deref(), Some("invalid_request"));
    let form = form(&[("client_id", "strict")]);
    assert_eq!(f.post("/oauth/par", &form).await.status(), 401, "the client proves itself");
    let form = format!("{form}&client_secret={}", secret.expose());
    let request_uri = json(&f.post("/oauth/par", &form).await)["request_uri"].clone();
    let path = format!(
        "/oauth/authorize?client_id=strict&request_uri={}",
        encoded(request_uri.as_str().unwrap())
    );
    assert!(parameter(&location(&f.get(&path, &session).await), "code").is_some());
}

#[tokio::test]
async fn d5_a_key_that_is_proved_when_pushing_is_needed_for_the_code() {
    let (f, prover, thief) = (Fixture::new(), Prover::new(), Prover::new());
    prover.learn(&f).await;
    thief.learn(&f).await;
    let session = f.sign_in().await;
    for (holder, works) in [(&prover, true), (&thief, false)] {
        let reply = prover.post(&f, "/oauth/par", &form(&[])).await;
        assert!(reply.headers().contains_key("dpop-nonce"));
        let request_uri = json(&reply)["request_uri"].as_str().unwrap().to_owned();
        let back = location(&f.get(&path(&request_uri), &session).await);
        let form = code_form(&parameter(&back, "code").unwrap(), &[]);
        let reply = holder.post(&f, "/oauth/token", &form).await;
        assert_eq!(reply.status() == 200, works, "{}", text(&reply));
    }
    let other = form(&[("dpop_jkt", thief.jkt())]);
    let reply = prover.post(&f, "/oauth/par", &other).await;
    assert_eq!(json(&reply)["error"], "invalid_dpop_proof", "two keys");
    let unused = value!({"nonce": "x"});
    let reply = prover.post_with(&f, "/oauth/par", &form(&[]), &unused).await;
    assert_eq!(json(&reply)["error"], "use_dpop_nonce");
}
