//! Clients that register themselves (RFC 7591, RFC 7592): attacks M2 and M4, and what bounds them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use ringwall_base::Algorithm;
use ringwall_identity::{
    ClientError, Grant, InitialTokenError, Known, NewClient, Owner, Party, Powers,
};
use ringwall_jose::{JwkSet, PrivateKey};
use serde_json::{Value, json as value};

use crate::fixture::*;

const REGISTER: &str = "/oauth/register";

/// A server that lets clients register, and an initial token for three of them.
struct Desk {
    f: Fixture,
    initial: String,
}

/// What a client got.
struct Own {
    id: String,
    token: String,
    told: Value,
}

fn opened(f: &Fixture) {
    f.identity.empower(Powers { has_registration: true, ..Powers::default() });
}

fn initial(f: &Fixture, uses: u64) -> String {
    let made = f.identity.initial_tokens().add(uses, Duration::from_hours(24)).unwrap();
    made.token.expose().clone()
}

fn metadata(change: &Value) -> Value {
    let mut body = value!({"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"});
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

impl Desk {
    fn new() -> Self {
        let f = Fixture::new();
        opened(&f);
        let initial = initial(&f, 3);
        f.sink.take();
        Self { f, initial }
    }

    async fn ask(
        &self,
        (method, path): (Method, &str),
        token: &str,
        body: &Value,
    ) -> Response<Bytes> {
        let request = Request::builder().method(method).uri(path);
        let request = if token.is_empty() {
            request
        } else {
            request.header("authorization", format!("Bearer {token}"))
        };
        let (request, body) = match body {
            Value::Null => (request, Bytes::new()),
            Value::String(raw) => {
                (request.header("content-type", "application/json"), Bytes::from(raw.clone()))
            }
            other => {
                let request = request.header("content-type", "application/json");
                (request, Bytes::from(other.to_string()))
            }
        };
        self.f.send(request.body(body).unwrap()).await
    }

    async fn register(&self, change: &Value) -> Response<Bytes> {
        self.ask((Method::POST, REGISTER), &self.initial, &metadata(change)).await
    }

    async fn own(&self, change: &Value) -> Own {
        let reply = self.register(change).await;
        assert_eq!(reply.status(), 201, "{}", text(&reply));
        assert_eq!(reply.headers()["cache-control"], "no-store");
        let told = json(&reply);
        let word = |name: &str| told[name].as_str().unwrap().to_owned();
        Own { id: word("client_id"), token: word("registration_access_token"), told }
    }

    /// Somebody lets it act.
    async fn allow(&self, own: &Own, session: &str) {
        let page = self.f.get(&authorize_path(&[("client_id", &own.id)]), session).await;
        let fields = ["request", "at", "seal"].map(|name| {
            format!("{name}={}", encoded(&hidden(&page, name).unwrap().replace("&amp;", "&")))
        });
        let form = format!("{}&decision=allow", fields.join("&"));
        let reply = self.f.submit(&Page::of(&page, session), "/oauth/consent", &form).await;
        assert!(parameter(&location(&reply), "code").is_some(), "{}", text(&reply));
    }

    async fn at(&self, own: &Own, method: Method, body: &Value) -> Response<Bytes> {
        self.ask((method, &format!("{REGISTER}/{}", own.id)), &own.token, body).await
    }
}

fn error(reply: &Response<Bytes>) -> (u16, String) {
    (reply.status().as_u16(), json(reply)["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_client_registers_reads_changes_and_removes_itself() {
    let desk = Desk::new();
    let asked = value!({"token_endpoint_auth_method": "client_secret_post", "scope": "openid",
        "grant_types": ["authorization_code", "refresh_token"], "client_name": "Nice"});
    let own = desk.own(&asked).await;
    let told = &own.told;
    assert_eq!(told["token_endpoint_auth_method"], "client_secret_post");
    assert_eq!(told["registration_client_uri"], format!("{ISSUER}{REGISTER}/{}", own.id));
    assert_eq!(told["client_secret_expires_at"], 0);
    assert_eq!(told["redirect_uris"], value!([CALLBACK]));
    assert_eq!(told["scope"], "openid");
    assert_eq!(told.get("client_name"), None, "what only looks good is not kept");
    let client = desk.f.identity.clients().find(&own.id).unwrap();
    assert_eq!((client.settings.owner, client.settings.party), (Owner::Registration, Party::Third));
    // Its secret works, for people who are asked first.
    let path = authorize_path(&[("client_id", &own.id)]);
    let page = desk.f.get(&path, &desk.f.sign_in().await).await;
    assert!(text(&page).contains("value=\"allow\""), "{}", text(&page));
    let secret = told["client_secret"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token=x&client_id={}", own.id);
    let wrong = desk.f.post("/oauth/token", &format!("{form}&client_secret=x")).await;
    assert_eq!(error(&wrong).1, "invalid_client");
    let right = desk.f.post("/oauth/token", &format!("{form}&client_secret={secret}")).await;
    assert_eq!(error(&right).1, "invalid_grant");

    let read = desk.at(&own, Method::GET, &Value::Null).await;
    assert_eq!(read.status(), 200);
    assert_eq!(json(&read)["registration_access_token"], own.token.as_str());
    assert_eq!(json(&read).get("client_secret"), None, "nobody knows it any more");
    desk.f.clock.advance(Duration::from_secs(1));
    let other = "https://web.example/other";
    let new = value!({"client_id": own.id, "client_secret": secret, "redirect_uris": [other]});
    let changed = desk.at(&own, Method::PUT, &new).await;
    assert_eq!(changed.status(), 200, "{}", text(&changed));
    assert_eq!(json(&changed)["redirect_uris"], value!([other]));
    assert_eq!(json(&changed)["grant_types"], value!(["authorization_code"]), "left out is gone");
    let desk = Desk { f: desk.f.restart(), ..desk };
    opened(&desk.f);
    assert_eq!(json(&desk.at(&own, Method::GET, &Value::Null).await)["redirect_uris"][0], other);
    assert!(!desk.f.disk().contains(&own.token) && !desk.f.disk().contains(&desk.initial));
    assert_eq!(desk.at(&own, Method::DELETE, &Value::Null).await.status(), 204);
    assert!(matches!(desk.f.identity.clients().find(&own.id), Err(ClientError::NotFound)));
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(desk.at(&own, method, &Value::Null).await.status(), 401);
    }
    let gone: Vec<_> = desk.f.sink.take().into_iter().map(|event| event.action).collect();
    assert!(gone.contains(&"client-removed") && gone.contains(&"registration-refused"), "{gone:?}");
}

/// Closed until the manifest opens it, and only with a token that is good.
#[tokio::test]
async fn nobody_registers_without_an_initial_token() {
    let desk = Desk::new();
    let tokens = desk.f.identity.initial_tokens();
    for token in
        ["", "x", "rwi_", &desk.initial.replace("rwi_", "rwm_"), desk.initial.split_at(50).0]
    {
        let reply = desk.ask((Method::POST, REGISTER), token, &metadata(&value!({}))).await;
        assert_eq!(error(&reply), (401, "invalid_token".to_owned()), "{token}");
        assert!(reply.headers().contains_key("www-authenticate"));
        // Nor does it learn what is wrong with the rest.
        let reply = desk.ask((Method::POST, REGISTER), token, &value!({"jwks": 1})).await;
        assert_eq!(error(&reply).0, 401, "{token}");
    }
    let twice = Request::post(REGISTER)
        .header("authorization", format!("Bearer {}", desk.initial))
        .header("authorization", format!("Bearer {}", desk.initial))
        .header("content-type", "application/json");
    let twice = twice.body(Bytes::from(metadata(&value!({})).to_string())).unwrap();
    assert_eq!(desk.f.send(twice).await.status(), 401);
    // Refused metadata use nothing up; three registrations do.
    let bad = desk.register(&value!({"redirect_uris": ["http://evil.example/"]})).await;
    assert_eq!(error(&bad), (400, "invalid_redirect_uri".to_owned()));
    for _ in 0..3 {
        desk.own(&value!({})).await;
    }
    assert_eq!(error(&desk.register(&value!({})).await).0, 401);
    assert!(tokens.list().unwrap().is_empty());
    // Expired, and taken back.
    let made = tokens.add(1, Duration::from_hours(1)).unwrap();
    let (id, revoked) = (made.id, made.token);
    let desk = Desk { initial: revoked.expose().clone(), ..desk };
    let tokens = desk.f.identity.initial_tokens();
    assert_eq!(tokens.list().unwrap()[0].uses_left, 1);
    tokens.revoke(&id).unwrap();
    assert!(matches!(tokens.revoke(&id), Err(InitialTokenError::NotFound)));
    assert_eq!(error(&desk.register(&value!({})).await).0, 401);
    let desk = Desk { initial: initial(&desk.f, 1), ..desk };
    desk.f.clock.advance(Duration::from_hours(24));
    assert_eq!(error(&desk.register(&value!({})).await).0, 401);
    let desk = Desk { initial: initial(&desk.f, 1), ..desk };
    desk.f.identity.empower(Powers {
        has_admin_api: true,
        roles: BTreeMap::new(),
        ..Powers::default()
    });
    assert_eq!(desk.register(&value!({})).await.status(), 404, "closed");
    let discovery = async || json(&desk.f.get("/.well-known/openid-configuration", "").await);
    assert_eq!(discovery().await.get("registration_endpoint"), None);
    opened(&desk.f);
    assert_eq!(discovery().await["registration_endpoint"], format!("{ISSUER}{REGISTER}"));
    for (uses, hours) in [(0, 24), (101, 24), (1, 0), (1, 24 * 91)] {
        let refused = desk.f.identity.initial_tokens().add(uses, Duration::from_hours(hours));
        assert!(matches!(refused, Err(InitialTokenError::Limits)), "{uses} {hours}");
    }
}

/// Two at once do not both use the last one.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_one_registers_one() {
    let desk = Desk::new();
    let one = initial(&desk.f, 1);
    let tries = (0..16).map(|_| {
        let (identity, one) = (desk.f.identity.clone(), one.clone());
        tokio::spawn(async move {
            let request = Request::post(REGISTER)
                .header("authorization", format!("Bearer {one}"))
                .header("content-type", "application/json")
                .body(Bytes::from(metadata(&value!({})).to_string()));
            identity.answer("192.0.2.1".parse().unwrap(), request.unwrap()).await.status().as_u16()
        })
    });
    let mut good = 0;
    for one in tries.collect::<Vec<_>>() {
        good += usize::from(one.await.unwrap() == 201);
    }
    assert_eq!(good, 1);
}

/// Attack M2: what a client says of itself makes it nothing but an application that people are asked about.
#[tokio::test]
async fn m2_what_a_client_says_of_itself_gives_it_no_power() {
    let desk = Desk::new();
    let own = desk
        .own(&value!({"client_id": "robot", "roles": ["support"], "owner": "command", "party": "first",
            "id": "robot", "may_act_for": ["robot"], "acts_for": ["robot"], "is_disabled": false,
            "client_secret": "x", "wants_es256": true, "access": "secret", "verified": true,
            "tenant_id": "other", "logo_uri": "http://169.254.169.254/", "policy_uri": "http://[::1]/",
            "client_name": "<script>", "client_name#de": "x", "unknown": {"a": [1]}}))
        .await;
    let settings = desk.f.identity.clients().find(&own.id).unwrap().settings.clone();
    let plain = NewClient {
        id: own.id,
        access: ringwall_identity::Access::Public,
        grants: vec![Grant::AuthorizationCode],
        redirect_uris: vec![CALLBACK.to_owned()],
        scopes: vec!["openid".to_owned(), "profile".to_owned()],
        party: Party::Third,
        owner: Owner::Registration,
        ..NewClient::default()
    };
    assert_eq!(settings, plain);
}

/// What is refused, and by which word of RFC 7591 section 3.2.2.
fn refused() -> Vec<(&'static str, Vec<Value>)> {
    let long = format!("https://b.example/{}", "a".repeat(2_048));
    let metadata = vec![
        value!({"scope": "openid ringwall:revocations"}),
        value!({"scope": "users.write"}),
        value!({"scope": 7}),
        value!({"grant_types": ["client_credentials"]}),
        value!({"grant_types": ["password"]}),
        value!({"grant_types": ["implicit"]}),
        value!({"grant_types": []}),
        value!({"grant_types": ["refresh_token"]}),
        value!({"grant_types": "authorization_code"}),
        value!({"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]}),
        value!({"response_types": ["token"]}),
        value!({"response_types": ["code", "token"]}),
        value!({"response_types": []}),
        value!({"token_endpoint_auth_method": "tls_client_auth"}),
        value!({"token_endpoint_auth_method": "private_key_jwt"}),
        value!({"subject_type": "pairwise"}),
        value!({"id_token_signed_response_alg": "none"}),
        value!({"application_type": "service"}),
        // C11: nothing is fetched that a stranger names.
        value!({"jwks_uri": "https://169.254.169.254/"}),
        value!({"backchannel_logout_uri": "https://[::1]/"}),
        value!({"redirect_uris": CALLBACK}),
        value!({"redirect_uris": [7]}),
        value!({"redirect_uris": vec![CALLBACK; 11]}),
    ];
    let addresses = vec![
        value!({"redirect_uris": []}),
        value!({"redirect_uris": null}),
        value!({"redirect_uris": ["http://localhost/cb"]}),
        value!({"redirect_uris": ["javascript:alert(1)"]}),
        value!({"redirect_uris": ["https://*.example/"]}),
        value!({"redirect_uris": ["https://a@b.example/"]}),
        value!({"redirect_uris": ["https://b.example/#x"]}),
        value!({"redirect_uris": [long]}),
        value!({"post_logout_redirect_uris": ["http://evil.example/"]}),
    ];
    let statement = vec![value!({"software_statement": "e30.e30.x"})];
    vec![
        ("invalid_client_metadata", metadata),
        ("invalid_redirect_uri", addresses),
        ("unapproved_software_statement", statement),
    ]
}

#[tokio::test]
async fn what_cannot_be_understood_or_given_is_refused() {
    let desk = Desk::new();
    for (wrong, changes) in refused() {
        for change in changes {
            let reply = desk.register(&change).await;
            assert_eq!(error(&reply), (400, wrong.to_owned()), "{change}: {}", text(&reply));
        }
    }
    let big = "a".repeat(16 * 1024);
    for (body, status) in [
        (value!("[]"), 400),
        (value!(""), 400),
        (value!("{\"redirect_uris\": [], \"redirect_uris\": []}"), 400),
        (value!({"redirect_uris": [CALLBACK], "client_name": big}), 413),
    ] {
        let reply = desk.ask((Method::POST, REGISTER), &desk.initial, &body).await;
        assert_eq!(error(&reply), (status, "invalid_client_metadata".to_owned()));
    }
    let (post, get) = ((Method::POST, "/oauth/register?a=b"), (Method::GET, REGISTER));
    assert_eq!(desk.ask(post, &desk.initial, &metadata(&value!({}))).await.status(), 400);
    assert_eq!(desk.ask(get, &desk.initial, &Value::Null).await.status(), 405);
}

/// Attack M4 (CVE-2026-15572): a public client does not become one with a secret, nor the other way round.
#[tokio::test]
async fn m4_a_client_stays_of_its_kind_and_changes_nobody_else() {
    let desk = Desk::new();
    let (public, secret) = (
        desk.own(&value!({"dpop_bound_access_tokens": true})).await,
        desk.own(&value!({"token_endpoint_auth_method": "client_secret_basic"})).await,
    );
    let key = PrivateKey::generate(Algorithm::Es256).unwrap();
    let jwks = JwkSet::new(vec![key.public().clone()]).unwrap().to_json();
    let keyed = value!({"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks});
    let keyed = desk.own(&keyed).await;
    assert_eq!(keyed.told["jwks"], jwks);
    for (own, methods) in [
        (&public, ["client_secret_basic", "private_key_jwt"]),
        (&secret, ["none", "private_key_jwt"]),
        (&keyed, ["none", "client_secret_post"]),
    ] {
        for method in methods {
            let keys = Some(&jwks).filter(|_| method == "private_key_jwt");
            let new = value!({"client_id": own.id, "redirect_uris": [CALLBACK],
                "token_endpoint_auth_method": method, "jwks": keys});
            let reply = desk.at(own, Method::PUT, &new).await;
            let wrong = "invalid_client_metadata".to_owned();
            assert_eq!(error(&reply), (400, wrong), "{method}: {}", text(&reply));
        }
    }
    // Without the word it would be `client_secret_basic`.
    let silent = value!({"client_id": public.id, "redirect_uris": [CALLBACK]});
    assert_eq!(error(&desk.at(&public, Method::PUT, &silent).await).0, 400);
    for change in [
        value!({"client_id": secret.id}),
        value!({"client_id": null}),
        value!({"client_secret": "x"}),
        value!({"registration_access_token": public.token}),
        value!({"registration_client_uri": "https://evil.example/"}),
        value!({"client_id_issued_at": 1}),
        value!({"scope": "openid ledger"}),
        value!({"roles": ["support"], "scope": "users.write"}),
    ] {
        let mut new = metadata(&value!({"client_id": public.id}));
        for (name, value) in change.as_object().unwrap() {
            new[name] = value.clone();
        }
        let reply = desk.at(&public, Method::PUT, &new).await;
        assert_eq!(error(&reply), (400, "invalid_client_metadata".to_owned()), "{change}");
    }
    // It does not get rid of what it is held to.
    let new = metadata(&value!({"client_id": public.id, "dpop_bound_access_tokens": false}));
    let changed = desk.at(&public, Method::PUT, &new).await;
    assert_eq!(json(&changed)["dpop_bound_access_tokens"], true, "{}", text(&changed));
}

#[tokio::test]
async fn m4_nobody_else_changes_a_client_and_an_operators_word_holds() {
    let desk = Desk::new();
    let (public, secret) = (
        desk.own(&value!({})).await,
        desk.own(&value!({"token_endpoint_auth_method": "client_secret_basic"})).await,
    );
    // Another's token, an operator's client, a service: none of them is its own.
    for (id, token) in [
        (&secret.id, &public.token),
        (&"robot".to_owned(), &public.token),
        (&"nobody".to_owned(), &public.token),
        (&public.id, &desk.initial),
        (&public.id, &String::new()),
    ] {
        let asked = [
            (Method::GET, Value::Null),
            (Method::PUT, metadata(&value!({}))),
            (Method::DELETE, Value::Null),
        ];
        for (method, body) in asked {
            let path = format!("{REGISTER}/{id}");
            let reply = desk.ask((method.clone(), &path), token, &body).await;
            assert_eq!(error(&reply), (401, "invalid_token".to_owned()), "{method} {id}");
        }
    }
    // An operator's word holds: disabled is disabled, and what they gave more is not lost.
    let clients = desk.f.identity.clients();
    let before = clients.find(&public.id).unwrap();
    let more = NewClient { roles: vec!["support".to_owned()], ..before.settings.clone() };
    clients.change(&before, more).unwrap();
    desk.at(&public, Method::PUT, &metadata(&value!({"client_id": public.id}))).await;
    assert_eq!(clients.find(&public.id).unwrap().settings.roles, ["support"]);
    clients.disable(&public.id, true).unwrap();
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(error(&desk.at(&public, method, &Value::Null).await).0, 403);
    }
    assert!(clients.find(&public.id).unwrap().is_disabled);
}

/// Whoever stole a client's own token gets no codes from people who were asked about the client before:
/// they are asked again.
#[tokio::test]
async fn m4_a_client_that_moves_elsewhere_asks_everybody_again() {
    let key = || {
        let key = PrivateKey::generate(Algorithm::Es256).unwrap();
        JwkSet::new(vec![key.public().clone()]).unwrap().to_json()["keys"][0].clone()
    };
    let (first, second) = (key(), key());
    let signs = |keys: &[&Value]| value!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": keys}});
    let cases = [
        (value!({}), value!({"redirect_uris": [CALLBACK, "https://evil.example/cb"]})),
        (signs(&[&first]), signs(&[&first, &second])),
    ];
    for (before, after) in cases {
        let desk = Desk::new();
        let own = desk.own(&before).await;
        desk.allow(&own, &desk.f.sign_in().await).await;
        desk.f.clock.advance(Duration::from_hours(24 * 7));
        let session = desk.f.sign_in().await;
        let is_given = async || {
            let asks = authorize_path(&[("client_id", &own.id), ("prompt", "none")]);
            parameter(&location(&desk.f.get(&asks, &session).await), "code").is_some()
        };
        let put = async |change: &Value| {
            let mut body = metadata(change);
            body["client_id"] = own.id.clone().into();
            let reply = desk.at(&own, Method::PUT, &body).await;
            assert_eq!(reply.status(), 200, "{}", text(&reply));
        };
        put(&before).await;
        assert!(is_given().await, "{before}");
        put(&after).await;
        assert!(!is_given().await, "{after}");
        desk.f.identity.sweep().unwrap();
        assert!(desk.f.identity.clients().find(&own.id).is_ok(), "it may be allowed again");
    }
}

/// A client that is changed all the time is held up, and what it did is told with who let it in.
#[tokio::test]
async fn what_a_client_does_to_itself_is_counted_and_recorded() {
    let desk = Desk::new();
    let id = desk.f.identity.initial_tokens().list().unwrap()[0].id.clone();
    let own = desk.own(&value!({})).await;
    let new = metadata(&value!({"client_id": own.id, "scope": "openid"}));
    for (method, body, is_known) in [
        (Method::GET, Value::Null, true),
        (Method::PUT, new, false),
        (Method::DELETE, Value::Null, false),
    ] {
        let reply = desk.at(&own, method.clone(), &body).await;
        assert!(reply.status().is_success(), "{}", text(&reply));
        assert_eq!(reply.extensions().get::<Known>().is_some(), is_known, "{method}");
    }
    let events = desk.f.sink.take();
    for action in ["client-registered", "client-changed", "client-removed"] {
        let event = events.iter().find(|event| event.action == action).unwrap();
        assert_eq!(event.source.as_deref(), Some("192.0.2.1"), "{action}");
        assert_eq!(event.operation, Some(format!("registration {id}")), "{action}");
    }
}

/// Who nobody lets act goes; who is used stays.
#[tokio::test]
async fn unused_clients_go_after_a_week() {
    let desk = Desk::new();
    let (idle, used) = (desk.own(&value!({})).await, desk.own(&value!({})).await);
    let session = desk.f.sign_in().await;
    desk.allow(&used, &session).await;
    let device = value!({"redirect_uris": null,
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]});
    let device = desk.own(&device).await;
    let form = format!("client_id={}", device.id);
    let started = json(&desk.f.post("/oauth/device_authorization", &form).await);
    let code = started["user_code"].as_str().unwrap();
    let page = desk.f.page("/oauth/device", &session).await;
    let form = format!("user_code={code}&decision=approve");
    assert_eq!(desk.f.submit(&page, "/oauth/device", &form).await.status(), 200);
    let clients = desk.f.identity.clients();
    desk.f.clock.advance(Duration::from_hours(24 * 7 - 1));
    desk.f.identity.sweep().unwrap();
    assert!(clients.find(&idle.id).is_ok());
    desk.f.clock.advance(Duration::from_hours(1));
    desk.f.identity.sweep().unwrap();
    assert!(matches!(clients.find(&idle.id), Err(ClientError::NotFound)));
    assert!(clients.find(&used.id).is_ok() && clients.find(&device.id).is_ok());
    assert!(clients.find("robot").is_ok(), "an operator's stays");
    desk.f.clock.advance(Duration::from_hours(24 * 183));
    desk.f.identity.sweep().unwrap();
    assert!(matches!(clients.find(&used.id), Err(ClientError::NotFound)));
}

/// What an operator took away stays away, however often the client says it wants it.
#[tokio::test]
async fn m4_what_an_operator_took_away_a_client_does_not_give_itself_again() {
    let desk = Desk::new();
    let wide = value!({"scope": "openid profile", "redirect_uris": [CALLBACK, "https://web.example/two"],
        "grant_types": ["authorization_code", "refresh_token"]});
    let own = desk.own(&wide).await;
    let clients = desk.f.identity.clients();
    let put = async |change: Value| {
        let mut body = metadata(&change);
        body["client_id"] = own.id.as_str().into();
        desk.at(&own, Method::PUT, &body).await
    };
    // Nobody took anything: it goes back and forth.
    assert_eq!(put(value!({"scope": "openid"})).await.status(), 200);
    assert_eq!(put(wide.clone()).await.status(), 200);
    let before = clients.find(&own.id).unwrap();
    let less = NewClient {
        scopes: vec!["openid".to_owned()],
        grants: vec![Grant::AuthorizationCode],
        redirect_uris: vec![CALLBACK.to_owned()],
        ..before.settings.clone()
    };
    clients.change(&before, less).unwrap();
    let kept = || clients.find(&own.id).unwrap().settings.clone();
    let narrow = kept();
    for (name, wanted) in [
        ("scope", value!("openid profile")),
        ("grant_types", value!(["authorization_code", "refresh_token"])),
        ("redirect_uris", value!([CALLBACK, "https://web.example/two"])),
        ("post_logout_redirect_uris", value!(["https://web.example/bye"])),
    ] {
        let mut change = value!({"scope": "openid"});
        change[name] = wanted;
        let reply = put(change).await;
        assert_eq!(error(&reply), (400, "invalid_client_metadata".to_owned()), "{name}");
        assert_eq!(kept(), narrow, "{name}");
    }
    assert_eq!(put(value!({"scope": "openid"})).await.status(), 200, "what it has it may say");
}

#[tokio::test]
async fn the_clients_of_a_token_that_leaked_are_found_and_go_with_it() {
    let desk = Desk::new();
    let (one, two) = (desk.own(&value!({})).await, desk.own(&value!({})).await);
    let other = initial(&desk.f, 1);
    let reply = desk.ask((Method::POST, REGISTER), &other, &metadata(&value!({}))).await;
    let third = json(&reply)["client_id"].as_str().unwrap().to_owned();
    let (clients, tokens) = (desk.f.identity.clients(), desk.f.identity.initial_tokens());
    let by = clients.admitted().unwrap();
    assert!(by[&one.id] == by[&two.id] && by[&one.id] != by[&third], "{by:?}");
    let id = by[&one.id].clone();
    tokens.revoke(&id).unwrap();
    assert!(clients.find(&one.id).is_ok(), "they stay");
    assert_eq!(tokens.remove_clients(&id).unwrap(), 2);
    assert!(clients.find(&one.id).is_err() && clients.find(&two.id).is_err());
    assert!(clients.find(&third).is_ok());
    assert_eq!(tokens.remove_clients(&id).unwrap(), 0);
}
