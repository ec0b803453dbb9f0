//! `headers`: read as meant, overridden key by key, mistakes reported, changes told.

use ringwall_manifest::{Frame, HeaderLine, plan, plan_text};

use crate::fleet::examine;
use crate::gateway::{FULL, model, tells};

#[test]
fn a_service_overrides_the_door_key_by_key() {
    let full = model(FULL);
    let set = |text: &str| Some(HeaderLine::Set(text.to_owned()));
    let greeter = full.headers_for(&full.services["greeter"]);
    assert_eq!(greeter, *full.gateway.headers);
    assert_eq!(greeter.csp, set("default-src 'self'"));
    assert_eq!(greeter.frame, Some(Frame::SameOrigin));
    assert_eq!((greeter.hides_server, greeter.hardens_cookies), (Some(false), Some(true)));
    let users = full.headers_for(&full.services["users"]);
    assert_eq!((users.csp, users.corp), (set("default-src 'none'"), Some(HeaderLine::Pass)));
    assert_eq!((users.coop, users.csp_force), (set("same-origin"), Some(true)));
    assert_eq!(users.cookies_read_by_scripts.unwrap(), ["csrftoken"]);
}

#[test]
fn what_becomes_weaker_is_told_as_such() {
    for (from, to, want) in [
        (
            "csp = \"default-src 'self'\"\n",
            "",
            "+ headers   csp: \"default-src 'self'\" becomes none\n",
        ),
        (
            "csp = \"default-src 'none'\", ",
            "",
            "~ headers   users: csp: \"default-src 'none'\" becomes \"default-src 'self'\"\n",
        ),
        (
            "csp = \"default-src 'none'\"",
            "csp = \"pass\"",
            "+ headers   users: csp: \"default-src 'none'\" becomes none\n",
        ),
        (", corp = \"pass\"", "", "- headers   users: corp: none becomes \"same-site\"\n"),
        ("csp_force = true\n", "", "+ headers   csp_force: true becomes false\n"),
        (
            "\"same-origin\"\nreferrer",
            "\"deny\"\nreferrer",
            "- headers   frame: same-origin becomes deny\n",
        ),
        (
            "63072000",
            "600",
            "+ headers   hsts: \"max-age=63072000; includeSubDomains\" becomes \"max-age=600; includeSubDomains\"\n",
        ),
        ("server = \"pass\"\n", "", "- headers   server: pass becomes hide\n"),
        ("cookies = \"harden\"\n", "", "+ headers   cookies: harden becomes pass\n"),
        (
            "[\"csrftoken\"]",
            "[\"csrftoken\", \"cart\"]",
            "+ headers   scripts may read the cookie cart\n",
        ),
        (
            "referrer = \"no-referrer\"",
            "referrer = \"origin\"",
            "~ headers   referrer: \"no-referrer\" becomes \"origin\"\n",
        ),
    ] {
        tells(from, to, want);
    }
    assert_eq!(plan_text(&plan(&model(FULL), &model(FULL))), "no change in meaning\n");
}

#[test]
fn a_field_that_browsers_would_not_understand_is_reported() {
    for (from, to, code, help) in [
        ("default-src 'self'", "defualt-src 'self'", "RW1066", "did you mean `default-src`?"),
        ("default-src 'self'", "default-src self", "RW1066", "write `'self'`"),
        ("default-src 'self'", "default-src 'self', img-src *", "RW1066", "parted by `;`"),
        ("default-src 'self'", "default-src 'self'\\r\\nset-cookie: a=b", "RW1066", "write `csp"),
        ("default-src 'self'", "default-src 'self' 'unsafe-inline'", "RW2031", "sha256"),
        ("default-src 'none'", "script-src 'nonce-abc'", "RW2031", "sha256"),
        ("require-trusted-types-for", "required-trusted-types-for", "RW1066", "did you mean"),
        ("63072000", "two years", "RW1066", "max-age"),
        ("camera=(self)", "camera 'self'", "RW1066", "camera=()"),
        ("camera=(self)", "camera=()\\nx: y", "RW1066", "camera=()"),
        ("csrftoken", "csrf token", "RW1066", "csrftoken"),
        ("csrftoken", "", "RW1066", "csrftoken"),
    ] {
        let report = examine(&FULL.replacen(from, to, 1));
        let found = report.findings.iter().find(|one| one.code == code);
        let found = found.unwrap_or_else(|| panic!("{to}: {:#?}", report.findings));
        assert!(found.help.as_ref().unwrap().contains(help), "{to}: {found:#?}");
        assert_eq!(report.model.is_some(), code == "RW2031", "{to}");
    }
    let only_told = "csp_report_only = \"script-src 'unsafe-inline'\"";
    let text = FULL.replace("csp_report_only = \"require-trusted-types-for 'script'\"", only_told);
    assert!(!examine(&text).findings.iter().any(|one| one.code == "RW2031"));
}
