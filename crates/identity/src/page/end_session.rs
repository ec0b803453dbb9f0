//! The page that asks whether to sign out, when an application wants it and proves nothing.

use http::StatusCode;
use maud::html;

use crate::answer::Reply;
use crate::page::{Paper, page};

/// What the page shows, and sends back.
#[derive(Debug)]
pub(crate) struct Leaving<'a> {
    pub(crate) name: &'a str,
    pub(crate) client: Option<&'a str>,
    pub(crate) back: Option<&'a str>,
    pub(crate) state: Option<&'a str>,
    /// Where the answer may lead.
    pub(crate) targets: &'static str,
}

pub(crate) fn end_session(paper: Paper<'_>, shown: &Leaving<'_>) -> Reply {
    let say = |text| paper.language.say(text);
    // Read again and judged again when they come back: what was changed in between leads nowhere.
    let kept = [
        ("client_id", shown.client),
        ("post_logout_redirect_uri", shown.back),
        ("state", shown.state),
    ];
    let body = html! {
        h1 { (say("Sign out")) }
        (paper.trouble())
        p { (say("You are signed in as")) " " b { (shown.name) } "." }
        @if let Some(client) = shown.client {
            p { (say("This application asks to sign you out:")) " " b { (client) } }
        }
        form method="post" action=(paper.action) {
            (paper.token())
            @for (name, value) in kept {
                @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
            }
            button type="submit" { (say("Sign out")) }
        }
    };
    page(StatusCode::OK, paper.language, ("Sign out", shown.targets), &body)
}
