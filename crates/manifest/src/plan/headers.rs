//! What differs in the fields that protect browsers, and in the apps' cookies.

use std::cmp::Ordering;

use super::{Change, Effect, note};
use crate::model::{Frame, HeaderLine, Headers, Model};

pub(super) fn of(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    differ("", &old.gateway.headers, &new.gateway.headers, changes);
    for service in new.services.values() {
        let Some(before) = old.services.get(&service.name) else { continue };
        // What the door alone changes has been said.
        if before.headers != service.headers {
            let (was, is) = (old.headers_for(before), new.headers_for(service));
            differ(&format!("{}: ", service.name), &was, &is, changes);
        }
    }
}

/// A field, in words, and how strong it is where that can be compared.
type Line = (&'static str, String, Option<u32>);

fn differ(name: &str, was: &Headers, is: &Headers, changes: &mut Vec<Change>) {
    for ((what, was, old), (_, is, new)) in lines(was).into_iter().zip(lines(is)) {
        if was == is {
            continue;
        }
        let effect = match old.zip(new).map(|(old, new)| new.cmp(&old)) {
            Some(Ordering::Less) => Effect::Widens,
            Some(Ordering::Greater) => Effect::Narrows,
            Some(Ordering::Equal) | None => Effect::Changes,
        };
        note(changes, effect, "headers", format!("{name}{what}: {was} becomes {is}"));
    }
    let read = |headers: &Headers| headers.cookies_read_by_scripts.clone().unwrap_or_default();
    let (was, is) = (read(was), read(is));
    for cookie in is.iter().filter(|one| !was.contains(one)) {
        let text = format!("{name}scripts may read the cookie {cookie}");
        note(changes, Effect::Widens, "headers", text);
    }
    for cookie in was.iter().filter(|one| !is.contains(one)) {
        let text = format!("{name}scripts may no longer read the cookie {cookie}");
        note(changes, Effect::Narrows, "headers", text);
    }
}

fn lines(headers: &Headers) -> [Line; 11] {
    let frame = headers.frame.unwrap_or_default();
    let frames = match frame {
        Frame::Pass => ("pass", 0),
        Frame::SameOrigin => ("same-origin", 1),
        Frame::Deny => ("deny", 2),
    };
    let switch = |is_on: bool, (on, off): (&str, &str)| {
        let word = if is_on { on } else { off };
        (word.to_owned(), Some(u32::from(is_on)))
    };
    let forces = switch(headers.csp_force == Some(true), ("true", "false"));
    let server = switch(headers.hides_server != Some(false), ("hide", "pass"));
    let cookies = switch(headers.hardens_cookies == Some(true), ("harden", "pass"));
    [
        line("csp", headers.csp.as_ref(), "none"),
        line("csp_report_only", headers.csp_report_only.as_ref(), "none"),
        ("csp_force", forces.0, forces.1),
        ("frame", frames.0.to_owned(), Some(frames.1)),
        line("referrer", headers.referrer.as_ref(), "the usual"),
        transport(headers.hsts.as_ref()),
        line("coop", headers.coop.as_ref(), "none"),
        line("corp", headers.corp.as_ref(), "none"),
        line("permissions", headers.permissions.as_ref(), "the usual"),
        ("server", server.0, server.1),
        ("cookies", cookies.0, cookies.1),
    ]
}

/// Some value is more than none; two values cannot be compared.
fn line(what: &'static str, said: Option<&HeaderLine>, usual: &str) -> Line {
    match said {
        Some(HeaderLine::Set(text)) => (what, format!("\"{text}\""), Some(1)),
        None if usual != "none" => (what, usual.to_owned(), Some(1)),
        Some(HeaderLine::Pass) | None => (what, "none".to_owned(), Some(0)),
    }
}

/// A longer time is more.
fn transport(said: Option<&HeaderLine>) -> Line {
    let (what, text, strength) = line("hsts", said, "the usual");
    let age = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let (_, rest) = lower.split_once("max-age=")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let strength = match said {
        Some(HeaderLine::Set(value)) => age(value),
        Some(HeaderLine::Pass) => strength,
        None => Some(HSTS_USUAL),
    };
    (what, text, strength)
}

/// What is sent where nobody says anything: a year.
const HSTS_USUAL: u32 = 31_536_000;
