//! Accounts.

use ringwall_base::{Secret, Sessions as _};
use ringwall_identity::PeopleError;

use crate::fixture::*;

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[tokio::test]
async fn an_account_has_one_spelling_and_one_owner() {
    let f = Fixture::new();
    let users = f.identity.users();
    assert!(matches!(users.add("ADA", &[], &secret(PASSWORD)), Err(PeopleError::Exists)));
    for name in
        ["", "a b", "ada\0", "zoë", "a/", "/b", "a/b/c", "2a/b", "default/bob", &"x".repeat(65)]
    {
        assert!(
            matches!(users.add(name, &[], &secret(PASSWORD)), Err(PeopleError::Name)),
            "{name}"
        );
    }
    let elsewhere = users.add("acme/bob", &[], &secret(PASSWORD));
    assert!(matches!(elsewhere, Err(PeopleError::Organisation)));
    assert!(matches!(users.add("bob", &[], &secret("12345678")), Err(PeopleError::Password(_))));
    assert_eq!(users.list(None, 10).unwrap().len(), 1);
    assert!(matches!(users.disable("bob", true), Err(PeopleError::NotFound)));
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once_and_a_role_counts_at_once() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let value = session.split_once('=').unwrap().1;
    f.identity.users().grant("ada", "admin").unwrap();
    assert_eq!(f.identity.person(value, f.now()).unwrap().roles, ["admin", "customer"]);
    f.identity.users().revoke("ada", "customer").unwrap();
    assert_eq!(f.identity.person(value, f.now()).unwrap().roles, ["admin"]);
    f.identity.users().disable("ada", true).unwrap();
    assert!(f.identity.person(value, f.now()).is_none());
    f.identity.users().disable("ada", false).unwrap();
    assert!(f.identity.person(value, f.now()).is_none(), "a session does not come back");
    let actions: Vec<_> = f.sink.take().into_iter().map(|event| event.action).collect();
    let want = ["login-succeeded", "role-granted", "role-revoked", "user-disabled", "user-enabled"];
    assert_eq!(actions, want);
}

#[tokio::test]
async fn a_new_password_ends_sessions_and_tokens() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let code = f.code(&session).await;
    let token = json(&f.redeem(&code).await)["access_token"].as_str().unwrap().to_owned();
    f.identity.users().set_password("ada", &secret("another horse")).unwrap();
    assert!(f.identity.person(session.split_once('=').unwrap().1, f.now()).is_none());
    let bearer = format!("Bearer {token}");
    let request = http::Request::get("/oauth/userinfo").header("authorization", bearer);
    let reply = f.send(request.body(bytes::Bytes::new()).unwrap()).await;
    assert_eq!(reply.status(), 401);
}
