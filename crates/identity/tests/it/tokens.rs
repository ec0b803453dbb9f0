//! The token endpoint and what takes its tokens: attacks T1 to T9, C13, L4.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use ringwall_base::Secret;
use ringwall_identity::{Access, Grant, NewClient};
use ringwall_jose::{Expected, IdToken, KeySet};

use crate::fixture::*;

fn expected() -> Expected {
    Expected { issuer: ISSUER.to_owned(), audience: ISSUER.to_owned() }
}

#[tokio::test]
async fn a_program_gets_a_token_that_verifies_locally_and_nothing_is_written() {
    let f = Fixture::new();
    let form = format!(
        "grant_type=client_credentials&client_id=robot&client_secret={}&scope=read",
        f.secret
    );
    let reply = f.post("/oauth/token", &form).await;
    assert_eq!(reply.status(), 200, "{}", text(&reply));
    assert_eq!(reply.headers().get("cache-control").unwrap(), "no-store");
    let body = json(&reply);
    assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &600.into()));
    let token = body["access_token"].as_str().unwrap();
    let claims = f.identity.keys().verify_access(token, &expected(), f.now()).unwrap();
    assert!(claims.is_program());
    assert_eq!(
        (claims.roles, claims.scopes),
        (vec!["support".to_owned()], vec!["read".to_owned()])
    );
    assert!(token.len() < 600, "{} bytes", token.len());
}

#[tokio::test]
async fn a_code_gives_an_access_token_and_an_id_token_once() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let path = authorize_path(&[("nonce", "n-1")]);
    let code = parameter(&location(&f.get(&path, &session).await), "code").unwrap();
    let body = json(&f.redeem(&code).await);
    let token = body["access_token"].as_str().unwrap();
    let claims = f.identity.keys().verify_access(token, &expected(), f.now()).unwrap();
    assert_eq!((claims.name.as_deref(), claims.client_id.as_str()), (Some("ada"), "web"));
    assert!(!claims.is_program());
    let jwks = f.get("/oauth/jwks", "").await;
    let keys = KeySet::parse(jwks.body()).unwrap();
    let to_web = Expected { issuer: ISSUER.to_owned(), audience: "web".to_owned() };
    let id_token = body["id_token"].as_str().unwrap();
    let id = keys.verify::<IdToken>(id_token, &to_web, f.now()).unwrap();
    assert_eq!((id.nonce.as_deref(), id.subject), (Some("n-1"), claims.subject));
    // One kind is never the other: neither by `typ` nor by key.
    assert!(f.identity.keys().verify_access(id_token, &to_web, f.now()).is_err());
    let bearer = format!("Bearer {token}");
    let request = || {
        let request = Request::get("/oauth/userinfo").header("authorization", &bearer);
        request.body(Bytes::new()).unwrap()
    };
    assert_eq!(f.send(request()).await.status(), 200);
    // Replayed: refused, and what the first use gave is dead.
    let epoch = f.identity.epoch();
    f.clock.advance(Duration::from_secs(30));
    assert_eq!(json(&f.redeem(&code).await)["error"], "invalid_grant");
    assert_ne!(f.identity.epoch(), epoch);
    assert_eq!(f.send(request()).await.status(), 401);
    let actions: Vec<_> = f.sink.take().into_iter().map(|event| event.action).collect();
    assert_eq!(actions, ["login-succeeded", "code-issued", "token-issued", "code-reuse"]);
    let f = f.restart();
    assert_eq!(f.send(request()).await.status(), 401, "after a restart, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_at_once_redeem_a_code_once() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let code = f.code(&session).await;
    let statuses = f.thirty_two(&code_form(&code, &[])).await;
    assert_eq!(statuses, [&[200][..], &[400; 31]].concat());
}

#[tokio::test]
async fn a_code_is_worth_nothing_to_others() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let wrong = "x".repeat(43);
    let other = "https%3A%2F%2Fother.example%2Fcallback";
    for (changes, error) in [
        (vec![("code_verifier", wrong.as_str())], "invalid_grant"),
        (vec![("code_verifier", "")], "invalid_request"),
        (vec![("code_verifier", VERIFIER.split_at(42).0)], "invalid_request"),
        (vec![("code_verifier", CHALLENGE)], "invalid_grant"),
        (vec![("redirect_uri", other)], "invalid_grant"),
        (vec![("redirect_uri", "")], "invalid_request"),
        (vec![("client_id", "native")], "invalid_grant"),
        (vec![("client_id", "robot")], "invalid_client"),
        (vec![("code", "")], "invalid_request"),
        (vec![("code", "x")], "invalid_grant"),
    ] {
        let code = f.code(&session).await;
        let reply = f.post("/oauth/token", &code_form(&code, &changes)).await;
        assert_eq!(json(&reply)["error"], error, "{changes:?}");
    }
    let code = f.code(&session).await;
    f.clock.advance(Duration::from_mins(1));
    assert_eq!(json(&f.redeem(&code).await)["error"], "invalid_grant", "expired");
    let code = f.code(&session).await;
    f.identity.users().disable("ada", true).unwrap();
    assert_eq!(json(&f.redeem(&code).await)["error"], "invalid_grant", "disabled");
}

#[tokio::test]
async fn another_clients_attempt_does_not_use_a_code_up() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let code = f.code(&session).await;
    f.post("/oauth/token", &code_form(&code, &[("client_id", "native")])).await;
    assert_eq!(f.redeem(&code).await.status(), 200);
}

#[tokio::test]
async fn only_a_form_by_post_is_a_token_request() {
    let f = Fixture::new();
    let good = format!("grant_type=client_credentials&client_id=robot&client_secret={}", f.secret);
    let get = Request::get(format!("/oauth/token?{good}")).body(Bytes::new()).unwrap();
    let reply = f.send(get).await;
    assert_eq!(
        (reply.status().as_u16(), &reply.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );
    assert_eq!(f.post(&format!("/oauth/token?{good}"), "").await.status(), 400);
    for content_type in ["application/json", "text/plain", ""] {
        let mut request = form_request("/oauth/token", &good, &[]);
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        assert_eq!(f.send(request).await.status(), 400, "{content_type}");
    }
    let json_body =
        format!(r#"{{"grant_type":"client_credentials","client_secret":"{}"}}"#, f.secret);
    assert_eq!(f.post("/oauth/token", &json_body).await.status(), 401);
    for form in [
        format!("{good}&client_id=robot"),
        format!("{good}&grant_type=client_credentials"),
        format!("{good}&scope=read&scope=write"),
    ] {
        assert_eq!(json(&f.post("/oauth/token", &form).await)["error"], "invalid_request");
    }
    let large = format!("{good}&x={}", "y".repeat(16 * 1024));
    assert_eq!(f.post("/oauth/token", &large).await.status(), 413);
}

#[tokio::test]
async fn grants_that_do_not_exist_or_are_not_the_clients_are_refused() {
    let f = Fixture::new();
    let who = format!("client_id=robot&client_secret={}", f.secret);
    for (form, error) in [
        (format!("{who}&grant_type=password&username=ada&password=x"), "unsupported_grant_type"),
        (format!("{who}&grant_type=implicit"), "unsupported_grant_type"),
        (format!("{who}&grant_type=refresh_token&refresh_token=x"), "unauthorized_client"),
        (format!("{who}&grant_type=authorization_code&code=x"), "unauthorized_client"),
        (who.clone(), "invalid_request"),
        ("client_id=web&grant_type=client_credentials".to_owned(), "unauthorized_client"),
        (format!("{who}&grant_type=client_credentials&scope=admin"), "invalid_scope"),
    ] {
        let reply = f.post("/oauth/token", &form).await;
        assert_eq!(json(&reply)["error"], error, "{form}");
    }
}

#[tokio::test]
async fn an_error_says_nothing_of_what_was_sent() {
    let f = Fixture::new();
    let marker = "zqxjkv";
    for form in [
        format!("grant_type={marker}&client_id=robot&client_secret={}", f.secret),
        format!("grant_type=client_credentials&client_id={marker}&client_secret={marker}"),
        format!("{marker}={marker}&{marker}={marker}"),
        format!(
            "grant_type=client_credentials&client_id=robot&client_secret={}&scope={marker}",
            f.secret
        ),
    ] {
        let reply = f.post("/oauth/token", &form).await;
        assert!(!format!("{:?} {}", reply.headers(), text(&reply)).contains(marker), "{form}");
    }
    let reply =
        f.get(&format!("/oauth/authorize?client_id={marker}&redirect_uri={marker}"), "").await;
    assert!(!text(&reply).contains(marker));
}

#[tokio::test]
async fn introspection_and_revocation_are_for_ones_own_tokens() {
    let f = Fixture::new();
    let who = format!("client_id=robot&client_secret={}", f.secret);
    let issue = format!("{who}&grant_type=client_credentials");
    let token = json(&f.post("/oauth/token", &issue).await)["access_token"].clone();
    let token = token.as_str().unwrap();
    let ask = format!("{who}&token={token}");
    assert_eq!(json(&f.post("/oauth/introspect", &ask).await)["active"], true);
    let other = NewClient { id: "other".to_owned(), ..NewClient::default() };
    let secret = f.identity.clients().add(other).unwrap().unwrap();
    let foreign = format!("client_id=other&client_secret={}&token={token}", secret.expose());
    let reply = f.post("/oauth/introspect", &foreign).await;
    assert_eq!(text(&reply), r#"{"active":false}"#);
    let public = format!("client_id=native&token={token}");
    assert_eq!(f.post("/oauth/introspect", &public).await.status(), 401, "RFC 7662 section 2.1");
    assert_eq!(f.post("/oauth/revoke", &foreign).await.status(), 200);
    assert_eq!(json(&f.post("/oauth/introspect", &ask).await)["active"], true, "not theirs");
    assert_eq!(f.post("/oauth/revoke", &ask).await.status(), 200);
    assert_eq!(text(&f.post("/oauth/introspect", &ask).await), r#"{"active":false}"#);
    assert_eq!(f.post("/oauth/introspect", &format!("token={token}")).await.status(), 401);
}

#[tokio::test]
async fn a_program_has_no_userinfo_and_a_bearer_is_one_header() {
    let f = Fixture::new();
    let issue = format!("client_id=robot&client_secret={}&grant_type=client_credentials", f.secret);
    let token = json(&f.post("/oauth/token", &issue).await)["access_token"].clone();
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let with = |values: &[&str]| {
        let mut request = Request::get("/oauth/userinfo").body(Bytes::new()).unwrap();
        for value in values {
            request.headers_mut().append("authorization", value.parse().unwrap());
        }
        request
    };
    assert_eq!(f.send(with(&[&bearer])).await.status(), 403);
    let reply = f.send(with(&[])).await;
    let challenge = reply.headers()["www-authenticate"].to_str().unwrap();
    // RFC 6750 section 3.1: who showed nothing is not told that it was wrong.
    assert!(reply.status() == 401 && !challenge.contains("error"), "{challenge}");
    for values in [vec![bearer.as_str(), bearer.as_str()], vec!["Basic x"], vec!["Bearer"]] {
        assert_eq!(f.send(with(&values)).await.status(), 401, "{values:?}");
    }
}

#[tokio::test]
async fn logout_ends_the_tokens_of_the_session() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let code = f.code(&session).await;
    let token = json(&f.redeem(&code).await)["access_token"].as_str().unwrap().to_owned();
    let claims = f.identity.keys().verify_access(&token, &expected(), f.now()).unwrap();
    assert!(!f.identity.is_revoked(&claims));
    let page = f.page("/logout", &session).await;
    f.submit(&page, "/logout", "").await;
    assert!(f.identity.is_revoked(&claims));
}

#[tokio::test]
async fn a_code_ends_with_its_session() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let code = f.code(&session).await;
    let page = f.page("/logout", &session).await;
    f.submit(&page, "/logout", "").await;
    assert_eq!(json(&f.redeem(&code).await)["error"], "invalid_grant");
    let code = f.code(&f.sign_in().await).await;
    f.identity.users().set_password("ada", &Secret::new("another horse".to_owned())).unwrap();
    assert_eq!(json(&f.redeem(&code).await)["error"], "invalid_grant");
}

#[tokio::test]
async fn a_resource_is_behind_this_server_or_there_is_no_token() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let form = format!("grant_type=client_credentials&client_id=robot&client_secret={}", f.secret);
    for (resource, error) in [
        (ISSUER.to_owned(), None),
        (format!("{ISSUER}/orders"), None),
        ("https://evil.example".to_owned(), Some("invalid_target")),
        (format!("{ISSUER}.evil.example"), Some("invalid_target")),
    ] {
        let asked = encoded(&resource);
        let body = json(&f.post("/oauth/token", &format!("{form}&resource={asked}")).await);
        assert_eq!(body["error"].as_str(), error, "{resource}");
        let back = location(&f.get(&authorize_path(&[("resource", &asked)]), &session).await);
        assert_eq!(parameter(&back, "error").as_deref(), error, "{resource}");
        if error.is_none() {
            assert_eq!(payload(body["access_token"].as_str().unwrap())["aud"], ISSUER);
        }
    }
}

/// OpenID Connect Core section 5.4: a name is for who asked for the profile, as people are told.
#[tokio::test]
async fn userinfo_says_what_the_scope_lets_it() {
    let f = Fixture::new();
    let client = NewClient {
        id: "curious".to_owned(),
        access: Access::Public,
        grants: vec![Grant::AuthorizationCode],
        redirect_uris: vec![CALLBACK.to_owned()],
        scopes: vec!["openid".to_owned(), "profile".to_owned()],
        ..NewClient::default()
    };
    f.identity.clients().add(client).unwrap();
    let session = f.sign_in().await;
    for (scope, is_told) in [("openid", false), ("openid+profile", true)] {
        let path = authorize_path(&[("client_id", "curious"), ("scope", scope)]);
        let code = parameter(&location(&f.get(&path, &session).await), "code").unwrap();
        let form = code_form(&code, &[("client_id", "curious")]);
        let body = json(&f.post("/oauth/token", &form).await);
        let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
        let request = Request::get("/oauth/userinfo").header("authorization", bearer);
        let told = json(&f.send(request.body(Bytes::new()).unwrap()).await);
        let id = payload(body["id_token"].as_str().unwrap());
        assert_eq!(told["sub"], id["sub"]);
        for name in ["name", "preferred_username", "roles"] {
            assert_eq!(told.get(name).is_some(), is_told, "{scope} {name}");
        }
        assert_eq!(id.get("preferred_username").is_some(), is_told, "{scope}");
    }
}
