//! What pages have for passkeys: a form that a script of ours fills, and nothing without it.

use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use maud::{Markup, html};
use ringwall_webauthn::ALGORITHMS;

use crate::answer::{PASSKEY_SCRIPT, Reply};
use crate::page::account::{button, minute};
use crate::page::{Paper, page};
use crate::passkeys::{NAME_CHARS_MAX, Passkey};

/// What the browser is asked with.
#[derive(Debug)]
pub(crate) struct Offer<'a> {
    pub(crate) challenge: String,
    /// The account's passkeys, in base64url, with blanks between.
    pub(crate) known: String,
    pub(crate) rp_id: &'a str,
    pub(crate) origin: &'a str,
}

/// The button of the login page, or of the second step with its `step`.
pub(super) fn use_passkey(paper: Paper<'_>, offer: &Offer<'_>, field: (&str, &str)) -> Markup {
    let say = |text| paper.language.say(text);
    // Alone it stands for two factors; at the second step it is one, with or without a PIN.
    let verify = if field.0 == "step" { "preferred" } else { "required" };
    html! {
        form method="post" action=(paper.action) data-passkey="use" data-rp=(offer.rp_id)
            data-known=(offer.known) data-verify=(verify) hidden {
            (paper.token())
            input type="hidden" name=(field.0) value=(field.1);
            (answers(offer, &["credential", "authenticator_data", "signature", "user_handle"]))
            button type="submit" { (say("Sign in with a passkey")) }
        }
        (failed(paper))
    }
}

/// The page that makes one.
pub(crate) fn new_passkey(
    status: StatusCode,
    paper: Paper<'_>,
    offer: &Offer<'_>,
    (handle, name): (&str, &str),
) -> Reply {
    let say = |text| paper.language.say(text);
    let body = html! {
        h1 { (say("Add a passkey")) }
        (paper.trouble())
        p { (say("A passkey is kept by this device, a phone, or a security key. It signs you in without a password, and only here.")) }
        p data-passkey-none="" {
            (say("Your browser makes no passkeys, or does not run the script that asks for one."))
        }
        form method="post" action=(paper.action) data-passkey="make" data-rp=(offer.rp_id)
            data-known=(offer.known) data-verify="preferred" data-user=(handle) data-name=(name)
            data-algorithms=(ALGORITHMS.map(|one| one.to_string()).join(" ")) hidden {
            (paper.token())
            input type="hidden" name="do" value="passkey-add";
            (answers(offer, &["attestation"]))
            label for="name" { (say("What you want to call it")) }
            input id="name" name="name" autocomplete="off" maxlength=(NAME_CHARS_MAX);
            button type="submit" { (say("Add a passkey")) }
        }
        (failed(paper))
        p { a href=(paper.action) { (say("Back")) } }
    };
    with_script(page(status, paper.language, ("Add a passkey", "'self'"), &body), offer)
}

/// The list on the account page.
pub(super) fn passkeys(paper: Paper<'_>, passkeys: &[Passkey]) -> Markup {
    let say = |text| paper.language.say(text);
    html! {
        @if passkeys.is_empty() {
            p { (say("You have no passkey.")) }
        } @else {
            ul {
                @for one in passkeys {
                    li {
                        b { (one.name) } br;
                        (say("Since")) " " (minute(one.created)) br;
                        @if let Some(used) = one.used_at {
                            (say("Last used")) " " (minute(used)) br;
                        }
                        form method="post" action=(paper.action) {
                            (paper.token())
                            input type="hidden" name="do" value="passkey-rename";
                            input type="hidden" name="passkey" value=(one.id);
                            label for={ "name-" (one.id) } { (say("Another name")) }
                            input id={ "name-" (one.id) } name="name" value=(one.name)
                                autocomplete="off" maxlength=(NAME_CHARS_MAX) required;
                            button type="submit" { (say("Rename")) }
                        }
                        (button(paper, "passkey-remove", "Remove the passkey", Some(("passkey", &one.id))))
                    }
                }
            }
        }
        (button(paper, "passkey", "Add a passkey", None))
    }
}

/// Lets the page run the script, and no other: not even another of this origin, which has pages of the
/// services as well.
pub(super) fn with_script(mut reply: Reply, offer: &Offer<'_>) -> Reply {
    let policy = reply.headers().get(CONTENT_SECURITY_POLICY).and_then(|one| one.to_str().ok());
    let policy =
        format!("{}; script-src {}{PASSKEY_SCRIPT}", policy.unwrap_or_default(), offer.origin);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        reply.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    reply
}

/// The fields that the script fills.
fn answers(offer: &Offer<'_>, names: &[&str]) -> Markup {
    html! {
        input type="hidden" name="challenge" value=(offer.challenge);
        input type="hidden" name="client_data";
        @for name in names { input type="hidden" name=(name); }
        script src=(PASSKEY_SCRIPT) defer {}
    }
}

fn failed(paper: Paper<'_>) -> Markup {
    html! {
        p role="status" data-passkey-failed="" hidden {
            (paper.language.say("The browser gave no passkey. Try again, or go another way."))
        }
    }
}
