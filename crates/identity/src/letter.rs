//! What is in the letters. Plain text: what has no markup hides no link.

use std::time::Duration;

use ringwall_base::Secret;

use crate::action_token::Kind;
use crate::texts::Language;

/// A letter to one person.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text, which may hold a link that must not get elsewhere.
    pub text: Secret<String>,
}

impl Letter {
    pub(crate) fn invite(language: Language, to: &str, name: &str, link: &Secret<String>) -> Self {
        let say = |text| language.say(text);
        let paragraphs = [
            say("An account was made for you. Open this link to choose its password:"),
            link.expose(),
            &named(language, name),
            &until(language, Kind::Invite.life()),
        ];
        Self::of(to, say("Your new account"), &paragraphs)
    }

    pub(crate) fn reset(language: Language, to: &str, name: &str, link: &Secret<String>) -> Self {
        let say = |text| language.say(text);
        let paragraphs = [
            say("Somebody, probably you, asked for a new password. Open this link to choose it:"),
            link.expose(),
            &named(language, name),
            &until(language, Kind::ResetPassword.life()),
            say("If it was not you, do nothing: your password stays as it is."),
        ];
        Self::of(to, say("A new password"), &paragraphs)
    }

    pub(crate) fn verify(language: Language, to: &str, name: &str, link: &Secret<String>) -> Self {
        let say = |text| language.say(text);
        let paragraphs = [
            say("Open this link and sign in to confirm that this address is yours:"),
            link.expose(),
            &named(language, name),
            &until(language, Kind::VerifyEmail.life()),
            say("If you do not know of this account, do nothing."),
        ];
        Self::of(to, say("Confirm your address"), &paragraphs)
    }

    /// To the address that an account had before.
    pub(crate) fn moved(language: Language, to: &str, name: &str, new: &str) -> Self {
        let say = |text| language.say(text);
        let paragraphs = [
            say("Messages about your account go to another address from now on:"),
            new,
            &named(language, name),
            say("If it was not you, tell whoever runs this service at once."),
        ];
        Self::of(to, say("Your address was changed"), &paragraphs)
    }

    /// To the address of an account whose password was changed.
    pub(crate) fn changed(language: Language, to: &str, name: &str) -> Self {
        let say = |text| language.say(text);
        let paragraphs = [
            say("The password of your account was changed, and all its sessions have ended."),
            &named(language, name),
            say("If it was not you, tell whoever runs this service at once."),
        ];
        Self::of(to, say("Your password was changed"), &paragraphs)
    }

    /// To the address of an account that is linked to another service, or no longer.
    pub(crate) fn linked(language: Language, to: &str, name: &str, is_linked: bool) -> Self {
        let say = |text| language.say(text);
        let (subject, what) = if is_linked { LINKED } else { UNLINKED };
        let paragraphs = [
            say(what),
            &named(language, name),
            say("If it was not you, tell whoever runs this service at once."),
        ];
        Self::of(to, say(subject), &paragraphs)
    }

    fn of(to: &str, subject: &str, paragraphs: &[&str]) -> Self {
        let text = Secret::new(paragraphs.join("\n\n") + "\n");
        Self { to: to.to_owned(), subject: subject.to_owned(), text }
    }
}

const LINKED: (&str, &str) = (
    "Your account was linked",
    "Somebody can sign in to your account by another service from now on.",
);
const UNLINKED: (&str, &str) = (
    "Your account is no longer linked",
    "Nobody can sign in to your account by another service any more.",
);

fn named(language: Language, name: &str) -> String {
    format!("{} {name}", language.say("Your login name:"))
}

fn until(language: Language, life: Duration) -> String {
    let minutes = life.as_secs() / 60;
    let (count, unit) = match minutes {
        0..120 => (minutes, language.say("minutes")),
        _ => (minutes / 60, language.say("hours")),
    };
    format!("{} {count} {unit}.", language.say("The link works once, for"))
}
