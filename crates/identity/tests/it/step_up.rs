//! Step-up: RFC 9470, and `acr_values` of OpenID Connect Core section 3.1.2.1.

use std::collections::BTreeSet;
use std::time::Duration;

use ringwall_base::Sessions as _;

use crate::authenticator::Authenticator;
use crate::fixture::*;

const STEP: &str = "/login?return_to=%2Forders&acr_values=aal2";

#[tokio::test]
async fn who_has_no_second_factor_is_sent_to_set_one_up() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    assert_eq!(location(&f.get("/login?return_to=%2Forders", &session).await), "/orders");
    assert_eq!(location(&f.get(STEP, &session).await), "/account");
    for (asked, error) in [
        ("aal2", Some("unmet_authentication_requirements")),
        ("phr+aal2", Some("unmet_authentication_requirements")),
        ("aal2+aal1", None),
        ("1+2", None),
    ] {
        let back = location(&f.get(&authorize_path(&[("acr_values", asked)]), &session).await);
        assert!(back.starts_with(CALLBACK), "{asked}: {back}");
        assert_eq!(parameter(&back, "error").as_deref(), error, "{asked}");
        assert_eq!(parameter(&back, "iss"), Some(encoded_issuer()), "{asked}");
    }
    // Nobody is signed in: the login page first, whoever they are.
    let back = location(&f.get(&authorize_path(&[("acr_values", "aal2")]), "").await);
    assert!(back.starts_with("/login?return_to="), "{back}");
}

fn encoded_issuer() -> String {
    "https%3A%2F%2Fshop.example".to_owned()
}

/// RFC 9470 section 4, as the gateway sends a browser here.
#[tokio::test]
async fn who_signed_in_too_long_ago_signs_in_again() {
    let f = Fixture::new();
    let link = "/login?return_to=%2Forders&max_age=900";
    let session = f.sign_in().await;
    f.clock.advance(Duration::from_mins(15));
    assert_eq!(location(&f.get(link, &session).await), "/orders", "not older than that");
    f.clock.advance(Duration::from_secs(1));
    for asked in [link, "/login?return_to=%2Forders&max_age=x"] {
        let reply = f.get(asked, &session).await;
        assert_eq!(reply.status(), 200, "{asked}");
        assert!(text(&reply).contains("Please sign in again."), "{}", text(&reply));
    }
    assert_eq!(location(&f.get("/login?return_to=%2Forders", &session).await), "/orders");
    let page = f.page(link, &session).await;
    let form = "username=ada&password=correct+horse&return_to=%2Forders";
    let reply = f.submit(&page, "/login", form).await;
    assert_eq!(location(&reply), "/orders");
    let fresh = set_cookie(&reply, "__Host-ringwall").unwrap();
    assert_eq!(location(&f.get(link, &fresh).await), "/orders", "and that counts");
}

#[tokio::test]
async fn who_has_shown_two_goes_on() {
    let f = Fixture::new();
    let handout = f.identity.users().enrol("ada").unwrap();
    let app = Authenticator::of(handout.uri.expose());
    // The link of the gateway, without a session: the login page, and back.
    let page = f.page(STEP, "").await;
    let form = "username=ada&password=correct+horse&return_to=%2Forders";
    let reply = f.submit(&page, "/login", form).await;
    let step = hidden(&reply, "step").unwrap();
    let page = Page::of(&reply, "");
    let form = format!("step={step}&code={}", app.code(f.now()));
    let reply = f.submit(&page, "/login", &form).await;
    assert_eq!(location(&reply), "/orders");
    let session = set_cookie(&reply, "__Host-ringwall").unwrap();
    assert_eq!(location(&f.get(STEP, &session).await), "/orders");
    let back = location(&f.get(&authorize_path(&[("acr_values", "aal2")]), &session).await);
    let code = parameter(&back, "code").unwrap();
    let tokens = json(&f.redeem(&code).await);
    assert_eq!(payload(tokens["access_token"].as_str().unwrap())["acr"], "aal2");
}

#[tokio::test]
async fn a_role_that_waits_is_told_to_the_gateway_and_does_not_count() {
    let f = Fixture::new();
    f.identity.elevate(BTreeSet::from(["customer".to_owned(), "admin".to_owned()]));
    let session = f.sign_in().await;
    let person = f.identity.person(session.split_once('=').unwrap().1, f.now()).unwrap();
    assert_eq!((person.roles, person.withheld), (Vec::new(), vec!["customer".to_owned()]));
    let tokens = json(&f.redeem(&f.code(&session).await).await);
    let claims = payload(tokens["access_token"].as_str().unwrap());
    assert_eq!(claims.get("roles"), None);
    assert_eq!(claims["roles_aal2"], serde_json::json!(["customer"]));
    f.identity.elevate(BTreeSet::new());
    let person = f.identity.person(session.split_once('=').unwrap().1, f.now()).unwrap();
    assert_eq!((person.roles, person.withheld), (vec!["customer".to_owned()], Vec::new()));
}
