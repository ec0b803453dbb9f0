//! Every page that people see, judged by axe-core (Deque) in Chromium, in both languages.

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::library::Library;
use crate::passkeys::Keyed;
use crate::program::not_run;
use crate::wait::until;

/// A browser of one language, with the judge.
struct Judged<'a> {
    keyed: Keyed<'a>,
    origin: String,
    language: &'static str,
    axe: &'a str,
    count: usize,
}

impl<'a> Judged<'a> {
    fn new(library: &'a Library, language: &'static str, axe: &'a str) -> Self {
        let browser = Browser::start_with(&[format!("--accept-lang={language}")]);
        let keyed = Keyed::plug_in(library, browser, true);
        Self { keyed, origin: library.house.origin(), language, axe, count: 0 }
    }

    /// Opens a page, and judges it.
    fn open(&mut self, path: &str) {
        self.keyed.browser.open(&format!("{}{path}", self.origin));
        self.judge(path);
    }

    /// Presses a button, waits for a page with this in it, and judges that.
    fn press(&mut self, button: &str, sign: &str) {
        self.keyed.browser.click(button);
        self.comes(sign);
    }

    fn comes(&mut self, sign: &str) {
        until(sign, || self.keyed.browser.source().contains(sign).then_some(()));
        self.judge(sign);
    }

    fn judge(&mut self, page: &str) {
        let browser = &self.keyed.browser;
        let language = browser.script("return document.documentElement.lang");
        assert_eq!(language, self.language, "{page}: {}", browser.source());
        // What scripts reveal is judged as well.
        let found = browser.script(&format!("{}\n{SHOW}\n{RUN}", self.axe));
        assert!(found["passes"].as_u64().is_some_and(|passes| passes > 10), "{page}: {found}");
        assert_eq!(found["violations"], json!([]), "{page}: {found:#}");
        self.count += 1;
    }
}

#[test]
fn axe_finds_nothing_wrong_with_any_page() {
    let folder = std::env::var_os("NODE_PATH").unwrap_or_default();
    let Ok(axe) = std::fs::read_to_string(Path::new(&folder).join("axe-core/axe.min.js")) else {
        return not_run("axe-core is not installed");
    };
    let library = Library::open();
    let house = &library.house;
    house.run(&["client", "add", "tv", "--public", "--grant", "device_code"]).good();
    for language in ["en", "de"] {
        let name = format!("ada-{language}");
        house.person(&name, "customer");
        let mut judged = Judged::new(&library, language, &axe);
        judged.open("/oauth/authorize?client_id=nobody");
        judged.open("/login?return_to=%2Faccount");
        judged.keyed.browser.write("#username", &name);
        judged.keyed.browser.write("#password", "wrong");
        judged.press("button", "role=\"alert\"");
        judged.keyed.give_password(&name);
        judged.comes("name=\"current\"");
        judged.press("input[value=app] ~ button", "otpauth:");
        judged.keyed.browser.write("#code", "000000");
        judged.press("button", "role=\"alert\"");
        judged.open("/account");
        judged.press("input[value=passkey] ~ button", "data-user");
        judged.keyed.browser.write("#name", "Laptop");
        judged.keyed.press();
        judged.comes("<li><code>");
        judged.open("/account");
        judged.open("/oauth/device");
        let asked =
            house.send("POST /oauth/device_authorization", &[FORM], "client_id=tv&scope=openid");
        let asked: Value = serde_json::from_str(&asked.body).unwrap();
        judged.keyed.browser.write("#user_code", asked["user_code"].as_str().unwrap());
        judged.press("button", "value=\"deny\"");
        judged.open("/logout");
        judged.press("button", "</h1></main>");
        judged.keyed.touch(false);
        judged.open("/login?return_to=%2Faccount");
        judged.keyed.give_password(&name);
        judged.comes("id=\"code\"");
        judged.keyed.browser.write("#code", "000000");
        judged.press("button", "role=\"alert\"");
        assert_eq!(judged.count, 17);
    }
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const SHOW: &str = "for (const one of document.querySelectorAll(
    '[data-passkey], [data-passkey-failed], [data-passkey-none]')) one.hidden = false;";
const RUN: &str = "return axe.run(document, { resultTypes: ['violations'] }).then((found) => ({
    passes: found.passes.length,
    violations: found.violations.map(({ id, nodes }) => [id, nodes.map((one) => one.html)]),
}))";
