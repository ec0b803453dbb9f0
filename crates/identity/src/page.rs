//! The few pages that people see. They work without JavaScript, and allow none but what asks for a
//! passkey.

mod account;
mod consent;
mod device;
mod end_session;
mod passkey;
mod mail;
mod targets;
mod upstream;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{
    CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_FRAME_OPTIONS,
};
use maud::{DOCTYPE, Markup, html};

use crate::answer::{Reply, plain};
use crate::form::Form;
use crate::texts::Language;

pub(crate) use account::{Account, account, app, codes};
pub(crate) use consent::{Wanted, consent, in_words};
pub(crate) use device::{Confirm, confirm_device, enter_device};
pub(crate) use end_session::{Leaving, end_session};
pub(crate) use mail::{ask_reset, choose_password, confirm_email};
pub(crate) use passkey::{Offer, new_passkey};
pub(crate) use targets::{leaves, of_login as login_targets};
pub(crate) use upstream::{Elsewhere, leave};

/// What every page with forms has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paper<'a> {
    pub(crate) language: Language,
    pub(crate) action: &'a str,
    pub(crate) form_token: &'a str,
    /// Said at the top, in English.
    pub(crate) trouble: Option<&'static str>,
}

impl Paper<'_> {
    fn trouble(self) -> Markup {
        html! {
            @if let Some(trouble) = self.trouble {
                p role="alert" { (self.language.say(trouble)) }
            }
        }
    }

    fn token(self) -> Markup {
        html! { input type="hidden" name="form_token" value=(self.form_token); }
    }
}

/// What leads in, and where to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways<'a> {
    pub(crate) return_to: &'a str,
    /// Where the form may lead.
    pub(crate) targets: &'static str,
    /// Of whom a name is that names no organisation, unless that is `default`.
    pub(crate) organisation: Option<&'a str>,
    /// Whether somebody sends letters.
    pub(crate) has_mail: bool,
    pub(crate) offer: Option<&'a Offer<'a>>,
    /// What people call another issuer.
    pub(crate) upstream: Option<&'a str>,
}

pub(crate) fn login(
    status: StatusCode,
    paper: Paper<'_>,
    Ways { return_to, targets, organisation, has_mail, offer, upstream }: Ways<'_>,
) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("Sign in")) }
        (paper.trouble())
        form method="post" action=(paper.action) {
            (paper.token())
            input type="hidden" name="return_to" value=(return_to);
            @if let Some(organisation) = organisation {
                input type="hidden" name="organization" value=(organisation);
            }
            label for="username" { (say("Name")) }
            input id="username" name="username" value=[login_hint(return_to)]
                autocomplete="username webauthn" autocapitalize="none"
                required autofocus maxlength="105";
            label for="password" { (say("Password")) }
            input id="password" name="password" type="password"
                autocomplete="current-password" required;
            button type="submit" { (say("Sign in")) }
        }
        @if let Some(offer) = offer {
            (passkey::use_passkey(paper, offer, ("return_to", return_to)))
        }
        @if let Some(title) = upstream {
            p { a href=(upstream::way_in(return_to)) { (say("Sign in with")) " " (title) } }
        }
        @if has_mail {
            p { a href=(crate::answer::RESET) { (say("Forgot your password?")) } }
        }
    };
    let reply = page(status, paper.language, ("Sign in", targets), &body);
    with_passkeys(reply, offer)
}

/// The second step; `step` says of which login.
pub(crate) fn second_factor(
    status: StatusCode,
    paper: Paper<'_>,
    (step, targets): (&str, &'static str),
    offer: Option<&Offer<'_>>,
) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("One more step")) }
        (paper.trouble())
        form method="post" action=(paper.action) {
            (paper.token())
            input type="hidden" name="step" value=(step);
            label for="code" { (say("Code of your authenticator app, or a recovery code")) }
            input id="code" name="code" autocomplete="one-time-code" autocapitalize="none"
                spellcheck="false" required autofocus maxlength="32";
            button type="submit" { (say("Sign in")) }
        }
        @if let Some(offer) = offer { (passkey::use_passkey(paper, offer, ("step", step))) }
    };
    let reply = page(status, paper.language, ("Sign in", targets), &body);
    with_passkeys(reply, offer)
}

fn with_passkeys(reply: Reply, offer: Option<&Offer<'_>>) -> Reply {
    match offer {
        Some(offer) => passkey::with_script(reply, offer),
        None => reply,
    }
}

/// Whom the application expects (`login_hint`, OpenID Connect Core section 3.1.2.1).
fn login_hint(return_to: &str) -> Option<String> {
    let (_, query) = return_to.split_once('?')?;
    let query = Form::parse(query.as_bytes()).ok()?;
    query.get("login_hint").filter(|hint| hint.len() <= 105).map(str::to_owned)
}

pub(crate) fn logout(paper: Paper<'_>, name: &str) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("Sign out")) }
        p { (say("You are signed in as")) " " b { (name) } "." }
        form method="post" action=(paper.action) {
            (paper.token())
            button type="submit" { (say("Sign out")) }
        }
    };
    page(StatusCode::OK, paper.language, ("Sign out", "'self'"), &body)
}

pub(crate) fn message(status: StatusCode, language: Language, text: &'static str) -> Reply {
    let body = html! { h1 { (language.say(text)) } };
    page(status, language, ("Ringwall", "'none'"), &body)
}

fn page(
    status: StatusCode,
    language: Language,
    titled: (&'static str, &str),
    body: &Markup,
) -> Reply {
    page_with(status, language, titled, (&html! {}, body))
}

/// With more in its head.
fn page_with(
    status: StatusCode,
    language: Language,
    (title, form_targets): (&'static str, &str),
    (head, body): (&Markup, &Markup),
) -> Reply {
    let document = html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (language.say(title)) }
                style { (STYLE) }
                (head)
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
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    let policy = HeaderValue::from_str(&policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    reply
}

/// No quotes and no angle brackets: maud would escape them, and the hash would not match.
const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1b1f24}\
main{max-width:20rem;margin:12vh auto;padding:2rem;background:#fff;border:1px solid #d5d9de;border-radius:8px;\
overflow-wrap:anywhere}\
h1{font-size:1.25rem;margin:0 0 1rem}h2{font-size:1rem;margin:2rem 0 .5rem}\
label{display:block;margin:.75rem 0 .25rem}ul{padding:0;list-style:none}li{margin:0 0 1rem}\
input{width:100%;box-sizing:border-box;padding:.5rem;font:inherit;border:1px solid #8a929c;border-radius:4px}\
button{margin-top:1.25rem;width:100%;padding:.6rem;font:inherit;color:#fff;background:#1f5fbf;border:0;border-radius:4px}\
li button{margin-top:.25rem}svg{display:block;width:100%}\
[role=alert]{color:#a4161a}";
