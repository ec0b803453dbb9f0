//! The pages on which a person allows a device.

use http::StatusCode;
use maud::html;

use crate::answer::Reply;
use crate::page::{Paper, page};

/// Where the code is typed in.
pub(crate) fn enter_device(status: StatusCode, paper: Paper<'_>, user_code: &str) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("Connect a device")) }
        (paper.trouble())
        form method="post" action=(paper.action) {
            (paper.token())
            label for="user_code" { (say("The code that your device shows")) }
            input id="user_code" name="user_code" value=(user_code) autocomplete="off"
                autocapitalize="characters" spellcheck="false" required autofocus maxlength="16";
            button type="submit" { (say("Continue")) }
        }
    };
    page(status, paper.language, ("Connect a device", "'self'"), &body)
}

/// What the person decides about.
#[derive(Debug)]
pub(crate) struct Confirm<'a> {
    pub(crate) user_code: &'a str,
    pub(crate) client: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) name: &'a str,
}

/// Where the person decides.
pub(crate) fn confirm_device(paper: Paper<'_>, shown: &Confirm<'_>) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("Connect a device")) }
        p { (say("You are signed in as")) " " b { (shown.name) } "." }
        p { (say("This application asks to act for you:")) " " b { (shown.client) } }
        p { (say("Its device shows this code:")) " " b { (shown.user_code) } }
        @if !shown.scope.is_empty() {
            p { (say("It asks for:")) " " (shown.scope) }
        }
        // Attack V4: the one who sends the link is not the one who looks at the device.
        p role="alert" { (say(WARNING)) }
        form method="post" action=(paper.action) {
            (paper.token())
            input type="hidden" name="user_code" value=(shown.user_code);
            button type="submit" name="decision" value="approve" { (say("Allow")) }
            button type="submit" name="decision" value="deny" { (say("Refuse")) }
        }
    };
    page(StatusCode::OK, paper.language, ("Connect a device", "'self'"), &body)
}

const WARNING: &str =
    "Only go on if you started this yourself and have the device in front of you.";
