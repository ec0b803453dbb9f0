//! Logout that an application asks for: attacks L1, L2, L4, A7 (OpenID Connect RP-Initiated Logout 1.0;
//! the cases of the conformance plan `rp-initiated-logout`).

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Algorithm, Secret, Sessions as _};
use ringwall_identity::{Access, Grant, KeyState, NewClient, Purpose};
use ringwall_jose::{PrivateKey, base64url_encode, mint};
use serde_json::json as object;

use crate::fixture::*;

const AFTER: &str = "https://site.example/bye?from=shop";

/// `ada`, signed in at the application `site`.
pub(crate) struct Site {
    pub(crate) f: Fixture,
    pub(crate) session: String,
    pub(crate) hint: String,
    pub(crate) access: String,
}

impl Site {
    async fn new() -> Self {
        Self::with(NewClient::default()).await
    }

    /// The same, with more that the application registers.
    pub(crate) async fn with(more: NewClient) -> Self {
        let f = Fixture::new();
        let client = NewClient {
            id: "site".to_owned(),
            access: Access::Public,
            grants: vec![Grant::AuthorizationCode],
            redirect_uris: vec![CALLBACK.to_owned()],
            post_logout_uris: vec![AFTER.to_owned()],
            ..more
        };
        f.identity.clients().add(client).unwrap();
        let session = f.sign_in().await;
        let mut site = Self { f, session, hint: String::new(), access: String::new() };
        site.get_tokens().await;
        site
    }

    pub(crate) async fn get_tokens(&mut self) {
        let path = authorize_path(&[("client_id", "site")]);
        let to = location(&self.f.get(&path, &self.session).await);
        let code = parameter(&to, "code").unwrap_or_else(|| panic!("{to}"));
        let reply = self.f.post("/oauth/token", &code_form(&code, &[("client_id", "site")])).await;
        let tokens = json(&reply);
        tokens["id_token"].as_str().unwrap().clone_into(&mut self.hint);
        tokens["access_token"].as_str().unwrap().clone_into(&mut self.access);
    }

    /// A link of the application, in this browser.
    async fn link(&self, parameters: &[(&str, &str)]) -> Response<Bytes> {
        self.f.get(&end_session(parameters), &self.session).await
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        let value = self.session.split_once('=').unwrap().1;
        self.f.identity.person(value, self.f.now()).is_some()
    }

    async fn is_token_live(&self) -> bool {
        let request = Request::get("/oauth/userinfo")
            .header("authorization", format!("Bearer {}", self.access))
            .body(Bytes::new());
        self.f.send(request.unwrap()).await.status() == 200
    }
}

fn end_session(parameters: &[(&str, &str)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    format!("/oauth/end_session?{}", pairs.collect::<Vec<_>>().join("&"))
}

#[tokio::test]
async fn an_application_that_shows_its_id_token_ends_the_session_and_its_tokens() {
    let site = Site::new().await;
    let metadata = json(&site.f.get("/.well-known/openid-configuration", "").await);
    assert_eq!(metadata["end_session_endpoint"], "https://shop.example/oauth/end_session");
    assert!(site.is_token_live().await);
    // Long after it has expired (section 2).
    site.f.clock.advance(Duration::from_mins(20));
    let (hint, state) = (site.hint.as_str(), "a b&c=d\r\nx");
    let reply = site
        .link(&[("id_token_hint", hint), ("post_logout_redirect_uri", AFTER), ("state", state)])
        .await;
    let to = "https://site.example/bye?from=shop&state=a%20b%26c%3Dd%0D%0Ax";
    assert_eq!((reply.status().as_u16(), location(&reply).as_str()), (303, to));
    let cookie = reply.headers().get("set-cookie").unwrap().to_str().unwrap();
    assert!(cookie.starts_with("__Host-ringwall=;") && cookie.contains("Max-Age=0"), "{cookie}");
    assert!(!site.is_signed_in());
    assert!(!site.is_token_live().await);
    let ended = site.f.sink.take();
    assert!(ended.iter().any(|event| event.action == "session-ended"), "{ended:?}");
    // Once more: nobody is signed in, and the person goes on to the same place.
    let again = site.link(&[("id_token_hint", hint), ("post_logout_redirect_uri", AFTER)]).await;
    assert_eq!(location(&again), AFTER);
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered_for_it() {
    let site = Site::new().await;
    site.f.sink.take();
    for uri in [
        CALLBACK,
        "https://site.example/bye",
        "https://site.example/bye?from=shop&x=y",
        "https://site.example/bye?from=shop#x",
        "https://SITE.example/bye?from=shop",
        "https://site.example:443/bye?from=shop",
        "https://site.example/bye/..;/?from=shop",
        "https://site.example@evil.example/bye?from=shop",
        "https://evil.example/",
        "//site.example/bye?from=shop",
        "javascript:alert(1)",
        "*",
    ] {
        for known in [("id_token_hint", site.hint.as_str()), ("client_id", "site")] {
            let reply = site.link(&[known, ("post_logout_redirect_uri", uri)]).await;
            assert_eq!((reply.status().as_u16(), location(&reply)), (400, String::new()), "{uri}");
            assert!(!text(&reply).contains("evil"), "reflects {uri}");
        }
    }
    let refused = site.f.sink.take();
    assert!(refused.iter().any(|event| event.action == "redirect-uri-mismatch"), "{refused:?}");
    // Whose it is, nobody said.
    let reply = site.link(&[("post_logout_redirect_uri", AFTER)]).await;
    assert_eq!((reply.status().as_u16(), location(&reply)), (400, String::new()));
    let long = "x".repeat(513);
    let wish = [("client_id", "site"), ("post_logout_redirect_uri", AFTER), ("state", &long)];
    assert_eq!(site.link(&wish).await.status(), 400);
    assert!(site.is_signed_in(), "a refused wish ended the session");
}

#[tokio::test]
async fn a_hint_that_is_not_ours_is_refused() {
    let site = Site::new().await;
    let claims = payload(&site.hint);
    let key = PrivateKey::generate(Algorithm::Es256).unwrap();
    let rows = site.f.identity.key_rows();
    let kid = &rows.iter().find(|row| row.purpose == Purpose::Id).unwrap().kid;
    let header = |header: serde_json::Value| base64url_encode(header.to_string());
    let [_, body, signature] = site.hint.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let ours = header(object!({"alg": "ES256", "typ": "JWT", "kid": kid}));
    let signed_by_another = format!(
        "{ours}.{body}.{}",
        base64url_encode(
            ringwall_base::Signer::sign(&key, format!("{ours}.{body}").as_bytes()).unwrap()
        )
    );
    let mut other = claims.clone();
    other["sub"] = "somebody".into();
    let changed = format!("{ours}.{}.{signature}", base64url_encode(other.to_string()));
    let none = header(object!({"alg": "none", "typ": "JWT", "kid": kid}));
    for (what, hint) in [
        ("another key under our kid", signed_by_another),
        ("changed claims", changed),
        ("no signature", format!("{none}.{body}.")),
        ("an access token", site.access.clone()),
        ("a word", "hint".to_owned()),
    ] {
        let wish = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER)];
        let reply = site.link(&wish).await;
        assert_eq!((reply.status().as_u16(), location(&reply)), (400, String::new()), "{what}");
    }
    // A stranger's token says nothing: without `client_id` there is nowhere to go.
    let strange = mint(&key, "JWT", &claims).unwrap();
    let wish = [("id_token_hint", strange.as_str()), ("post_logout_redirect_uri", AFTER)];
    assert_eq!(site.link(&wish).await.status(), 400);
    let reply = site.link(&[("id_token_hint", &strange), ("client_id", "site")]).await;
    assert!(text(&reply).contains("<b>site</b>"), "{}", text(&reply));
    // One of ours, for another application.
    for client in ["web", "unknown"] {
        let reply = site.link(&[("id_token_hint", &site.hint), ("client_id", client)]).await;
        assert_eq!(reply.status(), 400, "{client}");
    }
    assert!(site.is_signed_in());
}

#[tokio::test]
async fn without_a_hint_of_this_session_the_person_is_asked() {
    let site = Site::new().await;
    let eve = Secret::new(PASSWORD.to_owned());
    site.f.identity.users().add("eve", &[], &eve).unwrap();
    let of_eve = Site { session: site.f.sign_in_with("", "eve").await, ..site };
    // Her own, of another session.
    let site = Site { session: of_eve.f.sign_in().await, ..of_eve };
    let hint = site.hint.clone();
    for wish in [
        vec![("client_id", "site"), ("post_logout_redirect_uri", AFTER), ("state", "<s&1>")],
        vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", AFTER)],
        vec![],
    ] {
        let reply = site.link(&wish).await;
        let asked = text(&reply);
        assert_eq!(reply.status(), 200);
        assert!(asked.contains("<b>ada</b>") && !asked.contains("<s&"), "{asked}");
        assert!(site.is_signed_in(), "{wish:?}");
    }
    let back = encoded(AFTER);
    let wish = [("client_id", "site"), ("post_logout_redirect_uri", AFTER), ("state", "<s&1>")];
    let asked = site.link(&wish).await;
    let policy = asked.headers().get("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.contains("form-action 'self' https:"), "{policy}");
    let page = Page::of(&asked, &site.session);
    let form = format!("client_id=site&post_logout_redirect_uri={back}&state=1");
    // Another site cannot say yes (attack A7), and what is changed on the way leads nowhere.
    let forged = format!("form_token=x&{form}");
    let cookies = [("cookie", page.cookies.as_str())];
    let reply = site.f.send(form_request("/oauth/end_session", &forged, &cookies)).await;
    assert!(reply.status() == 200 && site.is_signed_in(), "a forged token");
    let evil = [("cookie", page.cookies.as_str()), ("origin", "https://evil.example")];
    let good = format!("form_token={}&{form}", page.token);
    let reply = site.f.send(form_request("/oauth/end_session", &good, &evil)).await;
    assert!(reply.status() == 403 && site.is_signed_in(), "another site");
    let moved = form
        .replace("site.example", "evil.example")
        .replace(&back, &encoded("https://evil.example"));
    let reply = site.f.submit(&page, "/oauth/end_session", &moved).await;
    assert_eq!((reply.status().as_u16(), location(&reply)), (400, String::new()));
    assert!(site.is_signed_in());
    let reply = site.f.submit(&page, "/oauth/end_session", &form).await;
    assert_eq!(location(&reply), format!("{AFTER}&state=1"));
    assert!(!site.is_signed_in());
}

#[tokio::test]
async fn the_form_of_an_application_comes_again_as_a_link() {
    let site = Site::new().await;
    let back = encoded(AFTER);
    let form = format!("id_token_hint={}&post_logout_redirect_uri={back}&state=%0D%0Ax", site.hint);
    // From another site: no cookie.
    let reply = site.f.post("/oauth/end_session", &form).await;
    assert_eq!(reply.status(), 303);
    assert!(location(&reply).starts_with("/oauth/end_session?id%5Ftoken%5Fhint="));
    assert!(site.is_signed_in());
    let reply = site.f.get(&location(&reply), &site.session).await;
    assert_eq!(location(&reply), format!("{AFTER}&state=%0D%0Ax"));
    assert!(!site.is_signed_in());
    for (method, status) in [("PUT", 405), ("HEAD", 405)] {
        let request = Request::builder().method(method).uri("/oauth/end_session");
        assert_eq!(site.f.send(request.body(Bytes::new()).unwrap()).await.status(), status);
    }
    let twice = "/oauth/end_session?client_id=site&client_id=web";
    assert_eq!(site.f.get(twice, "").await.status(), 400);
}

/// A key that signs no more is known for as long as its tokens live; after that it is nobody's.
#[tokio::test]
async fn a_hint_of_a_retired_key_is_good_and_of_a_destroyed_one_nothing() {
    let mut site = Site::new().await;
    site.f.identity.rotate(Purpose::Id).unwrap();
    site.f.clock.advance(Duration::from_hours(24));
    site.session = site.f.sign_in().await;
    site.get_tokens().await;
    site.f.identity.sweep().unwrap();
    let states = site.f.identity.key_rows();
    assert!(states.iter().any(|row| row.purpose == Purpose::Id && row.state == KeyState::Retiring));
    let parts = [("id_token_hint", site.hint.as_str()), ("state", "1")];
    assert_eq!(site.link(&parts).await.status(), 200);
    assert!(!site.is_signed_in());
    site.f.clock.advance(Duration::from_hours(2));
    site.f.identity.sweep().unwrap();
    site.session = site.f.sign_in().await;
    let asked = text(&site.link(&parts).await);
    assert!(asked.contains("<b>ada</b>") && site.is_signed_in(), "{asked}");
}
