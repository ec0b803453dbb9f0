//! A person's own page: attacks U3, U9, U11, A7, A10, L4.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Person, Secret, Sessions as _, Sink};

use crate::authenticator::Authenticator;
use crate::fixture::*;
use crate::login::Hasty;

fn value(session: &str) -> &str {
    session.split_once('=').unwrap().1
}

/// `ada`, signed in.
struct Own {
    f: Fixture,
    session: String,
}

impl Own {
    async fn new() -> Self {
        let f = Fixture::new();
        let session = f.sign_in().await;
        Self { f, session }
    }

    fn person(&self) -> Option<Person> {
        self.f.identity.person(value(&self.session), self.f.now())
    }

    async fn send(&mut self, form: &str) -> Response<Bytes> {
        let page = self.f.page("/account", &self.session).await;
        let reply = self.f.submit(&page, "/account", form).await;
        if let Some(session) = set_cookie(&reply, "__Host-ringwall") {
            self.session = session;
        }
        reply
    }

    /// Sets an app up; gives it with the recovery codes.
    async fn enrol(&mut self) -> (Authenticator, Vec<String>) {
        let shown = self.send("do=app").await;
        assert_eq!(shown.status(), 200);
        let html = text(&shown).replace("&amp;", "&");
        let uri = html.split("href=\"otpauth:").nth(1).unwrap().split('"').next().unwrap();
        assert!(html.contains("<svg") && html.contains("<path d=\"M"), "{html}");
        let app = Authenticator::of(uri);
        let id = hidden(&shown, "app").unwrap();
        let form = format!("do=app-confirm&app={id}&code={}", app.code(self.f.now()));
        let reply = self.send(&form).await;
        assert_eq!(reply.status(), 200, "{}", text(&reply));
        let codes = text(&reply);
        let codes = codes.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap());
        (app, codes.map(str::to_owned).collect())
    }
}

#[tokio::test]
async fn a_stranger_is_sent_to_sign_in_and_comes_back() {
    let own = Own::new().await;
    let reply = own.f.get("/account", "").await;
    assert_eq!(
        (reply.status().as_u16(), location(&reply).as_str()),
        (303, "/login?return_to=%2Faccount")
    );
    let reply = own.f.get("/account", &own.session).await;
    let policy = reply.headers().get("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
    assert!(text(&reply).contains("<b>ada</b>"));
}

#[tokio::test]
async fn sessions_are_listed_and_ended_and_nobody_else_s() {
    let mut own = Own::new().await;
    let code = own.f.code(&own.session).await;
    let token = json(&own.f.redeem(&code).await)["access_token"].as_str().unwrap().to_owned();
    let page = own.f.page("/login", "").await;
    let form = form_request(
        "/login",
        &format!("form_token={}&username=ada&password=correct+horse", page.token),
        &[("cookie", &page.cookies), ("origin", ISSUER), ("user-agent", "Lynx <2.9>")],
    );
    let other = set_cookie(&own.f.send_from("203.0.113.9", form).await, "__Host-ringwall").unwrap();
    let html = text(&own.f.get("/account", &own.session).await);
    assert!(html.contains("203.0.113.9") && html.contains("this session"), "{html}");
    assert!(html.contains("Lynx &lt;2.9&gt;") && html.contains("an unknown program"), "{html}");
    let sid = own.f.identity.person(value(&other), own.f.now()).unwrap().session.unwrap();
    let mine = own.person().unwrap().session.unwrap();

    let eve = Secret::new(PASSWORD.to_owned());
    own.f.identity.users().add("eve", &[], &eve).unwrap();
    let page = own.f.page("/login", "").await;
    let reply = own.f.submit(&page, "/login", "username=eve&password=correct+horse").await;
    let mut eve = Own { f: own.f, session: set_cookie(&reply, "__Host-ringwall").unwrap() };
    for other in [&sid, &mine] {
        eve.send(&format!("do=end&sid={other}")).await;
    }
    own = Own { f: eve.f, session: own.session };
    assert!(own.person().is_some(), "eve ended a session of ada");
    assert!(own.f.identity.person(value(&other), own.f.now()).is_some());

    own.send(&format!("do=end&sid={sid}")).await;
    assert!(own.f.identity.person(value(&other), own.f.now()).is_none());
    assert!(own.person().is_some());
    let reply = own.send(&format!("do=end&sid={mine}")).await;
    assert_eq!(reply.status(), 303);
    assert!(own.person().is_none());
    let request =
        Request::get("/oauth/userinfo").header("authorization", format!("Bearer {token}"));
    assert_eq!(own.f.send(request.body(Bytes::new()).unwrap()).await.status(), 401);
    let f = own.f.restart();
    assert!(f.identity.person(value(&other), f.now()).is_none(), "after a restart");
}

#[tokio::test]
async fn all_others_end_and_this_one_goes_on() {
    let mut own = Own::new().await;
    let others = [own.f.sign_in().await, own.f.sign_in().await];
    own.send("do=end-others").await;
    for other in others {
        assert!(own.f.identity.person(value(&other), own.f.now()).is_none());
    }
    assert!(own.person().is_some());
}

#[tokio::test]
async fn a_password_is_changed_with_the_current_one_and_ends_everything_else() {
    let mut own = Own::new().await;
    let (other, before) = (own.f.sign_in().await, own.session.clone());
    for (form, said) in [
        ("current=wrong&new=brand+new+horse&again=brand+new+horse", "current password is wrong"),
        ("current=correct+horse&new=brand+new+horse&again=brand+new", "not the same"),
        ("current=correct+horse&new=12345678&again=12345678", "too common"),
        ("current=correct+horse&new=ada&again=ada", "too short"),
        ("current=correct+horse", "too short"),
        ("new=brand+new+horse&again=brand+new+horse", "current password is wrong"),
    ] {
        let reply = own.send(&format!("do=password&{form}")).await;
        assert!(text(&reply).contains(said), "{form}: {}", text(&reply));
        assert!(own.person().is_some());
    }
    own.f.sink.take();
    let form = "do=password&current=correct+horse&new=brand+new+horse&again=brand+new+horse";
    assert!(text(&own.send(form).await).contains("The password is changed."));
    assert_ne!(own.session, before, "a new secret");
    assert!(own.person().is_some());
    for gone in [&before, &other] {
        assert!(own.f.identity.person(value(gone), own.f.now()).is_none());
    }
    let actions: Vec<_> = own.f.sink.take().into_iter().map(|event| event.action).collect();
    assert_eq!(actions, ["password-changed"]);
    let page = own.f.page("/login", "").await;
    let reply = own.f.submit(&page, "/login", "username=ada&password=correct+horse").await;
    assert_eq!(reply.status(), 401);
}

/// The session after it is a new one: factors could be changed in it.
#[tokio::test]
async fn u9_an_old_session_does_not_become_a_fresh_one_by_another_password() {
    let mut own = Own::new().await;
    own.f.clock.advance(Duration::from_secs(301));
    let form = "do=password&current=correct+horse&new=brand+new+horse&again=brand+new+horse";
    assert_eq!(location(&own.send(form).await), "/login?return_to=%2Faccount");
    let page = own.f.page("/login", "").await;
    let reply = own.f.submit(&page, "/login", "username=ada&password=correct+horse").await;
    assert_eq!(reply.status(), 303, "nothing has changed");
}

#[tokio::test]
async fn u7_the_current_password_is_guessed_as_slowly_as_at_the_login() {
    let mut own = Own::new().await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(own.send("do=password&current=wrong&new=x&again=x").await.status().as_u16());
    }
    assert_eq!(statuses, [403, 403, 403, 403, 403, 429]);
}

#[tokio::test]
async fn a_person_sets_an_app_up_and_the_session_rises_under_a_new_secret() {
    let mut own = Own::new().await;
    own.f.identity.users().grant("ada", "admin").unwrap();
    own.f.identity.elevate(BTreeSet::from(["admin".to_owned()]));
    assert!(text(&own.f.get("/account", &own.session).await).contains("One of your roles"));
    let (before, sid) = (own.session.clone(), own.person().unwrap().session);
    own.f.sink.take();
    let (app, codes) = own.enrol().await;
    assert_eq!(codes.len(), 10);
    assert_ne!(own.session, before);
    assert!(own.f.identity.person(value(&before), own.f.now()).is_none(), "fixation");
    let person = own.person().unwrap();
    assert_eq!((person.session, person.roles), (sid, vec!["admin".into(), "customer".into()]));
    let actions: Vec<_> = own.f.sink.take().into_iter().map(|event| event.action).collect();
    assert_eq!(actions, ["factor-added", "recovery-codes-made"]);
    assert!(!text(&own.f.get("/account", &own.session).await).contains("One of your roles"));

    let page = own.f.page("/login", "").await;
    let reply = own.f.submit(&page, "/login", "username=ada&password=correct+horse").await;
    let step = hidden(&reply, "step").unwrap();
    let used = app.code(own.f.now());
    let (second, form) = (Page::of(&reply, ""), format!("step={step}&code={used}"));
    let again = own.f.submit(&second, "/login", &form).await;
    assert_eq!(again.status(), 401, "the code that confirmed it is used up");
    own.f.clock.advance(Duration::from_secs(30));
    let form = format!("step={step}&code={}", app.code(own.f.now()));
    assert_eq!(own.f.submit(&second, "/login", &form).await.status(), 303);
}

#[tokio::test]
async fn u9_factors_are_not_changed_in_a_session_that_was_left_open() {
    let mut own = Own::new().await;
    let shown = own.send("do=app").await;
    let id = hidden(&shown, "app").unwrap();
    own.f.clock.advance(Duration::from_secs(301));
    let late = format!("do=app-confirm&app={id}&code=000000");
    for form in ["do=app", "do=app-remove", "do=codes", &late] {
        let reply = own.send(form).await;
        assert_eq!(
            (reply.status().as_u16(), location(&reply).as_str()),
            (303, "/login?return_to=%2Faccount"),
            "{form}"
        );
    }
    let login = own.f.get("/login?return_to=%2Faccount", &own.session).await;
    assert_eq!(login.status(), 200, "the page is shown although somebody is signed in");
}

#[tokio::test]
async fn u9_a_session_of_one_factor_does_not_take_the_other_away() {
    let mut own = Own::new().await;
    let one_factor = own.f.sign_in().await;
    own.enrol().await;
    let mut weak = Own { f: own.f, session: one_factor };
    for form in ["do=app-remove", "do=codes", "do=app"] {
        assert_eq!(weak.send(form).await.status(), 303, "{form}");
    }
    assert!(weak.f.identity.users().factors("ada").unwrap().app.is_some());
    let mut own = Own { f: weak.f, session: own.session };
    own.send("do=app-remove").await;
    assert_eq!(
        own.f.identity.users().factors("ada").unwrap(),
        ringwall_identity::Factors::default()
    );
}

#[tokio::test]
async fn u2_an_enrolment_is_one_person_s_and_is_confirmed_once_and_in_time() {
    let mut own = Own::new().await;
    own.f.identity.users().add("eve", &[], &Secret::new(PASSWORD.to_owned())).unwrap();
    let shown = own.send("do=app").await;
    let html = text(&shown).replace("&amp;", "&");
    let app = Authenticator::of(html.split("href=\"otpauth:").nth(1).unwrap());
    let id = hidden(&shown, "app").unwrap();
    let form = |f: &Fixture| format!("do=app-confirm&app={id}&code={}", app.code(f.now()));

    let page = own.f.page("/login", "").await;
    let reply = own.f.submit(&page, "/login", "username=eve&password=correct+horse").await;
    let mut eve = Own { f: own.f, session: set_cookie(&reply, "__Host-ringwall").unwrap() };
    let form_now = form(&eve.f);
    assert_eq!(eve.send(&form_now).await.status(), 400, "another person's");
    let mut own = Own { f: eve.f, session: own.session };

    own.send("do=app").await;
    let replaced = form(&own.f);
    assert_eq!(own.send(&replaced).await.status(), 400, "a newer enrolment is under way");
    assert!(own.f.identity.users().factors("ada").unwrap().app.is_none());
    own.enrol().await;
    let again = form(&own.f);
    assert_eq!(own.send(&again).await.status(), 400, "there is one already");
    own.f.clock.advance(Duration::from_mins(10));
    own.f.identity.sweep().unwrap();
    assert!(own.f.identity.users().factors("ada").unwrap().app.is_some(), "confirmed ones stay");
}

#[tokio::test]
async fn a7_another_site_changes_nothing() {
    let own = Own::new().await;
    let page = own.f.page("/account", &own.session).await;
    for (why, token, headers) in [
        ("no token", "", vec![("cookie", page.cookies.as_str()), ("origin", ISSUER)]),
        ("no form cookie", &page.token, vec![("cookie", &own.session), ("origin", ISSUER)]),
        (
            "another origin",
            &page.token,
            vec![("cookie", &page.cookies), ("origin", "https://evil.example")],
        ),
        (
            "another site",
            &page.token,
            vec![("cookie", &page.cookies), ("sec-fetch-site", "cross-site")],
        ),
    ] {
        let form = format!("form_token={token}&do=end-others");
        let reply = own.f.send(form_request("/account", &form, &headers)).await;
        assert_eq!(reply.status(), 403, "{why}");
    }
    let reply = own.f.submit(&page, "/account", "do=promote&roles=admin").await;
    assert_eq!(reply.status(), 400);
}

#[tokio::test]
async fn pages_are_in_german_for_who_asks() {
    let own = Own::new().await;
    for (path, cookies, german) in [
        ("/login", "", "Anmelden"),
        ("/account", own.session.as_str(), "Ihr Konto"),
        ("/logout", &own.session, "Abmelden"),
        ("/oauth/authorize?client_id=nobody", "", "nicht registriert"),
    ] {
        let request =
            Request::get(path).header("cookie", cookies).header("accept-language", "de-CH");
        let reply = own.f.send(request.body(Bytes::new()).unwrap()).await;
        assert!(text(&reply).contains(german), "{path}: {}", text(&reply));
        assert!(text(&reply).contains("<html lang=\"de\">"));
        assert_eq!(reply.headers().get("content-language").unwrap(), "de");
    }
}

#[tokio::test]
async fn u11_an_account_disabled_during_a_change_gets_no_session() {
    for event in ["password-changed", "factor-added"] {
        let hasty = Arc::new(Hasty(event, OnceLock::new()));
        let sink: Arc<dyn Sink> = Arc::<Hasty>::clone(&hasty);
        let f = Fixture::new().with_sink(&sink);
        let mut own = Own { session: f.sign_in().await, f };
        let shown = text(&own.send("do=app").await).replace("&amp;", "&");
        let app = Authenticator::of(shown.split("href=\"otpauth:").nth(1).unwrap());
        let id = shown.split("name=\"app\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let form = match event {
            "factor-added" => format!("do=app-confirm&app={id}&code={}", app.code(own.f.now())),
            _ => "do=password&current=correct+horse&new=brand+new+horse&again=brand+new+horse"
                .to_owned(),
        };
        let page = own.f.page("/account", &own.session).await;
        hasty.1.set(own.f.identity.clone()).unwrap();
        let reply = own.f.submit(&page, "/account", &form).await;
        assert_eq!(location(&reply), "/login?return_to=%2Faccount", "{event}");
        assert!(set_cookie(&reply, "__Host-ringwall").is_none(), "{event}");
        let sessions = own.f.identity.users().find("ada").unwrap();
        assert!(sessions.is_disabled && own.person().is_none(), "{event}");
    }
}

/// Whoever made up a factor has proved nothing that was there before.
#[tokio::test]
async fn u9_a_session_that_rises_gets_no_younger() {
    let mut own = Own::new().await;
    let of = |own: &Own| {
        let cookie = own.session.split_once('=').unwrap().1;
        own.f.identity.person(cookie, own.f.now()).unwrap()
    };
    let before = of(&own);
    own.f.clock.advance(Duration::from_mins(4));
    own.enrol().await;
    let after = of(&own);
    assert!(after.proofs.are_two() && !before.proofs.are_two());
    assert_eq!(after.authenticated_at, before.authenticated_at);
    own.f.clock.advance(Duration::from_mins(2));
    assert_eq!(own.send("do=app-remove").await.status(), 303, "the sign-in is old");
}

/// Whoever has the lost one may have signed in with it.
#[tokio::test]
async fn u9_a_factor_that_is_taken_away_ends_the_other_sessions() {
    let mut own = Own::new().await;
    let other = own.f.sign_in().await;
    own.enrol().await;
    assert_eq!(own.f.get("/account", &other).await.status(), 200);
    assert_eq!(own.send("do=app-remove").await.status(), 200);
    assert_eq!(own.f.get("/account", &other).await.status(), 303);
    assert_eq!(own.f.get("/account", &own.session).await.status(), 200);
}
