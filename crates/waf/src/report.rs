//! What a transaction says in the end: what matched, and what is to be done.

use std::borrow::Cow;
use std::fmt::Write;

use crate::rule::{Phase, Place, Rule};
use crate::text::Template;

/// A rule that matched a value.
#[derive(Clone, Debug)]
pub struct Match<'a> {
    pub(crate) rule: &'a Rule,
    /// The variable, as `ARGS:name`.
    pub variable: &'a [u8],
    /// Its value after the transformations.
    pub value: &'a [u8],
    /// `msg` with its macros expanded.
    pub message: &'a [u8],
    /// `logdata` with its macros expanded.
    pub data: &'a [u8],
    /// Whether this match stopped the transaction.
    pub is_disruptive: bool,
}

/// The transaction is to be stopped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Intervention {
    /// The rule; 0 when a limit was passed, which no rule judges.
    pub rule_id: u64,
    /// Where it happened.
    pub phase: Phase,
    /// What to answer.
    pub status: u16,
    /// How to end it.
    pub action: Action,
}

/// How a transaction ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Answer with the status.
    Deny,
    /// Close the connection; where that cannot be done, answer with the status.
    Drop,
    /// Answer with the status and this `Location`.
    Redirect(Vec<u8>),
}

impl Match<'_> {
    /// The rule's id.
    pub fn id(&self) -> u64 {
        self.rule.id
    }

    /// The rule's phase.
    pub fn phase(&self) -> Phase {
        self.rule.phase
    }

    /// Where the rule stands.
    pub fn place(&self) -> &Place {
        &self.rule.place
    }

    /// 0 (emergency) to 7 (debug).
    pub fn severity(&self) -> Option<u8> {
        self.rule.meta.severity
    }

    /// `msg` as it stands in the rule, with its macros as they were written: it holds nothing of
    /// what was sent.
    pub fn message_template(&self) -> String {
        self.rule.meta.msg.as_ref().map(Template::source).unwrap_or_default()
    }

    /// The tags that have no macros in them.
    pub fn tags(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.rule.meta.tags.iter().filter_map(|tag| tag.constant()).map(String::from_utf8_lossy)
    }

    /// Whether it belongs in a log (`log`, `nolog`).
    pub fn is_logged(&self) -> bool {
        self.rule.is_logged
    }

    /// Whether it makes the transaction worth an audit entry (`auditlog`, `noauditlog`).
    pub fn is_audited(&self) -> bool {
        self.rule.is_audited
    }

    /// The line that `ModSecurity` writes for it.
    pub fn log_line(&self) -> String {
        let rule = self.rule;
        let mut line = String::from("ModSecurity: ");
        let verb = if self.is_disruptive { "Access denied" } else { "Warning." };
        line.push_str(verb);
        let meta = &rule.meta;
        let mut field = |name: &str, text: &str| {
            // A string takes all that is written.
            write!(line, " [{name} \"{text}\"]").unwrap_or_default();
        };
        field("file", &rule.place.file);
        field("line", &rule.place.line.to_string());
        field("id", &rule.id.to_string());
        for (name, text) in [("rev", &meta.rev), ("ver", &meta.ver)] {
            if let Some(text) = text {
                field(name, text);
            }
        }
        for (name, text) in [("msg", self.message), ("data", self.data)] {
            if !text.is_empty() {
                field(name, &escaped(text));
            }
        }
        if let Some(severity) = meta.severity {
            field("severity", SEVERITIES.get(usize::from(severity)).copied().unwrap_or_default());
        }
        for tag in self.tags() {
            field("tag", &tag);
        }
        line
    }
}

const SEVERITIES: [&str; 8] =
    ["EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"];

/// No byte of a request makes a new line in a log, or ends a field of it.
fn escaped(text: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text {
        match byte {
            b'"' | b'\\' => {
                escaped.push('\\');
                escaped.push(char::from(*byte));
            }
            b' '..=b'~' => escaped.push(char::from(*byte)),
            _ => write!(escaped, "\\x{byte:02x}").unwrap_or_default(),
        }
    }
    escaped
}
