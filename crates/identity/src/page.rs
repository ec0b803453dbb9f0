//! The few pages that people see. They work without JavaScript, and allow none.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_FRAME_OPTIONS};
use maud::{DOCTYPE, Markup, html};

use crate::answer::{Reply, plain};

/// What the login page shows.
#[derive(Debug)]
pub(crate) struct Login<'a> {
    pub(crate) action: &'a str,
    pub(crate) form_token: &'a str,
    pub(crate) return_to: &'a str,
    pub(crate) trouble: Option<&'static str>,
}

/// What the page of the second step shows.
#[derive(Debug)]
pub(crate) struct SecondFactor<'a> {
    pub(crate) action: &'a str,
    pub(crate) form_token: &'a str,
    /// Which login it is.
    pub(crate) step: &'a str,
    pub(crate) return_to: &'a str,
    pub(crate) trouble: Option<&'static str>,
}

pub(crate) fn second_factor(status: StatusCode, second: &SecondFactor<'_>) -> Reply {
    let body = html! {
        h1 { "One more step" }
        @if let Some(trouble) = second.trouble {
            p role="alert" { (trouble) }
        }
        form method="post" action=(second.action) {
            input type="hidden" name="form_token" value=(second.form_token);
            input type="hidden" name="step" value=(second.step);
            label for="code" { "Code of your authenticator app, or a recovery code" }
            input id="code" name="code" autocomplete="one-time-code" autocapitalize="none"
                spellcheck="false" required autofocus maxlength="32";
            button type="submit" { "Sign in" }
        }
    };
    page(status, "Sign in", &body, form_targets(second.return_to))
}

pub(crate) fn login(status: StatusCode, login: &Login<'_>) -> Reply {
    let body = html! {
        h1 { "Sign in" }
        @if let Some(trouble) = login.trouble {
            p role="alert" { (trouble) }
        }
        form method="post" action=(login.action) {
            input type="hidden" name="form_token" value=(login.form_token);
            input type="hidden" name="return_to" value=(login.return_to);
            label for="username" { "Name" }
            input id="username" name="username" autocomplete="username" autocapitalize="none"
                required autofocus maxlength="64";
            label for="password" { "Password" }
            input id="password" name="password" type="password"
                autocomplete="current-password" required;
            button type="submit" { "Sign in" }
        }
    };
    page(status, "Sign in", &body, form_targets(login.return_to))
}

/// Browsers hold `form-action` against the redirects that follow a form, too. A login on the way to a
/// client ends at that client's own address, which was registered and is checked.
fn form_targets(return_to: &str) -> &'static str {
    let leaves = return_to.starts_with(crate::answer::AUTHORIZE);
    if leaves { "'self' https: http://127.0.0.1:* http://[::1]:*" } else { "'self'" }
}

pub(crate) fn logout(action: &str, form_token: &str, name: &str) -> Reply {
    let body = html! {
        h1 { "Sign out" }
        p { "You are signed in as " b { (name) } "." }
        form method="post" action=(action) {
            input type="hidden" name="form_token" value=(form_token);
            button type="submit" { "Sign out" }
        }
    };
    page(StatusCode::OK, "Sign out", &body, "'self'")
}

pub(crate) fn message(status: StatusCode, text: &'static str) -> Reply {
    let body = html! { h1 { (text) } };
    page(status, "Ringwall", &body, "'none'")
}

fn page(status: StatusCode, title: &str, body: &Markup, form_targets: &str) -> Reply {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (STYLE) }
            }
            body { main { (body) } }
        }
    };
    let mut reply = plain(status, Bytes::from(document.into_string()));
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action {form_targets}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    let policy = HeaderValue::from_str(&policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    reply
}

/// No quotes and no angle brackets: maud would escape them, and the hash would not match.
const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1b1f24}\
main{max-width:20rem;margin:12vh auto;padding:2rem;background:#fff;border:1px solid #d5d9de;border-radius:8px}\
h1{font-size:1.25rem;margin:0 0 1rem}label{display:block;margin:.75rem 0 .25rem}\
input{width:100%;box-sizing:border-box;padding:.5rem;font:inherit;border:1px solid #8a929c;border-radius:4px}\
button{margin-top:1.25rem;width:100%;padding:.6rem;font:inherit;color:#fff;background:#1f5fbf;border:0;border-radius:4px}\
[role=alert]{color:#a4161a}";
