//! The ways to another issuer: from the login page, from a person's own page, and in between.

use http::StatusCode;
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringwall_base::Timestamp;

use crate::answer::{Reply, UPSTREAM};
use crate::page::account::{button, minute};
use crate::page::{Paper, page_with};
use crate::texts::Language;

/// Another issuer, and since when the account is linked to a person there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elsewhere<'a> {
    pub(crate) title: &'a str,
    pub(crate) since: Option<Timestamp>,
}

/// The address that the login page's link has.
pub(super) fn way_in(return_to: &str) -> String {
    let back = utf8_percent_encode(return_to, NON_ALPHANUMERIC);
    format!("{UPSTREAM}?return_to={back}")
}

/// What a person's own page says of it.
pub(super) fn elsewhere(paper: Paper<'_>, elsewhere: Elsewhere<'_>) -> Markup {
    let say = |text| paper.language.say(text);
    html! {
        h2 { (say("Sign in with")) " " (elsewhere.title) }
        @if let Some(since) = elsewhere.since {
            p { (say("Your account is linked since")) " " (minute(since)) }
            (button(paper, "unlink", "Take the link away", None))
        } @else {
            form method="post" action=(UPSTREAM) {
                (paper.token())
                button type="submit" { (say("Link your account")) }
            }
        }
    }
}

/// Leads on by itself, and by a link: browsers hold `form-action` against where a form itself leads.
pub(crate) fn leave(language: Language, address: &str, title: &str) -> Reply {
    let say = |text| language.say(text);
    let head = html! { meta http-equiv="refresh" content=(format!("0;url={address}")); };
    let body = html! {
        h1 { (say("Sign in with")) " " (title) }
        p { a href=(address) { (say("Continue")) } }
    };
    page_with(StatusCode::OK, language, ("Sign in", "'none'"), (&head, &body))
}
