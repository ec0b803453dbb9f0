//! Token exchange: attacks X1 to X5, D8.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use ringwall_identity::{Access, ClientError, Grant, NewClient};
use serde_json::{Value, json as value};

use crate::fixture::*;

const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
const ACCESS: &str = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";

struct Chain {
    f: Fixture,
    session: String,
    secrets: Vec<String>,
}

impl Chain {
    /// Services `s0` to `s5`: each may act for the one before, `s0` for `web` and for `s1`.
    async fn new() -> Self {
        let f = Fixture::new();
        let mut secrets = Vec::new();
        for turn in 0..6 {
            let before = if turn == 0 { "web".to_owned() } else { format!("s{}", turn - 1) };
            let client = NewClient {
                id: format!("s{turn}"),
                grants: vec![Grant::TokenExchange, Grant::ClientCredentials],
                scopes: vec!["openid".to_owned(), "write".to_owned()],
                may_act_for: vec![before],
                ..NewClient::default()
            };
            let secret = f.identity.clients().add(client).unwrap().unwrap();
            secrets.push(secret.expose().clone());
        }
        let clients = f.identity.clients();
        for turn in 0..6 {
            let client = clients.find(&format!("s{turn}")).unwrap();
            let mut settings = client.settings.clone();
            settings.may_act_for.push("s1".to_owned());
            clients.change(&client, settings).unwrap();
        }
        let session = f.sign_in().await;
        Self { f, session, secrets }
    }

    async fn subject(&self) -> Value {
        json(&self.f.redeem(&self.f.code(&self.session).await).await)
    }

    fn form(&self, turn: usize, subject: &Value) -> String {
        let token = subject["access_token"].as_str().unwrap_or_default();
        format!(
            "grant_type={GRANT}&client_id=s{turn}&client_secret={}&subject_token={token}\
             &subject_token_type={ACCESS}",
            self.secrets[turn]
        )
    }

    async fn exchange(&self, turn: usize, subject: &Value, extra: &str) -> Response<Bytes> {
        self.f.post("/oauth/token", &format!("{}{extra}", self.form(turn, subject))).await
    }

    async fn error(&self, turn: usize, subject: &Value, extra: &str) -> String {
        let body = json(&self.exchange(turn, subject, extra).await);
        body["error"].as_str().unwrap_or("none").to_owned()
    }
}

fn claims(body: &Value) -> Value {
    payload(body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")))
}

#[tokio::test]
async fn a_service_acts_for_a_person_and_says_so() {
    let c = Chain::new().await;
    let subject = c.subject().await;
    c.f.clock.advance(Duration::from_mins(2));
    c.f.sink.take();
    let first = json(&c.exchange(0, &subject, "").await);
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    assert_eq!(
        (&first["issued_token_type"], &first["token_type"], &first["scope"]),
        (&kind.into(), &"Bearer".into(), &"openid".into())
    );
    assert_eq!(first["expires_in"], 180, "no longer than the first one");
    assert!(first.get("refresh_token").is_none() && first.get("id_token").is_none());
    let (before, after) = (claims(&subject), claims(&first));
    for same in ["sub", "sid", "roles", "name", "auth_time", "acr", "amr", "exp", "aud"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!((&after["client_id"], &after["act"]), (&"s0".into(), &value!({"sub": "s0"})));
    let event = c.f.sink.take().remove(0);
    assert_eq!((event.action, event.client.as_deref()), ("token-exchanged", Some("s0")));
    let second = claims(&json(&c.exchange(1, &first, "").await));
    assert_eq!(second["act"], value!({"sub": "s1", "act": {"sub": "s0"}}));
    let ask = format!(
        "client_id=s0&client_secret={}&token={}",
        c.secrets[0],
        first["access_token"].as_str().unwrap()
    );
    assert_eq!(json(&c.f.post("/oauth/introspect", &ask).await)["act"]["sub"], "s0");
}

#[tokio::test]
async fn x1_x2_only_an_access_token_of_ours_is_a_subject() {
    let c = Chain::new().await;
    let subject = c.subject().await;
    let with = |token: &str| value!({"access_token": token});
    let id_token = with(subject["id_token"].as_str().unwrap());
    let foreign = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.e30.AAAA";
    for bad in [with(""), with("x"), with("rwr_x"), with(foreign), id_token] {
        assert_eq!(c.error(0, &bad, "").await, "invalid_request", "{bad}");
    }
    let id_type = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token";
    let form = c.form(0, &subject).replace(ACCESS, id_type);
    assert_eq!(json(&c.f.post("/oauth/token", &form).await)["error"], "invalid_request");
    for (extra, error) in [
        (format!("&requested_token_type={id_type}"), "invalid_request"),
        ("&actor_token=x".to_owned(), "invalid_request"),
        ("&audience=other".to_owned(), "invalid_target"),
        ("&resource=https%3A%2F%2Fother.example".to_owned(), "invalid_target"),
        ("&scope=write".to_owned(), "invalid_scope"),
        ("&scope=openid+admin".to_owned(), "invalid_scope"),
        (format!("&resource={}&requested_token_type={ACCESS}", encoded(ISSUER)), "none"),
    ] {
        assert_eq!(c.error(0, &subject, &extra).await, error, "{extra}");
    }
    let program =
        format!("grant_type=client_credentials&client_id=s1&client_secret={}", c.secrets[1]);
    let program = json(&c.f.post("/oauth/token", &program).await);
    assert_eq!(c.error(0, &program, "").await, "invalid_request", "nobody is behind it");
}

#[tokio::test]
async fn x3_only_who_may_acts_and_no_chain_is_a_loop_or_long() {
    let c = Chain::new().await;
    let subject = c.subject().await;
    assert_eq!(c.error(3, &subject, "").await, "unauthorized_client");
    let mut last = subject;
    for turn in 0..4 {
        last = json(&c.exchange(turn, &last, "").await);
        if turn == 1 {
            assert_eq!(c.error(0, &last, "").await, "invalid_request", "a loop");
            assert_eq!(c.error(1, &last, "").await, "invalid_request", "itself");
        }
    }
    assert_eq!(c.error(4, &last, "").await, "invalid_request", "the fifth");
    let form = format!(
        "grant_type={GRANT}&client_id=robot&client_secret={}&subject_token=x\
         &subject_token_type={ACCESS}",
        c.f.secret
    );
    let reply = c.f.post("/oauth/token", &form).await;
    assert_eq!(json(&reply)["error"], "unauthorized_client", "not registered");
    let public = NewClient {
        id: "public".to_owned(),
        access: Access::Public,
        grants: vec![Grant::TokenExchange],
        ..NewClient::default()
    };
    assert!(matches!(c.f.identity.clients().add(public), Err(ClientError::PublicProgram)));
}

#[tokio::test]
async fn x5_a_token_that_ended_gives_nothing_and_ends_what_it_gave() {
    let c = Chain::new().await;
    let subject = c.subject().await;
    let first = json(&c.exchange(0, &subject, "").await);
    assert_eq!(c.error(1, &first, "").await, "none");
    let page = c.f.page("/logout", &c.session).await;
    c.f.submit(&page, "/logout", "").await;
    assert_eq!(c.error(0, &subject, "").await, "invalid_request", "revoked");
    assert_eq!(c.error(1, &first, "").await, "invalid_request", "with the session");
    let c = Chain::new().await;
    let subject = c.subject().await;
    c.f.clock.advance(Duration::from_secs(306));
    assert_eq!(c.error(0, &subject, "").await, "invalid_request", "expired");
}

#[tokio::test]
async fn d8_a_bound_token_stays_bound_to_its_key() {
    let c = Chain::new().await;
    let (holder, thief) = (Prover::new(), Prover::new());
    holder.learn(&c.f).await;
    thief.learn(&c.f).await;
    let form = code_form(&c.f.code(&c.session).await, &[]);
    let subject = json(&holder.post(&c.f, "/oauth/token", &form).await);
    assert_eq!(c.error(0, &subject, "").await, "invalid_request", "no proof");
    let form = c.form(0, &subject);
    let stolen = json(&thief.post(&c.f, "/oauth/token", &form).await);
    assert_eq!(stolen["error"], "invalid_request", "another key");
    let body = json(&holder.post(&c.f, "/oauth/token", &form).await);
    assert_eq!(
        (&body["token_type"], &claims(&body)["cnf"]["jkt"]),
        (&"DPoP".into(), &holder.jkt().into())
    );
    // What was free can be bound, never the other way round.
    let free = c.subject().await;
    let body = json(&holder.post(&c.f, "/oauth/token", &c.form(0, &free)).await);
    assert_eq!(claims(&body)["cnf"]["jkt"], holder.jkt());
}
