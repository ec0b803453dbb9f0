//! Attacks U2, U7, U8, U9, U11 on passkeys. What an authenticator could say wrong in detail is in the
//! tests of `ringwall-webauthn`; here is that each of its answers is asked for, and what is around it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ringwall_base::{Secret, Sink};
use ringwall_identity::Factors;

use crate::fixture::*;
use crate::login::Hasty;
use crate::passkey_device::*;
use crate::passkeys::{ID, Own, RIGHT, Says, Step, login_page, made};

/// What is changed of a good answer.
type Change<'a> = &'a dyn Fn(&mut Says<'a>);

#[tokio::test]
async fn u8_whatever_is_wrong_lets_nobody_in() {
    let mut own = Own::keyed().await;
    let (other, (eve, eve_subject)) = (Device::new(), own.with_eve().await);
    own.f.sink.take();
    let cases: &[(&str, Change<'_>, &str)] = &[
        (
            "origin",
            &|s| s.client_data = s.client_data.replace("shop", "evil"),
            "it was made for another origin",
        ),
        ("host", &|s| s.host = "evil.example", "it was made for another host"),
        (
            "purpose",
            &|s| s.client_data = s.client_data.replace(".get", ".create"),
            "it was made for another purpose",
        ),
        (
            "challenge",
            &|s| s.client_data = s.client_data.replace("nge\":\"", "nge\":\"A"),
            "another challenge was signed",
        ),
        (
            "frame",
            &|s| s.client_data = s.client_data.replace("false", "true"),
            "it was made in a frame of another site",
        ),
        ("no PIN", &|s| s.flags = UP, "the person was not verified"),
        ("no touch", &|s| s.flags = UV, "nobody was present"),
        ("another key", &|s| s.by = &other, "the signature does not match"),
        ("unknown", &|s| s.id = b"nobody's", "unknown passkey"),
        ("no person", &|s| s.handle = String::new(), "somebody else's passkey"),
        ("eve's name", &|s| s.handle.clone_from(&eve_subject), "somebody else's passkey"),
        ("eve's id", &|s| s.id = b"eve's", "somebody else's passkey"),
        ("eve's key", &|s| s.by = &eve, "the signature does not match"),
    ];
    for (case, change, reason) in cases {
        let (page, challenge) = login_page(&own.f).await;
        let mut says = own.says(&challenge, 0);
        change(&mut says);
        let reply = own.give(&page, &challenge, &says).await;
        assert_eq!(reply.status(), 401, "{case}");
        assert!(set_cookie(&reply, "__Host-ringwall").is_none(), "{case}");
        assert!(text(&reply).contains("The passkey was not accepted."), "{case}");
        assert_eq!(own.events(), [("login-failed", Some((*reason).to_owned()))], "{case}");
    }
}

#[tokio::test]
async fn u8_an_answer_that_is_malformed_uses_nothing_up() {
    let own = Own::keyed().await;
    let (page, challenge) = login_page(&own.f).await;
    let good = own.says(&challenge, 0).form();
    for field in ["credential", "client_data", "authenticator_data", "signature"] {
        for broken in ["", "%21", "AA=="] {
            let form: Vec<String> = good
                .split('&')
                .map(|pair| match pair.split_once('=') {
                    Some((name, _)) if name == field => format!("{name}={broken}"),
                    _ => pair.to_owned(),
                })
                .collect();
            let form = format!("challenge={challenge}&{}", form.join("&"));
            assert_eq!(
                own.f.submit(&page, "/login", &form).await.status(),
                401,
                "{field} {broken}"
            );
        }
    }
    let says = own.says(&challenge, 0);
    assert_eq!(own.give(&page, &challenge, &says).await.status(), 303, "nothing was used up");
}

#[tokio::test]
async fn u8_a_counter_that_goes_back_is_refused_and_told() {
    let own = Own::keyed().await;
    assert_eq!(own.sign_in(|says| says.counter = 7).await.status(), 303);
    for counter in [7, 6, 0] {
        own.f.sink.take();
        assert_eq!(own.sign_in(|says| says.counter = counter).await.status(), 401, "{counter}");
        let events = own.f.sink.take();
        assert_eq!(events[0].action, "passkey-copied");
        assert_eq!(events[0].person_name.as_deref(), Some("ada"));
    }
    let step = own.password().await;
    let reply = own.finish(&step, &own.says(&step.challenge, 7)).await;
    assert_eq!(reply.status(), 401, "at the second step as well");
    assert_eq!(own.sign_in(|says| says.counter = 8).await.status(), 303);
}

#[tokio::test]
async fn u2_a_challenge_is_for_one_purpose_browser_and_time() {
    let own = Own::keyed().await;
    let (page, challenge) = login_page(&own.f).await;
    let (other, _) = login_page(&own.f).await;
    let says = own.says(&challenge, 0);
    assert_eq!(own.give(&other, &challenge, &says).await.status(), 401, "another browser");
    let step = own.password().await;
    let of_login = Step { challenge: challenge.clone(), ..step };
    assert_eq!(own.finish(&of_login, &says).await.status(), 401, "of the login page");
    let step = own.password().await;
    let second = own.says(&step.challenge, 0);
    let reply = own.give(&step.page, &step.challenge, &second).await;
    assert_eq!(reply.status(), 401, "of the second step");
    let another = own.password().await;
    let mixed = Step { challenge: step.challenge.clone(), ..another };
    assert_eq!(own.finish(&mixed, &second).await.status(), 401, "of another login");
    own.f.clock.advance(Duration::from_mins(5));
    let late = own.give(&page, &challenge, &says).await;
    assert!(text(&late).contains("The page was open for too long."), "{}", text(&late));
    let fresh = login_page(&own.f).await;
    let mut says = own.says(&fresh.1, 0);
    assert_eq!(own.give(&fresh.0, &fresh.1, &says).await.status(), 303);
    says.counter = 9;
    assert_eq!(own.give(&fresh.0, &fresh.1, &says).await.status(), 401, "used");
    own.f.clock.advance(Duration::from_mins(5));
    own.f.identity.sweep().unwrap();
    assert_eq!(own.give(&fresh.0, &fresh.1, &says).await.status(), 401, "used, and swept");
}

#[tokio::test]
async fn u2_a_passkey_is_added_by_its_person_in_their_fresh_session_once() {
    let mut own = Own::new().await;
    own.f.identity.users().add("eve", &[], &Secret::new(PASSWORD.to_owned())).unwrap();
    let (page, challenge) = own.begin().await;
    let form = made(&own.device, ID, UP | UV, &challenge);
    let eve = own.f.sign_in_with("", "eve").await;
    // The same browser, so that only the session is another.
    let cookies = page.cookies.replace(&own.session, &eve);
    let theirs = Page { token: page.token.clone(), cookies };
    assert_eq!(own.f.submit(&theirs, "/account", &form).await.status(), 400, "eve's session");
    let second = own.f.sign_in().await;
    let cookies = page.cookies.replace(&own.session, &second);
    let theirs = Page { token: page.token.clone(), cookies };
    assert_eq!(own.f.submit(&theirs, "/account", &form).await.status(), 400, "another session");
    let (login, of_login) = login_page(&own.f).await;
    let wrong = made(&own.device, ID, UP | UV, &of_login);
    let theirs = Page { token: login.token, cookies: format!("{}{}", login.cookies, own.session) };
    assert_eq!(own.f.submit(&theirs, "/account", &wrong).await.status(), 400, "of the login page");
    for users in ["ada", "eve"] {
        assert_eq!(own.f.identity.users().factors(users).unwrap(), Factors::default());
    }
    own.f.clock.advance(Duration::from_secs(301));
    for form in [form.as_str(), "do=passkey", "do=passkey-remove&passkey=x"] {
        let reply = own.submit(&page, form).await;
        assert_eq!(location(&reply), "/login?return_to=%2Faccount", "a session left open");
    }

    own.session = own.f.sign_in().await;
    let (page, challenge) = own.begin().await;
    let form = made(&own.device, ID, UP | UV, &challenge);
    assert_eq!(own.submit(&page, &form).await.status(), 200);
    let again =
        Page { token: page.token, cookies: page.cookies.split(';').next().unwrap().to_owned() };
    let again = Page { cookies: format!("{}; {}", again.cookies, own.session), ..again };
    assert_eq!(own.submit(&again, &form).await.status(), 400, "used");
    let reply = own.enrol(UP | UV).await;
    assert_eq!(reply.status(), 400, "the same credential twice");
    let reasons: Vec<_> = own.events().into_iter().filter_map(|event| event.1).collect();
    assert_eq!(reasons.last().unwrap(), "the passkey is known already");
    assert_eq!(own.f.identity.users().factors("ada").unwrap().passkeys.len(), 1);
}

#[tokio::test]
async fn u2_nobody_takes_another_s_credential_over() {
    let own = Own::keyed().await;
    own.f.identity.users().add("eve", &[], &Secret::new(PASSWORD.to_owned())).unwrap();
    let session = own.f.sign_in_with("", "eve").await;
    let mut eve = Own { f: own.f, session, device: Device::new() };
    assert_eq!(eve.enrol(UP | UV).await.status(), 400, "ada's id with eve's key");
    let own = Own { f: eve.f, session: own.session, device: own.device };
    assert_eq!(own.sign_in(|_| ()).await.status(), 303);
    let id = own.f.identity.users().factors("ada").unwrap().passkeys[0].id.clone();
    let mut eve = Own { f: own.f, session: eve.session, device: eve.device };
    for verb in ["passkey-remove", "passkey-rename"] {
        eve.send(&format!("do={verb}&passkey={id}&name=mine")).await;
    }
    let passkeys = eve.f.identity.users().factors("ada").unwrap().passkeys;
    assert_eq!(passkeys[0].name, "My phone");
}

#[tokio::test]
async fn u7_of_thirty_two_at_once_one_gets_a_session() {
    let own = Own::keyed().await;
    let (page, challenge) = login_page(&own.f).await;
    let form = format!("challenge={challenge}&{}", own.says(&challenge, 0).form());
    assert_eq!(winners(&own.f, &page, "/login", &form).await, 1);
    let step = own.password().await;
    let Step { page, token, challenge } = &step;
    let form = format!("step={token}&challenge={challenge}&{}", own.says(challenge, 5).form());
    assert_eq!(winners(&own.f, page, "/login", &form).await, 1);
}

/// How many of thirty-two at once go on; the others are told so.
async fn winners(f: &Fixture, page: &Page, path: &str, form: &str) -> usize {
    let form = format!("form_token={}&{form}", page.token);
    let tries = (0..32).map(|_| {
        let (identity, form, cookies) = (f.identity.clone(), form.clone(), page.cookies.clone());
        let path = path.to_owned();
        tokio::spawn(async move {
            let request = form_request(&path, &form, &[("cookie", &cookies), ("origin", ISSUER)]);
            identity.answer("192.0.2.1".parse().unwrap(), request).await.status().as_u16()
        })
    });
    let mut statuses = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    assert!(statuses.iter().all(|status| [303, 401].contains(status)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 303).count()
}

#[tokio::test]
async fn u7_whoever_has_a_passkey_gets_in_while_others_guess() {
    let own = Own::keyed().await;
    let page = own.f.page("/login", "").await;
    for _ in 0..7 {
        own.f.submit(&page, "/login", "username=ada&password=wrong+horse").await;
    }
    assert_eq!(own.f.submit(&page, "/login", RIGHT).await.status(), 429);
    assert_eq!(own.sign_in(|_| ()).await.status(), 303);
}

#[tokio::test]
async fn u9_an_account_with_a_passkey_is_not_signed_in_by_its_password() {
    let mut own = Own::keyed().await;
    let step = own.password().await;
    let form = format!("step={}&code=000000", step.token);
    assert_eq!(own.f.submit(&step.page, "/login", &form).await.status(), 401);
    let says = own.says(&step.challenge, 0);
    own.f.identity.users().disable("ada", true).unwrap();
    assert_eq!(own.finish(&step, &says).await.status(), 401, "disabled");
    assert_eq!(own.sign_in(|_| ()).await.status(), 401, "disabled");
    own.f.identity.users().disable("ada", false).unwrap();
    let step = own.password().await;
    own.f.identity.users().set_password("ada", &Secret::new("another horse".to_owned())).unwrap();
    let reply = own.finish(&step, &own.says(&step.challenge, 0)).await;
    assert_eq!(reply.status(), 401, "another password");
    own.f.identity.users().set_password("ada", &Secret::new(PASSWORD.to_owned())).unwrap();
    let reply = own.sign_in(|_| ()).await;
    own.session = set_cookie(&reply, "__Host-ringwall").unwrap();
    let (step, (page, challenge)) = (own.password().await, login_page(&own.f).await);
    let id = own.f.identity.users().factors("ada").unwrap().passkeys[0].id.clone();
    own.send(&format!("do=passkey-remove&passkey={id}")).await;
    assert_eq!(own.finish(&step, &own.says(&step.challenge, 0)).await.status(), 401, "removed");
    let reply = own.give(&page, &challenge, &own.says(&challenge, 0)).await;
    assert_eq!(reply.status(), 401, "removed");
    assert_eq!(own.f.identity.users().factors("ada").unwrap(), Factors::default(), "codes as well");
    own.f.sign_in().await;
}

#[tokio::test]
async fn u11_an_account_disabled_during_the_enrolment_gets_no_session() {
    let hasty = Arc::new(Hasty("factor-added", OnceLock::new()));
    let sink: Arc<dyn Sink> = Arc::<Hasty>::clone(&hasty);
    let f = Fixture::new().with_sink(&sink);
    let mut own = Own { session: f.sign_in().await, f, device: Device::new() };
    let (page, challenge) = own.begin().await;
    hasty.1.set(own.f.identity.clone()).unwrap();
    let form = made(&own.device, ID, UP | UV, &challenge);
    let reply = own.submit(&page, &form).await;
    assert_eq!(location(&reply), "/login?return_to=%2Faccount");
    assert!(set_cookie(&reply, "__Host-ringwall").is_none());
}
