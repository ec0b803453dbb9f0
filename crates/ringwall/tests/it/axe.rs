//! Every page that people see, judged by axe-core (Deque) in Chromium, in both languages.

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::{House, PASSWORD, free_port};
use crate::letters::Known;
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

    /// Opens the link of a letter, and judges where it leads.
    fn follow(&mut self, link: &str) {
        self.keyed.browser.open(link);
        self.judge(link.split('?').next().unwrap());
    }

    /// Types a new password twice.
    fn choose(&self, new: &str, again: &str) {
        self.keyed.browser.write("#new", new);
        self.keyed.browser.write("#again", again);
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

/// The judge; without it that is said.
fn judge() -> Option<String> {
    let folder = std::env::var_os("NODE_PATH").unwrap_or_default();
    let axe = std::fs::read_to_string(Path::new(&folder).join("axe-core/axe.min.js")).ok();
    if axe.is_none() {
        not_run("axe-core is not installed");
    }
    axe
}

#[test]
fn axe_finds_nothing_wrong_with_any_page() {
    let Some(axe) = judge() else { return };
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

#[test]
fn axe_finds_nothing_wrong_where_letters_and_applications_lead() {
    let Some(axe) = judge() else { return };
    let library = Library::develop(|manifest| manifest);
    let house = &library.house;
    house.run(&["client", "add", "tv", "--public", "--grant", "device_code"]).good();
    let back = format!("http://127.0.0.1:{}/page", library.upstream.port);
    let words = ["--public", "--consent", "--redirect-uri", &back, "--post-logout", &back];
    let scopes = ["openid", "profile", "email", "offline_access"].map(|one| ["--scope", one]);
    house.run(&[&["client", "add", "web"][..], &words, scopes.as_flattened()].concat()).good();
    let mut known = Known::new();
    for language in ["en", "de"] {
        let mut judged = Judged::new(&library, language, &axe);
        let name = format!("eve-{language}");
        letters(&mut judged, house, &name, &mut known);
        judged.open("/login?return_to=%2Faccount");
        judged.keyed.give_password(&name);
        judged.comes("name=\"current\"");
        address(&mut judged, house, &name, &mut known);
        consent(&mut judged, &back);
        devices(&mut judged, house);
        judged.open("/oauth/end_session?client_id=web");
        judged.press("button", "</h1></main>");
        assert_eq!(judged.count, 32);
    }
}

/// The pages before and after another issuer; nobody is there, so that its own come from nowhere.
#[test]
fn axe_finds_nothing_wrong_on_the_way_to_another_issuer() {
    let Some(axe) = judge() else { return };
    let oidc = format!(
        "login = \"http://127.0.0.1:{}\"\n\n[gateway.oidc]\nclient = \"harbour\"\n\
         title = \"the harbour\"\n\n[roles]",
        free_port()
    );
    let library = Library::open_with(|text: String| text.replacen("\n[roles]", &oidc, 1));
    for language in ["en", "de"] {
        let name = format!("ida-{language}");
        library.house.person(&name, "customer");
        let mut judged = Judged::new(&library, language, &axe);
        judged.open("/oauth/upstream");
        judged.open("/oauth/callback?state=x&code=y");
        judged.open("/login?return_to=%2Faccount");
        assert!(judged.keyed.browser.source().contains("/oauth/upstream?"));
        judged.keyed.give_password(&name);
        judged.comes("name=\"current\"");
        judged.press("form[action='/oauth/upstream'] button", "</h1></main>");
        assert_eq!(judged.count, 5);
    }
}

/// An invitation and a forgotten password, from the letter to the end.
fn letters(judged: &mut Judged<'_>, house: &House, name: &str, known: &mut Known) {
    let address = format!("{name}@example.org");
    house.run(&["user", "invite", name, "--role", "customer", "--email", &address]).good();
    let link = house.letter("/oauth/invite", known);
    judged.follow(&link);
    judged.choose(PASSWORD, "another lantern 9");
    judged.press("button", "role=\"alert\"");
    judged.choose(PASSWORD, PASSWORD);
    judged.press("button", "</h1></main>");
    judged.follow(&link);
    judged.open("/oauth/invite");
    judged.open("/oauth/reset");
    judged.keyed.browser.write("#address", "eve@example");
    judged.press("button", "</main>");
    judged.open("/oauth/reset");
    judged.keyed.browser.write("#address", &address);
    judged.press("button", "</h1></main>");
    let link = house.letter("/oauth/reset", known);
    judged.follow(&link);
    judged.choose("short", "short");
    judged.press("button", "role=\"alert\"");
    judged.choose(PASSWORD, PASSWORD);
    judged.press("button", "</h1></main>");
    judged.follow(&link);
}

/// Another e-mail address on the account page.
fn address(judged: &mut Judged<'_>, house: &House, name: &str, known: &mut Known) {
    judged.keyed.browser.write("#address", &format!("{name}@example.com"));
    judged.press("input[value=email] ~ button", "role=\"alert\"");
    let link = house.letter("/oauth/email", known);
    judged.follow(&link);
    judged.press("button", "</h1></main>");
    judged.follow(&link);
}

/// What an application may do: asked, allowed, and seen on the account page.
fn consent(judged: &mut Judged<'_>, back: &str) {
    let back = back.replace(':', "%3A").replace('/', "%2F");
    judged.open(&format!(
        "/oauth/authorize?response_type=code&client_id=web&redirect_uri={back}\
         &scope=openid%20profile%20email%20offline_access\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    ));
    assert!(judged.keyed.browser.source().contains("value=\"deny\""));
    judged.keyed.browser.click("button[value=allow]");
    until("the application", || judged.keyed.browser.address().contains("code=").then_some(()));
    judged.open("/account");
    judged.press("input[value=withdraw] ~ button", "name=\"current\"");
}

/// A code that does not exist, one that is allowed and one that is refused.
fn devices(judged: &mut Judged<'_>, house: &House) {
    judged.open("/oauth/device");
    judged.keyed.browser.write("#user_code", "BBBB-BBBB");
    judged.press("button", "role=\"alert\"");
    for decision in ["approve", "deny"] {
        let asked =
            house.send("POST /oauth/device_authorization", &[FORM], "client_id=tv&scope=openid");
        let asked = asked.json();
        judged.open("/oauth/device");
        judged.keyed.browser.write("#user_code", asked["user_code"].as_str().unwrap());
        judged.press("button", "value=\"deny\"");
        judged.press(&format!("button[value={decision}]"), "</h1></main>");
    }
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const SHOW: &str = "for (const one of document.querySelectorAll(
    '[data-passkey], [data-passkey-failed], [data-passkey-none]')) one.hidden = false;";
const RUN: &str = "return axe.run(document, { resultTypes: ['violations'] }).then((found) => ({
    passes: found.passes.length,
    violations: found.violations.map(({ id, nodes }) => [id, nodes.map((one) => one.html)]),
}))";
