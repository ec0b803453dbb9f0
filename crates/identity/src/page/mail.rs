//! The pages that links in letters lead to, and the one that asks for such a letter.

use http::StatusCode;
use maud::html;
use ringwall_base::Secret;

use crate::answer::Reply;
use crate::page::{Paper, page};

/// Where somebody says which address wants a new password.
pub(crate) fn ask_reset(status: StatusCode, paper: Paper<'_>) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("A new password")) }
        (paper.trouble())
        form method="post" action=(paper.action) {
            (paper.token())
            label for="address" { (say("E-mail address")) }
            input id="address" name="address" type="email" autocomplete="email" required autofocus
                maxlength="254";
            button type="submit" { (say("Send me a link")) }
        }
    };
    page(status, paper.language, ("A new password", "'self'"), &body)
}

/// Where a password is chosen: the title, and whose password it is, if that is said.
pub(crate) fn choose_password(
    status: StatusCode,
    paper: Paper<'_>,
    token: &Secret<String>,
    (title, said): (&'static str, Option<Said<'_>>),
) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say(title)) }
        (paper.trouble())
        @if let Some((said, name)) = said { p { (say(said)) " " b { (name) } } }
        form method="post" action=(paper.action) {
            (paper.token())
            input type="hidden" name="token" value=(token.expose());
            label for="new" { (say("New password")) }
            input id="new" name="new" type="password" autocomplete="new-password" required
                autofocus;
            label for="again" { (say("New password again")) }
            input id="again" name="again" type="password" autocomplete="new-password" required;
            button type="submit" { (say("Set the password")) }
        }
    };
    page(status, paper.language, (title, "'self'"), &body)
}

/// A sentence and the login name that it ends with.
type Said<'a> = (&'static str, &'a str);

/// Where an address is confirmed. A button, because programs that look through mail open links.
pub(crate) fn confirm_email(paper: Paper<'_>, token: &Secret<String>, address: &str) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("Confirm your address")) }
        p { (say("Is this address yours?")) " " b { (address) } }
        form method="post" action=(paper.action) {
            (paper.token())
            input type="hidden" name="token" value=(token.expose());
            button type="submit" { (say("Confirm")) }
        }
    };
    page(StatusCode::OK, paper.language, ("Confirm your address", "'self'"), &body)
}
