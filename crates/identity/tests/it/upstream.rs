//! Sign-in at another issuer: attacks U3, U4, U9, A6, A10.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Algorithm, Person, Proof, Secret, Sessions as _};
use ringwall_identity::{Outgoing, OutgoingError, RoleClaim, UpstreamSettings};
use ringwall_jose::{PrivateKey, base64url_encode, mint};
use serde_json::{Value, json};

use crate::authenticator::Authenticator;
use crate::fixture::*;

pub(crate) const THERE: &str = "https://idp.example";

/// The other issuer. It says what the test wants.
#[derive(Debug)]
pub(crate) struct Idp {
    key: Mutex<PrivateKey>,
    /// What is wrong with its documents.
    spoilt: Mutex<Option<&'static str>>,
    pub(crate) claims: Mutex<Value>,
    metadata: Mutex<Value>,
    seen: Mutex<Vec<String>>,
}

impl Idp {
    pub(crate) fn merge(into: &Mutex<Value>, change: &Value) {
        let mut members = into.lock().unwrap();
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                members.as_object_mut().unwrap().remove(name);
            } else {
                members[name] = value.clone();
            }
        }
    }

    fn turn(&self, key: PrivateKey) {
        *self.key.lock().unwrap() = key;
    }

    fn spoil(&self, how: Option<&'static str>) {
        *self.spoilt.lock().unwrap() = how;
    }

    /// Its tokens are of this moment.
    fn now(&self, f: &Fixture) {
        let now = f.now().secs();
        Self::merge(&self.claims, &json!({"iat": now, "exp": now + 300}));
    }

    fn document(&self, body: &str) -> Response<Bytes> {
        let reply = Response::builder().header("content-type", "application/json");
        let (reply, body) = match *self.spoilt.lock().unwrap() {
            None => (reply, body.to_owned()),
            Some("404") => (reply.status(404), body.to_owned()),
            Some("redirect") => (reply.status(302).header("location", THERE), body.to_owned()),
            Some("html") => {
                (Response::builder().header("content-type", "text/html"), body.to_owned())
            }
            Some("long") => (reply, format!("{body}{}", " ".repeat(64 * 1_024))),
            Some(_) => (
                reply,
                format!("{{\"issuer\":\"https://evil.example\",{}", body.trim_start_matches('{')),
            ),
        };
        reply.body(Bytes::from(body)).unwrap()
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|seen| seen.contains(what)).count()
    }
}

impl Outgoing for Idp {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, OutgoingError> {
        let (uri, body) = (request.uri().to_string(), request.body().to_vec());
        self.seen.lock().unwrap().push(format!("{uri} {}", String::from_utf8(body).unwrap()));
        let answer = match uri.strip_prefix(THERE).unwrap() {
            "/.well-known/openid-configuration" => self.metadata.lock().unwrap().clone(),
            "/jwks" => {
                let secret = json!({"kty": "oct", "alg": "HS256", "k": base64url_encode([7; 32])});
                let sealing = json!({"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"});
                json!({"keys": [sealing, self.key.lock().unwrap().public().to_json().unwrap(), secret]})
            }
            "/token" => {
                let claims = self.claims.lock().unwrap().clone();
                let token = match claims.get("raw") {
                    Some(raw) => raw.as_str().unwrap().to_owned(),
                    None => mint(&*self.key.lock().unwrap(), "JWT", &claims).unwrap(),
                };
                json!({"id_token": token, "access_token": "a", "token_type": "Bearer"})
            }
            other => panic!("{other}"),
        };
        Ok(self.document(&answer.to_string()))
    }
}

/// A house whose people may sign in there.
pub(crate) struct World {
    pub(crate) f: Fixture,
    pub(crate) idp: Arc<Idp>,
}

/// A browser on its way.
pub(crate) struct Way {
    pub(crate) address: String,
    pub(crate) cookie: String,
}

impl Way {
    pub(crate) fn nonce(&self) -> String {
        decoded(&self.part("nonce"))
    }

    pub(crate) fn part(&self, name: &str) -> String {
        parameter(&self.address, name).unwrap_or_else(|| panic!("{name}: {}", self.address))
    }
}

pub(crate) fn settings() -> UpstreamSettings {
    UpstreamSettings {
        issuer: THERE.to_owned(),
        client_id: "shop".to_owned(),
        client_secret: Some(Secret::new("a secret/+".to_owned())),
        scopes: vec!["email".to_owned()],
        domains: vec!["example.org".to_owned()],
        signs_up: true,
        roles: vec!["customer".to_owned()],
        ..UpstreamSettings::default()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: UpstreamSettings) -> Self {
        let f = Fixture::new();
        let now = f.now().secs();
        let idp = Arc::new(Idp {
            key: Mutex::new(PrivateKey::generate(Algorithm::Es256).unwrap()),
            spoilt: Mutex::default(),
            claims: Mutex::new(json!({"iss": THERE, "aud": "shop", "sub": "248289761001",
                "iat": now, "exp": now + 300, "email": "Grace@example.org", "email_verified": true})),
            metadata: Mutex::new(json!({"issuer": THERE,
                "authorization_endpoint": format!("{THERE}/authorize?x=y"),
                "token_endpoint": format!("{THERE}/token"), "jwks_uri": format!("{THERE}/jwks"),
                "authorization_response_iss_parameter_supported": true})),
            seen: Mutex::default(),
        });
        f.identity.sign_in_at(Some((settings, Arc::clone(&idp) as _)));
        Self { f, idp }
    }

    pub(crate) async fn leave(&self, cookies: &str) -> Way {
        let reply = self.f.get("/oauth/upstream?return_to=%2Forders", cookies).await;
        assert_eq!(reply.status(), 303, "{}", text(&reply));
        let cookie = set_cookie(&reply, "__Host-ringwall-upstream").unwrap();
        let way = Way { address: location(&reply), cookie };
        Idp::merge(&self.idp.claims, &json!({"nonce": way.nonce()}));
        way
    }

    pub(crate) async fn back(&self, way: &Way, query: &str, cookies: &str) -> Response<Bytes> {
        self.f.get(&format!("/oauth/callback?{query}"), &format!("{}; {cookies}", way.cookie)).await
    }

    /// There and back, with the session that the browser had.
    pub(crate) async fn travel(&self, cookies: &str) -> Response<Bytes> {
        let way = self.leave(cookies).await;
        self.back(&way, &good(&way), cookies).await
    }

    pub(crate) fn person(&self, reply: &Response<Bytes>) -> Option<Person> {
        let cookie = set_cookie(reply, "__Host-ringwall")?;
        self.f.identity.person(cookie.split_once('=').unwrap().1, self.f.now())
    }

    /// From the account page of a session to the other issuer.
    pub(crate) async fn connect(&self, session: &str) -> Response<Bytes> {
        let page = self.f.page("/account", session).await;
        let reply = self.f.submit(&page, "/oauth/upstream", "").await;
        if reply.status() != 200 {
            return reply;
        }
        let html = text(&reply).replace("&amp;", "&");
        let address = html.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let cookie = set_cookie(&reply, "__Host-ringwall-upstream").unwrap();
        let way = Way { address, cookie };
        let now = self.f.now().secs();
        let change = json!({"nonce": way.nonce(), "auth_time": now, "iat": now, "exp": now + 300});
        Idp::merge(&self.idp.claims, &change);
        self.back(&way, &good(&way), session).await
    }
}

pub(crate) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(crate) fn good(way: &Way) -> String {
    format!("code=c1&state={}&iss=https%3A%2F%2Fidp.example", way.part("state"))
}

#[tokio::test]
async fn somebody_new_gets_an_account_and_finds_it_again() {
    let w = World::new();
    let way = w.leave("").await;
    assert!(way.address.starts_with("https://idp.example/authorize?x=y&response_type=code&"));
    assert_eq!(way.part("redirect_uri"), "https%3A%2F%2Fshop%2Eexample%2Foauth%2Fcallback");
    assert_eq!(
        (way.part("scope"), way.part("code_challenge_method")),
        ("openid%20email".into(), "S256".into())
    );
    assert!(parameter(&way.address, "prompt").is_none());
    let reply = w.back(&way, &good(&way), "").await;
    assert_eq!(
        (reply.status().as_u16(), location(&reply).as_str()),
        (303, "/orders"),
        "{}",
        text(&reply)
    );
    let person = w.person(&reply).unwrap();
    assert_eq!(
        (person.name.as_str(), &person.roles),
        ("grace@example.org", &vec!["customer".to_owned()])
    );
    assert_eq!((person.proofs.names(), person.proofs.level()), (vec!["fed"], "aal1"));
    let token =
        w.idp.seen.lock().unwrap().iter().find(|seen| seen.contains("/token")).unwrap().clone();
    assert!(
        token.contains("grant_type=authorization%5Fcode") && token.contains("code_verifier="),
        "{token}"
    );
    assert!(!token.contains("client_secret"), "it is in a header: {token}");
    let again = w.travel("").await;
    assert_eq!(w.person(&again).unwrap().subject, person.subject);
    assert_eq!((w.idp.count("well-known"), w.idp.count("/jwks")), (1, 1), "read once");
    let password = Secret::new(PASSWORD.to_owned());
    assert!(w.f.identity.users().add("grace@example.org", &[], &password).is_err());
}

/// CVE-2026-15571; the address or the name of an account is no proof of being its person.
#[tokio::test]
async fn u3_an_account_is_never_taken_by_an_equal_address_or_name() {
    let w = World::new();
    let users = w.f.identity.users();
    let victim = users.add("grace@example.org", &[], &Secret::new(PASSWORD.to_owned())).unwrap();
    let person = w.person(&w.travel("").await).unwrap();
    assert_ne!(person.subject, victim.subject);
    assert!(person.name.starts_with("u-"), "{}", person.name);
    // An address that is not confirmed names nobody, nor does one of a domain that the issuer is not
    // trusted with.
    for change in [
        json!({"email_verified": false}),
        json!({"email_verified": "true"}),
        json!({"email_verified": 1}),
        json!({"email": 7}),
        json!({}),
    ] {
        let w = World::with(UpstreamSettings { domains: Vec::new(), ..settings() });
        Idp::merge(&w.idp.claims, &change);
        assert!(w.person(&w.travel("").await).unwrap().name.starts_with("u-"), "{change}");
    }
}

#[tokio::test]
async fn u3_an_account_is_linked_from_its_own_session_that_was_opened_just_now() {
    let w = World::with(UpstreamSettings { signs_up: false, ..settings() });
    assert_eq!(w.travel("").await.status(), 403, "nobody new comes in");
    let session = w.f.sign_in().await;
    w.f.clock.advance(Duration::from_mins(6));
    let reply = w.connect(&session).await;
    assert_eq!(location(&reply), "/login?return_to=%2Faccount", "not recent");
    let session = w.f.sign_in().await;
    let forged = form_request("/oauth/upstream", "", &[("cookie", &session), ("origin", ISSUER)]);
    assert_eq!(location(&w.f.send(forged).await), "/account", "no form of ours");
    // Another session than the one that asked.
    let other = w.f.sign_in().await;
    let page = w.f.page("/account", &session).await;
    let reply = w.f.submit(&page, "/oauth/upstream", "").await;
    let html = text(&reply).replace("&amp;", "&");
    let address = html.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let way = Way { address, cookie: set_cookie(&reply, "__Host-ringwall-upstream").unwrap() };
    let now = w.f.now().secs();
    let change = json!({"nonce": way.nonce(), "auth_time": now, "iat": now, "exp": now + 300});
    Idp::merge(&w.idp.claims, &change);
    assert_eq!(way.part("prompt"), "login");
    assert_eq!(w.back(&way, &good(&way), &other).await.status(), 401);
    let reply = w.connect(&session).await;
    assert_eq!(
        (reply.status().as_u16(), location(&reply).as_str()),
        (303, "/account"),
        "{}",
        text(&reply)
    );
    let person = w.person(&w.travel("").await).unwrap();
    assert_eq!(person.name, "ada");
    // One person there is one account here.
    w.f.identity.users().add("eve", &[], &Secret::new(PASSWORD.to_owned())).unwrap();
    let eve = w.f.sign_in_with("", "eve").await;
    assert_eq!(w.connect(&eve).await.status(), 409);
    w.f.identity.users().disable("ada", true).unwrap();
    assert_eq!(w.travel("").await.status(), 403, "disabled");
    let linked: Vec<_> =
        w.f.sink.take().into_iter().filter(|e| e.action == "identity-linked").collect();
    assert_eq!(linked.len(), 1);
}

/// CVE-2025-46815, RFC 9700 section 4.5, OpenID Connect Core section 3.1.3.7.
#[tokio::test]
async fn u4_an_id_token_is_for_us_for_this_journey_from_this_issuer_and_new() {
    let now = Fixture::new().now().secs();
    let none = format!("{}.{}.", base64url_encode(r#"{"alg":"none"}"#), base64url_encode("{}"));
    let cases = [
        ("iss", json!({"iss": "https://evil.example"})),
        ("iss with a slash", json!({"iss": "https://idp.example/"})),
        ("aud", json!({"aud": "other"})),
        ("aud of two", json!({"aud": ["shop", "other"]})),
        ("aud of two with us as azp", json!({"aud": ["shop", "other"], "azp": "shop"})),
        ("no aud", json!({"aud": null})),
        ("azp", json!({"azp": "other"})),
        ("nonce", json!({"nonce": "other"})),
        ("no nonce", json!({"nonce": null})),
        ("expired", json!({"iat": now - 600, "exp": now - 60})),
        ("not yet", json!({"iat": now + 120, "exp": now + 300})),
        ("too long", json!({"exp": now + 90_000})),
        ("no exp", json!({"exp": null})),
        ("no sub", json!({"sub": null})),
        ("sub of 256", json!({"sub": "s".repeat(256)})),
        ("empty sub", json!({"sub": ""})),
        ("at_hash", json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"})),
        ("at_hash no text", json!({"at_hash": 7})),
        ("none", json!({"raw": none})),
    ];
    for (what, change) in cases {
        let w = World::new();
        let way = w.leave("").await;
        Idp::merge(&w.idp.claims, &change);
        let reply = w.back(&way, &good(&way), "").await;
        assert_eq!(reply.status(), 401, "{what}");
        assert!(w.person(&reply).is_none(), "{what}");
        assert!(
            w.f.identity.users().list(None, 9).unwrap().len() == 1,
            "{what}: no account was made"
        );
    }
    let w = World::new();
    let way = w.leave("").await;
    let other = PrivateKey::generate(Algorithm::Es256).unwrap();
    let claims = w.idp.claims.lock().unwrap().clone();
    Idp::merge(&w.idp.claims, &json!({"raw": mint(&other, "JWT", &claims).unwrap()}));
    assert_eq!(w.back(&way, &good(&way), "").await.status(), 401, "another key");
}

#[tokio::test]
async fn u4_an_answer_counts_once_in_its_own_browser_and_for_ten_minutes() {
    let w = World::new();
    let (way, other) = (w.leave("").await, w.leave("").await);
    let foreign = Way { address: way.address.clone(), cookie: other.cookie.clone() };
    assert_eq!(w.back(&foreign, &good(&way), "").await.status(), 401, "another browser");
    let no_cookie = w.f.get(&format!("/oauth/callback?{}", good(&way)), "").await;
    assert_eq!(no_cookie.status(), 401);
    let changed =
        Way { address: way.address.clone(), cookie: way.cookie.replacen("eyJ", "eyK", 1) };
    assert_eq!(w.back(&changed, &good(&way), "").await.status(), 401, "a cookie that was changed");
    assert_eq!(w.idp.count("/token"), 0, "no code went anywhere");
    let way = w.leave("").await;
    assert_eq!(w.back(&way, &good(&way), "").await.status(), 303);
    assert_eq!(w.back(&way, &good(&way), "").await.status(), 401, "replayed");
    let way = w.leave("").await;
    w.f.clock.advance(Duration::from_mins(10));
    assert_eq!(w.back(&way, &good(&way), "").await.status(), 401, "late");
    let way = w.leave("").await;
    let all = (0..32).map(|n| {
        let (identity, cookie) = (w.f.identity.clone(), way.cookie.clone());
        let request =
            Request::get(format!("/oauth/callback?{}", good(&way))).header("cookie", cookie);
        let (request, peer) = (request.body(Bytes::new()).unwrap(), format!("198.51.{n}.1"));
        let now = w.f.now().secs();
        Idp::merge(&w.idp.claims, &json!({"iat": now, "exp": now + 300}));
        tokio::spawn(async move {
            identity.answer(peer.parse().unwrap(), request).await.status().as_u16()
        })
    });
    let mut statuses = Vec::new();
    for one in all.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1]), (303, 401), "{statuses:?}");
}

/// RFC 9207, RFC 9700 section 4.4.
#[tokio::test]
async fn a6_an_answer_of_another_issuer_ends_before_its_code_goes_anywhere() {
    for query in ["&iss=https%3A%2F%2Fevil.example", "&iss=https%3A%2F%2Fidp.example%2F", ""] {
        let w = World::new();
        let way = w.leave("").await;
        let query = format!("code=c1&state={}{query}", way.part("state"));
        assert_eq!(w.back(&way, &query, "").await.status(), 401, "{query}");
        assert_eq!(w.idp.count("/token"), 0, "{query}");
    }
    // Where the issuer does not promise it, an answer may leave it out.
    let w = World::new();
    Idp::merge(&w.idp.metadata, &json!({"authorization_response_iss_parameter_supported": null}));
    let way = w.leave("").await;
    let query = format!("code=c1&state={}", way.part("state"));
    assert_eq!(w.back(&way, &query, "").await.status(), 303);
    for change in [
        json!({"issuer": "https://evil.example"}),
        json!({"issuer": null}),
        json!({"token_endpoint": "http://idp.example/token"}),
        json!({"jwks_uri": "file:///etc/passwd"}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"authorization_endpoint": "https://idp.example@evil.example/"}),
    ] {
        let w = World::new();
        Idp::merge(&w.idp.metadata, &change);
        assert_eq!(w.f.get("/oauth/upstream", "").await.status(), 502, "{change}");
        w.f.get("/oauth/upstream", "").await;
        assert_eq!(w.idp.count("well-known"), 1, "nobody waits for it again at once");
    }
}

#[tokio::test]
async fn only_people_of_the_domain_and_with_the_claims_come_in() {
    let limited = || UpstreamSettings {
        claims: BTreeMap::from([("hd".to_owned(), "example.org".to_owned())]),
        ..settings()
    };
    for (change, status) in [
        (json!({"hd": "example.org"}), 303),
        (json!({}), 401),
        (json!({"hd": ["example.org"]}), 401),
        (json!({"hd": "example.org", "email": "grace@example.org.evil.example"}), 401),
        (json!({"hd": "example.org", "email": "grace@sub.example.org"}), 401),
        (json!({"hd": "example.org", "email_verified": false}), 401),
        (json!({"hd": "example.org", "email": null}), 401),
    ] {
        let w = World::with(limited());
        Idp::merge(&w.idp.claims, &change);
        assert_eq!(w.travel("").await.status(), status, "{change}");
    }
}

#[tokio::test]
async fn u9_two_factors_there_count_only_where_the_operator_says_so() {
    let w = World::new();
    Idp::merge(&w.idp.claims, &json!({"amr": ["pwd", "mfa"], "acr": "aal3"}));
    assert_eq!(w.person(&w.travel("").await).unwrap().proofs.level(), "aal1");
    let w = World::with(UpstreamSettings { two_factors: vec!["mfa".to_owned()], ..settings() });
    Idp::merge(&w.idp.claims, &json!({"amr": ["mfa"]}));
    let person = w.person(&w.travel("").await).unwrap();
    assert!(person.proofs.has(Proof::ElsewhereTwice) && person.proofs.level() == "aal2");
    Idp::merge(&w.idp.claims, &json!({"amr": "mfa"}));
    assert_eq!(w.person(&w.travel("").await).unwrap().proofs.level(), "aal1", "no list");
    // A second factor here is asked for, whatever was proved there.
    Idp::merge(&w.idp.claims, &json!({"amr": ["mfa"]}));
    let handout = w.f.identity.users().enrol(&person.name).unwrap();
    let reply = w.travel("").await;
    assert!(w.person(&reply).is_none());
    let (page, step) = (Page::of(&reply, ""), hidden(&reply, "step").unwrap());
    let code = Authenticator::of(handout.uri.expose()).code(w.f.now());
    let reply = w.f.submit(&page, "/login", &format!("step={step}&code={code}")).await;
    assert_eq!(w.person(&reply).unwrap().proofs.names(), ["otp", "fed", "fed-mfa", "mfa"]);
}

#[tokio::test]
async fn u9_a_login_there_that_is_old_changes_nothing_here() {
    let w = World::new();
    let reply = w.travel("").await;
    let session = set_cookie(&reply, "__Host-ringwall").unwrap();
    let page = w.f.page("/account", &session).await;
    let asked = w.f.submit(&page, "/account", "do=app").await;
    assert!(
        location(&asked).starts_with("/login?"),
        "the issuer did not say when: {}",
        text(&asked)
    );
    // Nor is it young enough for any client that says how old it may be.
    let life = Duration::from_hours(24 * 365).as_secs().to_string();
    let path = authorize_path(&[("max_age", life.as_str()), ("prompt", "none")]);
    let reply = w.f.get(&path, &session).await;
    assert_eq!(parameter(&location(&reply), "error").as_deref(), Some("login_required"));
    // Who is signed in already is asked to sign in there anew, and that has to be said.
    let way = w.leave(&session).await;
    assert_eq!((way.part("prompt"), way.part("max_age")), ("login".into(), "0".into()));
    assert_eq!(w.back(&way, &good(&way), &session).await.status(), 401, "not said");
    let way = w.leave(&session).await;
    Idp::merge(&w.idp.claims, &json!({"auth_time": w.f.now().secs() - 90}));
    assert_eq!(w.back(&way, &good(&way), &session).await.status(), 401, "an old one");
    let way = w.leave(&session).await;
    Idp::merge(&w.idp.claims, &json!({"auth_time": w.f.now().secs()}));
    let reply = w.back(&way, &good(&way), &session).await;
    let session = set_cookie(&reply, "__Host-ringwall").unwrap();
    let page = w.f.page("/account", &session).await;
    assert_eq!(w.f.submit(&page, "/account", "do=app").await.status(), 200);
}

#[tokio::test]
async fn what_the_issuer_refuses_and_what_is_malformed_is_told_in_our_own_words() {
    let w = World::new();
    let way = w.leave("").await;
    let query = format!(
        "error=access_denied&error_description=%3Cb%3Ehello&state={}&iss=https%3A%2F%2Fidp.example",
        way.part("state")
    );
    let reply = w.back(&way, &query, "").await;
    assert_eq!(reply.status(), 200);
    assert!(text(&reply).contains("You did not sign in at the other service."));
    assert!(
        text(&reply).contains("name=\"username\"") && text(&reply).contains("value=\"/orders\"")
    );
    assert!(!text(&reply).contains("hello"), "{}", text(&reply));
    let gone = reply
        .headers()
        .get_all("set-cookie")
        .iter()
        .any(|one| one.to_str().unwrap().starts_with("__Host-ringwall-upstream=; Max-Age=0"));
    assert!(gone, "the journey is over");
    let way = w.leave("").await;
    let query = format!("error=server_error&error_description=hello&{}", good(&way));
    let reply = w.back(&way, &query, "").await;
    assert_eq!(reply.status(), 401);
    assert!(!text(&reply).contains("hello") && !text(&reply).contains("server_error"));
    assert_eq!(w.idp.count("/token"), 0);
    let way = w.leave("").await;
    let twice = format!("{}&state=other", good(&way));
    assert_eq!(w.back(&way, &twice, "").await.status(), 400);
    w.f.identity.sign_in_at(None);
    assert_eq!(w.f.get("/oauth/upstream", "").await.status(), 404);
    assert!(!text(&w.f.get("/login", "").await).contains("/oauth/upstream"));
}

/// A neighbour, or an issuer that is ill, shuts nobody out, and who waits keeps the journey.
#[tokio::test]
async fn u7_an_issuer_that_is_ill_counts_for_nobody_and_who_waits_goes_on() {
    let w = World::new();
    assert_eq!(w.travel("").await.status(), 303);
    w.idp.spoil(Some("html"));
    for _ in 0..62 {
        assert_eq!(w.travel("").await.status(), 502);
    }
    w.idp.spoil(None);
    assert_eq!(w.travel("").await.status(), 303, "none of them counts");
    w.idp.spoil(Some("404"));
    for _ in 0..61 {
        assert_eq!(w.travel("").await.status(), 401, "no such code");
    }
    w.idp.spoil(None);
    let way = w.leave("").await;
    let reply = w.back(&way, &good(&way), "").await;
    assert_eq!(reply.status(), 429);
    assert_eq!(set_cookie(&reply, "__Host-ringwall-upstream"), None);
    let reasons = w.f.sink.take().into_iter().filter_map(|event| event.reason);
    assert!(reasons.into_iter().any(|reason| reason == "too many answers"));
    w.f.clock.advance(Duration::from_secs(2));
    w.idp.now(&w.f);
    assert_eq!(w.back(&way, &good(&way), "").await.status(), 303, "the same journey");
}

/// A signature key of before, and one that nobody knows yet: the set is read again, but not for each.
#[tokio::test]
async fn k3_keys_that_turn_are_read_again_once_in_thirty_seconds() {
    let w = World::new();
    assert_eq!(w.travel("").await.status(), 303);
    let turned = PrivateKey::generate(Algorithm::Es256).unwrap();
    w.idp.turn(turned);
    assert_eq!(w.travel("").await.status(), 401, "it was read just now");
    assert_eq!(w.idp.count("/jwks"), 1);
    w.f.clock.advance(Duration::from_secs(30));
    w.idp.now(&w.f);
    assert_eq!(w.travel("").await.status(), 303);
    assert_eq!(w.idp.count("/jwks"), 2);
    w.idp.turn(PrivateKey::generate(Algorithm::Es256).unwrap());
    for _ in 0..3 {
        assert_eq!(w.travel("").await.status(), 401);
    }
    assert_eq!(w.idp.count("/jwks"), 2, "nobody makes us ask for ever");
}

/// K2: what it said last holds for a day, and is refreshed beside the requests.
#[tokio::test]
async fn k2_of_an_issuer_that_is_away_what_it_said_holds_for_a_day() {
    let w = World::new();
    assert_eq!(w.travel("").await.status(), 303);
    w.f.identity.refresh_upstream();
    assert_eq!(w.idp.count("well-known"), 1, "it is young");
    w.f.clock.advance(Duration::from_hours(1));
    w.f.identity.refresh_upstream();
    assert_eq!((w.idp.count("well-known"), w.idp.count("/jwks")), (2, 2));
    for bad in ["404", "html", "long", "redirect", "twice"] {
        w.idp.spoil(Some(bad));
        w.f.clock.advance(Duration::from_hours(1));
        w.f.identity.refresh_upstream();
    }
    w.f.clock.advance(Duration::from_hours(18));
    assert_eq!(w.f.get("/oauth/upstream", "").await.status(), 303, "23 hours");
    w.f.clock.advance(Duration::from_hours(1));
    let reply = w.f.get("/oauth/upstream", "").await;
    assert_eq!(reply.status(), 502);
    assert!(text(&reply).contains("sign in with your password"), "{}", text(&reply));
    assert!(w.f.sign_in().await.starts_with("__Host-ringwall="), "passwords work");
    w.idp.spoil(None);
    w.f.clock.advance(Duration::from_secs(5));
    w.idp.now(&w.f);
    assert_eq!(w.travel("").await.status(), 303);
}

#[tokio::test]
async fn a10_a_page_of_another_site_sends_nobody_on_a_journey() {
    let w = World::new();
    let request = Request::get("/oauth/upstream?return_to=%2Forders");
    let request = request.header("sec-fetch-site", "cross-site").body(Bytes::new()).unwrap();
    let reply = w.f.send(request).await;
    assert_eq!(
        (reply.status().as_u16(), location(&reply).as_str()),
        (303, "/login?return_to=%2Forders")
    );
    assert!(set_cookie(&reply, "__Host-ringwall-upstream").is_none());
    // Nor does it end the one that the browser is on.
    let way = w.leave("").await;
    let reply = w.back(&way, "code=c1&state=forged", "").await;
    assert_eq!(
        (reply.status().as_u16(), set_cookie(&reply, "__Host-ringwall-upstream")),
        (401, None)
    );
    assert_eq!(w.back(&way, &good(&way), "").await.status(), 303);
}

#[tokio::test]
async fn names_and_roles_come_from_the_claims_that_the_operator_names() {
    let roles = [("staff", "editor"), ("chiefs", "admin")];
    let roles = roles.map(|(value, role)| (value.to_owned(), role.to_owned())).into();
    let w = World::with(UpstreamSettings {
        name_claim: Some("preferred_username".to_owned()),
        role_claim: Some(RoleClaim { claim: "groups".to_owned(), roles }),
        ..settings()
    });
    let say = |change: Value| Idp::merge(&w.idp.claims, &change);
    say(json!({"preferred_username": "Grace", "groups": ["staff", "root", 7]}));
    let person = w.person(&w.travel("").await).unwrap();
    assert_eq!((person.name.as_str(), person.roles), ("grace", strings(&["customer", "editor"])));
    // What it says later counts from then on; a name stays.
    say(json!({"preferred_username": "ada", "groups": "chiefs"}));
    let person = w.person(&w.travel("").await).unwrap();
    assert_eq!((person.name.as_str(), person.roles), ("grace", strings(&["admin", "customer"])));
    say(json!({"groups": null}));
    assert_eq!(w.person(&w.travel("").await).unwrap().roles, strings(&["customer"]));
    // An account that was linked keeps what it has, whatever the issuer says.
    let session = w.f.sign_in().await;
    say(json!({"sub": "ada-there", "groups": ["chiefs"]}));
    assert_eq!(location(&w.connect(&session).await), "/account");
    let person = w.person(&w.travel("").await).unwrap();
    assert!(person.name == "ada" && !person.roles.contains(&"admin".to_owned()), "{person:?}");
    // Names that are none, or somebody's.
    for (sub, name) in [
        ("s1", json!("../../x")),
        ("s2", json!("ADA")),
        ("s3", json!(["x"])),
        ("s4", json!("acme/x")),
        // Somebody's address, which it does not confirm.
        ("s5", json!("eve@example.org")),
        ("s6", json!("eve@elsewhere.example")),
    ] {
        say(json!({"sub": sub, "preferred_username": name}));
        assert!(w.person(&w.travel("").await).unwrap().name.starts_with("u-"), "{sub}");
    }
    say(json!({"sub": "s7", "preferred_username": "GRACE@example.org"}));
    assert_eq!(w.person(&w.travel("").await).unwrap().name, "grace@example.org", "her own");
}

#[tokio::test]
async fn a_link_is_taken_away_from_a_fresh_session_that_keeps_another_way_in() {
    let w = World::new();
    let session = w.f.sign_in().await;
    Idp::merge(&w.idp.claims, &json!({"sub": "ada-there"}));
    let linked = w.connect(&session).await;
    assert_eq!(location(&linked), "/account", "{}", text(&linked));
    let there = set_cookie(&w.travel("").await, "__Host-ringwall").unwrap();
    let page = w.f.page("/account", &session).await;
    assert_eq!(w.f.submit(&page, "/account", "do=unlink").await.status(), 200);
    assert_eq!(w.f.get("/account", &there).await.status(), 303, "what came by it has ended");
    let page = w.f.page("/account", &session).await;
    assert_eq!(w.f.submit(&page, "/account", "do=unlink").await.status(), 200, "nothing to take");
    let gone = w.f.sink.take().into_iter().filter(|e| e.action == "identity-unlinked").count();
    assert_eq!(gone, 1);
    // That person is a stranger now, and gets an account of their own.
    Idp::merge(&w.idp.claims, &json!({"auth_time": null}));
    let person = w.person(&w.travel("").await).unwrap();
    assert_ne!(person.name, "ada");
    // Which has no other way in.
    let old = set_cookie(&w.travel("").await, "__Host-ringwall").unwrap();
    let page = w.f.page("/account", &old).await;
    assert_eq!(
        location(&w.f.submit(&page, "/account", "do=unlink").await),
        "/login?return_to=%2Faccount"
    );
    let way = w.leave(&old).await;
    Idp::merge(&w.idp.claims, &json!({"auth_time": w.f.now().secs()}));
    let fresh = set_cookie(&w.back(&way, &good(&way), &old).await, "__Host-ringwall").unwrap();
    let page = w.f.page("/account", &fresh).await;
    let reply = w.f.submit(&page, "/account", "do=unlink").await;
    assert_eq!(reply.status(), 409, "{}", text(&reply));
    assert_eq!(w.person(&w.travel("").await).unwrap().subject, person.subject);
}

/// Whoever was in an account may have linked it to somebody else.
#[tokio::test]
async fn u3_a_link_that_a_session_made_ends_with_the_second_factors() {
    let w = World::new();
    let session = w.f.sign_in().await;
    Idp::merge(&w.idp.claims, &json!({"sub": "mallory-there"}));
    assert_eq!(location(&w.connect(&session).await), "/account");
    assert_eq!(w.person(&w.travel("").await).unwrap().name, "ada");
    w.f.identity.users().remove_factors("ada").unwrap();
    let gone = w.f.sink.take().into_iter().filter(|e| e.action == "identity-unlinked").count();
    assert_eq!(gone, 1);
    let other = w.person(&w.travel("").await).unwrap();
    assert_ne!(other.name, "ada");
    // An account that was made for its person there keeps them.
    w.f.identity.users().remove_factors(&other.name).unwrap();
    assert_eq!(w.person(&w.travel("").await).unwrap().subject, other.subject);
}

/// A request for a new sign-in (`prompt`) is one there, too.
#[tokio::test]
async fn u9_a_client_that_wants_a_new_sign_in_gets_one_of_the_issuer() {
    let w = World::new();
    let question = w.f.get(&authorize_path(&[("prompt", "login")]), "").await;
    let login = location(&question);
    let back = login.split_once("return_to=").unwrap().1;
    let reply = w.f.get(&format!("/oauth/upstream?return_to={back}"), "").await;
    let cookie = set_cookie(&reply, "__Host-ringwall-upstream").unwrap();
    let way = Way { address: location(&reply), cookie };
    assert_eq!(way.part("prompt"), "login");
    let now = w.f.now().secs();
    // Their clock is a little behind.
    Idp::merge(&w.idp.claims, &json!({"nonce": way.nonce(), "auth_time": now - 20}));
    let reply = w.back(&way, &good(&way), "").await;
    let session = set_cookie(&reply, "__Host-ringwall").unwrap();
    let reply = w.f.get(&location(&reply), &session).await;
    assert!(location(&reply).contains("code="), "{} {}", location(&reply), text(&reply));
}
