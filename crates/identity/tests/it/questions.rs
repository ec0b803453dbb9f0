//! What an authorization request may ask of the person: attacks A9, A12 (OpenID Connect Core 1.0
//! section 3.1.2.1, RFC 8707 section 2, RFC 9470 section 5).

use std::time::Duration;

use ringwall_base::Secret;

use crate::fixture::*;

async fn error(f: &Fixture, session: &str, changes: &[(&str, &str)]) -> Option<String> {
    let reply = f.get(&authorize_path(changes), session).await;
    parameter(&location(&reply), "error")
}

#[tokio::test]
async fn prompts_go_together_but_none_stays_alone() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    for prompt in ["none+login", "none+consent", "login+none", "select_account+none", "login,none"]
    {
        let error = error(&f, &session, &[("prompt", prompt)]).await;
        assert_eq!(error.as_deref(), Some("invalid_request"), "{prompt}");
    }
    let reply = f.get(&authorize_path(&[("prompt", "consent")]), &session).await;
    assert!(text(&reply).contains("value=\"allow\""), "asked");
    f.clock.advance(Duration::from_mins(2));
    for prompt in ["login", "select_account", "login+consent", "consent+login+select_account"] {
        let reply = f.get(&authorize_path(&[("prompt", prompt)]), &session).await;
        assert!(location(&reply).starts_with("/login?"), "{prompt}");
    }
    // No age at all, and no page: nobody is signed in as freshly as that.
    let silent = [("prompt", "none"), ("max_age", "0")];
    assert_eq!(error(&f, &session, &silent).await.as_deref(), Some("login_required"));
}

/// Whom the application has in mind is who answers, or nobody does (attack A9).
#[tokio::test]
async fn a_hint_of_another_person_gets_no_code() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let code = f.code(&session).await;
    let hint = json(&f.redeem(&code).await)["id_token"].as_str().unwrap().to_owned();
    f.clock.advance(Duration::from_mins(20));
    for prompt in ["none", ""] {
        let asked = [("id_token_hint", hint.as_str()), ("prompt", prompt)];
        assert_eq!(error(&f, &session, &asked).await, None, "an expired one of her own");
    }
    f.identity.users().add("eve", &[], &Secret::new(PASSWORD.to_owned())).unwrap();
    let eve = f.sign_in_with("", "eve").await;
    let silent = [("id_token_hint", hint.as_str()), ("prompt", "none")];
    assert_eq!(error(&f, &eve, &silent).await.as_deref(), Some("login_required"));
    let asked = [("id_token_hint", hint.as_str())];
    let login = location(&f.get(&authorize_path(&asked), &eve).await);
    assert!(login.starts_with("/login?"), "{login}");
    // It is she again who has signed in: to ask her once more would be a loop.
    let back = decoded(&parameter(&login, "return_to").unwrap());
    let eve = f.sign_in_with(&eve, "eve").await;
    let error_of = parameter(&location(&f.get(&back, &eve).await), "error");
    assert_eq!(error_of.as_deref(), Some("login_required"));
    // Another application's, and no ID token at all.
    let native = [("client_id", "native"), ("redirect_uri", "http%3A%2F%2F127.0.0.1%2Fdone")];
    let foreign = [&native[..], &asked].concat();
    assert_eq!(error(&f, &session, &foreign).await.as_deref(), Some("invalid_request"));
    let broken = [("id_token_hint", "word"), ("prompt", "none")];
    assert_eq!(error(&f, &session, &broken).await.as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn without_a_page_nobody_steps_up() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    f.identity.users().enrol("ada").unwrap();
    let asked = [("acr_values", "aal2")];
    let reply = f.get(&authorize_path(&asked), &session).await;
    assert!(location(&reply).starts_with("/login?"), "{}", location(&reply));
    let silent = [("acr_values", "aal2"), ("prompt", "none")];
    let unmet = error(&f, &session, &silent).await;
    assert_eq!(unmet.as_deref(), Some("unmet_authentication_requirements"));
}

#[tokio::test]
async fn a_question_by_form_comes_again_as_a_link_with_all_its_parameters() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let path = authorize_path(&[("state", "a%0D%0Ab%26c"), ("resource", "https://shop.example/a")]);
    let form = format!("{}&resource=https://shop.example/b", path.split_once('?').unwrap().1);
    let reply = f.post("/oauth/authorize", &form).await;
    let link = location(&reply);
    assert!(reply.status() == 303 && link.starts_with("/oauth/authorize?"), "{link}");
    assert_eq!(link.matches("resource=").count(), 2, "{link}");
    let to = location(&f.get(&link, &session).await);
    assert!(to.starts_with(CALLBACK) && to.contains("state=a%0D%0Ab%26c"), "{to}");
    for twice in ["state=1&state=2", "scope=openid&scope=openid"] {
        assert_eq!(f.post("/oauth/authorize", &format!("{form}&{twice}")).await.status(), 400);
    }
}

#[tokio::test]
async fn a_resource_may_stand_twice_and_each_must_be_ours() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let ours = "resource=https%3A%2F%2Fshop.example%2Fa&resource=https%3A%2F%2Fshop.example";
    let to = location(&f.get(&format!("{}&{ours}", authorize_path(&[])), &session).await);
    assert!(parameter(&to, "code").is_some(), "{to}");
    for other in ["https%3A%2F%2Fevil.example", "a"] {
        let path = format!("{}&{ours}&resource={other}", authorize_path(&[]));
        let to = location(&f.get(&path, &session).await);
        assert_eq!(parameter(&to, "error").as_deref(), Some("invalid_target"), "{other}");
    }
    let code = f.code(&session).await;
    let form = format!("{}&{ours}", code_form(&code, &[]));
    assert_eq!(f.post("/oauth/token", &form).await.status(), 200);
}

/// Whom and in which language, as the application says; nothing of it is believed.
#[tokio::test]
async fn a_hint_of_the_name_and_the_language_is_taken_to_the_login_page() {
    let f = Fixture::new();
    let asked = [("login_hint", "ada%22%3E%3Cb%3E"), ("ui_locales", "fr+de-AT+en")];
    let to = location(&f.get(&authorize_path(&asked), "").await);
    let page = text(&f.get(&to, "").await);
    assert!(page.contains("lang=\"de\"") && page.contains("Anmelden"), "{page}");
    assert!(page.contains("value=\"ada&quot;&gt;&lt;b&gt;\""), "{page}");
    let asked = [("login_hint", "a".repeat(106)), ("ui_locales", "tlh".to_owned())];
    let asked = asked.each_ref().map(|(name, value)| (*name, value.as_str()));
    let page = text(&f.get(&location(&f.get(&authorize_path(&asked), "").await), "").await);
    assert!(page.contains("lang=\"en\"") && !page.contains("value=\"aaa"), "{page}");
    let metadata = json(&f.get("/.well-known/openid-configuration", "").await);
    assert_eq!(metadata["claims_parameter_supported"], false);
    assert_eq!(metadata["request_parameter_supported"], false);
    assert_eq!(metadata["prompt_values_supported"][2], "consent");
    // What is not understood changes nothing (section 3.1.2.1).
    let session = f.sign_in().await;
    let more = [("claims", "%7B%22userinfo%22%3A%7B%7D%7D"), ("display", "touch"), ("x", "y")];
    assert_eq!(error(&f, &session, &more).await, None);
}
