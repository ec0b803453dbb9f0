//! What of the rules' findings is written down: enough to understand, nothing that is secret.

use std::collections::BTreeSet;
use std::fmt::Write;

use ringwall_base::{Judged, RuleMatch};
use ringwall_waf::{Match, Transaction};

use super::proved::Proved;
use crate::metrics::Metrics;

/// What may be written down of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    /// Fields that the manifest classifies, in lower case.
    pub(super) hidden: &'a BTreeSet<String>,
    /// Whether it is for a page of our own: people type their passwords there, and no argument's
    /// value is shown, however it was sent.
    pub(super) is_own_page: bool,
}

/// The findings of a transaction, if there are any that rules want to be logged.
pub(super) fn judged<'p>(
    (transaction, proved): (&Transaction<'_>, impl Iterator<Item = &'p Proved>),
    shown: Shown<'_>,
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
    let told = first.into_iter().take(room).chain(last);
    let matches: Vec<RuleMatch> = told.map(|one| shown.matched(one)).collect();
    let mut others = Vec::new();
    if count > matches.len() {
        for id in logged().map(Match::id) {
            let is_known = matches.iter().any(|one| one.rule == id) || others.contains(&id);
            if !is_known && others.len() < OTHERS_MAX {
                others.push(id);
            }
        }
    }
    let left_out = count.saturating_sub(matches.len());
    Some(Judged {
        proven: transaction.proven_values(),
        proven_places: proved.take(MATCHES_MAX).map(proved_place).collect(),
        left_out: left_out.saturating_add(transaction.dropped_matches()),
        matches,
        others,
        inbound_score: score(transaction, &INBOUND),
        outbound_score: score(transaction, &OUTBOUND),
    })
}

impl Shown<'_> {
    fn matched(self, one: &Match<'_>) -> RuleMatch {
        let message: String = one.message_template().chars().take(MESSAGE_CHARS_MAX).collect();
        RuleMatch {
            rule: one.id(),
            phase: one.phase().number(),
            severity: one.severity(),
            variable: place(one.variable),
            value: self.value(one.variable, one.value),
            message,
            is_disruptive: one.is_disruptive,
        }
    }

    /// What may be written down of a value: of places that hold one thing with a name, where neither
    /// the manifest nor the name says that it is secret. Whole bodies and queries hold everything, so
    /// nothing of them.
    fn value(self, variable: &[u8], value: &[u8]) -> Option<String> {
        let variable = String::from_utf8_lossy(variable);
        let (list, key) = variable.split_once(':').unwrap_or((&variable, ""));
        let may_be_shown = match list {
            "ARGS" | "ARGS_GET" | "ARGS_POST" => {
                !self.is_own_page && !key.is_empty() && !self.is_secret(key)
            }
            "REQUEST_HEADERS" => HEADERS.iter().any(|name| name.eq_ignore_ascii_case(key)),
            // Clients choose names as well: a body that is split as a form may be one name.
            "ARGS_GET_NAMES"
            | "ARGS_NAMES"
            | "ARGS_POST_NAMES"
            | "FILES_NAMES"
            | "REQUEST_COOKIES_NAMES"
            | "REQUEST_HEADERS_NAMES" => return Some(name(value)),
            "FILES" | "MULTIPART_FILENAME" | "REQBODY_PROCESSOR" | "REQUEST_BASENAME"
            | "REQUEST_FILENAME" | "REQUEST_METHOD" | "REQUEST_PROTOCOL" | "RESPONSE_STATUS" => {
                true
            }
            // Rules copy whatever they like to it, a PIN among others; a score is a score.
            "TX" => {
                let key = key.to_ascii_lowercase();
                (key.ends_with("score") || key.ends_with("level"))
                    && value.len() <= SCORE_DIGITS_MAX
                    && value.iter().all(u8::is_ascii_digit)
            }
            _ => false,
        };
        may_be_shown.then(|| cut(value))
    }

    /// Whether a name, or a part of it as in `user[email]` and `json.user.email`, is one that the
    /// manifest classifies, or one that secrets have.
    fn is_secret(self, name: &str) -> bool {
        let lower = name.to_lowercase();
        let is_letter = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        self.hidden.contains(&lower)
            || lower.split(|c| !is_letter(c)).any(|part| self.hidden.contains(part))
            || SECRETS.iter().any(|word| lower.contains(word))
            || words(name).iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
    }
}

/// The words of a name: `user_pin`, `userPin` and `user.pin2` have `pin`.
fn words(name: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(name.len());
    let mut was_lower = false;
    for c in name.chars() {
        if was_lower && c.is_uppercase() {
            spaced.push(' ');
        }
        was_lower = c.is_lowercase();
        spaced.extend(c.to_lowercase());
    }
    spaced.split(|c: char| !c.is_alphabetic()).map(str::to_owned).collect()
}

/// Where a value is that a schema proved, and what proves it.
fn proved_place(proved: &Proved) -> String {
    let (variable, kind) = proved.told();
    format!("{} {kind}", place(variable.as_bytes()))
}

/// Where something was found: the list as it is, and the name in it when it is one.
fn place(variable: &[u8]) -> String {
    let Some(at) = variable.iter().position(|byte| *byte == b':') else { return cut(variable) };
    let (list, key) = variable.split_at(at);
    let key = key.get(1..).unwrap_or_default();
    // `XML:/*` is what the rule says, and holds nothing of the request.
    if list == b"XML" { cut(variable) } else { format!("{}:{}", cut(list), name(key)) }
}

/// A name that programs give; of anything else how long it is, as it may be a whole body.
fn name(bytes: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.[]-".contains(byte);
    if !bytes.is_empty() && bytes.len() <= VALUE_BYTES_MAX && bytes.iter().all(is_plain) {
        return cut(bytes);
    }
    format!("({} bytes)", bytes.len())
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
const SECRETS: [&str; 17] = [
    "apikey",
    "api_key",
    "api-key",
    "assertion",
    "auth",
    "card",
    "cookie",
    "credential",
    "cvc",
    "cvv",
    "pass",
    "pwd",
    "secret",
    "session",
    "signature",
    "token",
    "totp",
];

/// Words that secrets have, and that are parts of harmless ones: `shipping`, `design`, `classname`.
const SECRET_WORDS: [&str; 11] =
    ["again", "code", "current", "iban", "key", "new", "otp", "pin", "sig", "sign", "ssn"];

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

/// The highest paranoia level has found 70 in one request.
const OTHERS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn value(variable: &str, value: &str, is_own_page: bool) -> Option<String> {
        let hidden = BTreeSet::from(["email".to_owned()]);
        let shown = Shown { hidden: &hidden, is_own_page };
        shown.value(variable.as_bytes(), value.as_bytes())
    }

    #[track_caller]
    fn check(variable: &str, text: &str, want: bool) {
        assert_eq!(value(variable, text, false).is_some(), want, "{variable}");
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
            "ARGS:pwd",
            "ARGS:userPwd",
            "ARGS:pin",
            "ARGS:userPin",
            "ARGS:user[pin]",
            "ARGS:json.otp_2",
            "ARGS:code",
            "ARGS:card.cvv",
            "ARGS:cvc",
            "ARGS:ssn",
            "ARGS:iban",
            "ARGS:key",
            "ARGS:sig",
            "ARGS:sign",
            "ARGS:new",
            "ARGS:again",
            "ARGS:current",
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
        check("TX:0", "123456", false);
        check("TX:0", "4111111111111111", false);
    }

    #[test]
    fn a_value_that_explains_the_match_is_shown() {
        for variable in
            ["ARGS:q", "ARGS:json.emails", "ARGS:classname", "ARGS:shipping", "REQUEST_FILENAME"]
        {
            check(variable, "x", true);
        }
        check("TX:blocking_inbound_anomaly_score", "15", true);
    }

    #[test]
    fn a_name_that_a_program_would_not_give_is_a_number() {
        let body = "{\"email\":\"a@b.example\",\"password\":\"hunter2'";
        let length = format!("({} bytes)", body.len());
        assert_eq!(value("ARGS_NAMES", body, false).as_ref(), Some(&length));
        assert_eq!(place(format!("ARGS:{body}").as_bytes()), format!("ARGS:{length}"));
        assert_eq!(place(b"REQUEST_COOKIES:a b"), "REQUEST_COOKIES:(3 bytes)");
        assert_eq!(place(&[b"ARGS:".as_slice(), &[b'a'; 65]].concat()), "ARGS:(65 bytes)");
        assert_eq!(value("ARGS_NAMES", "user[0].a-b_c", false).as_deref(), Some("user[0].a-b_c"));
        assert_eq!(place(b"ARGS:json.items.array_0"), "ARGS:json.items.array_0");
        assert_eq!(place(b"XML:/*"), "XML:/*");
        assert_eq!(place(b"REQUEST_FILENAME"), "REQUEST_FILENAME");
    }

    #[test]
    fn no_argument_of_a_page_of_our_own_is_shown() {
        assert_eq!(value("ARGS:name", "x", true), None);
        assert_eq!(value("ARGS_NAMES", "name", true).as_deref(), Some("name"));
    }

    #[test]
    fn what_is_shown_is_short_and_plain() {
        assert_eq!(cut(b"a\\\n\xff\x1b[2J"), "a\\\\\\x0a\\xff\\x1b[2J");
        assert_eq!(cut(&[b'a'; 64]), "a".repeat(64));
        assert_eq!(cut(&[b'a'; 65]), format!("{}…", "a".repeat(64)));
    }
}
