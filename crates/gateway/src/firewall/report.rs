//! What of the rules' findings is written down: enough to understand, nothing that is secret.

use std::collections::BTreeSet;
use std::fmt::Write;

use ringwall_base::{Judged, RuleMatch};
use ringwall_waf::{Match, Transaction};

use crate::metrics::Metrics;

/// The findings of a transaction, if there are any that rules want to be logged.
pub(super) fn judged(
    transaction: &Transaction<'_>,
    hidden: &BTreeSet<String>,
    is_refused: bool,
    metrics: &Metrics,
) -> Option<Judged> {
    let is_stopped = transaction.intervention().is_some();
    let action = match (is_refused, is_stopped) {
        (true, _) => "blocked",
        (false, true) => "logged",
        (false, false) => "passed",
    };
    let logged = || transaction.matches().iter().filter(|one| one.is_logged());
    for one in logged() {
        metrics.matched(action, category(one));
    }
    let count = logged().count();
    if count == 0 && !is_stopped {
        return None;
    }
    // What stopped it comes last, and is what matters most.
    let (first, last): (Vec<_>, Vec<_>) = logged().partition(|one| !one.is_disruptive);
    let last: Vec<_> = last.into_iter().take(MATCHES_MAX).collect();
    let room = MATCHES_MAX.saturating_sub(last.len());
    let shown = first.into_iter().take(room).chain(last);
    let matches: Vec<RuleMatch> = shown.map(|one| matched(one, hidden)).collect();
    let left_out = count.saturating_sub(matches.len());
    Some(Judged {
        left_out: left_out.saturating_add(transaction.dropped_matches()),
        matches,
        inbound_score: score(transaction, &INBOUND),
        outbound_score: score(transaction, &OUTBOUND),
    })
}

fn matched(one: &Match<'_>, hidden: &BTreeSet<String>) -> RuleMatch {
    let message: String = one.message_template().chars().take(MESSAGE_CHARS_MAX).collect();
    RuleMatch {
        rule: one.id(),
        phase: one.phase().number(),
        severity: one.severity(),
        variable: cut(one.variable),
        value: may_be_shown(one.variable, one.value, hidden).then(|| cut(one.value)),
        message,
        is_disruptive: one.is_disruptive,
    }
}

/// Whether a value may be written down: of places that hold one thing with a name, where neither the
/// manifest nor the name says that it is secret. Whole bodies and queries hold everything, so no.
fn may_be_shown(variable: &[u8], value: &[u8], hidden: &BTreeSet<String>) -> bool {
    let variable = String::from_utf8_lossy(variable);
    let (list, key) = variable.split_once(':').unwrap_or((&variable, ""));
    match list {
        "ARGS" | "ARGS_GET" | "ARGS_POST" => !key.is_empty() && !is_secret(key, hidden),
        "REQUEST_HEADERS" => HEADERS.iter().any(|name| name.eq_ignore_ascii_case(key)),
        "ARGS_GET_NAMES"
        | "ARGS_NAMES"
        | "ARGS_POST_NAMES"
        | "FILES"
        | "FILES_NAMES"
        | "MULTIPART_FILENAME"
        | "REQBODY_PROCESSOR"
        | "REQUEST_BASENAME"
        | "REQUEST_COOKIES_NAMES"
        | "REQUEST_FILENAME"
        | "REQUEST_HEADERS_NAMES"
        | "REQUEST_METHOD"
        | "REQUEST_PROTOCOL"
        | "RESPONSE_STATUS" => true,
        // Rules copy whatever they like to it; a score is a score.
        "TX" => value.len() <= SCORE_DIGITS_MAX && value.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether a name, or a part of it as in `user[email]` and `json.user.email`, is one that the
/// manifest classifies, or one that secrets have.
fn is_secret(name: &str, hidden: &BTreeSet<String>) -> bool {
    let name = name.to_lowercase();
    let is_letter = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    hidden.contains(&name)
        || name.split(|c| !is_letter(c)).any(|part| hidden.contains(part))
        || SECRETS.iter().any(|word| name.contains(word))
}

/// The beginning, with every byte that is not plain spelled out.
fn cut(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(VALUE_BYTES_MAX) {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(*byte)),
            // A string takes all that is written.
            _ => write!(text, "\\x{byte:02x}").unwrap_or_default(),
        }
    }
    if bytes.len() > VALUE_BYTES_MAX {
        text.push('…');
    }
    text
}

fn score(transaction: &Transaction<'_>, names: &[&str]) -> Option<u32> {
    let found = names.iter().find_map(|name| transaction.tx(name))?;
    std::str::from_utf8(found).ok()?.parse().ok()
}

/// What kind of attack a rule is about: one of a closed list, whatever its tags say.
fn category(one: &Match<'_>) -> &'static str {
    let found = one.tags().find_map(|tag| {
        if let Some(name) = tag.strip_prefix("ringwall/") {
            return OURS.iter().find(|(known, _)| *known == name).map(|(_, category)| *category);
        }
        let name = tag.strip_prefix("attack-")?;
        CATEGORIES.iter().find(|known| **known == name).copied()
    });
    found.unwrap_or("other")
}

/// Sorted; what tags of the rules in the program say, in the words of the others.
const OURS: [(&str, &str); 17] = [
    ("command", "rce"),
    ("java", "injection-java"),
    ("language", "injection-generic"),
    ("ldap", "ldap"),
    ("leak", "disclosure"),
    ("nosql", "injection-generic"),
    ("objects", "injection-generic"),
    ("path", "lfi"),
    ("php", "injection-php"),
    ("protocol", "protocol"),
    ("scanner", "reputation-scanner"),
    ("script", "xss"),
    ("secret", "disclosure"),
    ("sql", "sqli"),
    ("ssrf", "generic"),
    ("template", "injection-generic"),
    ("upload", "generic"),
];

/// Sorted; the values of the label `category`.
const CATEGORIES: [&str; 16] = [
    "deprecated-header",
    "disclosure",
    "dos",
    "fixation",
    "generic",
    "injection-generic",
    "injection-java",
    "injection-php",
    "ldap",
    "lfi",
    "multipart-header",
    "protocol",
    "rce",
    "reputation-scanner",
    "sqli",
    "xss",
];

/// Headers that name programs and media, and no people.
const HEADERS: [&str; 12] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "range",
    "transfer-encoding",
    "user-agent",
];

/// Parts of names that secrets have.
const SECRETS: [&str; 12] = [
    "apikey",
    "api_key",
    "api-key",
    "assertion",
    "auth",
    "card",
    "cookie",
    "credential",
    "pass",
    "secret",
    "session",
    "token",
];

/// CRS 4, then CRS 3.
const INBOUND: [&str; 3] =
    ["blocking_inbound_anomaly_score", "inbound_anomaly_score", "anomaly_score"];
const OUTBOUND: [&str; 2] = ["blocking_outbound_anomaly_score", "outbound_anomaly_score"];

/// Enough to see what was meant.
const VALUE_BYTES_MAX: usize = 64;
const MESSAGE_CHARS_MAX: usize = 128;
const SCORE_DIGITS_MAX: usize = 6;

/// A request that more rules match is understood by these.
const MATCHES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variable: &str, value: &str, want: bool) {
        let hidden = BTreeSet::from(["email".to_owned()]);
        assert_eq!(
            may_be_shown(variable.as_bytes(), value.as_bytes(), &hidden),
            want,
            "{variable}"
        );
    }

    #[test]
    fn a_value_that_may_be_secret_is_not_shown() {
        for variable in [
            "ARGS:email",
            "ARGS:Email",
            "ARGS_POST:json.users.0.email",
            "ARGS:user[email]",
            "ARGS:password",
            "ARGS_GET:access_token",
            "ARGS",
            "REQUEST_COOKIES:a",
            "REQUEST_HEADERS:cookie",
            "REQUEST_HEADERS:Authorization",
            "REQUEST_HEADERS:x-mine",
            "REQUEST_BODY",
            "QUERY_STRING",
            "REQUEST_URI",
            "REQUEST_LINE",
            "RESPONSE_BODY",
            "XML:/*",
            "MATCHED_VARS",
        ] {
            check(variable, "1", false);
        }
        check("TX:0", "12345a", false);
        check("TX:0", "4111111111111111", false);
    }

    #[test]
    fn a_value_that_explains_the_match_is_shown() {
        for variable in
            ["ARGS:q", "ARGS:json.emails", "REQUEST_HEADERS:User-Agent", "REQUEST_FILENAME"]
        {
            check(variable, "x", true);
        }
        check("TX:blocking_inbound_anomaly_score", "15", true);
    }

    #[test]
    fn what_is_shown_is_short_and_plain() {
        assert_eq!(cut(b"a\\\n\xff\x1b[2J"), "a\\\\\\x0a\\xff\\x1b[2J");
        assert_eq!(cut(&[b'a'; 64]), "a".repeat(64));
        assert_eq!(cut(&[b'a'; 65]), format!("{}…", "a".repeat(64)));
    }
}
