//! What ends with an organisation, what does not come back with it, and what is not touched (attack J20).

use ringwall_base::{Secret, Sessions as _};

use crate::fixture::*;

/// `acme/ada`, and a session of hers.
async fn acme() -> (Fixture, String) {
    let f = Fixture::new();
    f.identity.organisations().add("acme", None).unwrap();
    let password = Secret::new(PASSWORD.to_owned());
    f.identity.users().add("acme/ada", &["customer".to_owned()], &password).unwrap();
    let session = f.sign_in_with("", "acme/ada").await;
    f.sink.take();
    (f, session)
}

fn is_signed_in(f: &Fixture, session: &str) -> bool {
    let cookie = session.split_once('=').unwrap().1;
    f.identity.person(cookie, f.now()).is_some()
}

async fn has_code(f: &Fixture, session: &str) -> bool {
    let reply = f.get(&authorize_path(&[]), session).await;
    let Some(code) = parameter(&location(&reply), "code") else { return false };
    f.post("/oauth/token", &code_form(&code, &[])).await.status() == 200
}

#[tokio::test]
async fn to_enable_one_that_is_not_disabled_ends_nothing() {
    let (f, session) = acme().await;
    f.identity.organisations().disable("acme", false).unwrap();
    assert!(has_code(&f, &session).await);
    assert!(f.sink.take().iter().all(|one| one.action != "organisation-enabled"));
    let f = f.restart();
    assert!(has_code(&f, &session).await);
}

/// A session that was written to memory after those of the organisation were ended there: here,
/// because somebody else disabled it.
#[tokio::test]
async fn no_session_in_memory_outlives_its_row() {
    let (f, session) = acme().await;
    f.another().organisations().disable("acme", true).unwrap();
    assert!(is_signed_in(&f, &session), "nobody told this one");
    f.identity.organisations().disable("acme", false).unwrap();
    assert!(!is_signed_in(&f, &session));
}

#[tokio::test]
async fn no_link_and_no_half_login_comes_back() {
    let (f, _) = acme().await;
    f.identity.users().enrol("acme/ada").unwrap();
    let page = f.page("/login", "").await;
    let form = format!("username=acme%2Fada&password={}", PASSWORD.replace(' ', "+"));
    let reply = f.submit(&page, "/login", &form).await;
    let (page, step) = (Page::of(&reply, ""), hidden(&reply, "step").unwrap());
    let mut links = Vec::new();
    for name in ["acme/bob", "bob"] {
        let link = f.identity.users().invite(name, &[], None).unwrap().link.unwrap();
        let link = link.expose().strip_prefix(ISSUER).unwrap().to_owned();
        assert_eq!(f.get(&link, "").await.status(), 200, "{name}");
        links.push(link);
    }
    f.identity.organisations().disable("acme", true).unwrap();
    f.identity.organisations().disable("acme", false).unwrap();
    assert_ne!(f.get(&links[0], "").await.status(), 200);
    assert_eq!(f.get(&links[1], "").await.status(), 200);
    let form = format!("step={step}&code=000000");
    let reply = f.submit(&page, "/login", &form).await;
    assert!(hidden(&reply, "step").is_none(), "{}", text(&reply));
}

/// The log of an organisation has who tried to get into it.
#[tokio::test]
async fn a_failed_login_is_recorded_for_its_organisation() {
    let (f, _) = acme().await;
    let page = f.page("/login", "").await;
    for (name, organisation) in
        [("acme%2Fada", Some("acme")), ("ada", None), ("dept%2Fa%2Fb", None), ("9%2Fada", None)]
    {
        f.submit(&page, "/login", &format!("username={name}&password=wrong")).await;
        let failed = f.sink.take().into_iter().find(|one| one.action == "login-failed").unwrap();
        assert_eq!(failed.organisation.as_deref(), organisation, "{name}");
    }
}

/// An address with a slash is an address: nobody is sent to an organisation by it.
#[tokio::test]
async fn a_hint_that_is_an_address_names_no_organisation() {
    let (f, _) = acme().await;
    let session = f.sign_in().await;
    for hint in ["dept%2Fada%40example.org", "acme%2Fada%40example.org", "acme%2Fa%2Fb", "acme%2F"]
    {
        let reply = f.get(&authorize_path(&[("login_hint", hint)]), &session).await;
        let code = parameter(&location(&reply), "code");
        assert!(code.is_some(), "{hint}: {}", location(&reply));
    }
}
