//! Addresses, resets, invitations: attacks U1, U2, U3, U5, U6.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Secret, Sessions as _};
use ringwall_identity::{Delivery, Due};

use crate::authenticator::Authenticator;
use crate::fixture::*;

const NEW: &str = "battery+staple";

/// A service that sends letters, `ada` with a verified address, and what is in her letters.
struct Mail {
    f: Fixture,
}

impl Mail {
    async fn new() -> Self {
        let mail = Self { f: Fixture::new() };
        mail.f.identity.offer_mail(true);
        mail.verify("ada", "ada@example.org").await;
        mail.f.sink.take();
        mail
    }

    /// The letters that are due; they are taken.
    fn letters(&self) -> Vec<Due> {
        let due = self.f.identity.mail_due().unwrap();
        for one in &due {
            self.f.identity.mail_done(one, &Delivery::Sent).unwrap();
        }
        due
    }

    /// The link of the one letter.
    fn link(&self) -> String {
        let letters = self.letters();
        assert_eq!(letters.len(), 1, "{letters:?}");
        link(&letters[0])
    }

    async fn verify(&self, name: &str, address: &str) -> Response<Bytes> {
        self.f.identity.users().ask_email(name, address).unwrap();
        let link = self.link();
        let session = self.f.sign_in_with("", name).await;
        self.follow(&link, &session, "").await
    }

    /// Opens a link and presses the button.
    async fn follow(&self, link: &str, cookies: &str, form: &str) -> Response<Bytes> {
        let path = link.strip_prefix(ISSUER).unwrap();
        let reply = self.f.get(path, cookies).await;
        if reply.status() != 200 {
            return reply;
        }
        let (page, token) = (Page::of(&reply, cookies), hidden(&reply, "token").unwrap());
        self.post(path, &page, &format!("token={token}&{form}")).await
    }

    async fn post(&self, path: &str, page: &Page, form: &str) -> Response<Bytes> {
        self.f.submit(page, path.split('?').next().unwrap(), form).await
    }

    async fn userinfo(&self, tokens: &serde_json::Value) -> u16 {
        let token = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let request = Request::get("/oauth/userinfo").header("authorization", token);
        self.f.send(request.body(Bytes::new()).unwrap()).await.status().as_u16()
    }

    async fn ask(&self, address: &str) -> Response<Bytes> {
        let page = self.f.page("/oauth/reset", "").await;
        self.f.submit(&page, "/oauth/reset", &format!("address={}", encoded(address))).await
    }

    async fn reset(&self, link: &str) -> Response<Bytes> {
        self.follow(link, "", &format!("new={NEW}&again={NEW}")).await
    }

    async fn password(&self, password: &str) -> Response<Bytes> {
        let page = self.f.page("/login", "").await;
        self.f.submit(&page, "/login", &format!("username=ada&password={password}")).await
    }
}

fn link(due: &Due) -> String {
    let text = due.letter.text.expose();
    text.lines().find(|line| line.starts_with("https://")).expect("a link").to_owned()
}

fn token(link: &str) -> &str {
    link.split_once("token=").unwrap().1
}

#[tokio::test]
async fn u1_a_reset_signs_nobody_in_and_leaves_the_second_factor() {
    let m = Mail::new().await;
    let session = m.f.sign_in().await;
    let code = m.f.code(&session).await;
    let tokens = json(&m.f.redeem(&code).await);
    assert_eq!(m.userinfo(&tokens).await, 200);
    let handout = m.f.identity.users().enrol("ada").unwrap();
    let app = Authenticator::of(handout.uri.expose());
    assert_eq!(m.ask("Ada@Example.org").await.status(), 200);
    let link = m.link();
    assert!(link.starts_with("https://shop.example/oauth/reset?token="), "{link}");
    assert_eq!(token(&link).len(), 43, "256 bits");
    let reply = m.reset(&link).await;
    assert_eq!(reply.status(), 200, "{}", text(&reply));
    assert!(set_cookie(&reply, "__Host-ringwall").is_none(), "nobody is signed in");
    let value = session.split_once('=').unwrap().1;
    assert!(m.f.identity.person(value, m.f.now()).is_none(), "sessions have ended");
    assert_eq!(m.userinfo(&tokens).await, 401, "tokens have ended");
    assert_eq!(m.password("correct+horse").await.status(), 401);
    let asked = m.password(NEW).await;
    assert!(set_cookie(&asked, "__Host-ringwall").is_none(), "the second factor is still asked");
    let step = hidden(&asked, "step").unwrap();
    let page = Page::of(&asked, "");
    let form = format!("step={step}&code={}", app.code(m.f.now()));
    assert_eq!(m.f.submit(&page, "/login", &form).await.status(), 303);
    let letters = m.letters();
    assert_eq!(letters[0].letter.subject, "Your password was changed");
}

#[tokio::test]
async fn u2_a_link_counts_once_and_only_for_what_it_is() {
    let m = Mail::new().await;
    m.ask("ada@example.org").await;
    let reset = m.link();
    m.f.identity.users().ask_email("ada", "new@example.org").unwrap();
    let verify = m.link();
    let invite = m.f.identity.users().invite("bob", &[], None).unwrap().link.unwrap();
    let invite = invite.expose().clone();
    let session = m.f.sign_in().await;
    for (kind, own) in [("reset", &reset), ("email", &verify), ("invite", &invite)] {
        for other in [&reset, &verify, &invite].into_iter().filter(|other| *other != own) {
            let path = format!("/oauth/{kind}?token={}", token(other));
            assert_eq!(m.f.get(&path, &session).await.status(), 400, "{kind} {other}");
            let page = m.f.page("/login?return_to=%2Faccount", &session).await;
            let form = format!("token={}&new={NEW}&again={NEW}", token(other));
            let reply = m.post(&path, &page, &form).await;
            assert_eq!(reply.status(), 400, "{kind} {other}: {}", text(&reply));
        }
    }
    // None of them was used up by that.
    assert_eq!(m.follow(&invite, "", &format!("new={NEW}&again={NEW}")).await.status(), 200);
    assert_eq!(m.reset(&reset).await.status(), 200);
    assert_eq!(m.reset(&reset).await.status(), 400, "used");
    let signed_in = m.password(NEW).await;
    let session = set_cookie(&signed_in, "__Host-ringwall").unwrap();
    let reply = m.follow(&verify, &session, "").await;
    assert_eq!(reply.status(), 400, "it was asked for under another password");
}

#[tokio::test]
async fn u2_of_thirty_two_at_once_one_sets_the_password() {
    let m = Mail::new().await;
    m.ask("ada@example.org").await;
    let link = m.link();
    let page = m.f.page(link.strip_prefix(ISSUER).unwrap(), "").await;
    let all = (0..32).map(|n| {
        let identity = m.f.identity.clone();
        let form = format!("form_token={}&token={}", page.token, token(&link));
        let form = format!("{form}&new=horse+number+{n}&again=horse+number+{n}");
        let headers = [("cookie", page.cookies.as_str()), ("origin", ISSUER)];
        let request = form_request("/oauth/reset", &form, &headers);
        tokio::spawn(async move {
            identity.answer("192.0.2.1".parse().unwrap(), request).await.status().as_u16()
        })
    });
    let mut statuses = Vec::new();
    for one in all.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses[..2], [200, 400], "{statuses:?}");
    assert!(statuses[1..].iter().all(|status| *status == 400), "{statuses:?}");
}

#[tokio::test]
async fn u2_a_link_ends_with_its_time_its_password_its_address_and_its_account() {
    for end in ["time", "password", "address", "account", "newer"] {
        let m = Mail::new().await;
        m.ask("ada@example.org").await;
        let link = m.link();
        let users = m.f.identity.users();
        match end {
            "time" => m.f.clock.advance(Duration::from_mins(30)),
            "password" => {
                users.set_password("ada", &Secret::new(PASSWORD.to_owned())).unwrap();
            }
            "address" => assert_eq!(m.verify("ada", "new@example.org").await.status(), 200),
            "account" => users.disable("ada", true).unwrap(),
            _ => {
                m.ask("ada@example.org").await;
                m.letters();
            }
        }
        assert_eq!(m.reset(&link).await.status(), 400, "{end}");
    }
}

#[tokio::test]
async fn a_weak_password_does_not_use_the_link_up() {
    let m = Mail::new().await;
    m.ask("ada@example.org").await;
    let link = m.link();
    for form in ["new=short&again=short", "new=password123&again=password123", "new=a&again=b", ""]
    {
        let reply = m.follow(&link, "", form).await;
        assert_eq!(reply.status(), 400, "{form}");
        assert!(hidden(&reply, "token").is_some(), "{form}: the form is shown again");
    }
    assert_eq!(m.reset(&link).await.status(), 200);
}

/// GHSA on pre-hijacking (Sudhodanan and Paverd, 2022), CVE-2026-27946.
#[tokio::test]
async fn u3_an_address_counts_only_when_its_own_account_has_confirmed_it() {
    let m = Mail::new().await;
    m.f.identity.users().add("eve", &[], &Secret::new(PASSWORD.to_owned())).unwrap();
    m.f.identity.users().ask_email("eve", "victim@example.org").unwrap();
    let link = m.link();
    m.ask("victim@example.org").await;
    assert!(m.letters().is_empty(), "an address that is not confirmed resets nothing");
    // The victim follows the link: signed in as nobody, or as themselves.
    let reply = m.f.get(link.strip_prefix(ISSUER).unwrap(), "").await;
    assert!(location(&reply).starts_with("/login?return_to="), "{}", location(&reply));
    let own = m.f.sign_in().await;
    assert_eq!(m.follow(&link, &own, "").await.status(), 400);
    assert!(!m.f.identity.users().email("eve").unwrap().unwrap().is_verified);
    // What is another's already stays theirs.
    assert_eq!(m.verify("eve", "ada@example.org").await.status(), 409);
    m.ask("ada@example.org").await;
    assert!(m.letters()[0].letter.text.expose().contains("login name: ada"));
}

#[tokio::test]
async fn changing_the_address_needs_a_recent_login_and_tells_the_old_one() {
    let m = Mail::new().await;
    let session = m.f.sign_in().await;
    let page = m.f.page("/account", &session).await;
    m.f.clock.advance(Duration::from_mins(6));
    let form = "do=email&address=new%40example.org";
    let reply = m.f.submit(&page, "/account", form).await;
    assert!(location(&reply).starts_with("/login?"), "not recent");
    let session = m.f.sign_in().await;
    let page = m.f.page("/account", &session).await;
    assert_eq!(m.f.submit(&page, "/account", form).await.status(), 200);
    let email = || m.f.identity.users().email("ada").unwrap().unwrap();
    assert_eq!(email().address, "ada@example.org", "not before it is confirmed");
    let link = m.link();
    assert_eq!(m.follow(&link, &session, "").await.status(), 200);
    assert_eq!((email().address.as_str(), email().is_verified), ("new@example.org", true));
    let letters = m.letters();
    assert_eq!(letters[0].letter.to, "ada@example.org");
    assert!(letters[0].letter.text.expose().contains("new@example.org"));
    assert_eq!(m.follow(&link, &session, "").await.status(), 400, "used");
    let reply = m.f.submit(&page, "/account", "do=email&address=none").await;
    assert_eq!(reply.status(), 400);
}

#[tokio::test]
async fn u5_a_link_is_built_from_the_issuer_whatever_the_request_says() {
    let m = Mail::new().await;
    let page = m.f.page("/oauth/reset", "").await;
    let form = format!("form_token={}&address=ada%40example.org", page.token);
    let mut headers = vec![("cookie", page.cookies.as_str()), ("origin", ISSUER)];
    for name in ["host", "x-forwarded-host", "forwarded", "x-host", "x-original-url"] {
        headers.push((name, "evil.example"));
    }
    let reply = m.f.send(form_request("/oauth/reset", &form, &headers)).await;
    assert_eq!(reply.status(), 200);
    let letters = m.letters();
    assert!(!letters[0].letter.text.expose().contains("evil"), "{letters:?}");
    assert!(link(&letters[0]).starts_with("https://shop.example/oauth/reset?"));
}

#[tokio::test]
async fn u6_nobody_learns_whether_an_address_is_known() {
    let m = Mail::new().await;
    let users = m.f.identity.users();
    for name in ["eve", "bob"] {
        users.add(name, &[], &Secret::new(PASSWORD.to_owned())).unwrap();
    }
    m.verify("eve", "eve@example.org").await;
    users.disable("eve", true).unwrap();
    users.ask_email("bob", "bob@example.org").unwrap();
    m.letters();
    m.f.sink.take();
    let page = m.f.page("/oauth/reset", "").await;
    let mut seen = Vec::new();
    for address in ["ada@example.org", "nobody@example.org", "eve@example.org", "bob@example.org"] {
        let form = format!("address={}", encoded(address));
        let reply = m.f.submit(&page, "/oauth/reset", &form).await;
        let headers = format!("{:?}", reply.headers());
        seen.push((reply.status(), headers, text(&reply)));
        assert!(m.f.sink.take().is_empty(), "the answer knows nothing of {address}");
    }
    assert_eq!(seen[0].0, 200);
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
    let letters = m.letters();
    let to: Vec<_> = letters.iter().map(|due| due.letter.to.as_str()).collect();
    assert_eq!(to, ["ada@example.org"]);
}

#[tokio::test]
async fn u6_letters_to_one_address_and_requests_of_one_network_are_few() {
    let m = Mail::new().await;
    let mut statuses = Vec::new();
    for n in 0..12 {
        let page = m.f.page("/oauth/reset", "").await;
        let form = format!("form_token={}&address=ada%40example.org", page.token);
        let headers = [("cookie", page.cookies.as_str()), ("origin", ISSUER)];
        let request = form_request("/oauth/reset", &form, &headers);
        let peer = if n < 11 { "198.51.100.7".to_owned() } else { "203.0.113.9".to_owned() };
        statuses.push(m.f.send_from(&peer, request).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 429, 200]);
    // Of the eleven that were answered alike, three are letters; the last makes the others void.
    assert_eq!(m.letters().len(), 3);
}

#[tokio::test]
async fn a_letter_is_sealed_waits_for_its_server_and_outlives_a_restart() {
    let m = Mail::new().await;
    m.ask("ada@example.org").await;
    let due = m.f.identity.mail_due().unwrap();
    let secret = token(&link(&due[0])).to_owned();
    assert!(!m.f.disk().contains(&secret), "a link that works is on the disk");
    let later = Delivery::Later("away".to_owned());
    m.f.identity.mail_done(&due[0], &later).unwrap();
    assert!(m.f.identity.mail_due().unwrap().is_empty());
    let f = m.f.restart();
    f.identity.offer_mail(true);
    f.clock.advance(Duration::from_secs(10));
    let again = f.identity.mail_due().unwrap();
    assert_eq!((again.len(), &again[0].id), (1, &due[0].id), "the same letter");
    assert_eq!(token(&link(&again[0])), secret);
    f.identity.mail_done(&again[0], &later).unwrap();
    f.clock.advance(Duration::from_secs(19));
    assert!(f.identity.mail_due().unwrap().is_empty(), "twice as long");
    f.clock.advance(Duration::from_secs(1));
    let again = f.identity.mail_due().unwrap();
    f.identity.mail_done(&again[0], &Delivery::Refused("550".to_owned())).unwrap();
    f.clock.advance(Duration::from_mins(9));
    assert!(f.identity.mail_due().unwrap().is_empty(), "refused for good");
    let actions: Vec<_> = f.sink.take().into_iter().map(|event| event.action).collect();
    assert_eq!(actions.iter().filter(|action| **action == "mail-failed").count(), 3);
}

#[tokio::test]
async fn a_letter_that_is_over_is_not_sent_any_more() {
    let m = Mail::new().await;
    m.ask("ada@example.org").await;
    assert_eq!(m.f.identity.mail_due().unwrap().len(), 1);
    m.f.clock.advance(Duration::from_mins(30));
    assert!(m.f.identity.mail_due().unwrap().is_empty());
    m.f.identity.sweep().unwrap();
}

#[tokio::test]
async fn an_invitation_sets_the_first_password_and_confirms_the_address() {
    let m = Mail::new().await;
    let invitation =
        m.f.identity.users().invite("Bob", &["customer".to_owned()], Some("Bob@example.org"));
    assert!(invitation.unwrap().link.is_none(), "the link is in the letter alone");
    let letters = m.letters();
    assert_eq!(letters[0].letter.to, "bob@example.org");
    let shown = m.f.get(link(&letters[0]).strip_prefix(ISSUER).unwrap(), "").await;
    assert!(text(&shown).contains("<b>bob</b>"));
    let reply = m.follow(&link(&letters[0]), "", &format!("new={NEW}&again={NEW}")).await;
    assert_eq!(reply.status(), 200, "{}", text(&reply));
    let email = m.f.identity.users().email("bob").unwrap().unwrap();
    assert!(email.is_verified);
    let page = m.f.page("/login", "").await;
    let form = format!("username=bob&password={NEW}");
    assert_eq!(m.f.submit(&page, "/login", &form).await.status(), 303);
    assert_eq!(m.follow(&link(&letters[0]), "", "").await.status(), 400, "used");
    assert!(m.f.identity.users().invite("bob", &[], None).is_err(), "the name is taken");
    assert!(m.f.identity.users().invite("eve", &[], Some("x")).is_err(), "no address");
}

#[tokio::test]
async fn where_nobody_sends_letters_nothing_is_offered() {
    let m = Mail::new().await;
    assert!(text(&m.f.get("/login", "").await).contains("href=\"/oauth/reset\""));
    m.f.identity.offer_mail(false);
    assert!(!text(&m.f.get("/login", "").await).contains("/oauth/reset"));
    assert_eq!(m.f.get("/oauth/reset", "").await.status(), 404);
}

#[tokio::test]
async fn the_pages_are_in_german_and_keep_the_policy() {
    let m = Mail::new().await;
    let request = Request::get("/oauth/reset").header("accept-language", "de");
    let reply = m.f.send(request.body(Bytes::new()).unwrap()).await;
    assert!(text(&reply).contains("Ein neues Passwort"), "{}", text(&reply));
    let policy = reply.headers().get("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
    let page = Page::of(&reply, "");
    let form = format!("form_token={}&address=ada%40example.org", page.token);
    let headers =
        [("cookie", page.cookies.as_str()), ("origin", ISSUER), ("accept-language", "de")];
    m.f.send(form_request("/oauth/reset", &form, &headers)).await;
    assert_eq!(m.letters()[0].letter.subject, "Ein neues Passwort");
}
