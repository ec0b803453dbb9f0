//! Links to people of another issuer that end: attacks U3, L4.

use std::time::Duration;

use http::Request;
use ringwall_base::{Secret, Sessions as _};
use ringwall_identity::{Delivery, RoleClaim, UpstreamSettings};
use serde_json::json;

use crate::fixture::*;
use crate::upstream::{Idp, THERE, Way, World, good, settings, strings};

/// `staff` there is `editor` here.
fn with_roles() -> UpstreamSettings {
    let roles = [("staff".to_owned(), "editor".to_owned())].into();
    let role_claim = Some(RoleClaim { claim: "groups".to_owned(), roles });
    UpstreamSettings { role_claim, ..settings() }
}

/// Grace, who came by the issuer, has a password by now and takes the link away.
async fn left() -> World {
    let w = World::with(with_roles());
    Idp::merge(&w.idp.claims, &json!({"groups": ["staff"]}));
    let person = w.person(&w.travel("").await).unwrap();
    assert_eq!(person.roles, strings(&["customer", "editor"]));
    w.f.clock.advance(Duration::from_secs(1));
    let password = Secret::new(PASSWORD.to_owned());
    w.f.identity.users().set_password(&person.name, &password).unwrap();
    let session = w.f.sign_in_with("", "grace%40example.org").await;
    w.f.sink.take();
    let page = w.f.page("/account", &session).await;
    assert!(text(&w.f.get("/account", &session).await).contains("since 2027-01-15 08:00 UTC"));
    let reply = w.f.submit(&page, "/account", "do=unlink").await;
    assert_eq!(reply.status(), 200, "{}", text(&reply));
    let person = w.f.identity.person(session.split_once('=').unwrap().1, w.f.now()).unwrap();
    assert_eq!(person.roles, strings(&["customer"]), "what the issuer gave went with it");
    w
}

fn actions(w: &World) -> Vec<(String, Option<String>)> {
    let events = w.f.sink.take().into_iter();
    events.map(|event| (event.action.to_owned(), event.operation)).collect()
}

/// CWE-286: who left does not come back as somebody new, past a disabled account.
#[tokio::test]
async fn who_was_made_here_for_a_person_there_is_never_made_again() {
    let w = left().await;
    let told = actions(&w);
    for wanted in [("identity-unlinked", THERE), ("role-revoked", "editor")] {
        let wanted = (wanted.0.to_owned(), Some(wanted.1.to_owned()));
        assert!(told.contains(&wanted), "{wanted:?}: {told:?}");
    }
    let count = || w.f.identity.users().list(None, 9).unwrap().len();
    let before = count();
    for (is_disabled, reason) in [(false, "no account here"), (true, "the account is disabled")] {
        w.f.identity.users().disable("grace@example.org", is_disabled).unwrap();
        w.f.sink.take();
        let reply = w.travel("").await;
        assert_eq!((reply.status().as_u16(), w.person(&reply)), (403, None), "{reason}");
        assert_eq!(count(), before, "{reason}");
        let events = w.f.sink.take();
        let refused = events.iter().find(|event| event.action == "login-failed").unwrap();
        assert_eq!(refused.reason.as_deref(), Some(reason));
        assert_eq!(refused.operation.as_deref(), Some("248289761001"), "who it was there");
        assert_eq!(refused.person.is_some(), is_disabled);
        assert_eq!(refused.source.as_deref(), Some("192.0.2.1"));
    }
    // Nor as another account's person.
    w.f.identity.users().disable("grace@example.org", false).unwrap();
    let ada = w.f.sign_in().await;
    assert_eq!(w.connect(&ada).await.status(), 409);
    // Her own account takes the link up as it was: the issuer gives and takes roles again.
    let session = w.f.sign_in_with("", "grace%40example.org").await;
    assert_eq!(location(&w.connect(&session).await), "/account");
    let person = w.person(&w.travel("").await).unwrap();
    assert_eq!((person.name.as_str(), person.roles.len()), ("grace@example.org", 2));
    Idp::merge(&w.idp.claims, &json!({"groups": null}));
    assert_eq!(w.person(&w.travel("").await).unwrap().roles, strings(&["customer"]));
}

#[tokio::test]
async fn an_operator_takes_every_link_away_and_all_that_came_by_it() {
    let w = World::with(with_roles());
    Idp::merge(&w.idp.claims, &json!({"groups": ["staff"]}));
    let session = set_cookie(&w.travel("").await, "__Host-ringwall").unwrap();
    let users = w.f.identity.users();
    assert_eq!(users.unlink_made("grace@example.org").unwrap(), 0, "it was made with it");
    assert_eq!(users.unlink("grace@example.org").unwrap(), 1);
    assert_eq!(w.f.get("/account", &session).await.status(), 303, "its sessions have ended");
    assert_eq!(users.find("grace@example.org").unwrap().roles, strings(&["customer"]));
    assert_eq!(w.travel("").await.status(), 403);
    assert_eq!(users.unlink("grace@example.org").unwrap(), 0);
    // A link that a session made is no more than a link.
    let ada = w.f.sign_in().await;
    Idp::merge(&w.idp.claims, &json!({"sub": "ada-there"}));
    assert_eq!(location(&w.connect(&ada).await), "/account");
    assert_eq!(users.unlink_made("ada").unwrap(), 1);
    assert_ne!(w.person(&w.travel("").await).unwrap().name, "ada");
}

/// A planted link is told to the person whose account it is.
#[tokio::test]
async fn u3_a_letter_tells_of_a_link_and_of_its_end() {
    let w = World::new();
    w.f.identity.offer_mail(true);
    w.f.identity.users().ask_email("ada", "ada@example.org").unwrap();
    let letters = || {
        let due = w.f.identity.mail_due().unwrap();
        for one in &due {
            w.f.identity.mail_done(one, &Delivery::Sent).unwrap();
        }
        let letters = due.into_iter().map(|one| one.letter);
        letters.map(|letter| (letter.subject, letter.text.expose().clone())).collect::<Vec<_>>()
    };
    let (_, body) = letters().pop().unwrap();
    let link = body.lines().find(|line| line.starts_with("https://")).unwrap().to_owned();
    let session = w.f.sign_in().await;
    let path = link.strip_prefix(ISSUER).unwrap();
    let reply = w.f.get(path, &session).await;
    let (page, token) = (Page::of(&reply, &session), hidden(&reply, "token").unwrap());
    w.f.submit(&page, path.split('?').next().unwrap(), &format!("token={token}")).await;
    assert!(letters().is_empty());
    Idp::merge(&w.idp.claims, &json!({"sub": "mallory-there"}));
    assert_eq!(location(&w.connect(&session).await), "/account");
    let said = letters();
    assert_eq!((said.len(), said[0].0.as_str()), (1, "Your account was linked"));
    assert!(said[0].1.contains("Your login name: ada"), "{}", said[0].1);
    let page = w.f.page("/account", &session).await;
    w.f.submit(&page, "/account", "do=unlink").await;
    let said = letters();
    assert_eq!((said.len(), said[0].0.as_str()), (1, "Your account is no longer linked"));
}

/// Whoever is thrown out of an account while they link it has linked nothing.
#[tokio::test]
async fn u3_a_link_that_races_with_the_end_of_its_session_does_not_stay() {
    let w = World::new();
    let mut statuses = Vec::new();
    for round in 0..24 {
        let session = w.f.sign_in().await;
        let page = w.f.page("/account", &session).await;
        let reply = w.f.submit(&page, "/oauth/upstream", "").await;
        let html = text(&reply).replace("&amp;", "&");
        let address = html.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let way = Way { address, cookie: set_cookie(&reply, "__Host-ringwall-upstream").unwrap() };
        let now = w.f.now().secs();
        let change = json!({"sub": format!("mallory-{round}"), "nonce": way.nonce(),
            "auth_time": now, "iat": now, "exp": now + 300});
        Idp::merge(&w.idp.claims, &change);
        let request = Request::get(format!("/oauth/callback?{}", good(&way)))
            .header("cookie", format!("{}; {session}", way.cookie));
        let request = request.body(bytes::Bytes::new()).unwrap();
        let (one, other) = (w.f.identity.clone(), w.f.identity.clone());
        let linking = tokio::spawn(async move {
            one.answer("192.0.2.1".parse().unwrap(), request).await.status().as_u16()
        });
        let ending = tokio::task::spawn_blocking(move || other.users().remove_factors("ada"));
        statuses.push(linking.await.unwrap());
        ending.await.unwrap().unwrap();
        let person = w.person(&w.travel("").await).unwrap();
        assert_ne!(person.name, "ada", "round {round}");
    }
    assert!(statuses.iter().all(|status| [303, 401].contains(status)), "{statuses:?}");
}
