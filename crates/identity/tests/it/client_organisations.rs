//! Clients of one organisation (attacks M1, C13, X1): whose people use them, and what they get for themselves.

use ringwall_base::Secret;
use ringwall_identity::{Access, ClientError, Grant, NewClient, OrganisationError};
use serde_json::{Value, json as value};

use crate::admin::{Office, is};
use crate::fixture::*;

const DEVICE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
const EXCHANGE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";

/// `ada` of `default`, `acme/ada` and `zeta/ada`; `app` is of nobody yet.
fn houses() -> Fixture {
    let f = Fixture::new();
    for slug in ["acme", "zeta"] {
        f.identity.organisations().add(slug, None).unwrap();
        let password = Secret::new(PASSWORD.to_owned());
        f.identity.users().add(&format!("{slug}/ada"), &[], &password).unwrap();
    }
    f.identity.clients().add(app("app", None)).unwrap();
    f.sink.take();
    f
}

fn app(id: &str, organisation: Option<&str>) -> NewClient {
    NewClient {
        id: id.to_owned(),
        access: Access::Public,
        grants: vec![Grant::AuthorizationCode, Grant::RefreshToken, Grant::DeviceCode],
        redirect_uris: vec![CALLBACK.to_owned()],
        organisation: organisation.map(str::to_owned),
        ..NewClient::default()
    }
}

/// Makes `app` another organisation's.
fn bind(f: &Fixture, organisation: Option<&str>) {
    let clients = f.identity.clients();
    let before = clients.find("app").unwrap();
    clients.change(&before, app("app", organisation)).unwrap();
}

async fn ask(f: &Fixture, session: &str, more: &[(&str, &str)]) -> String {
    let changes = [&[("client_id", "app"), ("scope", "openid+offline_access")], more].concat();
    location(&f.get(&authorize_path(&changes), session).await)
}

async fn code(f: &Fixture, session: &str) -> String {
    let to = ask(f, session, &[]).await;
    parameter(&to, "code").unwrap_or_else(|| panic!("{to}"))
}

async fn redeem(f: &Fixture, code: &str) -> Value {
    json(&f.post("/oauth/token", &code_form(code, &[("client_id", "app")])).await)
}

#[tokio::test]
async fn only_people_of_its_organisation_sign_in_at_a_client() {
    let f = houses();
    bind(&f, Some("acme"));
    let (of_default, of_acme) = (f.sign_in().await, f.sign_in_with("", "acme/ada").await);
    // As if the request had asked for the organisation: the browser cannot leave it out.
    let to = ask(&f, &of_default, &[]).await;
    assert!(to.starts_with("/login?"), "{to}");
    assert_eq!(parameter(&to, "organization").as_deref(), Some("acme"));
    let silent = ask(&f, &of_default, &[("prompt", "none")]).await;
    assert_eq!(parameter(&silent, "error").as_deref(), Some("login_required"));
    let other = ask(&f, &of_acme, &[("organization", "zeta")]).await;
    assert_eq!(parameter(&other, "error").as_deref(), Some("invalid_request"));
    let hint = encoded("zeta/ada");
    let hinted = ask(&f, &of_acme, &[("login_hint", &hint)]).await;
    assert!(parameter(&hinted, "code").is_some(), "a hint is no more than that: {hinted}");
    let given = redeem(&f, &code(&f, &of_acme).await).await;
    assert_eq!(payload(given["access_token"].as_str().unwrap())["tenant"], "acme");
    // `default` is an organisation as any other.
    bind(&f, Some("default"));
    assert!(ask(&f, &of_acme, &[]).await.starts_with("/login?"));
    assert!(parameter(&ask(&f, &of_default, &[]).await, "code").is_some());
}

/// What was given before it became theirs.
#[tokio::test]
async fn a_client_that_becomes_an_organisations_has_nothing_of_others_any_more() {
    let f = houses();
    let session = f.sign_in().await;
    let given = redeem(&f, &code(&f, &session).await).await;
    let waiting = code(&f, &session).await;
    let bearer = format!("Bearer {}", given["access_token"].as_str().unwrap());
    let userinfo = async || {
        let request = http::Request::get("/oauth/userinfo").header("authorization", &bearer);
        f.send(request.body(bytes::Bytes::new()).unwrap()).await.status().as_u16()
    };
    assert_eq!(userinfo().await, 200);
    f.clock.advance(std::time::Duration::from_secs(1));
    bind(&f, Some("acme"));
    assert_eq!(userinfo().await, 401, "access tokens");
    assert_eq!(redeem(&f, &waiting).await["error"], "invalid_grant", "codes");
    let refresh = given["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&client_id=app&refresh_token={refresh}");
    assert_eq!(json(&f.post("/oauth/token", &form).await)["error"], "invalid_grant", "refreshing");
    let refused = f.sink.take().into_iter().filter(|event| event.action == "token-refused");
    let reasons: Vec<_> = refused.filter_map(|event| event.reason).collect();
    assert!(reasons.iter().any(|why| why.contains("another organisation")), "{reasons:?}");
}

#[tokio::test]
async fn a_device_of_an_organisation_is_connected_by_its_people_only() {
    let f = houses();
    bind(&f, Some("acme"));
    let form = "client_id=app&scope=openid";
    let started = json(&f.post("/oauth/device_authorization", form).await);
    let typed = started["user_code"].as_str().unwrap();
    for (name, status) in [("ada", 400), ("zeta/ada", 400), ("acme/ada", 200)] {
        let session = f.sign_in_with("", name).await;
        let page = f.page("/oauth/device", &session).await;
        let form = format!("user_code={typed}&decision=approve");
        assert_eq!(f.submit(&page, "/oauth/device", &form).await.status(), status, "{name}");
    }
    let device = started["device_code"].as_str().unwrap();
    let form = format!("grant_type={DEVICE}&client_id=app&device_code={device}");
    let given = json(&f.post("/oauth/token", &form).await);
    assert_eq!(payload(given["access_token"].as_str().unwrap())["tenant"], "acme");
}

#[tokio::test]
async fn a_service_of_an_organisation_acts_for_its_people_only() {
    let f = houses();
    let actor = NewClient {
        id: "actor".to_owned(),
        grants: vec![Grant::TokenExchange],
        may_act_for: vec!["app".to_owned()],
        organisation: Some("acme".to_owned()),
        ..NewClient::default()
    };
    let secret = f.identity.clients().add(actor).unwrap().unwrap();
    for (name, is_served) in [("ada", false), ("zeta/ada", false), ("acme/ada", true)] {
        let session = f.sign_in_with("", name).await;
        let given = redeem(&f, &code(&f, &session).await).await;
        let form = format!(
            "grant_type={EXCHANGE}&client_id=actor&client_secret={}&subject_token={}\
             &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token",
            secret.expose(),
            given["access_token"].as_str().unwrap()
        );
        let reply = f.post("/oauth/token", &form).await;
        assert_eq!(reply.status() == 200, is_served, "{name}: {}", text(&reply));
    }
}

/// M1: a program of one organisation administers that one.
#[tokio::test]
async fn m1_a_program_of_one_organisation_administers_that_one() {
    let o = Office::new();
    for slug in ["acme", "zeta"] {
        o.f.identity.organisations().add(slug, None).unwrap();
    }
    let (ann, zoe) = (o.user("acme/ann", &[]), o.user("zeta/zoe", &[]));
    let scopes = ["users.read", "users.write", "clients.read", "clients.write"];
    let scopes = scopes.map(|scope| format!("ringwall:{scope}"));
    let new = NewClient {
        id: "acme-admin".to_owned(),
        scopes: scopes.to_vec(),
        organisation: Some("acme".to_owned()),
        ..NewClient::default()
    };
    let secret = o.f.identity.clients().add(new).unwrap().unwrap();
    let form = format!(
        "grant_type=client_credentials&client_id=acme-admin&client_secret={}&scope={}",
        secret.expose(),
        scopes.join("+").replace(':', "%3A")
    );
    let given = json(&o.f.post("/oauth/token", &form).await);
    let token = given["access_token"].as_str().unwrap().to_owned();
    assert_eq!(payload(&token)["tenant"], "acme");
    let list = o.ask(&token, "GET /users", &Value::Null).await;
    let names: Vec<String> = json(&list)["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["acme/ann"]);
    is(&o.ask(&token, &format!("GET /users/{ann}"), &Value::Null).await, 200, "its own");
    is(&o.ask(&token, &format!("GET /users/{zoe}"), &Value::Null).await, 404, "another's");
    is(&o.ask(&token, "GET /clients", &Value::Null).await, 403, "the fleet's");
    // It is over with its organisation.
    o.f.identity.organisations().disable("acme", true).unwrap();
    is(&o.ask(&token, "GET /users", &Value::Null).await, 401, "its token");
    assert_eq!(o.f.post("/oauth/token", &form).await.status(), 401, "and no other one");
    o.f.identity.organisations().disable("acme", false).unwrap();
    assert_eq!(o.f.post("/oauth/token", &form).await.status(), 200);
}

#[tokio::test]
async fn the_admin_api_says_and_sets_whose_a_client_is() {
    let o = Office::new();
    o.f.identity.organisations().add("acme", None).unwrap();
    let root = o.token("root").await;
    let new = value!({"id": "shop", "access": "secret", "grants": ["client_credentials"],
        "organisation": "acme"});
    let made = o.ask(&root, "POST /clients", &new).await;
    is(&made, 201, "made");
    assert_eq!(json(&made)["organisation"], "acme");
    // What is not said stays.
    let change = value!({"id": "shop", "access": "secret", "grants": []});
    assert_eq!(json(&o.change(&root, "PUT /clients/shop", &change).await)["organisation"], "acme");
    for slug in ["nowhere", "ACME", ""] {
        let new = value!({"id": "other", "access": "secret", "grants": [], "organisation": slug});
        is(&o.ask(&root, "POST /clients", &new).await, 422, slug);
    }
}

#[test]
fn a_client_is_of_an_organisation_that_is_there_and_keeps_it_there() {
    let f = houses();
    let clients = f.identity.clients();
    for slug in ["nowhere", "Acme", "a/b"] {
        let refused = clients.add(app("other", Some(slug)));
        assert!(matches!(refused, Err(ClientError::Organisation)), "{slug}");
    }
    f.identity.organisations().add("empty", None).unwrap();
    clients.add(app("other", Some("empty"))).unwrap();
    let refused = f.identity.organisations().delete("empty");
    assert!(matches!(refused, Err(OrganisationError::Inhabited)));
    clients.delete("other").unwrap();
    f.identity.organisations().delete("empty").unwrap();
}

/// The manifest may name an organisation that is made later: until then its client gets nothing.
#[test]
fn a_declared_client_waits_for_its_organisation() {
    let f = Fixture::new();
    let settings = app("shop", Some("acme"));
    let declared = ringwall_identity::Declared { settings, secret: None };
    f.identity.clients().apply(&[declared]).unwrap();
    assert!(f.identity.clients().find("shop").unwrap().is_disabled);
    f.identity.organisations().add("acme", None).unwrap();
    assert!(!f.identity.clients().find("shop").unwrap().is_disabled);
}
