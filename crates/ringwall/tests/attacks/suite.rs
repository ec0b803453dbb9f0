//! A table of attacks, and how it is run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ground::Ground;
use crate::request::{MARKER, Request};
use crate::wire::Answer;

/// One attack: its number in the list, what it is, who described it, and how it is made.
pub(crate) struct Attack {
    pub(crate) id: &'static str,
    what: &'static str,
    source: &'static str,
    act: Act,
}

enum Act {
    /// Every one of these requests gets this answer.
    Asks(fn(&Ground) -> Vec<Request>, Want),
    /// More than a request and its answer.
    Plays(fn(&Ground)),
    /// Made by other tests, which are to be in this text.
    Elsewhere(&'static str, &'static [&'static str]),
}

/// What has to come back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Want {
    /// Status, and the `error` of RFC 6749 section 5.2 or of the challenge.
    Error(u16, &'static str),
    /// One of these statuses.
    Status(&'static [u16]),
    /// A redirect to the application with this `error` and our `iss`.
    Told(&'static str),
    /// RFC 7662 section 2.2: `{"active":false}` and not a word more.
    Inactive,
    /// The control: what an honest client sends passes.
    Passes,
}

/// A row whose requests all get one answer.
pub(crate) const fn asks(
    id: &'static str,
    what: &'static str,
    source: &'static str,
    requests: fn(&Ground) -> Vec<Request>,
    want: Want,
) -> Attack {
    Attack { id, what, source, act: Act::Asks(requests, want) }
}

/// A row that says by itself what has to come back.
pub(crate) const fn plays(
    id: &'static str,
    what: &'static str,
    source: &'static str,
    play: fn(&Ground),
) -> Attack {
    Attack { id, what, source, act: Act::Plays(play) }
}

/// A row that other tests make, where the program has no part in it: a text, and the tests in it.
pub(crate) const fn elsewhere(
    id: &'static str,
    what: &'static str,
    source: &'static str,
    (text, tests): (&'static str, &'static [&'static str]),
) -> Attack {
    Attack { id, what, source, act: Act::Elsewhere(text, tests) }
}

/// Runs a group to its end, and then fails if any of it did.
pub(crate) fn run(group: &[Attack], ground: &Ground) {
    let failures: Vec<String> = group.iter().flat_map(|attack| attack.failures(ground)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

impl Attack {
    fn failures(&self, ground: &Ground) -> Vec<String> {
        assert!(!self.source.is_empty(), "{}", self.id);
        let name = |what: &str| format!("{} {} ({}): {what}", self.id, self.what, self.source);
        // What the test says when it panics has been written by then.
        let failed = |_| vec![name("see the panic above")];
        let played = catch_unwind(AssertUnwindSafe(|| match self.act {
            Act::Asks(requests, want) => requests(ground)
                .iter()
                .filter_map(|request| {
                    let answer = request.to(&ground.library.house);
                    let wrong = want.wrong(&answer).or_else(|| unsound(&answer));
                    wrong.map(|wrong| {
                        name(&format!(
                            "`{}`: wants {want:?}, {wrong}: {}",
                            request.label, answer.raw
                        ))
                    })
                })
                .collect(),
            Act::Plays(play) => {
                play(ground);
                Vec::new()
            }
            Act::Elsewhere(text, tests) => {
                let is_gone = |test: &&&str| !text.contains(&format!(" {test}("));
                let gone = tests.iter().filter(is_gone);
                gone.map(|test| name(&format!("`{test}` is not there"))).collect()
            }
        }));
        played.unwrap_or_else(failed)
    }
}

impl Want {
    /// What is not as it has to be.
    fn wrong(self, answer: &Answer) -> Option<String> {
        let status = answer.status;
        let is_met = match self {
            Self::Error(wanted, error) => status == wanted && said(answer) == error,
            Self::Status(wanted) => wanted.contains(&status),
            Self::Told(error) => return not_told(answer, error),
            Self::Inactive => status == 200 && answer.body.trim() == r#"{"active":false}"#,
            Self::Passes => (200..400).contains(&status),
        };
        (!is_met).then(|| format!("got {status} `{}`", said(answer)))
    }
}

/// The error code of an answer, in its body or in its challenge.
pub(crate) fn said(answer: &Answer) -> String {
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let challenge = answer.field("www-authenticate").unwrap_or_default();
    let quoted = challenge.split("error=\"").nth(1).and_then(|rest| rest.split('"').next());
    body["error"].as_str().or(quoted).unwrap_or_default().to_owned()
}

fn not_told(answer: &Answer, error: &str) -> Option<String> {
    let to = answer.field("location").unwrap_or_default();
    let has = |name: &str| crate::request::parameter(&to, name);
    let is_told = answer.status == 303
        && has("error").as_deref() == Some(error)
        && has("iss").is_some()
        && has("code").is_none();
    (!is_told).then(|| format!("got {} to `{to}`", answer.status))
}

/// What no answer may be, whatever was asked: a failure of ours, a repetition, a page without its
/// protection.
pub(crate) fn unsound(answer: &Answer) -> Option<String> {
    if answer.status >= 500 || answer.status == 0 {
        return Some("no answer of a sound server".to_owned());
    }
    // A question that came as a form goes on as a link to ourselves.
    let link = format!("location: {}", answer.field("location").unwrap_or_default());
    let is_link = link.starts_with("location: /");
    let said = if is_link { answer.raw.replace(&link, "") } else { answer.raw.clone() };
    if said.contains(MARKER) {
        return Some("repeats what was sent".to_owned());
    }
    let lower = answer.raw.to_ascii_lowercase();
    for trace in ["panicked", "backtrace", "src/", ".rs:", "sqlite", "stack trace", "no such table"]
    {
        if lower.contains(trace) {
            return Some(format!("shows its inside: `{trace}`"));
        }
    }
    let kind = answer.field("content-type").unwrap_or_default();
    let is_page = kind.starts_with("text/html");
    let has = |name: &str, part: &str| answer.field(name).is_some_and(|value| value.contains(part));
    // Without a referrer of its own a page's form would come back with `Origin: null`.
    let is_quiet = has("referrer-policy", "same-origin") || has("referrer-policy", "no-referrer");
    if is_page
        && !(has("content-security-policy", "frame-ancestors 'none'")
            && has("x-content-type-options", "nosniff")
            && is_quiet
            && has("cache-control", "no-store"))
    {
        return Some("a page without its protection".to_owned());
    }
    None
}

/// Fails unless this came back.
#[track_caller]
pub(crate) fn check(answer: &Answer, want: Want) {
    let wrong = want.wrong(answer).or_else(|| unsound(answer));
    assert!(wrong.is_none(), "wants {want:?}, {}: {}", wrong.unwrap_or_default(), answer.raw);
}
