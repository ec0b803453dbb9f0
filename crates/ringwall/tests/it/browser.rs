//! Chromium on the login page, through `WebDriver`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::house::{PASSWORD, free_port};
use crate::library::Library;
use crate::program::Program;
use crate::wait::until;

/// Chromium with an empty profile, driven by chromedriver.
pub(crate) struct Browser {
    port: u16,
    session: String,
    _profile: TempDir,
    _driver: Program,
}

impl Browser {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further arguments.
    pub(crate) fn start_with(more: &[String]) -> Self {
        let (port, profile) = (free_port(), TempDir::new().unwrap());
        let mut driver = Program::start(Command::new("chromedriver").arg(format!("--port={port}")));
        driver.hears("started successfully");
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--ignore-certificate-errors",
            "--host-resolver-rules=MAP *.localhost 127.0.0.1",
            &folder,
        ];
        let arguments = arguments.iter().map(|one| (*one).to_owned());
        let arguments: Vec<_> = arguments.chain(more.iter().cloned()).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let value = call(port, "POST", "/session", &wanted);
        let session = value["sessionId"].as_str().unwrap_or_else(|| panic!("chromium: {value}"));
        Self { port, session: session.to_owned(), _profile: profile, _driver: driver }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        call(self.port, method, &format!("/session/{}{path}", self.session), body)
    }

    pub(crate) fn open(&self, url: &str) {
        let value = self.ask("POST", "/url", &json!({ "url": url }));
        assert!(value.is_null(), "{url}: {value}");
    }

    pub(crate) fn address(&self) -> String {
        self.ask("GET", "/url", &Value::Null).as_str().unwrap().to_owned()
    }

    pub(crate) fn source(&self) -> String {
        self.ask("GET", "/source", &Value::Null).as_str().unwrap_or_default().to_owned()
    }

    fn element(&self, selector: &str) -> String {
        let query = json!({ "using": "css selector", "value": selector });
        let value = self.ask("POST", "/element", &query);
        // What is not there is an object, too, with `error` in it.
        let found = value.as_object().filter(|found| found.len() == 1);
        let id = found.and_then(|found| found.values().next()).and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("no {selector}: {value} {}", self.source())).to_owned()
    }

    pub(crate) fn write(&self, selector: &str, text: &str) {
        let path = format!("/element/{}/value", self.element(selector));
        assert!(self.ask("POST", &path, &json!({ "text": text })).is_null());
    }

    pub(crate) fn click(&self, selector: &str) {
        let path = format!("/element/{}/click", self.element(selector));
        let value = self.ask("POST", &path, &json!({}));
        assert!(value.is_null(), "{selector}: {value}");
    }

    pub(crate) fn cookie(&self) -> Option<Value> {
        let cookies = self.ask("GET", "/cookie", &Value::Null);
        let mut cookies =
            cookies.as_array().unwrap_or_else(|| panic!("{cookies}")).clone().into_iter();
        cookies.find(|cookie| cookie["name"] == "__Host-ringwall")
    }

    pub(crate) fn script(&self, text: &str) -> Value {
        self.ask("POST", "/execute/sync", &json!({ "script": text, "args": [] }))
    }

    /// A command of the `DevTools` protocol.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// What the console says, without the messages for answers that are no success.
    pub(crate) fn complaints(&self) -> Vec<Value> {
        let log = self.ask("POST", "/se/log", &json!({ "type": "browser" }));
        let mut log = log.as_array().unwrap_or_else(|| panic!("no console: {log}")).clone();
        log.retain(|entry| entry["source"] != "network");
        log
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.ask("DELETE", "", &Value::Null);
    }
}

/// One call to the driver; gives `value`.
fn call(port: u16, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    // The driver keeps the connection open whatever it is asked: its own length ends the answer.
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).unwrap() > 0 && line != "\r\n" {
        let lower = line.to_ascii_lowercase();
        length = lower
            .strip_prefix("content-length:")
            .map_or(length, |text| text.trim().parse().unwrap());
        line.clear();
    }
    let mut answer = vec![0; length];
    reader.read_exact(&mut answer).unwrap();
    let value: Value = serde_json::from_slice(&answer)
        .unwrap_or_else(|error| panic!("{method} {path}: {error}, {line:?}"));
    value["value"].clone()
}

#[test]
fn a_person_signs_in_and_out_in_chromium() {
    let library = Library::open();
    let house = &library.house;
    house.person("ada", "customer");
    let browser = Browser::start();
    browser.open(&format!("{}/login?return_to=%2Fbooks%2F7", house.origin()));
    assert!(browser.cookie().is_none());
    assert!(browser.complaints().is_empty(), "the page breaks its own policy");
    let styled = browser.script("return getComputedStyle(document.querySelector('main')).maxWidth");
    assert_ne!(styled, "none", "the style is not applied");

    browser.write("#username", "ada");
    browser.write("#password", "wrong");
    browser.click("button");
    until("the refusal", || browser.source().contains("role=\"alert\"").then_some(()));
    assert!(browser.cookie().is_none());

    browser.write("#username", "ada");
    browser.write("#password", PASSWORD);
    browser.click("button");
    until("the page that was wanted", || browser.address().ends_with("/books/7").then_some(()));
    assert!(browser.source().contains("Tides"), "{}", browser.source());
    let cookie = browser.cookie().unwrap();
    assert_eq!((&cookie["httpOnly"], &cookie["secure"]), (&json!(true), &json!(true)));
    assert_eq!((&cookie["sameSite"], &cookie["path"]), (&json!("Lax"), &json!("/")));
    assert!(!browser.script("return document.cookie").as_str().unwrap().contains("__Host"));
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());

    browser.open(&format!("{}/logout", house.origin()));
    until("the page that asks", || browser.source().contains("ada").then_some(()));
    browser.click("button");
    until("the session ends", || browser.cookie().is_none().then_some(()));
    browser.open(&format!("{}/books/7", house.origin()));
    assert!(!browser.source().contains("Tides"));
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
}

#[test]
fn a_page_of_another_origin_cannot_act_for_the_person() {
    let library = Library::open();
    let house = &library.house;
    house.person("cem", "clerk");
    let browser = Browser::start();
    browser.open(&format!("{}/login?return_to=%2Fbooks", house.origin()));
    browser.write("#username", "cem");
    browser.write("#password", PASSWORD);
    browser.click("button");
    until("signed in", || browser.cookie());
    // The service's own address is another origin, as a page of an attacker would be.
    browser.open(&format!("http://127.0.0.1:{}/page", library.upstream.port));
    let target = format!("{}/lab/echo", house.origin());
    let submit = format!(
        "const form = document.createElement('form'); form.method = 'post'; form.action = '{target}'; \
         document.body.append(form); form.submit();"
    );
    browser.script(&submit);
    until("the answer", || browser.address().starts_with(&target).then_some(()));
    until("the refusal or an anonymous answer", || {
        let page = browser.source();
        (page.contains("RW3005") || page.contains("ringwall-identity")).then_some(())
    });
    let seen = library.upstream.seen();
    let acted = seen.iter().filter(|seen| seen["method"] == "POST");
    let acted: Vec<_> = acted.filter(|seen| !seen.to_string().contains("cookie")).collect();
    for request in acted {
        let token = crate::library::field(request, "ringwall-identity").unwrap();
        assert_eq!(crate::serving::claims(token)["sub"], "anonymous");
    }
}
