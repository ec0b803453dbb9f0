//! A person's own page: sessions, password, second factor.

use http::StatusCode;
use maud::{Markup, PreEscaped, html};
use qrcodegen::{QrCode, QrCodeEcc};
use ringwall_base::{Secret, Timestamp};

use crate::answer::Reply;
use crate::consents::Consent;
use crate::email::Email;
use crate::factors::{Enrolment, Factors};
use crate::page::passkey::passkeys;
use crate::page::upstream::{Elsewhere, elsewhere};
use crate::page::{Paper, in_words, page};
use crate::sessions::list::Open;

/// What the page shows.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    pub(crate) name: &'a str,
    /// The session that looks at it.
    pub(crate) sid: Option<&'a str>,
    pub(crate) sessions: &'a [Open],
    pub(crate) factors: &'a Factors,
    pub(crate) consents: &'a [Consent],
    pub(crate) email: Option<&'a Email>,
    /// Whether somebody sends letters.
    pub(crate) has_mail: bool,
    pub(crate) upstream: Option<Elsewhere<'a>>,
    pub(crate) logout_path: &'a str,
}

pub(crate) fn account(status: StatusCode, paper: Paper<'_>, shown: &Account<'_>) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("Your account")) }
        (paper.trouble())
        p { (say("You are signed in as")) " " b { (shown.name) } ". "
            a href=(shown.logout_path) { (say("Sign out")) } }
        h2 { (say("Where you are signed in")) }
        (sessions(paper, shown))
        @if shown.has_mail {
            h2 { (say("E-mail address")) }
            (email(paper, shown.email))
        }
        @if let Some(there) = shown.upstream { (elsewhere(paper, there)) }
        h2 { (say("Change the password")) }
        (password(paper, shown.name))
        h2 { (say("Second factor")) }
        (factors(paper, shown.factors))
        h2 { (say("Passkeys")) }
        (passkeys(paper, &shown.factors.passkeys))
        @if !shown.consents.is_empty() {
            h2 { (say("Applications that may act for you")) }
            (consents(paper, shown.consents))
        }
    };
    page(status, paper.language, ("Your account", "'self'"), &body)
}

fn sessions(paper: Paper<'_>, shown: &Account<'_>) -> Markup {
    let say = |text| paper.language.say(text);
    html! {
        ul {
            @for open in shown.sessions {
                li {
                    (say("Signed in")) " " (minute(open.since)) br;
                    (say("Last used")) " " (minute(open.seen)) br;
                    @if let Some(source) = &open.source { (say("From")) " " (source) br; }
                    (say("With")) " "
                    (open.agent.as_deref().unwrap_or_else(|| say("an unknown program"))) br;
                    @if shown.sid == Some(open.sid.as_str()) {
                        b { (say("this session")) }
                    } @else {
                        (button(paper, "end", "End", Some(("sid", &open.sid))))
                    }
                }
            }
        }
        @if shown.sessions.len() > 1 {
            (button(paper, "end-others", "End all others", None))
        }
    }
}

fn email(paper: Paper<'_>, known: Option<&Email>) -> Markup {
    let say = |text| paper.language.say(text);
    html! {
        @match known {
            Some(email) => {
                p {
                    (email.address)
                    @if !email.is_verified { " (" (say("not confirmed yet")) ")" }
                }
            }
            None => { p { (say("You have no e-mail address.")) } }
        }
        form method="post" action=(paper.action) {
            (paper.token())
            input type="hidden" name="do" value="email";
            label for="address" { (say("E-mail address")) }
            input id="address" name="address" type="email" autocomplete="email" required
                maxlength="254";
            button type="submit" { (say("Change the address")) }
        }
    }
}

fn password(paper: Paper<'_>, name: &str) -> Markup {
    let say = |text| paper.language.say(text);
    html! {
        form method="post" action=(paper.action) {
            (paper.token())
            input type="hidden" name="do" value="password";
            input name="username" autocomplete="username" value=(name) hidden readonly;
            label for="current" { (say("Current password")) }
            input id="current" name="current" type="password" autocomplete="current-password"
                required;
            label for="new" { (say("New password")) }
            input id="new" name="new" type="password" autocomplete="new-password" required;
            label for="again" { (say("New password again")) }
            input id="again" name="again" type="password" autocomplete="new-password" required;
            p { (say("Your other sessions and all applications are signed out then.")) }
            button type="submit" { (say("Change the password")) }
        }
    }
}

fn factors(paper: Paper<'_>, factors: &Factors) -> Markup {
    let say = |text| paper.language.say(text);
    html! {
        @if let Some(since) = factors.app {
            p { (say("Authenticator app, since")) " " (minute(since)) }
        } @else if !factors.is_asked() {
            p { (say("You have no second factor.")) }
        }
        @if factors.is_asked() {
            p { (say("Recovery codes left:")) " " (factors.recovery_codes) }
            (button(paper, "codes", "New recovery codes", None))
        }
        @if factors.app.is_some() {
            (button(paper, "app-remove", "Remove the authenticator app", None))
        } @else {
            (button(paper, "app", "Set up an authenticator app", None))
        }
    }
}

fn consents(paper: Paper<'_>, consents: &[Consent]) -> Markup {
    html! {
        ul {
            @for consent in consents {
                li {
                    b { (consent.client_id) } ", " (minute(consent.granted)) br;
                    @for scope in consent.scope.split(' ').filter(|scope| !scope.is_empty()) {
                        (in_words(paper.language, scope)) br;
                    }
                    (button(paper, "withdraw", "Take back", Some(("client", &consent.client_id))))
                }
            }
        }
    }
}

/// A form of one button.
pub(super) fn button(
    paper: Paper<'_>,
    verb: &str,
    label: &'static str,
    field: Option<(&str, &str)>,
) -> Markup {
    html! {
        form method="post" action=(paper.action) {
            (paper.token())
            input type="hidden" name="do" value=(verb);
            @if let Some((name, value)) = field {
                input type="hidden" name=(name) value=(value);
            }
            button type="submit" { (paper.language.say(label)) }
        }
    }
}

/// An authenticator's secret as a picture, a link and a text, and the form that proves it arrived.
pub(crate) fn app(status: StatusCode, paper: Paper<'_>, enrolment: &Enrolment) -> Reply {
    let say = |text| paper.language.say(text);
    let uri = enrolment.uri.expose();
    let body = html! {
        h1 { (say("Set up an authenticator app")) }
        (paper.trouble())
        p { (say("Scan this with your authenticator app, or type the secret. Then give the code that it shows.")) }
        (qr(uri))
        p { (say("Secret")) ": " code id="secret" { (enrolment.secret.expose()) } }
        p { a href=(uri) { (say("Open in an app on this device")) } }
        form method="post" action=(paper.action) {
            (paper.token())
            input type="hidden" name="do" value="app-confirm";
            input type="hidden" name="app" value=(enrolment.id);
            label for="code" { (say("Code")) }
            input id="code" name="code" autocomplete="one-time-code" inputmode="numeric" required
                maxlength="8";
            button type="submit" { (say("Confirm")) }
        }
        p { a href=(paper.action) { (say("Back")) } }
    };
    page(status, paper.language, ("Set up an authenticator app", "'self'"), &body)
}

pub(crate) fn codes(paper: Paper<'_>, codes: &[Secret<String>]) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("Your recovery codes")) }
        p { (say(KEEP)) }
        ul { @for code in codes { li { code { (code.expose()) } } } }
        p { a href=(paper.action) { (say("Back")) } }
    };
    page(StatusCode::OK, paper.language, ("Your recovery codes", "'self'"), &body)
}

/// A QR code as an inline picture, which the content security policy allows as it is no resource.
fn qr(text: &str) -> Markup {
    // An address that is too long for a code is typed instead.
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return html! {} };
    let size = code.size();
    let dots = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    let path: String = dots
        .filter(|(x, y)| code.get_module(*x, *y))
        .flat_map(|(x, y)| [format!("M{x} {y}h1v1h-1z")])
        .collect();
    let (from, side) = (-QUIET, size + 2 * QUIET);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("{from} {from} {side} {side}"))
            role="img" aria-label="QR" shape-rendering="crispEdges" {
            rect x=(from) y=(from) width=(side) height=(side) fill="#fff" {}
            (PreEscaped(format!("<path d=\"{path}\"/>")))
        }
    }
}

/// `2026-11-22 08:43 UTC`.
pub(super) fn minute(at: Timestamp) -> String {
    let [year, month, day, hour, minute, _] = at.civil();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// ISO/IEC 18004: four modules of white around a code.
const QUIET: i32 = 4;

const KEEP: &str = "Each signs you in once in place of the second factor. They are shown only now: \
                    keep them where nobody else looks. Older ones are worth nothing any more.";
