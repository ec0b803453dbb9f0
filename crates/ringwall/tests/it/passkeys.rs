//! Passkeys, in Chromium with a virtual authenticator against the running program.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::PASSWORD;
use crate::library::Library;
use crate::wait::until;

/// A browser with an authenticator in it.
pub(crate) struct Keyed<'a> {
    library: &'a Library,
    pub(crate) browser: Browser,
    id: String,
}

impl<'a> Keyed<'a> {
    /// One that asks for a finger, or none that could.
    fn open(library: &'a Library, verifies: bool) -> Self {
        Self::plug_in(library, Browser::start(), verifies)
    }

    pub(crate) fn plug_in(library: &'a Library, browser: Browser, verifies: bool) -> Self {
        // Chromium takes a touch for the answer to what a page only proposes; most pages here wait to be
        // pressed.
        let waits = "if (window.PublicKeyCredential && location.hash !== '#proposed')
            PublicKeyCredential.isConditionalMediationAvailable = async () => false";
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": waits }));
        browser.devtools("WebAuthn.enable", &json!({}));
        let options = json!({ "options": {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": verifies, "isUserVerified": verifies,
            "automaticPresenceSimulation": false,
        } });
        let made = browser.devtools("WebAuthn.addVirtualAuthenticator", &options);
        let id = made["authenticatorId"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        Self { library, browser, id }
    }

    fn devtools(&self, command: &str, mut parameters: Value) -> Value {
        parameters["authenticatorId"] = self.id.as_str().into();
        self.browser.devtools(&format!("WebAuthn.{command}"), &parameters)
    }

    /// Whether somebody touches it when it asks. Nobody does while a page only offers passkeys.
    pub(crate) fn touch(&self, does: bool) {
        self.devtools("setAutomaticPresenceSimulation", json!({ "enabled": does }));
    }

    fn credentials(&self) -> Vec<Value> {
        let found = self.devtools("getCredentials", json!({}));
        found["credentials"].as_array().unwrap_or_else(|| panic!("{found}")).clone()
    }

    /// Goes on as a copy that was made when it had signed so often.
    fn count(&self, counter: u64) {
        for mut credential in self.credentials() {
            let which = json!({ "credentialId": credential["credentialId"] });
            self.devtools("removeCredential", which);
            credential["signCount"] = counter.into();
            self.devtools("addCredential", json!({ "credential": credential }));
        }
    }

    fn login_page(&self) {
        self.touch(false);
        self.browser.devtools("Network.clearBrowserCookies", &json!({}));
        let origin = self.library.house.origin();
        self.browser.open(&format!("{origin}/login?return_to=%2Fbooks%2F7"));
    }

    pub(crate) fn give_password(&self, name: &str) {
        self.browser.write("#username", name);
        self.browser.write("#password", PASSWORD);
        self.browser.click("button");
    }

    /// Presses the page's button for passkeys, and touches the authenticator.
    pub(crate) fn press(&self) {
        self.touch(true);
        self.browser.click("form[data-passkey] button");
    }

    fn is_in(&self) {
        let there = || self.browser.address().ends_with("/books/7").then_some(());
        until("the page that was wanted", there);
        assert!(self.browser.cookie().is_some());
    }

    fn is_refused(&self) {
        let said = "The passkey was not accepted.";
        until("the refusal", || self.browser.source().contains(said).then_some(()));
        assert!(self.browser.cookie().is_none());
    }

    /// Signs in with the password, and adds a passkey on the account page.
    fn enrol(&self, name: &str) {
        self.login_page();
        self.give_password(name);
        self.is_in();
        self.browser.open(&format!("{}/account", self.library.house.origin()));
        self.browser.click("input[value=passkey] ~ button");
        until("the page", || self.browser.source().contains("data-user").then_some(()));
        self.browser.write("#name", "Laptop");
        self.press();
        until("the codes", || self.browser.source().contains("recovery codes").then_some(()));
        assert_eq!(self.credentials().len(), 1);
    }

    fn reasons(&self, action: &str) -> Vec<String> {
        let events = self.library.house.events(&["--action", action]);
        let reason = |event: &Value| event["event"]["reason"].as_str().unwrap().to_owned();
        events.iter().map(reason).collect()
    }
}

#[test]
fn a_person_makes_a_passkey_and_signs_in_with_it_alone_or_after_the_password() {
    let library =
        Library::open_with(|manifest| manifest.replace("clerk = {}", "clerk = { mfa = true }"));
    let house = &library.house;
    house.person("cem", "clerk");
    let keyed = Keyed::open(&library, true);
    keyed.enrol("cem");
    let factors = house.run(&["user", "factors", "cem"]).good().out;
    assert!(factors.contains("passkey Laptop") && factors.contains("10 left"), "{factors}");
    let listed = house.run(&["user", "list", "--format", "plain"]).good().out;
    assert!(listed.contains("passkey"), "{listed}");

    keyed.login_page();
    keyed.press();
    keyed.is_in();
    let cookie = keyed.browser.cookie().unwrap();
    let cookie = format!("Cookie: __Host-ringwall={}", cookie["value"].as_str().unwrap());
    let origin = format!("Origin: {}", house.origin());
    let remove = || house.send("DELETE /books/7", &[&cookie, &origin], "").status;
    assert!(![401, 403].contains(&remove()), "two factors");

    keyed.login_page();
    keyed.give_password("cem");
    until("the second step", || keyed.browser.source().contains("id=\"code\"").then_some(()));
    assert!(keyed.browser.cookie().is_none());
    keyed.press();
    keyed.is_in();
    assert!(keyed.browser.complaints().is_empty(), "{:?}", keyed.browser.complaints());

    // What the browser proposes by itself, this authenticator takes by itself.
    keyed.login_page();
    keyed.touch(true);
    keyed.browser.open("about:blank");
    keyed.browser.open(&format!("{}/login?return_to=%2Fbooks%2F7#proposed", house.origin()));
    keyed.is_in();
    let ways = house.events(&["--action", "login-succeeded"]);
    let ways: Vec<_> =
        ways.iter().map(|event| event["ringwall"]["operation"].to_string()).collect();
    let alone = ways.iter().filter(|way| way.contains("pop hwk user mfa") && !way.contains("pwd"));
    assert_eq!(alone.count(), 2, "{ways:?}");
    assert!(ways.iter().any(|way| way.contains("pwd pop hwk user mfa")), "{ways:?}");

    house.run(&["user", "reset", "--factors", "cem"]).good();
    assert_eq!(remove(), 403, "the sessions ended with the factors");
    keyed.login_page();
    keyed.press();
    keyed.is_refused();
}

#[test]
fn a_security_key_that_asks_for_nothing_is_a_second_step() {
    let library = Library::open();
    library.house.person("ada", "customer");
    let keyed = Keyed::open(&library, false);
    keyed.enrol("ada");
    keyed.login_page();
    keyed.give_password("ada");
    until("the second step", || keyed.browser.source().contains("id=\"code\"").then_some(()));
    keyed.press();
    keyed.is_in();
    let ways = library.house.events(&["--action", "login-succeeded"]);
    let way = ways.last().unwrap().to_string();
    assert!(way.contains("pwd pop hwk mfa"), "{way}");
}

#[test]
fn u8_a_passkey_alone_that_asked_for_nothing_is_refused() {
    let library = Library::open();
    library.house.person("ada", "customer");
    let keyed = Keyed::open(&library, true);
    keyed.enrol("ada");
    keyed.login_page();
    // What the page asks for is the browser's to keep, and ours to check.
    let relax = "document.querySelector('form[data-passkey]').dataset.verify = 'discouraged'";
    keyed.browser.script(relax);
    keyed.press();
    keyed.is_refused();
    assert_eq!(keyed.reasons("login-failed"), ["the person was not verified"]);
}

#[test]
fn u8_a_copy_that_lags_behind_and_a_removed_passkey_are_refused() {
    let library = Library::open();
    library.house.person("ada", "customer");
    let keyed = Keyed::open(&library, true);
    keyed.enrol("ada");
    keyed.count(40);
    keyed.login_page();
    keyed.press();
    keyed.is_in();
    keyed.count(20);
    keyed.login_page();
    keyed.press();
    keyed.is_refused();
    assert_eq!(keyed.reasons("passkey-copied"), ["the signature counter went back"]);
    keyed.count(60);
    keyed.login_page();
    keyed.press();
    keyed.is_in();

    keyed.touch(false);
    keyed.browser.open(&format!("{}/account", library.house.origin()));
    keyed.browser.click("input[value=passkey-remove] ~ button");
    until("it is gone", || keyed.browser.source().contains("You have no passkey").then_some(()));
    keyed.login_page();
    keyed.press();
    keyed.is_refused();
    assert_eq!(keyed.reasons("login-failed"), ["unknown passkey"]);
}

#[test]
fn u8_another_person_s_passkey_finishes_no_login() {
    let library = Library::open();
    library.house.person("ada", "customer");
    library.house.person("cem", "clerk");
    let (ada, cem) = (Keyed::open(&library, true), Keyed::open(&library, true));
    ada.enrol("ada");
    cem.enrol("cem");
    let own = cem.credentials()[0]["credentialId"].as_str().unwrap().to_owned();
    cem.login_page();
    cem.give_password("ada");
    until("the second step", || cem.browser.source().contains("id=\"code\"").then_some(()));
    let own = own.replace('+', "-").replace('/', "_").replace('=', "");
    let swap = format!("document.querySelector('form[data-passkey]').dataset.known = '{own}'");
    cem.browser.script(&swap);
    cem.press();
    cem.is_refused();
    assert_eq!(cem.reasons("factor-failed"), ["somebody else's passkey"]);
}
