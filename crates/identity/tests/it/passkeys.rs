//! Passkeys of a person: added, used alone and as the second step, renamed, removed.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Response;
use ringwall_base::{Secret, Sessions as _};
use ringwall_identity::Factors;
use ringwall_jose::base64url_encode;

use crate::fixture::*;
use crate::passkey_device::*;

pub(crate) const ID: &[u8] = b"a credential";
pub(crate) const RIGHT: &str = "username=ada&password=correct+horse&return_to=%2Forders";
const HOST: &str = "shop.example";

/// `ada`, signed in, and a device of hers.
pub(crate) struct Own {
    pub(crate) f: Fixture,
    pub(crate) session: String,
    pub(crate) device: Device,
}

/// What a device says at a sign-in.
#[derive(Clone)]
pub(crate) struct Says<'a> {
    pub(crate) by: &'a Device,
    pub(crate) id: &'a [u8],
    pub(crate) handle: String,
    pub(crate) host: &'a str,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) client_data: String,
}

impl Says<'_> {
    pub(crate) fn form(&self) -> String {
        let data = head(self.host, self.flags, self.counter);
        let signature = self.by.sign(&data, &self.client_data);
        format!(
            "credential={}&client_data={}&authenticator_data={}&signature={}&user_handle={}",
            base64url_encode(self.id),
            base64url_encode(&self.client_data),
            base64url_encode(data),
            base64url_encode(signature),
            base64url_encode(&self.handle)
        )
    }
}

pub(crate) fn made(device: &Device, id: &[u8], flags: u8, challenge: &str) -> String {
    let said = client_data("webauthn.create", challenge, ISSUER);
    let object = object(&attested(flags, id, &device.key()));
    format!(
        "do=passkey-add&name=My+phone&challenge={challenge}&client_data={}&attestation={}",
        base64url_encode(said),
        base64url_encode(object)
    )
}

fn value(session: &str) -> &str {
    session.split_once('=').unwrap().1
}

impl Own {
    pub(crate) async fn new() -> Self {
        let f = Fixture::new();
        let session = f.sign_in().await;
        f.sink.take();
        Self { f, session, device: Device::new() }
    }

    /// With a passkey that asks for a PIN.
    pub(crate) async fn keyed() -> Self {
        let mut own = Self::new().await;
        let reply = own.enrol(UP | UV).await;
        assert_eq!(reply.status(), 200, "{}", text(&reply));
        own.f.sink.take();
        own
    }

    pub(crate) async fn send(&mut self, form: &str) -> Response<Bytes> {
        let page = self.f.page("/account", &self.session).await;
        self.submit(&page, form).await
    }

    pub(crate) async fn submit(&mut self, page: &Page, form: &str) -> Response<Bytes> {
        let reply = self.f.submit(page, "/account", form).await;
        if let Some(session) = set_cookie(&reply, "__Host-ringwall") {
            self.session = session;
        }
        reply
    }

    /// The page that makes a passkey, and its challenge.
    pub(crate) async fn begin(&mut self) -> (Page, String) {
        let shown = self.send("do=passkey").await;
        assert_eq!(shown.status(), 200, "{}", text(&shown));
        let challenge = hidden(&shown, "challenge").unwrap();
        (Page::of(&shown, &self.session), challenge)
    }

    pub(crate) async fn enrol(&mut self, flags: u8) -> Response<Bytes> {
        let (page, challenge) = self.begin().await;
        let form = made(&self.device, ID, flags, &challenge);
        self.submit(&page, &form).await
    }

    fn subject(&self) -> String {
        self.f.identity.users().find("ada").unwrap().subject
    }

    /// As it should be.
    pub(crate) fn says(&self, challenge: &str, counter: u32) -> Says<'_> {
        Says {
            by: &self.device,
            id: ID,
            handle: self.subject(),
            host: HOST,
            flags: UP | UV,
            counter,
            client_data: client_data("webauthn.get", challenge, ISSUER),
        }
    }

    /// Signs in with what the device says, in a browser that has nothing.
    pub(crate) async fn sign_in(&self, change: impl FnOnce(&mut Says<'_>)) -> Response<Bytes> {
        let (page, challenge) = login_page(&self.f).await;
        let mut says = self.says(&challenge, 0);
        change(&mut says);
        self.give(&page, &challenge, &says).await
    }

    pub(crate) async fn give(
        &self,
        page: &Page,
        challenge: &str,
        says: &Says<'_>,
    ) -> Response<Bytes> {
        let form = format!("challenge={challenge}&return_to=%2Forders&{}", says.form());
        self.f.submit(page, "/login", &form).await
    }

    /// Gives the password; the page of the second step, its token and its challenge.
    pub(crate) async fn password(&self) -> Step {
        let page = self.f.page("/login", "").await;
        let reply = self.f.submit(&page, "/login", RIGHT).await;
        assert_eq!(reply.status(), 200, "{}", text(&reply));
        let [token, challenge] = ["step", "challenge"].map(|name| hidden(&reply, name).unwrap());
        assert!(text(&reply).contains(&format!("data-known=\"{}\"", base64url_encode(ID))));
        Step { page: Page::of(&reply, ""), token, challenge }
    }

    pub(crate) async fn finish(&self, step: &Step, says: &Says<'_>) -> Response<Bytes> {
        let Step { page, token, challenge } = step;
        let form = format!("step={token}&challenge={challenge}&{}", says.form());
        self.f.submit(page, "/login", &form).await
    }

    /// Another person with a passkey: her device, and her subject.
    pub(crate) async fn with_eve(&mut self) -> (Device, String) {
        let users = self.f.identity.users();
        let eve = users.add("eve", &[], &Secret::new(PASSWORD.to_owned())).unwrap();
        let (own, device) = (self.session.clone(), Device::new());
        self.session = self.f.sign_in_with("", "eve").await;
        let (page, challenge) = self.begin().await;
        let form = made(&device, b"eve's", UP | UV, &challenge);
        assert_eq!(self.submit(&page, &form).await.status(), 200);
        self.session = own;
        (device, eve.subject)
    }

    fn proofs(&self, reply: &Response<Bytes>) -> Vec<&'static str> {
        let session = set_cookie(reply, "__Host-ringwall").expect("a session");
        self.f.identity.person(value(&session), self.f.now()).unwrap().proofs.names()
    }

    pub(crate) fn events(&self) -> Vec<(&'static str, Option<String>)> {
        self.f.sink.take().into_iter().map(|event| (event.action, event.reason)).collect()
    }
}

pub(crate) struct Step {
    pub(crate) page: Page,
    pub(crate) token: String,
    pub(crate) challenge: String,
}

/// The login page as a new browser gets it.
pub(crate) async fn login_page(f: &Fixture) -> (Page, String) {
    let shown = f.get("/login?return_to=%2Forders", "").await;
    (Page::of(&shown, ""), hidden(&shown, "challenge").unwrap())
}

#[tokio::test]
async fn a_person_adds_a_passkey_and_signs_in_with_it_alone() {
    let mut own = Own::new().await;
    own.f.identity.users().grant("ada", "admin").unwrap();
    own.f.identity.elevate(BTreeSet::from(["admin".to_owned()]));
    own.f.sink.take();
    let before = own.session.clone();
    let reply = own.enrol(UP | UV).await;
    assert_eq!(text(&reply).matches("<li><code>").count(), 10, "recovery codes");
    assert_ne!(own.session, before, "a new secret");
    assert!(own.f.identity.person(value(&before), own.f.now()).is_none(), "fixation");
    let person = own.f.identity.person(value(&own.session), own.f.now()).unwrap();
    assert_eq!(person.proofs.names(), ["pwd", "pop", "hwk", "user", "mfa"]);
    assert_eq!(person.roles, ["admin", "customer"]);
    let done: Vec<_> = own.events().into_iter().map(|event| event.0).collect();
    assert_eq!(done, ["factor-added", "recovery-codes-made"]);
    let shown = text(&own.f.get("/account", &own.session).await);
    assert!(shown.contains("<b>My phone</b>"), "{shown}");

    let reply = own.sign_in(|_| ()).await;
    assert_eq!((reply.status().as_u16(), location(&reply).as_str()), (303, "/orders"));
    assert_eq!(own.proofs(&reply), ["pop", "hwk", "user", "mfa"]);
    let events = own.f.sink.take();
    assert_eq!(events[0].operation.as_deref(), Some("pop hwk user mfa"));
    let session = set_cookie(&reply, "__Host-ringwall").unwrap();
    let code = own.f.code(&session).await;
    let claims = payload(json(&own.f.redeem(&code).await)["id_token"].as_str().unwrap());
    assert_eq!(claims["acr"], "aal2");
    assert_eq!(claims["amr"], serde_json::json!(["pop", "hwk", "user", "mfa"]));
    let own = Own { f: own.f.restart(), ..own };
    assert_eq!(own.sign_in(|_| ()).await.status(), 303, "after a restart");
}

#[tokio::test]
async fn a_passkey_is_the_second_step_with_or_without_a_pin() {
    let own = Own::keyed().await;
    for (flags, proofs) in
        [(UP, &["pwd", "pop", "hwk", "mfa"][..]), (UP | UV, &["pwd", "pop", "hwk", "user", "mfa"])]
    {
        let step = own.password().await;
        let says = Says { flags, handle: String::new(), ..own.says(&step.challenge, 0) };
        let reply = own.finish(&step, &says).await;
        assert_eq!((reply.status().as_u16(), location(&reply).as_str()), (303, "/orders"));
        assert_eq!(own.proofs(&reply), proofs);
    }
}

#[tokio::test]
async fn a_recovery_code_goes_in_place_of_a_passkey_once() {
    let mut own = Own::new().await;
    let shown = text(&own.enrol(UP | UV).await);
    let code = shown.split("<li><code>").nth(1).unwrap().split('<').next().unwrap();
    for status in [303, 401] {
        let step = own.password().await;
        let form = format!("step={}&code={code}", step.token);
        assert_eq!(own.f.submit(&step.page, "/login", &form).await.status(), status);
    }
    assert_eq!(own.f.identity.users().factors("ada").unwrap().recovery_codes, 9);
}

#[tokio::test]
async fn a_passkey_that_may_be_copied_says_so_and_stays_one() {
    let mut own = Own::new().await;
    own.enrol(UP | UV | BE).await;
    let reply = own.sign_in(|says| says.flags |= BE | BS).await;
    assert_eq!(own.proofs(&reply), ["pop", "swk", "user", "mfa"]);
    assert_eq!(own.sign_in(|_| ()).await.status(), 401, "another kind than it was");
}

#[tokio::test]
async fn recovery_codes_stay_until_the_last_factor_goes() {
    let mut own = Own::keyed().await;
    own.f.identity.users().enrol("ada").unwrap();
    let reply = own.sign_in(|_| ()).await;
    own.session = set_cookie(&reply, "__Host-ringwall").unwrap();
    own.send("do=app-remove").await;
    let factors = own.f.identity.users().factors("ada").unwrap();
    assert_eq!((factors.app, factors.recovery_codes), (None, 10), "there is a passkey");
    let named = format!("do=passkey-rename&passkey={}&name=%3Ci%3E", factors.passkeys[0].id);
    let shown = text(&own.send(&named).await);
    assert!(shown.contains("<b>&lt;i&gt;</b>"), "{shown}");
    own.f.sink.take();
    own.f.identity.users().remove_factors("ada").unwrap();
    let removed: Vec<_> =
        own.f.sink.take().into_iter().map(|event| event.operation.unwrap()).collect();
    assert_eq!(removed, ["passkey <i>", "app"]);
    assert_eq!(own.f.identity.users().factors("ada").unwrap(), Factors::default());
    assert!(own.f.identity.person(value(&own.session), own.f.now()).is_none(), "sessions end");
    assert_eq!(own.sign_in(|_| ()).await.status(), 401);
}
