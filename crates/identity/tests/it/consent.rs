//! What people let applications do: attacks A7, A9 (OpenID Connect Core 1.0 sections 3.1.2.1, 3.1.2.4).

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_identity::{Access, Grant, NewClient, Party};

use crate::fixture::*;

/// `ada`, signed in, and `guest`, an application that has to ask.
struct Guest {
    f: Fixture,
    session: String,
}

impl Guest {
    async fn new() -> Self {
        let f = Fixture::new();
        let guest = NewClient {
            id: "guest".to_owned(),
            access: Access::Public,
            grants: vec![Grant::AuthorizationCode, Grant::RefreshToken],
            redirect_uris: vec![CALLBACK.to_owned()],
            scopes: vec!["openid".to_owned(), "profile".to_owned(), "ledger".to_owned()],
            party: Party::Third,
            ..NewClient::default()
        };
        f.identity.clients().add(guest).unwrap();
        let session = f.sign_in().await;
        Self { f, session }
    }

    async fn ask(&self, changes: &[(&str, &str)]) -> Response<Bytes> {
        let changes = [&[("client_id", "guest")], changes].concat();
        self.f.get(&authorize_path(&changes), &self.session).await
    }

    /// What the page sends back, with some of it changed.
    fn answer(page: &Response<Bytes>, decision: &str, changes: &[(&str, &str)]) -> String {
        let fields = ["request", "at", "seal"].map(|name| {
            let shown = hidden(page, name).unwrap().replace("&amp;", "&");
            let change = changes.iter().find(|change| change.0 == name);
            let value = change.map_or(shown, |change| change.1.to_owned());
            format!("{name}={}", encoded(&value))
        });
        format!("{}&decision={decision}", fields.join("&"))
    }

    async fn decide(&self, page: &Response<Bytes>, decision: &str) -> Response<Bytes> {
        self.send(page, &Self::answer(page, decision, &[])).await
    }

    async fn send(&self, page: &Response<Bytes>, form: &str) -> Response<Bytes> {
        self.f.submit(&Page::of(page, &self.session), "/oauth/consent", form).await
    }

    async fn tokens(&self, reply: &Response<Bytes>) -> serde_json::Value {
        let to = location(reply);
        let code = parameter(&to, "code").unwrap_or_else(|| panic!("{to} {}", text(reply)));
        let form = code_form(&code, &[("client_id", "guest")]);
        json(&self.f.post("/oauth/token", &form).await)
    }

    async fn is_live(&self, access: &serde_json::Value) -> bool {
        let bearer = format!("Bearer {}", access.as_str().unwrap());
        let request = Request::get("/oauth/userinfo").header("authorization", bearer);
        self.f.send(request.body(Bytes::new()).unwrap()).await.status() == 200
    }
}

fn is_asked(reply: &Response<Bytes>) -> bool {
    reply.status() == 200 && text(reply).contains("value=\"allow\"")
}

fn error(reply: &Response<Bytes>) -> String {
    parameter(&location(reply), "error").unwrap_or_default()
}

#[tokio::test]
async fn the_person_is_asked_once_in_words_and_answers() {
    let guest = Guest::new().await;
    let asks = [("scope", "openid+offline_access+ledger")];
    assert_eq!(error(&guest.ask(&[("prompt", "none"), asks[0]]).await), "consent_required");
    let page = guest.ask(&asks).await;
    let shown = text(&page);
    assert!(is_asked(&page), "{shown}");
    for said in ["<b>guest</b>", "<b>ada</b>", "while you are away", "<li>ledger</li>"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let policy = page.headers().get("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let denied = guest.decide(&page, "deny").await;
    assert!(location(&denied).starts_with(CALLBACK) && error(&denied) == "access_denied");
    assert!(is_asked(&guest.ask(&asks).await), "a refusal is no consent");
    let tokens = guest.tokens(&guest.decide(&page, "allow").await).await;
    assert_eq!(
        payload(tokens["access_token"].as_str().unwrap())["scope"],
        "openid offline_access ledger"
    );
    // The same or less, in any order, and without a page too.
    for asks in ["ledger+offline_access+openid", "openid"] {
        let reply = guest.ask(&[("scope", asks), ("prompt", "none")]).await;
        assert!(parameter(&location(&reply), "code").is_some(), "{asks}: {}", location(&reply));
    }
    // More, or at another place, is another question.
    assert!(is_asked(&guest.ask(&[("scope", "openid+profile")]).await));
    let elsewhere = ("resource", "https%3A%2F%2Fshop.example%2Forders");
    assert!(is_asked(&guest.ask(&[asks[0], elsewhere]).await));
    // Who wants to be sure asks again.
    let page = guest.ask(&[asks[0], ("prompt", "consent")]).await;
    assert!(is_asked(&page));
    guest.tokens(&guest.decide(&page, "allow").await).await;
    guest.f.clock.advance(Duration::from_hours(24 * 183));
    guest.f.identity.sweep().unwrap();
    let guest = Guest { session: guest.f.sign_in().await, ..guest };
    assert!(is_asked(&guest.ask(&asks).await), "it has expired");
}

#[tokio::test]
async fn an_application_of_the_house_asks_only_when_it_wants_to() {
    let guest = Guest::new().await;
    guest.f.code(&guest.session).await;
    let page = guest.f.get(&authorize_path(&[("prompt", "consent")]), &guest.session).await;
    assert!(is_asked(&page) && text(&page).contains("<b>web</b>"));
    let german = Request::get(authorize_path(&[("prompt", "consent")]))
        .header("cookie", &guest.session)
        .header("accept-language", "de");
    let german = text(&guest.f.send(german.body(Bytes::new()).unwrap()).await);
    assert!(german.contains("wissen, wer Sie sind"), "{german}");
}

/// Attack A7: the answer is the person's own, and to what they saw.
#[tokio::test]
async fn nobody_else_answers_and_nothing_else_is_answered() {
    let guest = Guest::new().await;
    let page = guest.ask(&[]).await;
    let shown = hidden(&page, "request").unwrap().replace("&amp;", "&");
    let wider = shown.replace("scope=openid", "scope=openid+ledger");
    let elsewhere = shown.replace("web.example", "evil.example");
    let (other, late) = (shown.replace("guest", "web"), "1700000000");
    for change in [
        ("request", wider.as_str()),
        ("request", &elsewhere),
        ("request", &other),
        ("request", "https://evil.example/"),
        ("request", ""),
        ("at", late),
        ("seal", "AAAA"),
        ("seal", ""),
    ] {
        let reply = guest.send(&page, &Guest::answer(&page, "allow", &[change])).await;
        assert_eq!((reply.status().as_u16(), location(&reply)), (400, String::new()), "{change:?}");
    }
    let good = Guest::answer(&page, "allow", &[]);
    let cookies = Page::of(&page, &guest.session);
    let sent = |form: String, cookies: String, origin: &'static str| {
        let headers = [("cookie", cookies.as_str()), ("origin", origin)];
        guest.f.send(form_request("/oauth/consent", &form, &headers))
    };
    let with_token = format!("form_token={}&{good}", cookies.token);
    assert_eq!(sent(good.clone(), cookies.cookies.clone(), ISSUER).await.status(), 400);
    let evil = "https://evil.example";
    assert_eq!(sent(with_token.clone(), cookies.cookies.clone(), evil).await.status(), 403);
    // Another session of hers, and nobody's.
    let other = guest.f.sign_in().await;
    let form_cookie = cookies.cookies.split(';').next().unwrap();
    let elsewhere = format!("{form_cookie}; {other}");
    assert_eq!(sent(with_token.clone(), elsewhere, ISSUER).await.status(), 400);
    assert_eq!(sent(with_token.clone(), form_cookie.to_owned(), ISSUER).await.status(), 400);
    let reply = guest.f.get("/oauth/consent", &guest.session).await;
    assert_eq!(reply.status(), 405);
    assert_eq!(guest.send(&page, &Guest::answer(&page, "perhaps", &[])).await.status(), 400);
    guest.f.clock.advance(Duration::from_mins(15));
    assert_eq!(guest.decide(&page, "allow").await.status(), 400, "open for too long");
    assert!(is_asked(&guest.ask(&[]).await), "one of them was taken for a consent");
}

#[tokio::test]
async fn a_consent_is_listed_and_taken_back_with_all_that_came_of_it() {
    let guest = Guest::new().await;
    let reply = guest.decide(&guest.ask(&[]).await, "allow").await;
    let tokens = guest.tokens(&reply).await;
    let waiting = location(&guest.ask(&[]).await);
    let web = guest.f.redeem(&guest.f.code(&guest.session).await).await;
    let account = guest.f.get("/account", &guest.session).await;
    assert!(text(&account).contains("<b>guest</b>"), "{}", text(&account));
    assert!(guest.is_live(&tokens["access_token"]).await);
    let page = guest.f.page("/account", &guest.session).await;
    // What she was never asked about is not on the list.
    guest.f.submit(&page, "/account", "do=withdraw&client=web").await;
    let reply = guest.f.submit(&page, "/account", "do=withdraw&client=guest").await;
    assert!(!text(&reply).contains("<b>guest</b>"), "{}", text(&reply));
    assert!(!guest.is_live(&tokens["access_token"]).await, "the access token");
    assert!(guest.is_live(&json(&web)["access_token"]).await, "of another application");
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&client_id=guest&refresh_token={refresh}");
    assert_eq!(json(&guest.f.post("/oauth/token", &form).await)["error"], "invalid_grant");
    let code = parameter(&waiting, "code").unwrap();
    let form = code_form(&code, &[("client_id", "guest")]);
    assert_eq!(json(&guest.f.post("/oauth/token", &form).await)["error"], "invalid_grant");
    assert!(is_asked(&guest.ask(&[]).await), "asked again");
    let events = guest.f.sink.take();
    for action in ["consent-granted", "consent-withdrawn"] {
        let count = events.iter().filter(|event| event.action == action).count();
        assert_eq!(count, 1, "{action}");
    }
    let guest = Guest { f: guest.f.restart(), ..guest };
    assert!(!guest.is_live(&tokens["access_token"]).await, "after a restart");
}

/// Withdrawing again and again fills no list: what has ended is not ended again.
#[tokio::test]
async fn what_has_ended_is_not_ended_again_by_a_withdrawal() {
    let guest = Guest::new().await;
    let reader = NewClient {
        id: "reader".to_owned(),
        scopes: vec!["ringwall:revocations".to_owned()],
        ..NewClient::default()
    };
    let secret = guest.f.identity.clients().add(reader).unwrap().unwrap();
    let form = format!("client_id=reader&client_secret={}", secret.expose());
    let told = async || json(&guest.f.post("/oauth/revocations", &form).await)["revoked"].clone();
    let withdraw = async || {
        let page = guest.f.page("/account", &guest.session).await;
        guest.f.submit(&page, "/account", "do=withdraw&client=guest").await;
    };
    let begin = async || guest.tokens(&guest.decide(&guest.ask(&[]).await, "allow").await).await;
    let first = begin().await;
    withdraw().await;
    let once = told().await;
    assert_eq!(once["gid"].as_object().unwrap().len(), 1, "{once}");
    assert_eq!(once.get("jti"), None, "the grant's stands for its token");
    assert!(!guest.is_live(&first["access_token"]).await);
    guest.f.clock.advance(Duration::from_secs(1));
    // Without refresh tokens there is no grant.
    let clients = guest.f.identity.clients();
    let before = clients.find("guest").unwrap();
    let grants = vec![Grant::AuthorizationCode];
    clients.change(&before, NewClient { grants, ..before.settings.clone() }).unwrap();
    guest.f.clock.advance(Duration::from_secs(1));
    let (second, third) = (begin().await, begin_again(&guest).await);
    let token = second["access_token"].as_str().unwrap();
    guest.f.post("/oauth/revoke", &format!("client_id=guest&token={token}")).await;
    let known = told().await;
    guest.f.clock.advance(Duration::from_secs(1));
    withdraw().await;
    let after = told().await;
    assert!(!guest.is_live(&third["access_token"]).await);
    assert_eq!(after["gid"], once["gid"]);
    let (known, after) = (known["jti"].as_object().unwrap(), after["jti"].as_object().unwrap());
    assert_eq!((known.len(), after.len()), (1, 2));
    assert!(known.iter().all(|(jti, at)| after[jti] == *at), "{known:?} {after:?}");
    guest.f.clock.advance(Duration::from_secs(1));
    begin().await;
    withdraw().await;
    let last = told().await;
    assert_eq!(last["jti"].as_object().unwrap().len(), 3);
    assert!(after.iter().all(|(jti, at)| last["jti"][jti] == *at), "{after:?} {last}");
}

/// Another code, of the consent that is there.
async fn begin_again(guest: &Guest) -> serde_json::Value {
    guest.tokens(&guest.ask(&[]).await).await
}

/// Whoever reads slowly is not asked to sign in once more, and a pushed request serves too.
#[tokio::test]
async fn the_answer_may_take_longer_than_a_login_is_fresh() {
    let mut guest = Guest::new().await;
    let login = location(&guest.ask(&[("prompt", "login+consent")]).await);
    let back = decoded(&parameter(&login, "return_to").unwrap());
    guest.session = guest.f.sign_in_with(&guest.session, "ada").await;
    let page = guest.f.get(&back, &guest.session).await;
    guest.f.clock.advance(Duration::from_mins(5));
    guest.tokens(&guest.decide(&page, "allow").await).await;
    let pushed = authorize_path(&[("client_id", "guest"), ("prompt", "consent")]);
    let pushed = guest.f.post("/oauth/par", pushed.split_once('?').unwrap().1).await;
    let uri = encoded(json(&pushed)["request_uri"].as_str().unwrap());
    let path = format!("/oauth/authorize?client_id=guest&request_uri={uri}");
    let page = guest.f.get(&path, &guest.session).await;
    guest.tokens(&guest.decide(&page, "allow").await).await;
    let used = guest.decide(&page, "allow").await;
    assert_eq!((used.status().as_u16(), location(&used)), (400, String::new()), "once");
}
