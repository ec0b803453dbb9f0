//! Device codes: attacks V1 to V4.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use ringwall_identity::{Access, Grant, NewClient, Party};
use serde_json::Value;

use crate::fixture::*;

const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";

/// `tv` and `radio` are devices.
fn fixture() -> Fixture {
    let f = Fixture::new();
    for id in ["tv", "radio"] {
        let client = NewClient {
            id: id.to_owned(),
            access: Access::Public,
            grants: vec![Grant::DeviceCode, Grant::RefreshToken],
            ..NewClient::default()
        };
        f.identity.clients().add(client).unwrap();
    }
    f
}

async fn start(f: &Fixture) -> Value {
    let reply = f.post("/oauth/device_authorization", "client_id=tv&scope=openid").await;
    assert_eq!(reply.status(), 200, "{}", text(&reply));
    json(&reply)
}

async fn poll(f: &Fixture, started: &Value, client: &str) -> Response<Bytes> {
    let code = started["device_code"].as_str().unwrap();
    let form = format!("grant_type={GRANT}&client_id={client}&device_code={code}");
    f.post("/oauth/token", &form).await
}

async fn error(f: &Fixture, started: &Value) -> String {
    json(&poll(f, started, "tv").await)["error"].as_str().unwrap_or("none").to_owned()
}

async fn decide(f: &Fixture, session: &str, user_code: &str, how: &str) -> Response<Bytes> {
    let page = f.page("/oauth/device", session).await;
    f.submit(&page, "/oauth/device", &format!("user_code={user_code}{how}")).await
}

fn user_code(started: &Value) -> String {
    started["user_code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_connects_a_device_once() {
    let f = fixture();
    let started = start(&f).await;
    let code = user_code(&started);
    assert_eq!(started["verification_uri"], format!("{ISSUER}/oauth/device"));
    let complete = started["verification_uri_complete"].as_str().unwrap().to_owned();
    assert_eq!(complete, format!("{ISSUER}/oauth/device?user_code={code}"));
    assert_eq!((&started["expires_in"], &started["interval"]), (&600.into(), &5.into()));
    assert_eq!(error(&f, &started).await, "authorization_pending");
    // The link goes through the login page, and shows the code.
    let path = complete.strip_prefix(ISSUER).unwrap();
    assert!(location(&f.get(path, "").await).starts_with("/login?return_to="));
    let session = f.sign_in().await;
    assert!(text(&f.get(path, &session).await).contains(&format!("value=\"{code}\"")));
    let typed = code.to_lowercase().replace('-', "+");
    let shown = text(&decide(&f, &session, &typed, "").await);
    assert!(shown.contains("<b>tv</b>") && shown.contains(&code) && shown.contains("ada"));
    f.clock.advance(Duration::from_secs(5));
    assert_eq!(error(&f, &started).await, "authorization_pending", "shown is not decided");
    f.sink.take();
    assert_eq!(decide(&f, &session, &code, "&decision=approve").await.status(), 200);
    let body = json(&poll(&f, &started, "tv").await);
    assert!(body["id_token"].is_string() && body["refresh_token"].is_string(), "{body}");
    let actions: Vec<_> = f.sink.take().into_iter().map(|event| event.action).collect();
    assert_eq!(actions, ["consent-granted", "token-issued"]);
    assert_eq!(error(&f, &started).await, "invalid_grant", "once");
    let again = decide(&f, &session, &code, "&decision=approve").await;
    assert_eq!(again.status(), 400, "decided");
    let known = json(&f.get("/.well-known/openid-configuration", "").await);
    assert_eq!(
        known["device_authorization_endpoint"],
        format!("{ISSUER}/oauth/device_authorization")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_at_once_get_tokens_once() {
    let f = fixture();
    let started = start(&f).await;
    let session = f.sign_in().await;
    decide(&f, &session, &user_code(&started), "&decision=approve").await;
    let code = started["device_code"].as_str().unwrap().to_owned();
    let statuses =
        f.thirty_two(&format!("grant_type={GRANT}&client_id=tv&device_code={code}")).await;
    assert_eq!(statuses, [&[200][..], &[400; 31]].concat());
}

#[tokio::test]
async fn v1_guessing_user_codes_gets_slow_for_the_one_who_guesses() {
    let f = fixture();
    let started = start(&f).await;
    let session = f.sign_in().await;
    let mut statuses = Vec::new();
    for turn in 0..8 {
        let guess = format!("BBBB-BBB{}", char::from(b"CDFGHJKL"[turn]));
        statuses.push(decide(&f, &session, &guess, "").await.status().as_u16());
    }
    assert_eq!(statuses[..4], [400; 4]);
    assert_eq!(statuses[7], 429, "{statuses:?}");
    let right = decide(&f, &session, &user_code(&started), "&decision=approve").await;
    assert_eq!(right.status(), 429, "also for the right one");
    assert!(right.headers().contains_key("retry-after"));
    // The count is its own: the owner signs in elsewhere all the same.
    f.sign_in().await;
}

#[tokio::test]
async fn v1_a_code_of_ones_own_between_guesses_does_not_make_them_faster() {
    let f = fixture();
    let started = start(&f).await;
    let session = f.sign_in().await;
    let mut guessed = 0;
    for turn in 0..8 {
        let own = decide(&f, &session, &user_code(&started), "").await.status().as_u16();
        let guess = format!("BBBB-BBB{}", char::from(b"CDFGHJKL"[turn]));
        let status = decide(&f, &session, &guess, "").await.status().as_u16();
        assert!([200, 429].contains(&own), "{own}");
        guessed += u32::from(status == 400);
    }
    assert_eq!(guessed, 4, "as many as without");
}

#[tokio::test]
async fn v2_a_device_code_is_its_clients() {
    let f = fixture();
    let started = start(&f).await;
    let session = f.sign_in().await;
    decide(&f, &session, &user_code(&started), "&decision=approve").await;
    assert_eq!(json(&poll(&f, &started, "radio").await)["error"], "invalid_grant");
    assert_eq!(json(&poll(&f, &started, "web").await)["error"], "unauthorized_client");
    assert_eq!(poll(&f, &started, "tv").await.status(), 200, "nothing was used up");
    let reply = f.post("/oauth/device_authorization", "client_id=web").await;
    assert_eq!(json(&reply)["error"], "unauthorized_client");
    let reply = f.post("/oauth/device_authorization", "client_id=tv&scope=admin").await;
    assert_eq!(json(&reply)["error"], "invalid_scope");
    let reply = f.post("/oauth/device_authorization", "client_id=nobody").await;
    assert_eq!(reply.status(), 401);
}

#[tokio::test]
async fn v3_who_asks_too_soon_waits_longer_from_then_on() {
    let f = fixture();
    let started = start(&f).await;
    assert_eq!(error(&f, &started).await, "authorization_pending");
    f.clock.advance(Duration::from_millis(4_999));
    assert_eq!(error(&f, &started).await, "slow_down");
    f.clock.advance(Duration::from_millis(9_999));
    assert_eq!(error(&f, &started).await, "slow_down", "ten seconds now");
    f.clock.advance(Duration::from_secs(15));
    assert_eq!(error(&f, &started).await, "authorization_pending");
    f.clock.advance(Duration::from_mins(10));
    assert_eq!(error(&f, &started).await, "expired_token");
}

#[tokio::test]
async fn v4_only_a_form_of_ours_decides() {
    let f = fixture();
    let started = start(&f).await;
    let session = f.sign_in().await;
    let form = format!("user_code={}&decision=approve", user_code(&started));
    let forged = form_request("/oauth/device", &form, &[("cookie", &session), ("origin", ISSUER)]);
    assert_eq!(f.send(forged).await.status(), 403, "no form token");
    let page = f.page("/oauth/device", &session).await;
    let form = format!("form_token={}&{form}", page.token);
    let headers = [("cookie", page.cookies.as_str()), ("origin", "https://evil.example")];
    assert_eq!(f.send(form_request("/oauth/device", &form, &headers)).await.status(), 403);
    let link = format!("/oauth/device?{}", form.replace('+', "%2B"));
    assert_eq!(f.get(&link, &session).await.status(), 200, "a link decides nothing");
    assert_eq!(error(&f, &started).await, "authorization_pending");
    // Nobody approves without being signed in.
    let page = Page { cookies: page.cookies.split(';').next().unwrap().to_owned(), ..page };
    let reply = f.submit(&page, "/oauth/device", &form).await;
    assert!(location(&reply).starts_with("/login"), "{}", text(&reply));
}

#[tokio::test]
async fn a_refusal_or_a_logout_leaves_the_device_without() {
    let f = fixture();
    let started = start(&f).await;
    let session = f.sign_in().await;
    decide(&f, &session, &user_code(&started), "&decision=deny").await;
    assert_eq!(error(&f, &started).await, "access_denied");
    let late = decide(&f, &session, &user_code(&started), "&decision=approve").await;
    assert_eq!(late.status(), 400, "the first answer counts");
    let started = start(&f).await;
    decide(&f, &session, &user_code(&started), "&decision=approve").await;
    let page = f.page("/logout", &session).await;
    f.submit(&page, "/logout", "").await;
    assert_eq!(error(&f, &started).await, "invalid_grant");
}

/// What a person let a device do is on their account page, and ends there.
#[tokio::test]
async fn a_person_sees_a_device_and_ends_it() {
    let f = fixture();
    let (started, session) = (start(&f).await, f.sign_in().await);
    decide(&f, &session, &user_code(&started), "&decision=approve").await;
    let tokens = json(&poll(&f, &started, "tv").await);
    let account = f.get("/account", &session).await;
    assert!(text(&account).contains("<b>tv</b>"), "{}", text(&account));
    let page = Page::of(&account, &session);
    for other in ["radio", "nobody"] {
        let reply = f.submit(&page, "/account", &format!("do=withdraw&client={other}")).await;
        assert!(text(&reply).contains("<b>tv</b>"), "{other}");
    }
    f.sink.take();
    let reply = f.submit(&page, "/account", "do=withdraw&client=tv").await;
    assert!(!text(&reply).contains("<b>tv</b>"), "{}", text(&reply));
    assert!(f.sink.take().iter().any(|event| event.action == "consent-withdrawn"));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&client_id=tv&refresh_token={refresh}");
    assert_eq!(json(&f.post("/oauth/token", &form).await)["error"], "invalid_grant");
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let request = http::Request::get("/oauth/userinfo").header("authorization", bearer);
    assert_eq!(f.send(request.body(Bytes::new()).unwrap()).await.status(), 401);
}

/// L4: a device without refresh tokens has only its access token, and that ends with the consent.
#[tokio::test]
async fn l4_a_device_s_access_token_ends_when_the_consent_is_taken_back() {
    let f = Fixture::new();
    let client = NewClient {
        id: "tv".to_owned(),
        access: Access::Public,
        grants: vec![Grant::DeviceCode],
        party: Party::Third,
        ..NewClient::default()
    };
    f.identity.clients().add(client).unwrap();
    let session = f.sign_in().await;
    let mut tokens = Vec::new();
    let both = [start(&f).await, start(&f).await];
    f.clock.advance(Duration::from_mins(6));
    for started in both {
        decide(&f, &session, &user_code(&started), "&decision=approve").await;
        let given = json(&poll(&f, &started, "tv").await);
        tokens.push(format!("Bearer {}", given["access_token"].as_str().unwrap()));
    }
    let userinfo = async |bearer: &str| {
        let request = http::Request::get("/oauth/userinfo").header("authorization", bearer);
        f.send(request.body(Bytes::new()).unwrap()).await.status().as_u16()
    };
    // The codes are over and could be swept; the tokens are not.
    f.clock.advance(Duration::from_mins(5));
    f.identity.sweep().unwrap();
    let fresh = f.sign_in().await;
    assert_eq!(userinfo(&tokens[0]).await, 200);
    let page = f.page("/account", &fresh).await;
    let reply = f.submit(&page, "/account", "do=withdraw&client=tv").await;
    assert_eq!(reply.status(), 200, "{}", text(&reply));
    for bearer in &tokens {
        assert_eq!(userinfo(bearer).await, 401);
    }
}
