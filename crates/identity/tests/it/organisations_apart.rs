//! What is of a person of one organisation is nobody's of another (attack M1): passkeys, consents, devices.

use ringwall_base::{Secret, Sessions as _};
use ringwall_identity::{Access, Grant, NewClient, Party};

use crate::fixture::*;
use crate::passkey_device::*;
use crate::passkeys::{Own, Says, made};

fn add_acme(f: &Fixture) {
    f.identity.organisations().add("acme", None).unwrap();
    let password = Secret::new(PASSWORD.to_owned());
    f.identity.users().add("acme/ada", &[], &password).unwrap();
}

fn add(f: &Fixture, id: &str, grant: Grant, party: Party) {
    let client = NewClient {
        id: id.to_owned(),
        access: Access::Public,
        grants: vec![grant],
        redirect_uris: vec![CALLBACK.to_owned()],
        party,
        ..NewClient::default()
    };
    f.identity.clients().add(client).unwrap();
}

#[tokio::test]
async fn m1_a_passkey_of_one_organisation_opens_and_shows_nothing_of_another() {
    let mut own = Own::keyed().await;
    add_acme(&own.f);
    let device = Device::new();
    own.session = own.f.sign_in_with("", "acme/ada").await;
    assert!(!text(&own.f.get("/account", &own.session).await).contains("My phone"));
    let id = own.f.identity.users().factors("ada").unwrap().passkeys[0].id.clone();
    for verb in ["passkey-remove", "passkey-rename"] {
        own.send(&format!("do={verb}&passkey={id}&name=mine")).await;
    }
    assert_eq!(own.f.identity.users().factors("ada").unwrap().passkeys[0].name, "My phone");
    let (page, challenge) = own.begin().await;
    let form = made(&device, b"acme's", UP | UV, &challenge);
    assert_eq!(own.submit(&page, &form).await.status(), 200);
    // Alone, as somebody of the other organisation.
    let subject = own.f.identity.users().find("acme/ada").unwrap().subject;
    let reply = own.sign_in(|says| says.handle = subject.clone()).await;
    assert_eq!(set_cookie(&reply, "__Host-ringwall"), None, "{}", text(&reply));
    // As her second step, and her own as the control.
    for (is_hers, wanted) in [(false, None), (true, Some("acme/ada"))] {
        let page = own.f.page("/login", "").await;
        let form = format!("username=acme%2Fada&password={}", PASSWORD.replace(' ', "+"));
        let reply = own.f.submit(&page, "/login", &form).await;
        let [token, challenge] = ["step", "challenge"].map(|name| hidden(&reply, name).unwrap());
        let says = own.says(&challenge, 0);
        let hers = Says { by: &device, id: b"acme's", handle: subject.clone(), ..says.clone() };
        let says = if is_hers { hers } else { says };
        let form = format!("step={token}&challenge={challenge}&{}", says.form());
        let reply = own.f.submit(&Page::of(&reply, ""), "/login", &form).await;
        let cookie = set_cookie(&reply, "__Host-ringwall");
        let person = cookie.and_then(|cookie| {
            own.f.identity.person(cookie.split_once('=').unwrap().1, own.f.now())
        });
        assert_eq!(person.map(|person| person.name).as_deref(), wanted, "{}", text(&reply));
    }
}

#[tokio::test]
async fn m1_a_consent_of_one_organisation_counts_for_nobody_of_another() {
    let f = Fixture::new();
    add_acme(&f);
    add(&f, "guest", Grant::AuthorizationCode, Party::Third);
    let (default, acme) = (f.sign_in().await, f.sign_in_with("", "acme/ada").await);
    let path = authorize_path(&[("client_id", "guest")]);
    let asked = f.get(&path, &default).await;
    let fields = ["request", "at", "seal"].map(|name| {
        let value = hidden(&asked, name).unwrap().replace("&amp;", "&");
        format!("{name}={}", encoded(&value))
    });
    let form = format!("{}&decision=allow", fields.join("&"));
    // The page that one was shown is no answer of another.
    let foreign = f.submit(&Page::of(&asked, &acme), "/oauth/consent", &form).await;
    assert_ne!(foreign.status(), 303, "{}", text(&foreign));
    let allowed = f.submit(&Page::of(&asked, &default), "/oauth/consent", &form).await;
    assert!(parameter(&location(&allowed), "code").is_some(), "{}", text(&allowed));
    let silent = authorize_path(&[("client_id", "guest"), ("prompt", "none")]);
    let counts = async |session: &str| {
        parameter(&location(&f.get(&silent, session).await), "code").is_some()
    };
    assert!(counts(&default).await && !counts(&acme).await);
    let shows = async |session: &str| text(&f.get("/account", session).await).contains("guest");
    assert!(shows(&default).await && !shows(&acme).await);
    let page = f.page("/account", &acme).await;
    f.submit(&page, "/account", "do=withdraw&client=guest").await;
    assert!(counts(&default).await, "another's word ends nothing");
}

#[tokio::test]
async fn m1_a_device_is_of_whoever_connected_it_and_nobody_decides_again() {
    let f = Fixture::new();
    add_acme(&f);
    add(&f, "tv", Grant::DeviceCode, Party::Third);
    let (default, acme) = (f.sign_in().await, f.sign_in_with("", "acme/ada").await);
    let started = json(&f.post("/oauth/device_authorization", "client_id=tv&scope=openid").await);
    let typed = started["user_code"].as_str().unwrap();
    for (session, decision, status) in
        [(&acme, "approve", 200), (&default, "deny", 400), (&default, "approve", 400)]
    {
        let page = f.page("/oauth/device", session).await;
        let form = format!("user_code={typed}&decision={decision}");
        assert_eq!(f.submit(&page, "/oauth/device", &form).await.status(), status, "{decision}");
    }
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=tv&device_code={}",
        started["device_code"].as_str().unwrap()
    );
    let given = json(&f.post("/oauth/token", &form).await);
    let token = given["access_token"].as_str().unwrap_or_else(|| panic!("{given}"));
    let whose = payload(token);
    assert_eq!(
        (whose["tenant"].as_str(), whose["name"].as_str()),
        (Some("acme"), Some("acme/ada"))
    );
    // Nor takes another it away.
    let page = f.page("/account", &default).await;
    f.submit(&page, "/account", "do=withdraw&client=tv").await;
    let request =
        http::Request::get("/oauth/userinfo").header("authorization", format!("Bearer {token}"));
    assert_eq!(f.send(request.body(bytes::Bytes::new()).unwrap()).await.status(), 200);
}
