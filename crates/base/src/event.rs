//! The audit event and the seam that takes it.
//!
//! Field names follow ECS 9 with a closed `ringwall.*` namespace; the audit package turns an event
//! into its canonical line. What is secret never gets in: there is no field for it.

use std::fmt::Debug;

use crate::{Place, Timestamp};

/// How durable an event must be before the one who caused it gets an answer.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Class {
    /// On disk before the reply: secrets, keys, roles, policy, administration.
    Sync,
    /// On disk within milliseconds of the reply: logins, tokens, denials.
    #[default]
    Group,
    /// May be dropped under load; drops are counted and audited: allowed requests.
    Sampled,
}

/// ECS `event.outcome`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Outcome {
    /// It was refused, or it failed.
    Failure,
    /// It happened.
    #[default]
    Success,
    /// It was allowed, but `block` mode would have refused it.
    WouldDeny,
}

/// What rules of the firewall found in one request and its answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Judged {
    /// The rules that matched, in their order.
    pub matches: Vec<RuleMatch>,
    /// How many more there were.
    pub left_out: usize,
    /// The ids of the rules that are not in `matches`, each once.
    pub others: Vec<u64>,
    /// How many values rules passed over because a schema proves them harmless.
    pub proven: usize,
    /// Some of these: the variable and what proves it, as in `ARGS:page integer`.
    pub proven_places: Vec<String>,
    /// The anomaly score of the request, where the rules keep one.
    pub inbound_score: Option<u32>,
    /// The anomaly score of the answer.
    pub outbound_score: Option<u32>,
}

/// A rule that matched. Whoever makes it leaves out what is secret.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RuleMatch {
    /// Its id.
    pub rule: u64,
    /// 1 to 5.
    pub phase: u8,
    /// 0 (emergency) to 7 (debug).
    pub severity: Option<u8>,
    /// The variable, such as `ARGS:name`.
    pub variable: String,
    /// The beginning of its value. `None` where it may be secret.
    pub value: Option<String>,
    /// What the rule says, as its author wrote it.
    pub message: String,
    /// Whether this match stopped the request.
    pub is_disruptive: bool,
}

/// One thing that happened. Empty fields are left out of the line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Event {
    /// When, by the wall clock.
    pub at: Timestamp,
    /// `event.action`, from the catalogue: `access-denied`, `login-failed`, `secret-read`.
    pub action: &'static str,
    /// Durability.
    pub class: Class,
    /// ECS `event.outcome`.
    pub outcome: Outcome,
    /// `user.id`: the person's subject.
    pub person: Option<String>,
    /// `user.name`: the login name.
    pub person_name: Option<String>,
    /// `organization.id`: the organisation of the person, unless that is `default`; else the one that
    /// was changed.
    pub organisation: Option<String>,
    /// `user.roles`.
    pub roles: Vec<String>,
    /// `ringwall.caller`: the calling service.
    pub caller: Option<String>,
    /// `ringwall.client`: the OAuth client id.
    pub client: Option<String>,
    /// `source.ip`, without port.
    pub source: Option<String>,
    /// `service.name`: the service, partner or subsystem that was asked.
    pub service: Option<String>,
    /// `ringwall.operation`: the operation, secret name, role or key id that was meant.
    pub operation: Option<String>,
    /// `http.request.method`.
    pub method: Option<String>,
    /// `url.path`, capped, without query.
    pub path: Option<String>,
    /// `http.response.status_code`.
    pub status: Option<u16>,
    /// `http.request.id`: what `ringwall why` takes.
    pub request: Option<String>,
    /// `trace.id` (W3C trace context).
    pub trace: Option<String>,
    /// `event.code`: the public code, such as RW3001.
    pub code: Option<&'static str>,
    /// `event.reason`: the cause, for the operator only.
    pub reason: Option<String>,
    /// `ringwall.line`: the manifest line that allowed it, or the nearest one.
    pub line: Option<Place>,
    /// `ringwall.stage`: the pipeline stage that decided.
    pub stage: Option<&'static str>,
    /// `event.duration`, microseconds.
    pub duration_micros: Option<u64>,
    /// `ringwall.manifest`: the version of the snapshot that decided.
    pub manifest: Option<u64>,
    /// `ringwall.waf`: what rules found.
    pub judged: Option<Judged>,
}

/// An event whose texts belong to somebody else. Something happens on every request: it is written
/// down from where it stands, without a copy. The fields are those of [`Event`].
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "each field is the one of `Event` with its name")]
pub struct Notice<'a> {
    pub at: Timestamp,
    pub action: &'static str,
    pub class: Class,
    pub outcome: Outcome,
    pub person: Option<&'a str>,
    pub person_name: Option<&'a str>,
    pub organisation: Option<&'a str>,
    pub roles: &'a [String],
    pub caller: Option<&'a str>,
    pub client: Option<&'a str>,
    pub source: Option<&'a str>,
    pub service: Option<&'a str>,
    pub operation: Option<&'a str>,
    pub method: Option<&'a str>,
    pub path: Option<&'a str>,
    pub status: Option<u16>,
    pub request: Option<&'a str>,
    pub trace: Option<&'a str>,
    pub code: Option<&'static str>,
    pub reason: Option<&'a str>,
    pub line: Option<&'a Place>,
    pub stage: Option<&'static str>,
    pub duration_micros: Option<u64>,
    pub manifest: Option<u64>,
    pub judged: Option<&'a Judged>,
}

impl Event {
    /// The event, with its texts left where they are.
    pub fn notice(&self) -> Notice<'_> {
        Notice {
            at: self.at,
            action: self.action,
            class: self.class,
            outcome: self.outcome,
            person: self.person.as_deref(),
            person_name: self.person_name.as_deref(),
            organisation: self.organisation.as_deref(),
            roles: &self.roles,
            caller: self.caller.as_deref(),
            client: self.client.as_deref(),
            source: self.source.as_deref(),
            service: self.service.as_deref(),
            operation: self.operation.as_deref(),
            method: self.method.as_deref(),
            path: self.path.as_deref(),
            status: self.status,
            request: self.request.as_deref(),
            trace: self.trace.as_deref(),
            code: self.code,
            reason: self.reason.as_deref(),
            line: self.line.as_ref(),
            stage: self.stage,
            duration_micros: self.duration_micros,
            manifest: self.manifest,
            judged: self.judged.as_ref(),
        }
    }
}

impl Notice<'_> {
    /// An event with texts of its own, for a sink that keeps events.
    pub fn event(&self) -> Event {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Event {
            at: self.at,
            action: self.action,
            class: self.class,
            outcome: self.outcome,
            person: owned(self.person),
            person_name: owned(self.person_name),
            organisation: owned(self.organisation),
            roles: self.roles.to_vec(),
            caller: owned(self.caller),
            client: owned(self.client),
            source: owned(self.source),
            service: owned(self.service),
            operation: owned(self.operation),
            method: owned(self.method),
            path: owned(self.path),
            status: self.status,
            request: owned(self.request),
            trace: owned(self.trace),
            code: self.code,
            reason: owned(self.reason),
            line: self.line.cloned(),
            stage: self.stage,
            duration_micros: self.duration_micros,
            manifest: self.manifest,
            judged: self.judged.cloned(),
        }
    }
}

/// Why an event was not taken. The one who caused it is refused.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The log did not become durable within its deadline.
    #[error("the audit log did not answer in time")]
    Deadline,
    /// The log cannot be written.
    #[error("the audit log cannot be written")]
    Write(#[source] std::io::Error),
}

/// Takes events. Called from any thread; waits only as long as the event's class says.
pub trait Sink: Debug + Send + Sync {
    /// Accepts an event. For [`Class::Sync`] it returns when the event is on disk; else when it is
    /// queued.
    ///
    /// # Errors
    /// When the event could not be made durable, or the queue stayed full past its deadline.
    fn put(&self, event: Event) -> Result<(), SinkError>;

    /// As [`Sink::put`], for an event that is borrowed.
    ///
    /// # Errors
    /// As [`Sink::put`].
    fn note(&self, notice: &Notice<'_>) -> Result<(), SinkError> {
        self.put(notice.event())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_says_what_its_event_says() {
        let text = |text: &str| Some(text.to_owned());
        let event = Event {
            at: Timestamp::from_secs(1),
            action: "access-denied",
            class: Class::Sync,
            outcome: Outcome::WouldDeny,
            person: text("a"),
            person_name: text("b"),
            organisation: text("q"),
            roles: vec!["c".to_owned()],
            caller: text("d"),
            client: text("e"),
            source: text("f"),
            service: text("g"),
            operation: text("h"),
            method: text("i"),
            path: text("j"),
            status: Some(1),
            request: text("k"),
            trace: text("l"),
            code: Some("m"),
            reason: text("n"),
            line: Some(Place { file: "o".to_owned(), line: 1, column: 2 }),
            stage: Some("p"),
            duration_micros: Some(2),
            manifest: Some(3),
            judged: Some(Judged { left_out: 4, ..Judged::default() }),
        };
        assert_eq!(event.notice().event(), event);
    }
}
