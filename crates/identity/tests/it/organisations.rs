//! Organisations: the same name twice, who answers for whom, and what ends with one (attacks M1, J20).

use ringwall_base::{Proofs, Secret, Sessions as _, Tenant};
use ringwall_identity::{Access, Delivery, Grant, NewClient, OrganisationError};
use serde_json::Value;

use crate::fixture::*;

/// `ada` of `default`, `acme/ada` and `zeta/ada`; `app` may refresh.
fn houses() -> Fixture {
    let f = Fixture::new();
    for slug in ["acme", "zeta"] {
        f.identity.organisations().add(slug, None).unwrap();
        let password = Secret::new(PASSWORD.to_owned());
        f.identity
            .users()
            .add(&format!("{slug}/ada"), &["customer".to_owned()], &password)
            .unwrap();
    }
    let client = NewClient {
        id: "app".to_owned(),
        access: Access::Public,
        grants: vec![Grant::AuthorizationCode, Grant::RefreshToken],
        redirect_uris: vec![CALLBACK.to_owned()],
        ..NewClient::default()
    };
    f.identity.clients().add(client).unwrap();
    f.sink.take();
    f
}

/// What a code gives `app`.
async fn tokens(f: &Fixture, session: &str) -> Value {
    let path = authorize_path(&[("client_id", "app"), ("scope", "openid+offline_access")]);
    let reply = f.get(&path, session).await;
    let code = parameter(&location(&reply), "code").unwrap_or_else(|| panic!("{}", text(&reply)));
    json(&f.post("/oauth/token", &code_form(&code, &[("client_id", "app")])).await)
}

fn cookie(session: &str) -> &str {
    session.split_once('=').unwrap().1
}

fn access(body: &Value) -> Value {
    payload(body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")))
}

#[tokio::test]
async fn one_name_in_three_organisations_is_three_people_also_after_a_restart() {
    let f = houses();
    let mut subjects = Vec::new();
    let mut sessions = Vec::new();
    for (name, tenant) in [("ada", None), ("acme/ada", Some("acme")), ("ZETA/Ada", Some("zeta"))] {
        let session = f.sign_in_with("", name).await;
        let person = f.identity.person(cookie(&session), f.now()).unwrap();
        assert_eq!(person.name, name.to_ascii_lowercase());
        assert_eq!(person.organisation.named(), tenant);
        let given = tokens(&f, &session).await;
        for claims in [access(&given), payload(given["id_token"].as_str().unwrap())] {
            assert_eq!(claims.get("tenant").and_then(Value::as_str), tenant, "{name}");
            assert_eq!(claims["sub"], person.subject.as_str());
        }
        let bearer = format!("Bearer {}", given["access_token"].as_str().unwrap());
        let request = http::Request::get("/oauth/userinfo").header("authorization", bearer);
        let told = f.send(request.body(bytes::Bytes::new()).unwrap()).await;
        assert_eq!(json(&told).get("tenant").and_then(Value::as_str), tenant, "{name}");
        subjects.push(person.subject);
        sessions.push((session, given));
    }
    subjects.dedup();
    assert_eq!(subjects.len(), 3);
    let f = f.restart();
    for ((session, given), subject) in sessions.iter().zip(subjects) {
        assert_eq!(f.identity.person(cookie(session), f.now()).unwrap().subject, subject);
        let token = given["refresh_token"].as_str().unwrap();
        let form = format!("grant_type=refresh_token&client_id=app&refresh_token={token}");
        let again = json(&f.post("/oauth/token", &form).await);
        assert_eq!(access(&again)["sub"], subject.as_str());
        assert_eq!(access(&again).get("tenant"), access(given).get("tenant"));
    }
}

#[tokio::test]
async fn only_people_of_the_organisation_that_was_asked_for_answer() {
    let f = houses();
    let of_default = f.sign_in().await;
    let hint = encoded("acme/ada");
    for wanted in [("organization", "acme"), ("login_hint", hint.as_str())] {
        let reply = f.get(&authorize_path(&[wanted, ("prompt", "none")]), &of_default).await;
        assert_eq!(parameter(&location(&reply), "error").as_deref(), Some("login_required"));
        let reply = f.get(&authorize_path(&[wanted]), &of_default).await;
        assert!(location(&reply).starts_with("/login?"), "{}", location(&reply));
        assert_eq!(parameter(&location(&reply), "organization").as_deref(), Some("acme"));
    }
    // A bare name is one of that organisation; a name with a slash says its own.
    let path = location(&f.get(&authorize_path(&[("organization", "acme")]), "").await);
    let page = f.get(&path, "").await;
    assert_eq!(hidden(&page, "organization").as_deref(), Some("acme"));
    let page = Page::of(&page, "");
    let back = encoded(&authorize_path(&[("organization", "acme")]));
    let password = PASSWORD.replace(' ', "+");
    let sign_in = |name: &str| {
        format!("username={name}&password={password}&organization=acme&return_to={back}")
    };
    let reply = f.submit(&page, "/login", &sign_in("ada")).await;
    let session = set_cookie(&reply, "__Host-ringwall").unwrap();
    assert_eq!(f.identity.person(cookie(&session), f.now()).unwrap().name, "acme/ada");
    let reply = f.get(&location(&reply), &session).await;
    assert!(parameter(&location(&reply), "code").is_some(), "{}", location(&reply));
    let reply = f.submit(&page, "/login", &sign_in("zeta%2Fada")).await;
    let other = set_cookie(&reply, "__Host-ringwall").unwrap();
    let reply = f.get(&location(&reply), &other).await;
    assert!(location(&reply).starts_with("/login?"), "{}", location(&reply));
    // `default` is an organisation as any other.
    let path = authorize_path(&[("organization", "default"), ("prompt", "none")]);
    let reply = f.get(&path, &session).await;
    assert_eq!(parameter(&location(&reply), "error").as_deref(), Some("login_required"));
    let reply = f.get(&authorize_path(&[("organization", "Acme")]), &session).await;
    assert_eq!(parameter(&location(&reply), "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn u6_unknown_and_disabled_organisations_look_like_unknown_people() {
    let f = houses();
    f.identity.organisations().disable("zeta", true).unwrap();
    let page = f.page("/login", "").await;
    let mut replies = Vec::new();
    for name in ["nobody", "acme%2Fnobody", "nowhere%2Fada", "zeta%2Fada", "9%2Fada", "a%2Fb%2Fc"] {
        let form = format!("username={name}&password={}", PASSWORD.replace(' ', "+"));
        let reply = f.submit(&page, "/login", &form).await;
        let html = text(&reply);
        let (head, rest) = html.split_once("name=\"form_token\"").unwrap();
        let (_, tail) = rest.split_once("name=\"return_to\"").unwrap();
        // The challenge of a passkey is new each time.
        let (tail, _) = tail.split_once("<form").unwrap_or((tail, ""));
        replies.push((reply.status(), head.to_owned(), tail.to_owned()));
    }
    assert!(replies.iter().all(|one| *one == replies[0]), "{replies:#?}");
    assert_eq!(replies[0].0, 401);
}

/// J20, T6: what a disabled organisation holds is over at once, and stays so.
#[tokio::test]
async fn a_disabled_organisation_takes_sessions_and_tokens_along_and_no_others() {
    let f = houses();
    let mut held = Vec::new();
    for name in ["acme/ada", "zeta/ada", "ada"] {
        let session = f.sign_in_with("", name).await;
        let given = tokens(&f, &session).await;
        held.push((session, given));
    }
    let is_in = |f: &Fixture, (session, given): &(String, Value)| {
        let expected =
            ringwall_jose::Expected { issuer: ISSUER.to_owned(), audience: ISSUER.to_owned() };
        let token = given["access_token"].as_str().unwrap();
        let claims = f.identity.keys().verify_access(token, &expected, f.now()).unwrap();
        let has_session = f.identity.person(cookie(session), f.now()).is_some();
        (has_session, !f.identity.is_revoked(&claims))
    };
    f.identity.organisations().disable("acme", true).unwrap();
    assert_eq!(is_in(&f, &held[0]), (false, false));
    assert_eq!(is_in(&f, &held[1]), (true, true));
    assert_eq!(is_in(&f, &held[2]), (true, true));
    let refresh = |given: &Value| {
        let token = given["refresh_token"].as_str().unwrap();
        format!("grant_type=refresh_token&client_id=app&refresh_token={token}")
    };
    assert_eq!(f.post("/oauth/token", &refresh(&held[0].1)).await.status(), 400);
    assert_eq!(f.post("/oauth/token", &refresh(&held[1].1)).await.status(), 200);
    let f = f.restart();
    assert_eq!(is_in(&f, &held[0]), (false, false));
    f.clock.advance(std::time::Duration::from_secs(1));
    f.identity.organisations().disable("acme", false).unwrap();
    assert_eq!(is_in(&f, &held[0]), (false, false), "nothing comes back");
    assert_eq!(f.post("/oauth/token", &refresh(&held[0].1)).await.status(), 400);
    let session = f.sign_in_with("", "acme/ada").await;
    let given = tokens(&f, &session).await;
    assert_eq!(is_in(&f, &(session, given)), (true, true));
    let actions: Vec<_> = f.sink.take().into_iter().collect();
    let disabled = actions.iter().find(|one| one.action == "organisation-disabled").unwrap();
    assert_eq!(disabled.organisation.as_deref(), Some("acme"));
    let login = actions.iter().rfind(|one| one.action == "login-succeeded").unwrap();
    assert_eq!(login.organisation.as_deref(), Some("acme"));
}

#[tokio::test]
async fn an_organisation_has_a_slug_and_goes_only_when_nobody_is_in_it() {
    let f = houses();
    let all = f.identity.organisations();
    for slug in ["", "Beta", "2b", "-b", "b/c", "b_c", &"b".repeat(41)] {
        assert!(matches!(all.add(slug, None), Err(OrganisationError::Slug)), "{slug}");
    }
    for name in ["", " ", "a\nb", &"n".repeat(81)] {
        assert!(matches!(all.add("beta", Some(name)), Err(OrganisationError::Name)), "{name:?}");
    }
    let beta = all.add("beta", Some("Beta & Söhne")).unwrap();
    assert_eq!(
        (beta.tenant.as_str(), beta.name.as_str(), beta.people),
        ("beta", "Beta & Söhne", 0)
    );
    assert!(matches!(all.add("beta", None), Err(OrganisationError::Exists)));
    assert!(matches!(all.add("default", None), Err(OrganisationError::Exists)));
    for slug in ["default", "nowhere"] {
        assert!(all.disable(slug, true).is_err() && all.delete(slug).is_err(), "{slug}");
    }
    assert!(matches!(all.delete("acme"), Err(OrganisationError::Inhabited)));
    all.rename("beta", "Beta").unwrap();
    assert_eq!(all.find("beta").unwrap().name, "Beta");
    let listed = |after| -> Vec<String> {
        all.list(after, 9).unwrap().iter().map(|one| one.tenant.to_string()).collect()
    };
    assert_eq!(listed(""), ["acme", "beta", "default", "zeta"]);
    assert_eq!(listed("beta"), ["default", "zeta"]);
    all.delete("beta").unwrap();
    assert!(matches!(all.find("beta"), Err(OrganisationError::NotFound)));
    let acme = Tenant::parse("acme").unwrap();
    let names = |of| -> Vec<String> {
        f.identity.users().list(of, 9).unwrap().into_iter().map(|one| one.name).collect()
    };
    assert_eq!(names(Some(&acme)), ["acme/ada"]);
    assert_eq!(names(None), ["acme/ada", "ada", "zeta/ada"]);
}

/// One address in two organisations is two accounts: each has its own letter and its own link.
#[tokio::test]
async fn a_reset_by_mail_is_for_each_account_of_the_address_alone() {
    let f = houses();
    f.identity.offer_mail(true);
    let letters = |f: &Fixture| {
        let due = f.identity.mail_due().unwrap();
        for one in &due {
            f.identity.mail_done(one, &Delivery::Sent).unwrap();
        }
        due.into_iter().map(|one| one.letter.text.expose().clone()).collect::<Vec<_>>()
    };
    let link = |letter: &str| {
        let (_, rest) = letter.split_once(ISSUER).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    };
    for name in ["ada", "acme/ada"] {
        f.identity.users().ask_email(name, "ada@example.org").unwrap();
        let path = link(&letters(&f)[0]);
        let session = f.sign_in_with("", name).await;
        let reply = f.get(&path, &session).await;
        let (page, token) = (Page::of(&reply, &session), hidden(&reply, "token").unwrap());
        let done = f.submit(&page, "/oauth/email", &format!("token={token}")).await;
        assert_eq!(done.status(), 200, "{}", text(&done));
    }
    letters(&f);
    let page = f.page("/oauth/reset", "").await;
    f.submit(&page, "/oauth/reset", "address=ada%40example.org").await;
    let both = letters(&f);
    assert_eq!(both.len(), 2, "{both:?}");
    let of_acme = both.iter().find(|letter| letter.contains("acme/ada")).unwrap();
    let reply = f.get(&link(of_acme), "").await;
    let (page, token) = (Page::of(&reply, ""), hidden(&reply, "token").unwrap());
    let new = "battery+staple";
    let form = format!("token={token}&new={new}&again={new}");
    assert_eq!(f.submit(&page, "/oauth/reset", &form).await.status(), 200);
    // The others have theirs.
    f.sign_in_with("", "ada").await;
    f.sign_in_with("", "zeta/ada").await;
    let page = f.page("/login", "").await;
    let form = format!("username=acme%2Fada&password={new}");
    assert_eq!(f.submit(&page, "/login", &form).await.status(), 303);
}

/// Whoever is of one organisation proves nothing for another: factors, consents and sessions are apart.
#[tokio::test]
async fn factors_and_sessions_of_one_are_not_those_of_another() {
    let f = houses();
    let users = f.identity.users();
    users.enrol("acme/ada").unwrap();
    assert!(users.factors("acme/ada").unwrap().is_asked());
    for name in ["ada", "zeta/ada"] {
        assert!(!users.factors(name).unwrap().is_asked(), "{name}");
        let session = f.sign_in_with("", name).await;
        let person = f.identity.person(cookie(&session), f.now()).unwrap();
        assert_eq!(person.proofs, Proofs::parse("pwd"));
        assert_eq!(users.sessions(&users.find(name).unwrap()).unwrap().len(), 1);
    }
    assert!(users.sessions(&users.find("acme/ada").unwrap()).unwrap().is_empty());
    users.disable("zeta/ada", true).unwrap();
    assert_eq!(users.sessions(&users.find("ada").unwrap()).unwrap().len(), 1);
    users.remove_factors("acme/ada").unwrap();
    users.grant("acme/ada", "support").unwrap();
    assert_eq!(users.find("ada").unwrap().roles, ["customer"]);
}
