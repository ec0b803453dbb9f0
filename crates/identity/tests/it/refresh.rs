//! Refresh tokens: attacks T1, T5, T6, T8, L4.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Algorithm, Event, Secret, Sink, SinkError};
use ringwall_identity::{Access, Grant, NewClient};
use ringwall_jose::{AccessClaims, Expected, JwkSet, PrivateKey, mint};
use serde_json::{Value, json as value};

use crate::fixture::*;

/// `web` may refresh; so may `keyed`, which signs assertions.
struct Refreshing {
    f: Fixture,
    key: PrivateKey,
    session: String,
    assertions: AtomicU64,
}

impl Refreshing {
    async fn new() -> Self {
        let f = Fixture::new();
        let key = PrivateKey::generate(Algorithm::Es256).unwrap();
        let jwks = JwkSet::new(vec![key.public().clone()]).unwrap().to_json().to_string();
        for (id, access) in [("app", Access::Public), ("keyed", Access::Key(jwks))] {
            let client = NewClient {
                id: id.to_owned(),
                access,
                grants: vec![Grant::AuthorizationCode, Grant::RefreshToken],
                redirect_uris: vec![CALLBACK.to_owned()],
                scopes: ["openid", "profile", "read"].map(str::to_owned).to_vec(),
                ..NewClient::default()
            };
            f.identity.clients().add(client).unwrap();
        }
        let session = f.sign_in().await;
        f.sink.take();
        Self { f, key, session, assertions: AtomicU64::new(0) }
    }

    /// What a code gives `app`.
    async fn begin(&self) -> Value {
        let path = authorize_path(&[("client_id", "app"), ("scope", "openid+read+offline_access")]);
        let code = parameter(&location(&self.f.get(&path, &self.session).await), "code").unwrap();
        let form = code_form(&code, &[("client_id", "app")]);
        json(&self.f.post("/oauth/token", &form).await)
    }

    /// What a code gives `keyed`.
    async fn begin_keyed(&self) -> Value {
        let path = authorize_path(&[("client_id", "keyed")]);
        let code = parameter(&location(&self.f.get(&path, &self.session).await), "code").unwrap();
        let form = code_form(&code, &[("client_id", "keyed")]);
        json(&self.f.post("/oauth/token", &format!("{form}&{}", self.assertion())).await)
    }

    /// A new one of `keyed`.
    fn assertion(&self) -> String {
        let (serial, now) = (self.assertions.fetch_add(1, Ordering::Relaxed), self.f.now().secs());
        let claims = value!({"iss": "keyed", "sub": "keyed", "aud": ISSUER, "iat": now,
            "exp": now + 60, "jti": format!("j-{serial}")});
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        let signed = mint(&self.key, "JWT", &claims).unwrap();
        format!("client_assertion_type={kind}&client_assertion={signed}")
    }

    /// What `keyed` hears of a token.
    async fn introspect(&self, token: &str) -> Value {
        let form = format!("token={token}&{}", self.assertion());
        json(&self.f.post("/oauth/introspect", &form).await)
    }

    async fn refresh(&self, token: &str, extra: &str) -> Response<Bytes> {
        let form = format!("grant_type=refresh_token&client_id=app&refresh_token={token}{extra}");
        self.f.post("/oauth/token", &form).await
    }

    fn claims(&self, body: &Value) -> AccessClaims {
        let expected = Expected { issuer: ISSUER.to_owned(), audience: ISSUER.to_owned() };
        let token = body["access_token"].as_str().unwrap();
        self.f.identity.keys().verify_access(token, &expected, self.f.now()).unwrap()
    }

    fn is_live(&self, body: &Value) -> bool {
        !self.f.identity.is_revoked(&self.claims(body))
    }
}

/// A log whose disk is full.
#[derive(Debug)]
struct Full;

impl Sink for Full {
    fn put(&self, _event: Event) -> Result<(), SinkError> {
        Err(SinkError::Deadline)
    }
}

fn token(body: &Value) -> String {
    body["refresh_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

#[tokio::test]
async fn a_refresh_token_is_given_with_the_registered_grant_only() {
    let r = Refreshing::new().await;
    let first = r.begin().await;
    assert!(token(&first).starts_with("rwr_"));
    assert_eq!(first["scope"], "openid read offline_access");
    let code = r.f.code(&r.session).await;
    assert!(json(&r.f.redeem(&code).await).get("refresh_token").is_none(), "web did not ask");
    let path = authorize_path(&[("scope", "openid+offline_access")]);
    let back = location(&r.f.get(&path, &r.session).await);
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_scope"));
    let form = format!("grant_type=refresh_token&client_id=web&refresh_token={}", token(&first));
    assert_eq!(json(&r.f.post("/oauth/token", &form).await)["error"], "unauthorized_client");
    let missing = "grant_type=refresh_token&client_id=app";
    assert_eq!(json(&r.f.post("/oauth/token", missing).await)["error"], "invalid_request");
    let known = json(&r.f.get("/.well-known/openid-configuration", "").await);
    assert!(known["grant_types_supported"].as_array().unwrap().contains(&"refresh_token".into()));
}

#[tokio::test]
async fn a_public_clients_token_rotates_and_the_person_is_as_of_now() {
    let r = Refreshing::new().await;
    let first = r.begin().await;
    r.f.identity.users().grant("ada", "support").unwrap();
    r.f.clock.advance(Duration::from_mins(1));
    let reply = r.refresh(&token(&first), "").await;
    assert_eq!(reply.headers().get("cache-control").unwrap(), "no-store");
    let second = json(&reply);
    assert_ne!(token(&second), token(&first));
    let (before, after) = (r.claims(&first), r.claims(&second));
    assert_eq!(after.roles, ["customer", "support"], "roles as of now");
    assert_eq!(after.authenticated_at, before.authenticated_at, "no new login");
    assert_eq!((after.grant.clone(), after.subject), (before.grant, before.subject));
    assert!(after.grant.is_some() && after.token_id != before.token_id);
    assert!(second["id_token"].is_string(), "OpenID Connect Core section 12.2");
    let actions: Vec<_> = r.f.sink.take().into_iter().map(|event| event.action).collect();
    assert_eq!(actions, ["code-issued", "token-issued", "role-granted", "token-refreshed"]);
}

#[tokio::test]
async fn within_the_grace_a_rotated_token_gives_the_same_successor_and_after_it_ends_the_grant() {
    let r = Refreshing::new().await;
    let first = r.begin().await;
    let second = json(&r.refresh(&token(&first), "").await);
    r.f.clock.advance(Duration::from_millis(29_999));
    let again = json(&r.refresh(&token(&first), "").await);
    assert_eq!(token(&again), token(&second), "the answer may have been lost");
    let third = json(&r.refresh(&token(&second), "").await);
    let other = r.begin().await;
    r.f.sink.take();
    r.f.clock.advance(Duration::from_millis(1));
    assert_eq!(json(&r.refresh(&token(&first), "").await)["error"], "invalid_grant");
    assert_eq!(r.f.sink.take()[0].action, "token-refresh-reuse");
    for (body, name) in [(&first, "first"), (&second, "second"), (&third, "third")] {
        assert!(!r.is_live(body), "the access token of the {name}");
        assert_eq!(json(&r.refresh(&token(body), "").await)["error"], "invalid_grant", "{name}");
    }
    assert!(r.is_live(&other), "another grant of the same client and person");
    let f = Refreshing { f: r.f.restart(), ..r };
    assert!(!f.is_live(&third), "after a restart, too");
    assert!(f.refresh(&token(&other), "").await.status() == 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_at_once_get_one_successor() {
    let r = Refreshing::new().await;
    let first = token(&r.begin().await);
    let tries = (0..32).map(|_| {
        let (identity, first) = (r.f.identity.clone(), first.clone());
        tokio::spawn(async move {
            let form = format!("grant_type=refresh_token&client_id=app&refresh_token={first}");
            let request = form_request("/oauth/token", &form, &[]);
            let reply = identity.answer("192.0.2.1".parse().unwrap(), request).await;
            assert_eq!(reply.status(), 200, "{}", text(&reply));
            token(&json(&reply))
        })
    });
    let mut successors = BTreeSet::new();
    for one in tries.collect::<Vec<_>>() {
        successors.insert(one.await.unwrap());
    }
    assert_eq!(successors.len(), 1);
    assert!(!successors.contains(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_wins_every_race_with_refreshing() {
    let r = Refreshing::new().await;
    let first = token(&r.begin().await);
    let refresh = format!("grant_type=refresh_token&client_id=app&refresh_token={first}");
    let revoke = format!("client_id=app&token={first}");
    let mut forms = vec![("/oauth/token", refresh); 31];
    forms.insert(16, ("/oauth/revoke", revoke));
    let tries = forms.into_iter().map(|(path, form)| {
        let identity = r.f.identity.clone();
        tokio::spawn(async move {
            let request = form_request(path, &form, &[]);
            identity.answer("192.0.2.1".parse().unwrap(), request).await
        })
    });
    let mut given = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        let reply = one.await.unwrap();
        assert!(matches!(reply.status().as_u16(), 200 | 400), "{}", text(&reply));
        given.extend(Some(json(&reply)).filter(|body| body["access_token"].is_string()));
    }
    for body in given {
        assert!(!r.is_live(&body));
        assert_eq!(r.refresh(&token(&body), "").await.status(), 400);
    }
}

#[tokio::test]
async fn a_scope_only_shrinks_and_the_grant_keeps_what_it_had() {
    let r = Refreshing::new().await;
    let first = r.begin().await;
    for wide in ["profile", "read+profile", "admin"] {
        let reply = r.refresh(&token(&first), &format!("&scope={wide}")).await;
        assert_eq!(json(&reply)["error"], "invalid_scope", "{wide}");
    }
    let narrow = json(&r.refresh(&token(&first), "&scope=read+read").await);
    assert_eq!(narrow["scope"], "read");
    assert!(narrow.get("id_token").is_none());
    let whole = json(&r.refresh(&token(&narrow), "").await);
    assert_eq!(whole["scope"], "openid read offline_access");
}

#[tokio::test]
async fn a_token_ends_when_it_is_idle_or_old() {
    let r = Refreshing::new().await;
    let day = Duration::from_hours(24);
    let idle = r.begin().await;
    r.f.clock.advance(Duration::from_secs(7 * 86_400 - 1));
    let mut used = token(&json(&r.refresh(&token(&idle), "").await));
    r.f.clock.advance(day * 7);
    assert_eq!(r.refresh(&used, "").await.status(), 400, "idle");
    let session = r.f.sign_in().await;
    let r = Refreshing { session, ..r };
    used = token(&r.begin().await);
    for _ in 0..5 {
        r.f.clock.advance(day * 5);
        r.f.identity.sweep().unwrap();
        used = token(&json(&r.refresh(&used, "").await));
    }
    r.f.clock.advance(Duration::from_secs(5 * 86_400 - 1));
    used = token(&json(&r.refresh(&used, "").await));
    r.f.clock.advance(Duration::from_secs(1));
    assert_eq!(r.refresh(&used, "").await.status(), 400, "thirty days");
}

#[tokio::test]
async fn what_ends_a_person_or_a_client_ends_its_refresh_tokens() {
    type End = fn(&Refreshing);
    let ends: [(&str, End, End); 3] = [
        (
            "another password",
            |r| {
                let next = Secret::new("another horse".to_owned());
                r.f.identity.users().set_password("ada", &next).unwrap();
            },
            |_| (),
        ),
        (
            "a disabled person",
            |r| r.f.identity.users().disable("ada", true).unwrap(),
            |r| r.f.identity.users().disable("ada", false).unwrap(),
        ),
        (
            "a disabled client",
            |r| r.f.identity.clients().disable("app", true).unwrap(),
            |r| r.f.identity.clients().disable("app", false).unwrap(),
        ),
    ];
    for (name, end, undo) in ends {
        let r = Refreshing::new().await;
        let first = token(&r.begin().await);
        end(&r);
        assert!(r.refresh(&first, "").await.status().is_client_error(), "{name}");
        undo(&r);
        assert_eq!(
            json(&r.refresh(&first, "").await)["error"],
            "invalid_grant",
            "{name}: for good"
        );
    }
    let r = Refreshing::new().await;
    let first = token(&r.begin().await);
    r.f.identity.users().revoke("ada", "customer").unwrap();
    r.f.clock.advance(Duration::from_secs(1));
    let body = json(&r.refresh(&first, "").await);
    assert!(r.claims(&body).roles.is_empty(), "a role less");
    assert!(r.is_live(&body));
    let page = r.f.page("/logout", &r.session).await;
    r.f.submit(&page, "/logout", "").await;
    assert_eq!(json(&r.refresh(&token(&body), "").await)["error"], "invalid_grant", "logout");
}

#[tokio::test]
async fn a_session_that_only_expired_does_not_end_refreshing() {
    let r = Refreshing::new().await;
    let first = token(&r.begin().await);
    r.f.clock.advance(Duration::from_hours(13));
    r.f.identity.sweep().unwrap();
    assert_eq!(r.refresh(&first, "").await.status(), 200);
}

/// Signing in again (a step-up, another tab) is not a way around signing out.
#[tokio::test]
async fn l4_a_grant_ends_with_the_sign_out_after_the_next_login_in_its_browser() {
    let r = Refreshing::new().await;
    let first = r.begin().await;
    let session = r.f.sign_in_with(&r.session, "ada").await;
    assert_ne!(session, r.session, "a new secret (attack A10)");
    assert!(r.is_live(&first), "signing in again ends nothing of one's own");
    let page = r.f.page("/logout", &session).await;
    r.f.submit(&page, "/logout", "").await;
    assert!(!r.is_live(&first));
    assert_eq!(json(&r.refresh(&token(&first), "").await)["error"], "invalid_grant");
}

#[tokio::test]
async fn l4_a_grant_ends_when_another_person_signs_in_in_its_browser() {
    let r = Refreshing::new().await;
    let secret = Secret::new(PASSWORD.to_owned());
    r.f.identity.users().add("grace", &[], &secret).unwrap();
    let first = r.begin().await;
    r.f.sign_in_with(&r.session, "grace").await;
    assert!(!r.is_live(&first));
    assert_eq!(json(&r.refresh(&token(&first), "").await)["error"], "invalid_grant");
}

#[tokio::test]
async fn l4_a_sign_out_that_is_not_recorded_still_ends_what_was_granted() {
    let r = Refreshing::new().await;
    let first = r.begin().await;
    let full: Arc<dyn Sink> = Arc::new(Full);
    let r = Refreshing { f: r.f.with_sink(&full), ..r };
    let page = r.f.page("/logout", &r.session).await;
    assert_eq!(r.f.submit(&page, "/logout", "").await.status(), 503);
    let r = Refreshing { f: r.f.restart(), ..r };
    assert!(!r.is_live(&first));
    assert_eq!(json(&r.refresh(&token(&first), "").await)["error"], "invalid_grant");
}

/// The thief went on for longer than the stolen token itself would have lived.
#[tokio::test]
async fn t5_a_rotated_token_is_noticed_also_after_its_own_time() {
    let r = Refreshing::new().await;
    let first = token(&r.begin().await);
    let mut stolen = first.clone();
    for _ in 0..3 {
        r.f.clock.advance(Duration::from_hours(3 * 24));
        stolen = token(&json(&r.refresh(&stolen, "").await));
    }
    assert_eq!(r.refresh(&first, "").await.status(), 400);
    assert_eq!(r.refresh(&stolen, "").await.status(), 400, "the thief's end too");
}

/// Whoever lost an answer cannot have used what was in it.
#[tokio::test]
async fn t5_a_token_whose_successor_was_used_is_stolen_also_within_the_grace() {
    let r = Refreshing::new().await;
    let first = token(&r.begin().await);
    let second = token(&json(&r.refresh(&first, "").await));
    let third = token(&json(&r.refresh(&second, "").await));
    assert_eq!(r.refresh(&first, "").await.status(), 400);
    assert_eq!(r.refresh(&third, "").await.status(), 400);
}

/// Also what was granted in a session that is on no page any more.
#[tokio::test]
async fn l4_ending_all_other_sessions_ends_what_was_granted_in_those_that_expired() {
    let r = Refreshing::new().await;
    let first = r.begin().await;
    r.f.clock.advance(Duration::from_hours(13));
    r.f.identity.sweep().unwrap();
    let session = r.f.sign_in().await;
    let r = Refreshing { session, ..r };
    let own = token(&r.begin().await);
    let page = r.f.page("/account", &r.session).await;
    assert_eq!(r.f.submit(&page, "/account", "do=end-others").await.status(), 200);
    assert_eq!(r.refresh(&token(&first), "").await.status(), 400);
    assert_eq!(r.refresh(&own, "").await.status(), 200, "this session goes on");
}

/// The name of a grant is in every access token: whoever reads one cannot end the grant with it.
#[tokio::test]
async fn t5_a_made_up_token_of_a_known_grant_ends_nothing() {
    let r = Refreshing::new().await;
    let first = r.begin().await;
    let (grant, real) = (r.claims(&first).grant.unwrap(), token(&first));
    assert_eq!(real.get(4..30), Some(grant.as_str()), "the name is no secret");
    let made_up = format!("rwr_{grant}{}", "A".repeat(real.len() - 30));
    for path in ["/oauth/token", "/oauth/revoke"] {
        let form = format!(
            "grant_type=refresh_token&client_id=app&refresh_token={made_up}&token={made_up}"
        );
        r.f.post(path, &form).await;
    }
    assert_eq!(r.refresh(&real, "").await.status(), 200);
}

/// A program that signs in anew each time fills no disk: its oldest grants go.
#[tokio::test]
async fn of_more_grants_than_anybody_needs_the_oldest_go() {
    let r = Refreshing::new().await;
    let mut tokens = Vec::new();
    for _ in 0..102 {
        r.f.clock.advance(Duration::from_secs(1));
        tokens.push(token(&r.begin().await));
    }
    for (index, expected) in [(0, 400), (1, 400), (2, 200), (101, 200)] {
        assert_eq!(r.refresh(&tokens[index], "").await.status(), expected, "{index}");
    }
}

#[tokio::test]
async fn a_replayed_code_takes_its_refresh_token_back() {
    let r = Refreshing::new().await;
    let path = authorize_path(&[("client_id", "app")]);
    let code = parameter(&location(&r.f.get(&path, &r.session).await), "code").unwrap();
    let form = code_form(&code, &[("client_id", "app")]);
    let first = json(&r.f.post("/oauth/token", &form).await);
    let second = json(&r.refresh(&token(&first), "").await);
    assert_eq!(r.f.post("/oauth/token", &form).await.status(), 400);
    assert!(!r.is_live(&first) && !r.is_live(&second));
    assert_eq!(r.refresh(&token(&second), "").await.status(), 400);
}

#[tokio::test]
async fn a_token_is_known_to_its_own_client_only() {
    let r = Refreshing::new().await;
    let keyed = token(&r.begin_keyed().await);
    let body = r.introspect(&keyed).await;
    assert_eq!((&body["active"], &body["username"]), (&true.into(), &"ada".into()));
    assert_eq!(body["exp"].as_u64().unwrap(), r.f.now().secs() + 7 * 86_400);
    assert!(body.get("token_type").is_none() && body.get("aud").is_none());
    let first = r.begin().await;
    let rwr = token(&first);
    let none = value!({"active": false});
    assert_eq!(r.introspect(&rwr).await, none, "another client's");
    let own = format!("client_id=app&token={rwr}&token_type_hint=refresh_token");
    let reply = r.f.post("/oauth/introspect", &own).await;
    assert_eq!((reply.status().as_u16(), &json(&reply)["error"]), (401, &"invalid_client".into()));
    let foreign = format!("client_id=native&token={keyed}");
    assert_eq!(r.f.post("/oauth/revoke", &foreign).await.status(), 200);
    assert_eq!(r.introspect(&keyed).await["active"], true, "not theirs");
    // A refresh token is no access token.
    let request = Request::get("/oauth/userinfo").header("authorization", format!("Bearer {rwr}"));
    assert_eq!(r.f.send(request.body(Bytes::new()).unwrap()).await.status(), 401);
    for bad in ["rwr_", "rwr_x", &format!("{rwr}x"), rwr.split_at(46).0, &rwr.replace("rwr", "rws")]
    {
        assert_eq!(json(&r.refresh(bad, "").await)["error"], "invalid_grant", "{bad}");
    }
    assert_eq!(r.f.post("/oauth/revoke", &own).await.status(), 200);
    assert!(!r.is_live(&first), "RFC 7009 section 2.1");
    assert_eq!(r.refresh(&rwr, "").await.status(), 400);
    assert_eq!(r.f.post("/oauth/revoke", &own).await.status(), 200, "again");
}

#[tokio::test]
async fn another_clients_attempt_changes_nothing_and_a_client_with_a_key_keeps_its_token() {
    let r = Refreshing::new().await;
    let rwr = token(&r.begin_keyed().await);
    assert_eq!(json(&r.refresh(&rwr, "").await)["error"], "invalid_grant", "as `app`");
    for _ in 0..3 {
        r.f.clock.advance(Duration::from_mins(10));
        let form = format!("grant_type=refresh_token&refresh_token={rwr}&{}", r.assertion());
        let body = json(&r.f.post("/oauth/token", &form).await);
        assert!(body["access_token"].is_string(), "{body}");
        assert!(body.get("refresh_token").is_none(), "not rotated: {body}");
    }
}

#[tokio::test]
async fn u9_a_grant_of_one_factor_never_refreshes_to_a_role_that_wants_two() {
    let r = Refreshing::new().await;
    let first = r.begin().await;
    assert_eq!(r.claims(&first).roles, ["customer"]);
    r.f.identity.elevate(BTreeSet::from(["customer".to_owned()]));
    let next = json(&r.refresh(&token(&first), "").await);
    assert!(r.claims(&next).roles.is_empty(), "{next}");

    let handout = r.f.identity.users().enrol("ada").unwrap();
    let page = r.f.page("/login", "").await;
    let reply = r.f.submit(&page, "/login", "username=ada&password=correct+horse").await;
    let form = format!(
        "step={}&code={}",
        hidden(&reply, "step").unwrap(),
        handout.recovery_codes[0].expose()
    );
    let reply = r.f.submit(&Page::of(&reply, ""), "/login", &form).await;
    let r = Refreshing { session: set_cookie(&reply, "__Host-ringwall").unwrap(), ..r };
    let first = r.begin().await;
    let next = json(&r.refresh(&token(&first), "").await);
    assert_eq!(r.claims(&next).roles, ["customer"]);
    // The grant outlives the session, and what two factors opened does not.
    r.f.clock.advance(Duration::from_hours(12));
    let late = json(&r.refresh(&token(&next), "").await);
    assert!(r.claims(&late).roles.is_empty(), "{late}");
    let level = |body: &Value| payload(body["access_token"].as_str().unwrap())["acr"].clone();
    assert_eq!((level(&next), level(&late)), ("aal2".into(), "aal1".into()));
}
