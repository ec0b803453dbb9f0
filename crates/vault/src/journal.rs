//! What the vault tells the audit log. Names and versions, never values.

use std::sync::Arc;

use ringwall_base::{Class, Clock, Event, Outcome, Sink, SinkError};

/// On whose behalf something is done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Actor {
    /// The person's subject.
    pub person: Option<String>,
    /// The service for which a secret is read.
    pub service: Option<String>,
    /// The request id.
    pub request: Option<String>,
}

/// Writes events.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sink: Arc<dyn Sink>,
}

impl Journal {
    /// Records what is about to be done. It is on disk when this returns; if it cannot be, the act
    /// is not done.
    pub(crate) fn record(
        &self,
        action: &'static str,
        object: &str,
        actor: &Actor,
    ) -> Result<(), SinkError> {
        self.put(action, object, actor, None)
    }

    /// Records that it failed after all.
    pub(crate) fn failed(
        &self,
        action: &'static str,
        object: &str,
        actor: &Actor,
        reason: &dyn std::error::Error,
    ) -> Result<(), SinkError> {
        self.put(action, object, actor, Some(reason.to_string()))
    }

    fn put(
        &self,
        action: &'static str,
        object: &str,
        actor: &Actor,
        reason: Option<String>,
    ) -> Result<(), SinkError> {
        self.sink.put(Event {
            at: self.clock.now(),
            action,
            class: Class::Sync,
            outcome: if reason.is_some() { Outcome::Failure } else { Outcome::Success },
            person: actor.person.clone(),
            caller: actor.service.clone(),
            request: actor.request.clone(),
            service: Some("vault".to_owned()),
            operation: Some(object.to_owned()),
            reason,
            ..Event::default()
        })
    }
}
