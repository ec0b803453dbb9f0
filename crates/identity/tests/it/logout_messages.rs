//! Applications are told that a session has ended: attacks L3, L4 (OpenID Connect Back-Channel Logout
//! 1.0, sections 2.4 to 2.8).

use std::time::Duration;

use ringwall_base::Secret;
use ringwall_identity::{LogoutMessage, NewClient, Told};
use ringwall_jose::{Expected, KeySet, LogoutToken};
use serde_json::{Value, json as object};

use crate::end_session::Site;
use crate::fixture::*;

const HEARS: &str = "https://site.example/heard";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

async fn site() -> Site {
    let uri = Some(HEARS.to_owned());
    Site::with(NewClient { backchannel_logout_uri: uri, ..NewClient::default() }).await
}

fn due(site: &Site) -> Vec<LogoutMessage> {
    site.f.identity.due_logouts().unwrap()
}

fn token(message: &LogoutMessage) -> &str {
    message.form.strip_prefix("logout_token=").unwrap()
}

async fn sign_out(site: &Site) {
    let page = site.f.page("/logout", &site.session).await;
    assert_eq!(site.f.submit(&page, "/logout", "").await.status(), 303);
}

async fn on_the_account_page(site: &Site, session: &str, form: &str) {
    let page = site.f.page("/account", session).await;
    let reply = site.f.submit(&page, "/account", form).await;
    assert!(reply.status() == 200 || reply.status() == 303, "{}", text(&reply));
}

#[tokio::test]
async fn the_message_is_a_logout_token_and_nothing_else() {
    let site = site().await;
    let metadata = json(&site.f.get("/.well-known/openid-configuration", "").await);
    assert_eq!(metadata["backchannel_logout_supported"], true);
    assert_eq!(metadata["backchannel_logout_session_supported"], true);
    assert!(due(&site).is_empty(), "the session goes on");
    sign_out(&site).await;
    let [message] = &due(&site)[..] else { panic!("one message") };
    assert_eq!(message.uri, HEARS);
    let jwks = text(&site.f.get("/oauth/jwks", "").await);
    let keys = KeySet::parse(jwks.as_bytes()).unwrap();
    let expected = Expected { issuer: ISSUER.to_owned(), audience: "site".to_owned() };
    let claims = keys.verify::<LogoutToken>(token(message), &expected, site.f.now()).unwrap();
    let known = payload(&site.hint);
    assert_eq!(claims.session.as_deref(), known["sid"].as_str());
    assert_eq!(claims.subject.as_deref(), known["sub"].as_str());
    let said = payload(token(message));
    assert_eq!(said["events"], object!({EVENT: {}}));
    assert_eq!(said["nonce"], Value::Null);
    let life = said["exp"].as_u64().unwrap() - said["iat"].as_u64().unwrap();
    assert!((1..=120).contains(&life), "{life}");
    // No other token is one, and it is no other (attacks L3, J9).
    assert!(keys.verify::<LogoutToken>(&site.hint, &expected, site.f.now()).is_err());
    assert!(keys.verify::<LogoutToken>(&site.access, &expected, site.f.now()).is_err());
    let path = format!("/oauth/end_session?id_token_hint={}", token(message));
    assert!(text(&site.f.get(&path, "").await).contains("does not hold"));
    let other =
        [&site.hint, token(message)].map(|token| token.split('.').next().unwrap().to_owned());
    assert_ne!(other[0], other[1], "a key of its own");
    // Sent again it is another token: the application may remember the first.
    let again = &due(&site)[0];
    assert_ne!(payload(token(again))["jti"], said["jti"]);
    site.f.identity.settle_logout(message, &Told::Taken).unwrap();
    assert!(due(&site).is_empty());
    let told = site.f.sink.take();
    let told = told.iter().find(|event| event.action == "logout-delivered").unwrap();
    assert_eq!(told.client.as_deref(), Some("site"));
    assert_eq!(told.person.as_deref(), known["sub"].as_str());
}

#[tokio::test]
async fn however_a_session_ends_the_application_is_told_once() {
    for way in [
        "sign-out",
        "application",
        "account",
        "others",
        "password",
        "disabled",
        "reset",
        "another person",
        "factors removed",
    ] {
        let site = site().await;
        let users = site.f.identity.users();
        let secret = Secret::new("brand new horse".to_owned());
        let sid = payload(&site.hint)["sid"].as_str().unwrap().to_owned();
        match way {
            "sign-out" => sign_out(&site).await,
            "application" => {
                let path = format!("/oauth/end_session?id_token_hint={}", site.hint);
                site.f.get(&path, &site.session).await;
            }
            "account" => {
                on_the_account_page(&site, &site.session, &format!("do=end&sid={sid}")).await;
            }
            "others" => {
                let other = site.f.sign_in().await;
                on_the_account_page(&site, &other, "do=end-others").await;
            }
            "password" => {
                let form = "do=password&current=correct+horse&new=brand+new+horse";
                let other = site.f.sign_in().await;
                on_the_account_page(&site, &other, &format!("{form}&again=brand+new+horse")).await;
            }
            "disabled" => users.disable("ada", true).unwrap(),
            "reset" => users.set_password("ada", &secret).unwrap(),
            "another person" => {
                users.add("eve", &[], &Secret::new(PASSWORD.to_owned())).unwrap();
                site.f.sign_in_with(&site.session, "eve").await;
            }
            _ => {
                users.enrol("ada").unwrap();
                users.remove_factors("ada").unwrap();
            }
        }
        let messages = due(&site);
        assert_eq!(messages.len(), 1, "{way}");
        assert_eq!(payload(token(&messages[0]))["sid"], sid, "{way}");
        assert!(!site.is_signed_in(), "{way}");
        site.f.identity.settle_logout(&messages[0], &Told::Taken).unwrap();
        site.f.identity.users().disable("ada", true).unwrap();
        assert!(due(&site).is_empty(), "{way}: told twice");
    }
}

#[tokio::test]
async fn only_who_got_tokens_in_the_session_is_told() {
    let mut site = site().await;
    // Another session, in which the application has nothing; and a session that goes on.
    let other = Site { session: site.f.sign_in().await, ..site };
    sign_out(&other).await;
    assert!(due(&other).is_empty());
    site = Site { session: other.f.sign_in().await, ..other };
    site.get_tokens().await;
    site.session = site.f.sign_in_with(&site.session, "ada").await;
    assert!(due(&site).is_empty(), "the session goes on under its id");
    site.get_tokens().await;
    // `web` wants to hear of nothing.
    let code = site.f.code(&site.session).await;
    site.f.redeem(&code).await;
    sign_out(&site).await;
    assert_eq!(due(&site).len(), 1);
    // Who is disabled meanwhile is not told, and that is on record.
    site.f.identity.clients().disable("site", true).unwrap();
    site.f.sink.take();
    assert!(due(&site).is_empty());
    let events = site.f.sink.take();
    assert!(events.iter().any(|event| event.action == "logout-undelivered"), "{events:?}");
}

#[tokio::test]
async fn who_is_away_is_told_later_also_after_a_restart_and_not_for_ever() {
    let mut site = site().await;
    sign_out(&site).await;
    let later = Told::Later("nobody there".to_owned());
    let mut waits = Vec::new();
    for _ in 0..7 {
        let message = due(&site).pop().unwrap();
        site.f.identity.settle_logout(&message, &later).unwrap();
        let mut wait = 0_u64;
        while due(&site).is_empty() {
            site.f.clock.advance(Duration::from_secs(5));
            wait += 5;
        }
        waits.push(wait);
        site.f = site.f.restart();
    }
    assert_eq!(waits, [5, 20, 80, 320, 1_280, 5_120, 20_480]);
    site.f.sink.take();
    let message = due(&site).pop().unwrap();
    site.f.identity.settle_logout(&message, &later).unwrap();
    let events = site.f.sink.take();
    let event = events.iter().find(|event| event.action == "logout-undelivered").unwrap();
    assert_eq!(event.reason.as_deref(), Some("nobody there"));
    site.f.clock.advance(Duration::from_hours(24));
    assert!(due(&site).is_empty());
}

#[tokio::test]
async fn a_refusal_is_final_and_one_that_is_away_holds_nobody_up() {
    let mut site = site().await;
    for _ in 0..9 {
        site.session = site.f.sign_in().await;
        site.get_tokens().await;
    }
    site.f.identity.users().disable("ada", true).unwrap();
    let messages = due(&site);
    assert_eq!(messages.len(), 4, "of one client at once");
    let refused = Told::Refused("the application answered 400".to_owned());
    site.f.identity.settle_logout(&messages[0], &refused).unwrap();
    let events = site.f.sink.take();
    assert!(events.iter().any(|event| event.action == "logout-undelivered"), "{events:?}");
    // Its other messages wait, too.
    site.f.identity.settle_logout(&messages[1], &Told::Later(String::new())).unwrap();
    assert!(due(&site).is_empty());
    site.f.clock.advance(Duration::from_secs(5));
    assert_eq!(due(&site).len(), 4);
}

#[tokio::test]
async fn the_address_is_as_good_as_a_redirect_uri() {
    let f = Fixture::new();
    for (uri, is_good) in [
        (HEARS, true),
        ("http://127.0.0.1:7000/heard", true),
        ("http://site.example/heard", false),
        ("https://site.example/heard#x", false),
        ("https://a@site.example/heard", false),
        ("file:///etc/passwd", false),
    ] {
        let uri = Some(uri.to_owned());
        let id = format!("a{}", f.identity.clients().list().len());
        let client = NewClient { id, backchannel_logout_uri: uri.clone(), ..NewClient::default() };
        assert_eq!(f.identity.clients().add(client).is_ok(), is_good, "{uri:?}");
    }
}
