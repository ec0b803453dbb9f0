//! The second step of a login: attacks U7, U9, U11.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use ringwall_base::{Proof, Secret, Sessions as _};

use crate::authenticator::Authenticator;
use crate::fixture::*;

const RIGHT: &str = "username=ada&password=correct+horse&return_to=%2Forders";

/// `ada` has an authenticator, and `step` is a login whose password was right.
struct Second {
    f: Fixture,
    app: Authenticator,
    codes: Vec<Secret<String>>,
}

impl Second {
    fn new() -> Self {
        let f = Fixture::new();
        let handout = f.identity.users().enrol("ada").unwrap();
        let app = Authenticator::of(handout.uri.expose());
        f.sink.take();
        Self { f, app, codes: handout.recovery_codes }
    }

    /// Gives the password; keeps the page of the second step, and which login it is.
    async fn password(&self) -> (Page, String) {
        let page = self.f.page("/login", "").await;
        let reply = self.f.submit(&page, "/login", RIGHT).await;
        assert_eq!((reply.status().as_u16(), location(&reply)), (200, String::new()));
        assert!(set_cookie(&reply, "__Host-ringwall").is_none(), "no session yet");
        let step = hidden(&reply, "step").unwrap();
        (Page::of(&reply, ""), step)
    }

    async fn give(&self, (page, step): &(Page, String), code: &str) -> Response<Bytes> {
        let form = format!("step={step}&code={}", encoded(code));
        self.f.submit(page, "/login", &form).await
    }

    fn code(&self) -> String {
        self.app.code(self.f.now())
    }
}

#[tokio::test]
async fn a_person_with_an_app_signs_in_in_two_steps() {
    let s = Second::new();
    let step = s.password().await;
    let code = s.code();
    let (front, back) = code.split_at(3);
    let reply = s.give(&step, &format!("{front} {back}")).await;
    assert_eq!((reply.status().as_u16(), location(&reply).as_str()), (303, "/orders"));
    let cookie = set_cookie(&reply, "__Host-ringwall").unwrap();
    let value = cookie.split_once('=').unwrap().1;
    let person = s.f.identity.person(value, s.f.now()).unwrap();
    assert!(person.proofs.has(Proof::Code) && person.proofs.are_two());
    let s = Second { f: s.f.restart(), ..s };
    let person = s.f.identity.person(value, s.f.now()).unwrap();
    assert_eq!(person.proofs.names(), ["pwd", "otp", "mfa"], "after a restart");
    let events = s.f.sink.take();
    assert_eq!(events[0].operation.as_deref(), Some("pwd otp mfa"));
}

#[tokio::test]
async fn u9_no_way_leads_around_the_second_step() {
    let s = Second::new();
    let (page, step) = s.password().await;
    let code = s.code();
    let other = s.f.page("/login", "").await;
    for (why, page, form) in [
        ("no code", &page, format!("step={step}")),
        ("no step", &page, format!("code={code}")),
        ("another token", &page, format!("step={}&code={code}", "A".repeat(43))),
        ("another browser", &other, format!("step={step}&code={code}")),
        ("the password again", &page, format!("step={step}&{RIGHT}")),
        ("an empty step", &page, format!("step=&code={code}&username=ada")),
    ] {
        let reply = s.f.submit(page, "/login", &form).await;
        assert_eq!(reply.status(), 401, "{why}");
        assert!(set_cookie(&reply, "__Host-ringwall").is_none(), "{why}");
    }
    let reply = s.f.post("/login", &format!("step={step}&code={code}")).await;
    assert_eq!(reply.status(), 403, "without the form's token");
    assert_eq!(s.give(&(page, step), &code).await.status(), 303);
}

#[tokio::test]
async fn u9_where_a_login_leads_is_not_the_second_form_s_to_say() {
    let s = Second::new();
    let (page, step) = s.password().await;
    let form = format!("step={step}&code={}&return_to=%2Fadmin&username=eve", s.code());
    assert_eq!(location(&s.f.submit(&page, "/login", &form).await), "/orders");
}

#[tokio::test]
async fn u7_a_code_counts_once_and_not_after_a_newer_one() {
    let s = Second::new();
    let (first, old) = (s.password().await, s.app.code(s.f.now().minus(Duration::from_secs(30))));
    let code = s.code();
    assert_eq!(s.give(&first, &code).await.status(), 303);
    assert_eq!(s.give(&first, &code).await.status(), 401, "the login is over");
    let second = s.password().await;
    assert_eq!(s.give(&second, &code).await.status(), 401, "replay");
    assert_eq!(s.give(&second, &old).await.status(), 401, "an older one");
    s.f.clock.advance(Duration::from_secs(30));
    assert_eq!(s.give(&second, &s.code()).await.status(), 303);
    let reasons: Vec<_> = s.f.sink.take().into_iter().filter_map(|event| event.reason).collect();
    assert_eq!(reasons, ["the code was used before", "the code was used before"]);
}

#[tokio::test]
async fn u7_codes_are_guessed_slowly_from_everywhere_at_once() {
    let s = Second::new();
    let (page, step) = s.password().await;
    let mut statuses = Vec::new();
    for n in 0..6 {
        let form = format!("form_token={}&step={step}&code=00000{n}", page.token);
        let headers = [("cookie", page.cookies.as_str()), ("origin", ISSUER)];
        let request = form_request("/login", &form, &headers);
        statuses.push(s.f.send_from(&format!("198.51.{n}.1"), request).await.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    let own = s.f.page("/login", "").await;
    let reply = s.f.submit(&own, "/login", RIGHT).await;
    let form = format!("step={}&code={}", hidden(&reply, "step").unwrap(), s.codes[0].expose());
    let reply = s.f.submit(&Page::of(&reply, ""), "/login", &form).await;
    assert_eq!(reply.status(), 303, "the owner has another way in");
    let again = s.password().await;
    assert_eq!(s.give(&again, &s.code()).await.status(), 429, "a new login buys no guesses");
    s.f.clock.advance(Duration::from_secs(2));
    assert_eq!(s.give(&again, &s.code()).await.status(), 303);
}

#[tokio::test]
async fn u7_a_login_ends_after_ten_codes_and_after_five_minutes() {
    let s = Second::new();
    let step = s.password().await;
    for _ in 0..10 {
        s.f.clock.advance(Duration::from_secs(20));
        s.give(&step, "000000").await;
    }
    s.f.clock.advance(Duration::from_secs(20));
    assert!(text(&s.give(&step, &s.code()).await).contains("start again"));
    s.f.clock.advance(Duration::from_mins(10));
    let step = s.password().await;
    s.f.clock.advance(Duration::from_secs(299));
    let late = s.password().await;
    s.f.clock.advance(Duration::from_secs(1));
    assert!(text(&s.give(&step, &s.code()).await).contains("start again"));
    assert_eq!(s.give(&late, &s.code()).await.status(), 303);
}

#[tokio::test]
async fn u7_a_recovery_code_counts_once_however_it_is_typed() {
    let s = Second::new();
    let code = s.codes[3].expose().to_uppercase().replace('-', " ");
    let step = s.password().await;
    assert_eq!(s.give(&step, &code).await.status(), 303);
    let actions: Vec<_> = s.f.sink.take().into_iter().map(|event| event.action).collect();
    assert_eq!(actions, ["recovery-code-used", "login-succeeded"]);
    assert_eq!(s.f.identity.users().factors("ada").unwrap().recovery_codes, 9);
    let step = s.password().await;
    assert_eq!(s.give(&step, &code).await.status(), 401, "used");
    assert_eq!(s.give(&step, s.codes[4].expose()).await.status(), 303);
}

#[tokio::test]
async fn u7_of_thirty_two_at_once_one_gets_a_session() {
    let s = Second::new();
    for is_app in [true, false] {
        // The tries that came too late are counted against the account for a while.
        s.f.clock.advance(Duration::from_hours(1));
        let code = if is_app { s.code() } else { s.codes[0].expose().clone() };
        let step = s.password().await;
        let mut statuses = Vec::new();
        let all = (0..32).map(|_| s.give(&step, &code));
        for reply in together(all).await {
            statuses.push(reply.status().as_u16());
        }
        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [303, 401, 429].contains(status)), "{statuses:?}");
    }
}

/// Runs all at once.
async fn together<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, done) in all.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(output) = one.as_mut().poll(context) {
                *done = Some(output);
            }
        }
        let is_over = all.iter().all(|(_, done)| done.is_some());
        if is_over { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn u9_a_login_under_way_ends_with_the_account_or_its_password() {
    let s = Second::new();
    let step = s.password().await;
    let new = Secret::new("another horse".to_owned());
    s.f.identity.users().set_password("ada", &new).unwrap();
    assert_eq!(s.give(&step, &s.code()).await.status(), 401);
    s.f.identity.users().set_password("ada", &Secret::new(PASSWORD.to_owned())).unwrap();
    let step = s.password().await;
    s.f.identity.users().disable("ada", true).unwrap();
    assert_eq!(s.give(&step, &s.code()).await.status(), 401);
}

#[tokio::test]
async fn a_role_with_mfa_counts_only_after_two_factors() {
    let f = Fixture::new();
    f.identity.users().grant("ada", "admin").unwrap();
    let session = f.sign_in().await;
    let value = session.split_once('=').unwrap().1.to_owned();
    let roles = |f: &Fixture, value: &str| f.identity.person(value, f.now()).unwrap().roles;
    assert_eq!(roles(&f, &value), ["admin", "customer"]);
    f.identity.elevate(BTreeSet::from(["admin".to_owned(), "auditor".to_owned()]));
    assert_eq!(roles(&f, &value), ["customer"], "the manifest changed");
    f.identity.users().grant("ada", "auditor").unwrap();
    assert_eq!(roles(&f, &value), ["customer"], "given during the session");
    let code = f.code(&session).await;
    let tokens = json(&f.redeem(&code).await);
    says(&tokens, "aal1", &["pwd"]);
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(payload(token)["roles"], serde_json::json!(["customer"]));

    let handout = f.identity.users().enrol("ada").unwrap();
    let s = Second { app: Authenticator::of(handout.uri.expose()), codes: Vec::new(), f };
    let step = s.password().await;
    let reply = s.give(&step, &s.code()).await;
    let session = set_cookie(&reply, "__Host-ringwall").unwrap();
    let value = session.split_once('=').unwrap().1;
    assert_eq!(roles(&s.f, value), ["admin", "auditor", "customer"]);
    let code = s.f.code(&session).await;
    let tokens = json(&s.f.redeem(&code).await);
    says(&tokens, "aal2", &["pwd", "otp", "mfa"]);
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(payload(token)["roles"], serde_json::json!(["admin", "auditor", "customer"]));
}

/// Both tokens say how the person signed in.
#[track_caller]
fn says(tokens: &serde_json::Value, acr: &str, amr: &[&str]) {
    for kind in ["access_token", "id_token"] {
        let claims = payload(tokens[kind].as_str().unwrap());
        assert_eq!(claims["acr"], acr, "{kind}");
        assert_eq!(claims["amr"], serde_json::json!(amr), "{kind}");
    }
}

#[tokio::test]
async fn an_operator_takes_lost_factors_away_and_sessions_end() {
    let s = Second::new();
    let step = s.password().await;
    let reply = s.give(&step, &s.code()).await;
    let session = set_cookie(&reply, "__Host-ringwall").unwrap();
    s.f.sink.take();
    s.f.identity.users().remove_factors("ada").unwrap();
    assert!(s.f.identity.person(session.split_once('=').unwrap().1, s.f.now()).is_none());
    assert_eq!(s.f.identity.users().factors("ada").unwrap(), ringwall_identity::Factors::default());
    let actions: Vec<_> = s.f.sink.take().into_iter().map(|event| event.action).collect();
    assert_eq!(actions, ["factor-removed"]);
    s.f.sign_in().await;
}

/// Whoever has the lost one may have signed in with it.
#[tokio::test]
async fn another_authenticator_by_an_operator_ends_what_the_lost_one_opened() {
    let s = Second::new();
    let step = s.password().await;
    let reply = s.give(&step, &s.code()).await;
    let session = set_cookie(&reply, "__Host-ringwall").unwrap();
    let value = session.split_once('=').unwrap().1;
    assert!(s.f.identity.person(value, s.f.now()).is_some());
    s.f.identity.users().enrol("ada").unwrap();
    assert!(s.f.identity.person(value, s.f.now()).is_none());
}
