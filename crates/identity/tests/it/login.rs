//! Login and logout: attacks U6, U7, U10, U11, A7, A10.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Event, Sessions as _, Sink, SinkError};
use ringwall_identity::Identity;

use crate::fixture::*;

#[tokio::test]
async fn a_person_signs_in_and_goes_where_they_came_from() {
    let f = Fixture::new();
    let page = f.page("/login?return_to=%2Forders%3Fa%3Db", "").await;
    let form = "username=ada&password=correct+horse&return_to=%2Forders%3Fa%3Db";
    let reply = f.submit(&page, "/login", form).await;
    assert_eq!((reply.status().as_u16(), location(&reply).as_str()), (303, "/orders?a=b"));
    let all = format!("{:?}", reply.headers().get_all("set-cookie"));
    assert!(!all.contains("Path=/; Secure"), "a session cookie is not printed: {all}");
    let cookie = reply.headers().get("set-cookie").unwrap().to_str().unwrap();
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
    let value = cookie.split(['=', ';']).nth(1).unwrap();
    let person = f.identity.person(value, f.now()).unwrap();
    assert_eq!((person.name.as_str(), person.roles), ("ada", vec!["customer".to_owned()]));
    let actions: Vec<_> = f.sink.take().into_iter().map(|event| event.action).collect();
    assert_eq!(actions, ["login-succeeded"]);
}

#[tokio::test]
async fn the_page_allows_one_script_and_no_frame() {
    let f = Fixture::new();
    let reply = f.get("/login", "").await;
    let header = |name: &str| reply.headers().get(name).unwrap().to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    let scripts: Vec<_> = policy.split("; ").filter(|part| part.contains("script")).collect();
    assert_eq!(scripts, ["script-src https://shop.example/oauth/passkey.js"]);
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(
        header("referrer-policy"),
        "same-origin",
        "without a referrer, browsers send Origin: null"
    );
    let scripts: Vec<_> = text(&reply).split("<script").skip(1).map(str::to_owned).collect();
    assert_eq!(scripts.len(), 1);
    assert!(scripts[0].starts_with(" src=\"/oauth/passkey.js\" defer></script>"), "{scripts:?}");
    let script = f.get("/oauth/passkey.js", "").await;
    assert_eq!(script.headers().get("content-type").unwrap(), "text/javascript; charset=utf-8");
    assert_eq!(script.headers().get("x-content-type-options").unwrap(), "nosniff");
}

#[tokio::test]
async fn nobody_learns_whether_an_account_exists() {
    let f = Fixture::new();
    f.identity.users().add("eve", &[], &ringwall_base::Secret::new(PASSWORD.to_owned())).unwrap();
    f.identity.users().disable("eve", true).unwrap();
    let mut seen = Vec::new();
    for form in [
        "username=ada&password=wrong+horse",
        "username=nobody&password=wrong+horse",
        "username=eve&password=correct+horse",
        "username=%C3%A4&password=wrong+horse",
        "username=&password=",
        "password=correct+horse",
    ] {
        let page = f.page("/login", "").await;
        let reply = f.submit(&page, "/login", form).await;
        let again = Page::of(&reply, "");
        let body = text(&reply).replace(&again.token, "TOKEN");
        let body = body.replace(&hidden(&reply, "challenge").unwrap(), "CHALLENGE");
        seen.push((reply.status().as_u16(), body));
    }
    assert_eq!(seen[0].0, 401);
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

#[tokio::test]
async fn an_unknown_account_costs_a_hash_too() {
    let f = Fixture::new();
    let mut times = Vec::new();
    for name in ["ada", "nobody"] {
        let page = f.page("/login", "").await;
        let started = clock();
        f.submit(&page, "/login", &format!("username={name}&password=wrong+horse")).await;
        times.push(clock().saturating_sub(started));
    }
    // One argon2id run takes longer than five milliseconds on any machine.
    assert!(times.iter().all(|time| *time > Duration::from_millis(5)), "{times:?}");
}

#[expect(clippy::disallowed_methods, reason = "the test measures the machine itself")]
fn clock() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap()
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_owner_elsewhere_is_not() {
    let f = Fixture::new();
    let page = f.page("/login", "").await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let reply = f.submit(&page, "/login", "username=ada&password=wrong+horse").await;
        statuses.push(reply.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    // The right password does not help within the wait, or it could be found by its status.
    let right = "username=ada&password=correct+horse";
    assert_eq!(f.submit(&page, "/login", right).await.status(), 429);
    let form = format!("form_token={}&{right}", page.token);
    let elsewhere = form_request("/login", &form, &[("cookie", &page.cookies)]);
    assert_eq!(f.send_from("198.51.100.7", elsewhere).await.status(), 303);
    f.clock.advance(Duration::from_secs(2));
    assert_eq!(f.submit(&page, "/login", right).await.status(), 303);
}

#[tokio::test]
async fn a_form_from_another_site_signs_nobody_in_or_out() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let page = f.page("/logout", &session).await;
    let good = format!("form_token={}&username=ada&password=correct+horse", page.token);
    let cases: [(&str, &[(&str, &str)]); 7] = [
        (&good, &[]),
        (&good, &[("origin", ISSUER)]),
        (&good, &[("cookie", "__Host-ringwall-form=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]),
        (&good, &[("cookie", &page.cookies), ("origin", "https://evil.example")]),
        (&good, &[("cookie", &page.cookies), ("origin", "null")]),
        (&good, &[("cookie", &page.cookies), ("sec-fetch-site", "cross-site")]),
        ("username=ada&password=correct+horse", &[("cookie", &page.cookies), ("origin", ISSUER)]),
    ];
    for (index, (form, headers)) in cases.into_iter().enumerate() {
        for path in ["/login", "/logout"] {
            let reply = f.send(form_request(path, form, headers)).await;
            assert_eq!(reply.status(), 403, "{path} {index}");
        }
    }
    let value = session.split_once('=').unwrap().1;
    assert!(f.identity.person(value, f.now()).is_some());
}

#[tokio::test]
async fn a_session_that_was_planted_is_not_the_one_after_login() {
    let f = Fixture::new();
    let old = f.sign_in().await;
    let page = f.page("/login?return_to=%2Foauth%2Fauthorize", &old).await;
    let reply = f.submit(&page, "/login", "username=ada&password=correct+horse").await;
    let new = set_cookie(&reply, "__Host-ringwall").unwrap();
    assert_ne!(old, new);
    let value = |pair: &str| pair.split_once('=').unwrap().1.to_owned();
    assert!(f.identity.person(&value(&old), f.now()).is_none(), "the old one ended");
    assert!(f.identity.person(&value(&new), f.now()).is_some());
    let planted = "A".repeat(43);
    assert!(f.identity.person(&planted, f.now()).is_none());
}

#[tokio::test]
async fn malformed_input_is_refused_before_any_work() {
    let f = Fixture::new();
    let page = f.page("/login", "").await;
    let huge = format!("username=ada&password={}", "x".repeat(1 << 20));
    assert_eq!(f.submit(&page, "/login", &huge).await.status(), 413);
    let long = format!("username=ada&password={}", "x".repeat(1_025));
    assert_eq!(f.submit(&page, "/login", &long).await.status(), 401);
    for form in [
        "username=ada&username=bob&password=x",
        "username=ada&password=a%00b",
        "username=ada&password=%ff",
        "username=ada&password=%zz",
        "username=ada&password=%",
    ] {
        assert_eq!(f.submit(&page, "/login", form).await.status(), 400, "{form}");
    }
    let twice = format!("{}; __Host-ringwall=a; __Host-ringwall=b", page.cookies);
    assert_eq!(f.get("/login", &twice).await.status(), 400);
    let bytes = http::HeaderValue::from_bytes(b"__Host-ringwall=\xff").unwrap();
    let raw = Request::get("/login").header("cookie", bytes).body(Bytes::new()).unwrap();
    assert_eq!(f.send(raw).await.status(), 400);
}

#[tokio::test]
async fn a_login_leads_nowhere_but_home() {
    let f = Fixture::new();
    for elsewhere in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let page = f.page(&format!("/login?return_to={elsewhere}"), "").await;
        let form = format!("username=ada&password=correct+horse&return_to={elsewhere}");
        let reply = f.submit(&page, "/login", &form).await;
        assert_eq!(location(&reply), "/", "{elsewhere}");
    }
}

#[tokio::test]
async fn to_look_at_a_session_does_not_keep_it() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let value = session.split_once('=').unwrap().1.to_owned();
    f.clock.advance(Duration::from_mins(29));
    assert_eq!(f.identity.look(&value, f.now()).unwrap().name, "ada");
    f.clock.advance(Duration::from_mins(1));
    assert!(f.identity.look(&value, f.now()).is_none(), "idle");
    assert!(f.identity.person(&value, f.now()).is_none());
}

#[tokio::test]
async fn a_session_survives_a_restart_and_ends_by_time_and_by_logout() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let value = session.split_once('=').unwrap().1.to_owned();
    let f = f.restart();
    assert!(f.identity.person(&value, f.now()).is_some(), "after a restart");
    f.clock.advance(Duration::from_mins(29));
    assert!(f.identity.person(&value, f.now()).is_some(), "just before idle");
    f.identity.sweep().unwrap();
    let f = f.restart();
    f.clock.advance(Duration::from_mins(29));
    assert!(f.identity.person(&value, f.now()).is_some(), "its last use was written");
    f.clock.advance(Duration::from_mins(30));
    assert!(f.identity.person(&value, f.now()).is_none(), "idle");

    let session = f.sign_in().await;
    let value = session.split_once('=').unwrap().1.to_owned();
    for _ in 0..35 {
        f.clock.advance(Duration::from_mins(20));
        assert!(f.identity.person(&value, f.now()).is_some());
    }
    f.clock.advance(Duration::from_mins(20));
    assert!(f.identity.person(&value, f.now()).is_none(), "twelve hours");

    let session = f.sign_in().await;
    let value = session.split_once('=').unwrap().1.to_owned();
    assert_eq!(f.get("/logout", &session).await.status(), 200);
    assert!(f.identity.person(&value, f.now()).is_some(), "a link signs nobody out");
    let page = f.page("/logout", &session).await;
    let reply = f.submit(&page, "/logout", "").await;
    assert_eq!(reply.status(), 303);
    assert!(f.identity.person(&value, f.now()).is_none(), "logout");
    let f = f.restart();
    assert!(f.identity.person(&value, f.now()).is_none(), "logout, after a restart");
}

/// An administrator who disables the account at the moment of an event.
#[derive(Debug)]
pub(crate) struct Hasty(pub(crate) &'static str, pub(crate) OnceLock<Identity>);

impl Sink for Hasty {
    fn put(&self, event: Event) -> Result<(), SinkError> {
        if event.action == self.0
            && let Some(identity) = self.1.get()
        {
            identity.users().disable("ada", true).unwrap();
        }
        Ok(())
    }
}

#[tokio::test]
async fn an_account_disabled_during_its_login_gets_no_session() {
    let hasty = Arc::new(Hasty("login-succeeded", OnceLock::new()));
    let sink: Arc<dyn Sink> = Arc::<Hasty>::clone(&hasty);
    let f = Fixture::new().with_sink(&sink);
    hasty.1.set(f.identity.clone()).unwrap();
    let page = f.page("/login", "").await;
    let reply = f.submit(&page, "/login", "username=ada&password=correct+horse").await;
    assert_eq!(reply.status(), 401);
    let cookies = format!("{:?}", reply.headers().get_all("set-cookie"));
    assert!(!cookies.contains("__Host-ringwall=\""), "{cookies}");
    assert!(!reply.headers().contains_key("location"));
}

/// Chromium takes no IPv6 address in a policy, and ignores a source that it cannot read.
#[tokio::test]
async fn the_page_lets_browsers_go_where_the_client_registered_and_no_further() {
    let f = Fixture::new();
    let six = ringwall_identity::NewClient {
        id: "six".to_owned(),
        access: ringwall_identity::Access::Public,
        grants: vec![ringwall_identity::Grant::AuthorizationCode],
        redirect_uris: vec!["http://[::1]/done".to_owned()],
        party: ringwall_identity::Party::Third,
        ..ringwall_identity::NewClient::default()
    };
    f.identity.clients().add(six).unwrap();
    let policy = |reply: &Response<Bytes>| {
        let policy = reply.headers().get("content-security-policy").unwrap().to_str().unwrap();
        let targets = policy.split("; ").find_map(|one| one.strip_prefix("form-action "));
        targets.unwrap().to_owned()
    };
    let narrow = "'self' https: http://127.0.0.1:*";
    for (client, want) in
        [("six", "'self' https: http:"), ("native", narrow), ("web", narrow), ("nobody", narrow)]
    {
        let back = encoded(&authorize_path(&[("client_id", client)]));
        let page = f.get(&format!("/login?return_to={back}"), "").await;
        assert_eq!(policy(&page), want, "{client}");
    }
    let session = f.sign_in().await;
    let asks = [("client_id", "six"), ("redirect_uri", "http%3A%2F%2F%5B%3A%3A1%5D%3A7000%2Fdone")];
    let page = f.get(&authorize_path(&asks), &session).await;
    assert_eq!(policy(&page), "'self' https: http:", "{}", text(&page));
    let asks = [("prompt", "consent")];
    assert_eq!(policy(&f.get(&authorize_path(&asks), &session).await), narrow);
}
