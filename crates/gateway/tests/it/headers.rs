//! The fields that protect browsers, and the apps' cookies.

use ringwall_manifest::{Frame, HeaderLine, Headers, Model};

use crate::fleet::{Fleet, field, get, grants, model, service, status};
use crate::upstream::{Upstream, with};

fn page(kind: &str, fields: &[&str]) -> String {
    with("200 OK", fields, "<p>").replace("application/json", kind)
}

fn script(path: &str) -> String {
    match path {
        line if line.contains("own") => page(
            "text/html",
            &[
                "content-security-policy: script-src 'self'",
                "content-security-policy: img-src *",
                "referrer-policy: origin",
                "strict-transport-security: max-age=1",
                "permissions-policy: camera=*",
                "cross-origin-opener-policy: unsafe-none",
                "x-frame-options: SAMEORIGIN",
            ],
        ),
        line if line.contains("html") => {
            page("Text/HTML; charset=utf-8", &["x-powered-by: PHP", "x-aspnet-version: 4"])
        }
        line if line.contains("svg") => page("image/svg+xml", &[]),
        line if line.contains("cookies") => page(
            "text/html",
            &[
                "set-cookie: a=1; Path=/",
                "set-cookie: csrf=x; samesite=strict",
                "set-cookie: b=2; HTTPONLY",
            ],
        ),
        _ => page("application/json", &[]),
    }
}

fn shop(upstream: &Upstream, headers: Headers) -> Model {
    let mut shop = service("shop", upstream.address, &["find = GET /find"]);
    shop.people.insert("anyone".to_owned(), grants(&["find"]));
    let mut model = model(vec![shop]);
    model.gateway.headers = Box::new(headers);
    model
}

fn line(text: &str) -> HeaderLine {
    HeaderLine::Set(text.to_owned())
}

/// All values of a field, in their order.
fn all<'a>(answer: &'a str, name: &str) -> Vec<&'a str> {
    let head = answer.split_once("\r\n\r\n").map_or(answer, |(head, _)| head);
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

const CSP: &str = "content-security-policy";
const OURS: &str = "default-src 'self'; frame-ancestors 'self'";

#[test]
fn a_page_without_a_policy_gets_ours_and_the_apps_stays() {
    let upstream = Upstream::scripted(|seen| script(seen.line()));
    let report = Some(line("require-trusted-types-for 'script'"));
    let headers = Headers { csp: Some(line(OURS)), csp_report_only: report, ..Headers::default() };
    let mut model = shop(&upstream, headers);
    let fleet = Fleet::new(&model);
    let edge = fleet.edge();
    for path in ["/find?html", "/find?svg"] {
        let answer = get(edge, path, &[]);
        assert_eq!(all(&answer, CSP), [OURS], "{answer}");
        assert_eq!(all(&answer, "content-security-policy-report-only").len(), 1, "{answer}");
        assert_eq!(field(&answer, "x-frame-options"), None, "our policy says who may: {answer}");
    }
    let json = get(edge, "/find", &[]);
    assert_eq!(all(&json, CSP), ["frame-ancestors 'none'"], "as ever: {json}");
    let own = get(edge, "/find?own", &[]);
    assert_eq!(all(&own, CSP), ["script-src 'self'", "img-src *"], "{own}");
    let refused = get(edge, "/nowhere", &["accept: text/html"]);
    assert_eq!(status(&refused), 404);
    assert!(!refused.contains(OURS), "pages of Ringwall have their own: {refused}");
    model.gateway.headers.csp_force = Some(true);
    let own = get(Fleet::new(&model).edge(), "/find?own", &[]);
    assert_eq!(all(&own, CSP), [OURS], "both of the app's are gone: {own}");
    model.services.get_mut("shop").unwrap().headers.csp = Some(HeaderLine::Pass);
    let passed = get(Fleet::new(&model).edge(), "/find?own", &[]);
    assert_eq!(all(&passed, CSP).len(), 2, "a service takes it back: {passed}");
}

#[test]
fn fields_are_added_where_the_app_has_none() {
    let upstream = Upstream::scripted(|seen| script(seen.line()));
    let headers = Headers {
        frame: Some(Frame::SameOrigin),
        referrer: Some(line("no-referrer")),
        hsts: Some(line("max-age=7")),
        coop: Some(line("same-origin")),
        corp: Some(line("same-site")),
        permissions: Some(line("usb=()")),
        ..Headers::default()
    };
    let names = [
        "x-frame-options",
        "referrer-policy",
        "strict-transport-security",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "permissions-policy",
    ];
    let told = |fleet: &Fleet, path: &str| {
        let answer = get(fleet.edge(), path, &[]);
        assert_eq!(field(&answer, "x-content-type-options"), Some("nosniff"), "{answer}");
        for gone in ["server", "x-powered-by", "x-aspnet-version"] {
            assert_eq!(field(&answer, gone), None, "{answer}");
        }
        names.map(|name| field(&answer, name).unwrap_or("-").to_owned())
    };
    let fleet = Fleet::new(&shop(&upstream, headers));
    let ours = ["SAMEORIGIN", "no-referrer", "max-age=7", "same-origin", "same-site", "usb=()"];
    assert_eq!(told(&fleet, "/find?html"), ours);
    let apps = ["SAMEORIGIN", "origin", "max-age=1", "unsafe-none", "same-site", "camera=*"];
    assert_eq!(told(&fleet, "/find?own"), apps);
    let refused = get(fleet.edge(), "/nowhere", &[]);
    let transport = field(&refused, "strict-transport-security");
    assert_eq!(transport, Some("max-age=7"), "browsers keep one for the host");
    assert_eq!(field(&refused, "x-frame-options"), Some("DENY"));
    let usual = Fleet::new(&shop(&upstream, Headers::default()));
    let (referrer, devices) =
        ("strict-origin-when-cross-origin", "camera=(), geolocation=(), microphone=()");
    let plain = ["DENY", referrer, "max-age=31536000", "-", "-", devices];
    assert_eq!(told(&usual, "/find?html"), plain);
    let nothing = Headers {
        frame: Some(Frame::Pass),
        referrer: Some(HeaderLine::Pass),
        hsts: Some(HeaderLine::Pass),
        permissions: Some(HeaderLine::Pass),
        hides_server: Some(false),
        ..Headers::default()
    };
    let passing = Fleet::new(&shop(&upstream, nothing));
    let answer = get(passing.edge(), "/find?html", &[]);
    assert!(names.iter().all(|name| field(&answer, name).is_none()), "{answer}");
    assert_eq!(all(&answer, CSP).len(), 0, "{answer}");
    assert_eq!(
        (field(&answer, "server"), field(&answer, "x-powered-by")),
        (Some("test"), Some("PHP"))
    );
}

#[test]
fn cookies_of_the_app_get_what_they_lack() {
    let upstream = Upstream::scripted(|seen| script(seen.line()));
    let mut model = shop(&upstream, Headers::default());
    let sent = ["a=1; Path=/", "csrf=x; samesite=strict", "b=2; HTTPONLY"];
    assert_eq!(all(&get(Fleet::new(&model).edge(), "/find?cookies", &[]), "set-cookie"), sent);
    model.gateway.headers.hardens_cookies = Some(true);
    model.gateway.headers.cookies_read_by_scripts = Some(vec!["csrf".to_owned()]);
    // The door of these tests is plain: a browser would not take `Secure` there.
    let better = [
        "a=1; Path=/; HttpOnly; SameSite=Lax",
        "csrf=x; samesite=strict",
        "b=2; HTTPONLY; SameSite=Lax",
    ];
    assert_eq!(all(&get(Fleet::new(&model).edge(), "/find?cookies", &[]), "set-cookie"), better);
}
