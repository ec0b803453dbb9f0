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
}
