//! Chromium's own pages: of another origin, with a WebSocket, and where something went wrong.

use std::io::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::library::Library;
use crate::program::Program;
use crate::wait::until;

/// Runs this in the page; its answer is what its promise gives.
fn promised(browser: &Browser, text: &str) -> Value {
    browser.script("window.given = null");
    browser.script(&format!(
        "({text})().then(all => window.given = all, error => window.given = String(error));"
    ));
    until("the page's promise", || {
        Some(browser.script("return window.given")).filter(|given| !given.is_null())
    })
}

#[test]
fn a_page_of_a_declared_origin_reads_answers_and_another_does_not() {
    let library = Library::open_with(|text| {
        let (_, port) = text.split_once("127.0.0.1:").unwrap();
        let port = port.split('"').next().unwrap().to_owned();
        text.replace(
            "[limits]",
            &format!(
                "[services.lab.cors]\norigins = [\"http://127.0.0.1:{port}\"]\n\
                 headers = [\"content-type\", \"x-token\"]\nexpose = [\"x-total\"]\n\n[limits]"
            ),
        )
    });
    let (origin, port) = (library.house.origin(), library.upstream.port);
    let read = |browser: &Browser, path: &str, more: &str| {
        promised(
            browser,
            &format!(
                "async () => {{ const answer = await fetch('{origin}{path}', {more}); \
                 return [answer.status, (await answer.json()).method]; }}"
            ),
        )
    };
    let simple = "{}";
    let asks_first = "{ method: 'POST', body: '1', headers: { 'x-token': 'a' } }";
    let browser = Browser::start();
    browser.open(&format!("http://127.0.0.1:{port}/page"));
    assert_eq!(read(&browser, "/lab/echo", simple), json!([200, "GET"]));
    assert_eq!(read(&browser, "/lab/echo", asks_first), json!([200, "POST"]));
    let other = read(&browser, "/lab/echo", "{ headers: { 'x-other': 'a' } }");
    assert!(other.to_string().contains("TypeError"), "a field that is not declared: {other}");
    let books = read(&browser, "/books", simple);
    assert!(books.to_string().contains("TypeError"), "a service without the table: {books}");
    let posts = || {
        let seen = library.upstream.seen();
        seen.iter().filter(|seen| seen["method"] == "POST").count()
    };
    assert_eq!(posts(), 1);
    // The same machine under another name is another origin.
    browser.open(&format!("http://other.localhost:{port}/page"));
    for more in [simple, asks_first] {
        let refused = read(&browser, "/lab/echo", more);
        assert!(refused.to_string().contains("TypeError"), "{more}: {refused}");
    }
    assert_eq!(posts(), 1, "the preflight of a stranger is refused");
}

#[test]
fn a_browser_is_shown_the_operators_page() {
    let library = Library::open();
    let house = &library.house;
    house.write("errors/404.html", "<title>gone</title><h1>Not in this harbour</h1>");
    house.edit("\n[roles]", "error_pages = \"errors\"\n\n[roles]");
    library.server.signal("HUP");
    let is_new = || house.status()["manifest_version"].as_u64() > Some(1);
    until("the reload", || is_new().then_some(()));
    let browser = Browser::start();
    browser.open(&format!("{}/nothing", house.origin()));
    assert!(browser.source().contains("Not in this harbour"), "{}", browser.source());
    assert_eq!(browser.script("return document.title"), json!("gone"));
}

#[test]
fn an_inline_script_runs_until_a_line_says_that_it_must_not() {
    let library = Library::open_with(|text| {
        let routes = "{ inline = \"GET /lab/inline\", script = \"GET /lab/script\", echo";
        let text = text.replace("{ echo", routes);
        text.replace("[\"echo\"", "[\"inline\", \"script\", \"echo\"")
    });
    let house = &library.house;
    let browser = Browser::start();
    let open = || {
        browser.open(&format!("{}/lab/inline", house.origin()));
        browser.script("return [window.inline, window.file, document.cookie]")
    };
    assert_eq!(open(), json!([true, true, "cart=1; csrf=2"]));
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
    house.edit(
        "\n[roles]",
        "\n[gateway.headers]\ncsp = \"default-src 'self'; img-src data:\"\ncookies = \"harden\"\n\
         cookies_read_by_scripts = [\"csrf\"]\n\n[roles]",
    );
    library.server.signal("HUP");
    let is_new = || house.status()["manifest_version"].as_u64() > Some(1);
    until("the reload", || is_new().then_some(()));
    assert_eq!(open(), json!([null, true, "csrf=2"]));
    let said = browser.complaints();
    let told = |entry: &Value| {
        let text = entry["message"].as_str().unwrap();
        text.contains("inline script") && text.contains("default-src 'self'")
    };
    assert!(said.len() == 1 && said.iter().all(told), "{said:?}");
    let kept = browser.devtools("Network.getCookies", &json!({}));
    let of = |name: &str| {
        let mut cookies = kept["cookies"].as_array().unwrap().iter();
        let one = cookies.find(|one| one["name"] == name).unwrap_or_else(|| panic!("{kept}"));
        json!([one["value"], one["secure"], one["httpOnly"], one["sameSite"]])
    };
    assert_eq!(of("cart"), json!(["1", true, true, "Lax"]));
    assert_eq!(of("csrf"), json!(["2", true, false, "Lax"]));
}

#[test]
fn a_websocket_of_chromium_is_a_stream_of_its_http_2_connection() {
    let mut command = Command::new("python3");
    let mut server = Program::start(command.args([
        "-c",
        include_str!("../../../net/tests/it/websocket.py"),
        "server",
    ]));
    let said =
        until("the service speaks", || Some(server.said()).filter(|said| said.contains('\n')));
    let Some(port) = said.trim().strip_prefix("port ") else {
        let line =
            b"NOT RUN: Python's `websockets` is not installed, so no WebSocket went through\n";
        return std::io::stderr().write_all(line).unwrap();
    };
    server.hears("port");
    let chat = format!(
        "[services.chat]\nupstream = \"127.0.0.1:{port}\"\nroutes = {{ talk = \"GET /talk\" }}\n\
         websocket = [\"talk\"]\npeople.anyone = [\"talk\"]\n\n[limits]"
    );
    let library = Library::open_with(|text| text.replace("[limits]", &chat));
    let house = &library.house;
    let log = house.path().join("net.json");
    let browser = Browser::start_with(&[format!("--log-net-log={}", log.display())]);
    // Chromium asks for a stream only on a connection that is there.
    browser.open(&format!("{}/lab/echo", house.origin()));
    let talk = format!(
        "() => new Promise((done, failed) => {{ const said = []; \
         const socket = new WebSocket('wss://{}/talk'); \
         socket.onopen = () => {{ socket.send('hello'); socket.send('x'.repeat(50000)); }}; \
         socket.onmessage = told => {{ said.push(told.data.length); \
         if (said.length == 2) socket.close(1000); }}; \
         socket.onclose = end => done([said, end.code]); socket.onerror = failed; }})",
        house.authority()
    );
    assert_eq!(promised(&browser, &talk), json!([[5, 50_000], 1000]));
    drop(browser);
    let log = until("Chromium's log", || std::fs::read_to_string(&log).ok());
    assert!(log.contains(":method: CONNECT") && log.contains(":protocol: websocket"));
}
