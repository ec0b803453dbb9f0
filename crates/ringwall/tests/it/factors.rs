//! Second factors, in Chromium against the running program.

use crate::browser::Browser;
use crate::house::PASSWORD;
use crate::library::Library;
use crate::wait::until;

/// The library, with a role that counts only after two factors.
fn open() -> Library {
    Library::open_with(|manifest| manifest.replace("clerk = {}", "clerk = { mfa = true }"))
}

fn give_password(browser: &Browser, name: &str) {
    browser.write("#username", name);
    browser.write("#password", PASSWORD);
    browser.click("button");
}

#[test]
fn a_role_with_mfa_is_had_after_the_second_step_only() {
    let library = open();
    let house = &library.house;
    house.person("cem", "clerk");
    let password_only = house.sign_in("cem");
    let remove = |cookie: &str| {
        let origin = format!("Origin: {}", house.origin());
        house.send("DELETE /books/7", &[cookie, &origin], "").status
    };
    assert_eq!(remove(&password_only), 401, "one factor, and two would do");
    let factor = || {
        let listed = house.run(&["user", "list", "--format", "plain"]).good().out;
        let line = listed.lines().find(|line| line.starts_with("cem")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{listed}")).contains("app")
    };
    assert!(!factor());
    let handout = house.run(&["user", "enrol", "cem"]).good().out;
    assert!(factor());
    assert!(handout.starts_with("otpauth://totp/"), "{handout}");
    let code = handout.lines().nth(3).unwrap();
    let factors = house.run(&["user", "factors", "cem"]).good().out;
    assert!(factors.contains("app") && factors.contains("10 left"), "{factors}");

    let browser = Browser::start();
    browser.open(&format!("{}/login?return_to=%2Fbooks%2F7", house.origin()));
    give_password(&browser, "cem");
    until("the second step", || browser.source().contains("id=\"code\"").then_some(()));
    assert!(browser.cookie().is_none(), "a session after one step");
    browser.write("#code", "000000");
    browser.click("button");
    until("the refusal", || browser.source().contains("role=\"alert\"").then_some(()));
    browser.write("#code", code);
    browser.click("button");
    until("the page that was wanted", || browser.address().ends_with("/books/7").then_some(()));
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
    let cookie = browser.cookie().unwrap();
    let cookie = format!("Cookie: __Host-ringwall={}", cookie["value"].as_str().unwrap());
    assert!(![401, 403].contains(&remove(&cookie)), "two factors");

    browser.open(&format!("{}/account", house.origin()));
    assert!(browser.source().contains("Headless"), "the session's browser is named");
    browser.click("input[value=app-remove] ~ button");
    until("it is removed", || browser.source().contains("no second factor").then_some(()));
    browser.click("input[value=app] ~ button");
    until("a new one", || browser.source().contains("otpauth:").then_some(()));
    let painted = browser.script("return document.querySelector('svg path').getBBox().width > 20");
    assert_eq!(painted, true, "the QR code is drawn");
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:?}");
    house.run(&["user", "enrol", "cem"]).good();
    house.run(&["user", "reset", "--factors", "cem"]).good();
    assert_eq!(remove(&cookie), 403, "the sessions ended with the factors");
    assert_eq!(remove(&house.sign_in("cem")), 401);
}
