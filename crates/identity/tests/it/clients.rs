//! Client authentication: attacks C1 to C9, C12.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringwall_base::{Algorithm, Signer as _};
use ringwall_identity::{Access, ClientError, Grant, Known, NewClient};
use ringwall_jose::{JwkSet, PrivateKey, mint};
use serde_json::{Value, json};

use crate::fixture::{
    Fixture, ISSUER, authorize_path, code_form, form_request, json as body, payload, text,
};

const GRANT: &str = "grant_type=client_credentials";

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[tokio::test]
async fn a_secret_is_taken_from_the_header_or_the_body_and_never_from_both() {
    let f = Fixture::new();
    let secret = f.secret.clone();
    let good = basic("robot", &secret);
    let with_body = format!("{GRANT}&client_id=robot&client_secret={secret}");
    let cases: Vec<(String, Vec<String>, u16)> = vec![
        (GRANT.to_owned(), vec![good.clone()], 200),
        (format!("{GRANT}&client_id=robot"), vec![good.clone()], 200),
        (with_body.clone(), vec![], 200),
        (with_body.clone(), vec![good.clone()], 400),
        (GRANT.to_owned(), vec![good.clone(), good.clone()], 400),
        (format!("{GRANT}&client_id=web"), vec![good.clone()], 400),
        (GRANT.to_owned(), vec![basic("robot", "wrong")], 401),
        (GRANT.to_owned(), vec![basic("robot", "")], 401),
        (GRANT.to_owned(), vec![basic("unknown", &secret)], 401),
        (GRANT.to_owned(), vec![basic("robot%ZZ", &secret)], 401),
        (GRANT.to_owned(), vec![basic("robot", &format!("{secret}%"))], 401),
        (GRANT.to_owned(), vec!["Basic !!!".to_owned()], 401),
        (GRANT.to_owned(), vec!["Basic cm9ib3Q=".to_owned()], 401),
        (GRANT.to_owned(), vec!["Bearer x".to_owned()], 401),
        (format!("{GRANT}&client_id=robot"), vec![], 401),
        (GRANT.to_owned(), vec![], 401),
    ];
    for (form, headers, status) in cases {
        let headers: Vec<_> =
            headers.iter().map(|value| ("authorization", value.as_str())).collect();
        let reply = f.send(form_request("/oauth/token", &form, &headers)).await;
        assert_eq!(reply.status().as_u16(), status, "{form} {headers:?} {}", text(&reply));
        if status == 401 {
            assert_eq!(body(&reply)["error_description"], "client authentication failed");
            assert!(reply.headers().contains_key("www-authenticate"));
        }
    }
}

async fn asked(f: &Fixture, form: &str, header: Option<&str>) -> (u16, String) {
    let headers: Vec<_> = header.iter().map(|value| ("authorization", *value)).collect();
    let reply = f.send(form_request("/oauth/token", form, &headers)).await;
    (reply.status().as_u16(), text(&reply))
}

/// `oidc-agent` says of a public client that its secret is empty.
#[tokio::test]
async fn an_empty_secret_is_none() {
    let f = Fixture::new();
    let session = f.sign_in().await;
    let empty = basic("web", "");
    for (id, header) in [("client_id=web&client_secret=", None), ("", Some(empty.as_str()))] {
        let form = code_form(&f.code(&session).await, &[]).replace("client_id=web", id);
        let (status, said) = asked(&f, &form, header).await;
        assert_eq!(status, 200, "{form} {said}");
    }
    // It opens nothing that a secret guards, and is no credential of a program's (attack C13).
    for (client, want) in [("robot", 401), ("web", 400)] {
        let form = format!("{GRANT}&client_id={client}&client_secret=");
        assert_eq!(asked(&f, &form, None).await.0, want, "{client}");
        assert_eq!(asked(&f, GRANT, Some(&basic(client, ""))).await.0, want, "{client}");
    }
}

struct Keyed {
    f: Fixture,
    key: PrivateKey,
    serial: u32,
}

impl Keyed {
    fn new() -> Self {
        let f = Fixture::new();
        let key = PrivateKey::generate(Algorithm::Es256).unwrap();
        let jwks = JwkSet::new(vec![key.public().clone()]).unwrap().to_json().to_string();
        let client = NewClient {
            id: "keyed".to_owned(),
            access: Access::Key(jwks),
            wants_es256: true,
            ..NewClient::default()
        };
        f.identity.clients().add(client).unwrap();
        Self { f, key, serial: 0 }
    }

    fn claims(&mut self, change: &Value) -> Value {
        self.serial += 1;
        let now = self.f.now().secs();
        let mut claims = json!({"iss": "keyed", "sub": "keyed", "aud": ISSUER, "iat": now,
            "exp": now + 60, "jti": format!("j-{}", self.serial)});
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    async fn send(&self, assertion: &str, extra: &str) -> u16 {
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        let form =
            format!("{GRANT}&client_assertion_type={kind}&client_assertion={assertion}{extra}");
        self.f.post("/oauth/token", &form).await.status().as_u16()
    }
}

#[tokio::test]
async fn an_assertion_proves_a_client_once() {
    let mut k = Keyed::new();
    let claims = k.claims(&json!({}));
    let assertion = mint(&k.key, "JWT", &claims).unwrap();
    assert_eq!(k.send(&assertion, "").await, 200);
    assert_eq!(k.send(&assertion, "").await, 401, "replayed");
    k.f.clock.advance(Duration::from_secs(65));
    assert_eq!(k.send(&assertion, "").await, 401, "replayed within the leeway");
    let claims = k.claims(&json!({}));
    let assertion = mint(&k.key, "client-authentication+jwt", &claims).unwrap();
    assert_eq!(k.send(&assertion, "&client_id=keyed").await, 200);
    let claims = k.claims(&json!({}));
    let assertion = mint(&k.key, "JWT", &claims).unwrap();
    assert_eq!(k.send(&assertion, "&client_id=robot").await, 401);
    assert_eq!(k.send(&assertion, "&client_secret=x").await, 400, "two methods");
}

#[tokio::test]
async fn a_bad_assertion_proves_nothing() {
    let mut k = Keyed::new();
    let now = k.f.now().secs();
    for change in [
        json!({"aud": format!("{ISSUER}/oauth/token")}),
        json!({"aud": [ISSUER]}),
        json!({"aud": "https://other.example"}),
        json!({"aud": null}),
        json!({"exp": null}),
        json!({"exp": now + 31_536_000}),
        json!({"exp": now - 20}),
        json!({"iat": now + 60, "exp": now + 90}),
        json!({"nbf": now + 60}),
        json!({"jti": null}),
        json!({"iss": "robot"}),
        json!({"sub": "robot"}),
        json!({"iss": "robot", "sub": "robot"}),
    ] {
        let claims = k.claims(&change);
        let assertion = mint(&k.key, "JWT", &claims).unwrap();
        assert_eq!(k.send(&assertion, "").await, 401, "{change}");
    }
    // Without `iat` it is as good (RFC 7523 section 3): `exp` and `jti` bound it.
    for (change, status) in [
        (json!({"iat": null}), 200),
        (json!({"iat": null, "exp": now + 290}), 200),
        (json!({"iat": null, "exp": now + 301}), 401),
        (json!({"iat": null, "exp": null}), 401),
        (json!({"iat": null, "jti": null}), 401),
        (json!({"iat": "now"}), 401),
    ] {
        let claims = k.claims(&change);
        let assertion = mint(&k.key, "JWT", &claims).unwrap();
        assert_eq!(k.send(&assertion, "").await, status, "{change}");
        assert_eq!(k.send(&assertion, "").await, 401, "{change} again");
    }
    // FAPI 2.0: eight seconds ahead are accepted.
    let claims = k.claims(&json!({"nbf": now + 8}));
    let ahead = mint(&k.key, "JWT", &claims).unwrap();
    assert_eq!(k.send(&ahead, "").await, 200);
    let other = PrivateKey::generate(Algorithm::Es256).unwrap();
    let claims = k.claims(&json!({}));
    let foreign = mint(&other, "JWT", &claims).unwrap();
    assert_eq!(k.send(&foreign, "").await, 401, "another key: {}", other.key_id());
    for typ in ["at+jwt", "rw-int+jwt", "logout+jwt"] {
        let claims = k.claims(&json!({}));
        assert_eq!(k.send(&mint(&k.key, typ, &claims).unwrap(), "").await, 401, "{typ}");
    }
}

#[tokio::test]
async fn a_client_with_a_key_is_not_let_in_with_less() {
    let k = Keyed::new();
    for form in [
        format!("{GRANT}&client_id=keyed"),
        format!("{GRANT}&client_id=keyed&client_secret="),
        format!("{GRANT}&client_id=keyed&client_secret={}", k.f.secret),
    ] {
        assert_eq!(k.f.post("/oauth/token", &form).await.status(), 401, "{form}");
    }
}

#[tokio::test]
async fn a_disabled_client_gets_nothing_and_its_tokens_end() {
    let f = Fixture::new();
    let form = format!("{GRANT}&client_id=robot&client_secret={}", f.secret);
    let token = body(&f.post("/oauth/token", &form).await)["access_token"].clone();
    let expected =
        ringwall_jose::Expected { issuer: ISSUER.to_owned(), audience: ISSUER.to_owned() };
    let claims =
        f.identity.keys().verify_access(token.as_str().unwrap(), &expected, f.now()).unwrap();
    f.identity.clients().disable("robot", true).unwrap();
    assert!(f.identity.is_revoked(&claims));
    assert_eq!(f.post("/oauth/token", &form).await.status(), 401);
    let f = f.restart();
    assert!(f.identity.is_revoked(&claims), "after a restart");
    f.identity.clients().disable("robot", false).unwrap();
    f.clock.advance(Duration::from_secs(1));
    assert_eq!(f.post("/oauth/token", &form).await.status(), 200);
}

#[tokio::test]
async fn two_secrets_overlap_and_the_third_replaces_the_first() {
    let f = Fixture::new();
    let works = async |secret: &str| {
        let form = format!("{GRANT}&client_id=robot&client_secret={secret}");
        f.post("/oauth/token", &form).await.status() == 200
    };
    f.clock.advance(Duration::from_secs(1));
    let second = f.identity.clients().add_secret("robot").unwrap();
    assert!(works(&f.secret).await && works(second.expose()).await);
    f.clock.advance(Duration::from_secs(1));
    let third = f.identity.clients().add_secret("robot").unwrap();
    assert!(!works(&f.secret).await && works(second.expose()).await && works(third.expose()).await);
}

#[test]
fn a_registration_that_cannot_be_safe_is_refused() {
    let f = Fixture::new();
    let add = |client: NewClient| f.identity.clients().add(client).map(|_| ());
    let new = |id: &str| NewClient { id: id.to_owned(), ..NewClient::default() };
    assert!(matches!(add(new("robot")), Err(ClientError::Exists)));
    assert!(matches!(add(new("a b")), Err(ClientError::Id)));
    let persons = f.identity.users().find("ada").unwrap().subject;
    assert!(matches!(add(new(&persons)), Err(ClientError::Id)), "RFC 9068 section 5");
    let public = NewClient { access: Access::Public, ..new("public") };
    assert!(matches!(add(public), Err(ClientError::PublicProgram)));
    let weak = NewClient { access: Access::Key("{}".to_owned()), ..new("weak") };
    assert!(matches!(add(weak), Err(ClientError::Keys(_))));
    for uri in [
        "http://web.example/cb",
        "https://web.example/cb#x",
        "http://localhost/cb",
        "javascript:x",
        "https://*.example/cb",
        "https://a@web.example/cb",
        "web:/cb",
        "/cb",
    ] {
        let client = NewClient {
            redirect_uris: vec![uri.to_owned()],
            grants: vec![Grant::AuthorizationCode],
            ..new("app")
        };
        assert!(matches!(add(client), Err(ClientError::RedirectUri(_))), "{uri}");
    }
}

#[tokio::test]
async fn q2_only_who_has_proved_to_be_known_is_no_stranger() {
    let f = Fixture::new();
    let robot = format!("client_id=robot&client_secret={}", f.secret);
    let grant = "grant_type=client_credentials";
    let par = authorize_path(&[]).split_once('?').unwrap().1.to_owned();
    for (path, form, status, want) in [
        ("/oauth/token", format!("{grant}&{robot}"), 200, true),
        ("/oauth/introspect", format!("token=x&{robot}"), 200, true),
        ("/oauth/token", format!("{grant}&{robot}&scope=none"), 400, false),
        ("/oauth/token", format!("{grant}&client_id=robot&client_secret=x"), 401, false),
        ("/oauth/par", par, 201, false),
        ("/oauth/revoke", "client_id=web&token=x".to_owned(), 200, false),
    ] {
        let reply = f.post(path, &form).await;
        assert_eq!(reply.status(), status, "{path}: {}", text(&reply));
        assert_eq!(reply.extensions().get::<Known>().is_some(), want, "{path} {status}");
    }
    for (path, want) in [("/oauth/jwks", true), ("/oauth/userinfo", false), ("/login", false)] {
        let reply = f.get(path, "").await;
        assert_eq!(reply.extensions().get::<Known>().is_some(), want, "{path}");
    }
}

/// C2: a clock that is ahead gives no second use, neither when it is ahead no more, nor after a restart.
#[tokio::test]
async fn c2_an_assertion_that_is_ahead_of_its_time_is_good_once() {
    for restarts in [false, true] {
        let mut k = Keyed::new();
        let now = k.f.now().secs();
        let claims = k.claims(&json!({"iat": now + 8}));
        let ahead = mint(&k.key, "JWT", &claims).unwrap();
        assert_eq!(k.send(&ahead, "").await, 200);
        k.f.clock.advance(Duration::from_secs(2));
        let k = if restarts { Keyed { f: k.f.restart(), ..k } } else { k };
        for wait in [0, 7, 20] {
            k.f.clock.advance(Duration::from_secs(wait));
            assert_eq!(k.send(&ahead, "").await, 401, "{restarts} {wait}");
        }
    }
}

/// C2: what was used stays used, although most of it is remembered in memory only.
#[tokio::test]
async fn c2_an_assertion_is_used_up_across_a_restart() {
    let mut k = Keyed::new();
    let now = k.f.now().secs();
    let mut used = Vec::new();
    for change in [json!({}), json!({"iat": now + 5}), json!({"iat": null})] {
        let claims = k.claims(&change);
        let assertion = mint(&k.key, "JWT", &claims).unwrap();
        assert_eq!(k.send(&assertion, "").await, 200, "{change}");
        used.push(assertion);
    }
    k.f.clock.advance(Duration::from_secs(2));
    let mut k = Keyed { f: k.f.restart(), ..k };
    for assertion in &used {
        assert_eq!(k.send(assertion, "").await, 401, "{:?}", payload(assertion));
    }
    let claims = k.claims(&json!({}));
    let fresh = mint(&k.key, "JWT", &claims).unwrap();
    assert_eq!(k.send(&fresh, "").await, 200);
}

#[test]
fn a_client_that_can_do_nothing_is_refused() {
    let f = Fixture::new();
    let add = |client: NewClient| f.identity.clients().add(client).map(|_| ()).unwrap_err();
    let new = || NewClient { id: "x".to_owned(), grants: Vec::new(), ..NewClient::default() };
    let idle = add(NewClient { access: Access::Public, ..new() }).to_string();
    assert!(idle.contains("redirect URI") && idle.contains("device_code"), "{idle}");
    let lonely = NewClient {
        access: Access::Public,
        grants: vec![Grant::AuthorizationCode, Grant::RefreshToken],
        ..new()
    };
    assert_eq!(add(lonely).to_string(), idle);
    let keyless = add(NewClient { access: Access::Key("{\"keys\": []}".to_owned()), ..new() });
    assert!(keyless.to_string().contains("no key"), "{keyless}");
    let local = NewClient {
        redirect_uris: vec!["http://localhost:8080/cb".to_owned()],
        grants: vec![Grant::AuthorizationCode],
        ..new()
    };
    let said = add(local).to_string();
    assert!(said.contains("127.0.0.1") && said.contains("[::1]"), "{said}");
}
