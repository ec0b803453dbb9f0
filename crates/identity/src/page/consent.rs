//! The page that asks what an application may do.

use http::StatusCode;
use maud::html;

use crate::answer::Reply;
use crate::page::{Paper, page};
use crate::texts::Language;

/// What the page shows, and sends back.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a str,
    pub(crate) client: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) request: &'a str,
    pub(crate) at: u64,
    pub(crate) seal: &'a str,
    /// Where the answer may lead.
    pub(crate) targets: &'static str,
}

pub(crate) fn consent(status: StatusCode, paper: Paper<'_>, wanted: &Wanted<'_>) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("May this application act for you?")) }
        p { (say("You are signed in as")) " " b { (wanted.name) } "." }
        p { (say("This application asks to act for you:")) " " b { (wanted.client) } }
        @if !wanted.scope.is_empty() {
            p { (say("It asks for:")) }
            ul {
                @for scope in wanted.scope.split(' ') { li { (in_words(paper.language, scope)) } }
            }
        }
        form method="post" action=(paper.action) {
            (paper.token())
            input type="hidden" name="request" value=(wanted.request);
            input type="hidden" name="at" value=(wanted.at);
            input type="hidden" name="seal" value=(wanted.seal);
            button type="submit" name="decision" value="allow" { (say("Allow")) }
            button type="submit" name="decision" value="deny" { (say("Refuse")) }
        }
        p { (say("You can take it back on the page of your account.")) }
    };
    page(status, paper.language, ("May this application act for you?", wanted.targets), &body)
}

/// A scope as people read it. Those of an operator's own are shown as they are.
pub(crate) fn in_words(language: Language, scope: &str) -> &str {
    let say = |text| language.say(text);
    match scope {
        "openid" => say("know who you are"),
        "profile" => say("see your name and your roles"),
        "email" => say("see your e-mail address"),
        "offline_access" => say("act for you while you are away"),
        other => other,
    }
}
