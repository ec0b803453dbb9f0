//! Programs that others wrote, as they are: curl, requests, Authlib.

use std::io::Write as _;
use std::process::Command;

use crate::library::Library;
use crate::program::{Outcome, run};

/// curl, with nothing of the tester's own settings.
fn curl(library: &Library, arguments: &[&str]) -> Outcome {
    let mut command = Command::new("curl");
    command.args(["--disable", "--silent", "--show-error", "--max-time", "30", "--cacert"]);
    command.arg(library.house.state().join("ca.pem")).args(arguments);
    run(&mut command, "")
}

#[test]
fn curl_speaks_both_protocols_in_both_versions_of_tls() {
    let library = Library::open();
    let url = |path: &str| format!("{}{path}", library.house.origin());
    for (arguments, want) in [
        (&["--http1.1"][..], "1.1"),
        (&["--http2"], "2"),
        (&["--http2", "--tlsv1.3"], "2"),
        (&["--http2", "--tls-max", "1.2"], "2"),
        (&["--http1.1", "--tls-max", "1.2"], "1.1"),
    ] {
        let shown = ["--write-out", "\n%{http_version} %{http_code} %{ssl_verify_result}"];
        let books = url("/books");
        let arguments = [arguments, &shown, &[&books]].concat();
        let outcome = curl(&library, &arguments).good();
        let (body, facts) = outcome.out.rsplit_once('\n').unwrap();
        assert_eq!(facts, format!("{want} 200 0"), "{arguments:?}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body, serde_json::json!([{ "id": 7, "title": "Tides" }]));
    }
    let old =
        curl(&library, &["--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", &url("/books")]);
    assert_ne!(old.code, 0, "TLS 1.1 is over");
    let body = "b".repeat(60_000);
    for version in ["--http1.1", "--http2"] {
        let sent = curl(
            &library,
            &[version, "--data-binary", &body, "-H", "Content-Type: text/plain", &url("/lab/echo")],
        );
        assert!(sent.good().out.contains("\"length\": 60000"), "{version}");
        let large = curl(
            &library,
            &[
                version,
                "--output",
                "/dev/null",
                "--write-out",
                "%{size_download}",
                &url("/lab/large?size=5000000"),
            ],
        );
        assert_eq!(large.good().out, "5000000", "{version}");
        let dead = curl(&library, &[version, "--fail", &url("/lab/die-length")]);
        assert_ne!(dead.code, 0, "{version}: half an answer is an error: {}", dead.out);
    }
}

#[test]
fn curl_without_our_root_trusts_nobody() {
    let library = Library::open();
    let mut command = Command::new("curl");
    command.args(["--disable", "--silent", &format!("{}/books", library.house.origin())]);
    assert_eq!(run(&mut command, "").code, 60);
}

#[test]
fn many_parallel_streams_are_all_answered() {
    let library = Library::open();
    let url = format!("{}/lab/echo?n=[1-60]", library.house.origin());
    let arguments =
        ["--parallel", "--http2", "--output", "/dev/null", "--write-out", "%{http_code}\n", &url];
    let outcome = curl(&library, &arguments).good();
    assert_eq!(outcome.out, "200\n".repeat(60));
    assert_eq!(library.upstream.seen().len(), 60);
}

/// Runs a script that needs the test tools of the SDK, and says so when they are missing.
#[track_caller]
fn script(library: &Library, text: &str, arguments: &[&str]) {
    let mut command = library.house.script(text, arguments);
    let outcome = run(&mut command, "");
    let is_missing = outcome.err.contains("ModuleNotFoundError");
    assert!(!is_missing, "requests and Authlib (sdk/python[test]) are needed: {}", outcome.err);
    assert_eq!(outcome.good().out.trim(), "done");
}

#[test]
fn requests_signs_in_stays_signed_in_and_signs_out() {
    let library = Library::open();
    library.house.person("ada", "customer");
    script(&library, include_str!("sign_in.py"), &[crate::house::PASSWORD]);
}

#[test]
fn authlib_gets_tokens_as_a_program_and_for_a_person() {
    let library = Library::open();
    let house = &library.house;
    house.person("ada", "customer");
    let secret = house.robot("robot");
    let callback = "https://web.example/callback";
    house.run(&["client", "add", "web", "--public", "--redirect-uri", callback]).good();
    script(
        &library,
        include_str!("authlib_flows.py"),
        &[crate::house::PASSWORD, &secret, callback],
    );
    let actions = ["token-issued", "code-issued"];
    for action in actions {
        assert!(!house.events(&["--action", action]).is_empty(), "{action} is not on record");
    }
}

/// The library under a name that every C library knows.
fn nearby() -> (Library, String) {
    let library = Library::open_with(|text| {
        text.replace("port = PORT", "port = PORT\naliases = [\"localhost\"]")
    });
    let url = format!("https://localhost:{}", library.house.port);
    (library, url)
}

/// Whether a program is installed. Without it nothing is proved here, and that is said.
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    if found.is_err() {
        let line = format!("NOT RUN: `{program}` is not installed\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    found.is_ok()
}

#[test]
fn nghttp_is_answered_however_it_puts_its_frames() {
    if !is_there("nghttp") {
        return;
    }
    let (library, url) = nearby();
    library.house.write("body", &"b".repeat(60_000));
    let echo = format!("{url}/lab/echo");
    for (arguments, count) in [
        (&["--multiply=20"][..], 20),
        (&["--multiply=20", "--no-dep"], 20),
        (&["--padding=200", "--multiply=3"], 3),
        (&["--continuation"], 1),
        (&["--window-bits=10", "--connection-window-bits=10", "--multiply=3"], 3),
        (&["--header-table-size=0", "--multiply=3"], 3),
        (&["--encoder-header-table-size=0", "--multiply=3"], 3),
        // RFC 7541 section 4.2 wants the smallest of two sizes said, too; the h2 crate looks at
        // the last one of a SETTINGS frame only. nghttp gives up; no browser sends two.
        (&["-c", "0", "-c", "4096", "--multiply=3"], 0),
        (&["--data=body", "--multiply=3"], 3),
        (&["--data=body", "--padding=100", "--expect-continue"], 1),
        (&["--data=body", "--trailer=x-sum: 1", "-H", "content-type: text/plain"], 1),
        (&["--data=body", "--no-content-length", "--no-rfc7540-pri"], 1),
    ] {
        let mut nghttp = Command::new("nghttp");
        nghttp.current_dir(library.house.path());
        nghttp.args(["--null-out", "--verbose", "--no-verify-peer"]).args(arguments);
        let said = run(nghttp.arg(&echo), "").good().out;
        let answered = said.matches(":status: 200").count();
        assert_eq!(answered, count, "{arguments:?}: {said}");
        assert!(!said.contains("recv RST_STREAM"), "{arguments:?}: {said}");
    }
}

#[test]
fn h2load_counts_every_request_as_answered_over_both_protocols() {
    if !is_there("h2load") {
        return;
    }
    let (library, url) = nearby();
    let echo = format!("{url}/lab/echo");
    for protocol in [&["-m", "16"][..], &["--h1"]] {
        let mut h2load = Command::new("h2load");
        h2load.args(["-n", "400", "-c", "8"]).args(protocol).arg(&echo);
        let said = run(&mut h2load, "").good().out;
        let want =
            "400 total, 400 started, 400 done, 400 succeeded, 0 failed, 0 errored, 0 timeout";
        assert!(said.contains(want) && said.contains("400 2xx"), "{protocol:?}: {said}");
    }
    assert_eq!(library.upstream.seen().len(), 800);
}
