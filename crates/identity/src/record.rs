//! Audit events of identity, built in one place so that they look alike.

use ringwall_base::{Class, Clock, Event, Outcome, Sink, SinkError, Tenant};

use crate::people::login_name;

/// An event that is being put together.
#[derive(Debug)]
pub(crate) struct Record(Event);

impl Record {
    /// Something that happened.
    pub(crate) fn of(action: &'static str) -> Self {
        Self(Event { action, class: Class::Group, stage: Some("identity"), ..Event::default() })
    }

    /// Something that was refused; the reason is for the operator.
    pub(crate) fn refused(action: &'static str, reason: &str) -> Self {
        let mut record = Self::of(action);
        record.0.outcome = Outcome::Failure;
        record.0.reason = Some(reason.to_owned());
        record
    }

    /// On disk before the reply: keys, roles, administration.
    pub(crate) fn sync(mut self) -> Self {
        self.0.class = Class::Sync;
        self
    }

    pub(crate) fn client(mut self, client: &str) -> Self {
        self.0.client = Some(capped(client));
        self
    }

    pub(crate) fn person(mut self, subject: &str, name: &str) -> Self {
        self.0.person = Some(subject.to_owned());
        self.0.person_name = Some(capped(name));
        // Their name says which, unless it is `default`.
        self.0.organisation = name.split_once('/').map(|(slug, _)| slug.to_owned());
        self
    }

    /// An organisation; `default` is not said.
    pub(crate) fn organisation(mut self, tenant: &Tenant) -> Self {
        self.0.organisation = tenant.named().map(str::to_owned);
        self
    }

    /// A person whose name is not at hand.
    pub(crate) fn subject(mut self, subject: &str) -> Self {
        self.0.person = Some(subject.to_owned());
        self
    }

    /// The name that someone typed; nobody vouches for it.
    pub(crate) fn claimed(mut self, name: &str) -> Self {
        self.0.person_name = Some(capped(name));
        match login_name(name) {
            Some(name) => self.organisation(&name.organisation),
            None => self,
        }
    }

    pub(crate) fn source(mut self, source: std::net::IpAddr) -> Self {
        self.0.source = Some(source.to_string());
        self
    }

    pub(crate) fn operation(mut self, operation: impl Into<String>) -> Self {
        self.0.operation = Some(operation.into());
        self
    }

    pub(crate) fn put(mut self, clock: &dyn Clock, sink: &dyn Sink) -> Result<(), SinkError> {
        self.0.at = clock.now();
        sink.put(self.0)
    }
}

/// What a stranger typed is bounded before it is kept.
pub(crate) fn capped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect()
}
