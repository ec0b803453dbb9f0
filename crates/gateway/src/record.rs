//! The record of one request: opened first, written last, also when the client hangs up.
//!
//! The only place where a refusal becomes a response, and where `observe` mode lets one pass.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use ringwall_base::{Class, Event, Outcome, Place};
use ringwall_manifest::Mode;
use ringwall_net::{Body, Peer};

use crate::asker::Tongue;
use crate::ledger::Ledger;
use crate::metrics::{Exchange, method_label};
use crate::operation::Operation;
use crate::pages::Pages;
use crate::stage::authenticate::Caller;
use crate::stage::authorize::Permit;
use crate::stage::throttle::{Counted, From, Quotas};
use crate::trace::Trace;
use crate::{Refusal, problem};

/// What becomes known of one request.
#[derive(Debug)]
pub(crate) struct Record {
    ledger: Arc<Ledger>,
    door: &'static str,
    mode: Mode,
    manifest: u64,
    writes_allowed: bool,
    id: String,
    trace: Trace,
    is_continued: bool,
    started: Duration,
    peer: Arc<Peer>,
    address: IpAddr,
    method: Method,
    path: String,
    operation: Option<Arc<Operation>>,
    caller: Option<Arc<Caller>>,
    line: Option<Place>,
    quotas: Quotas,
    waived: Option<Refusal>,
    refused: Option<Refusal>,
    note: Option<String>,
    is_open: bool,
}

/// What the record needs to know of its door.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    /// `edge`, `inbound` or `outbound`.
    pub(crate) door: &'static str,
    /// Whether a client can continue a trace: a service may, a stranger must not choose.
    pub(crate) continues_traces: bool,
    /// Whether refusals are enforced.
    pub(crate) mode: Mode,
    /// Whether requests are written that were allowed, and nothing else is to be said of.
    pub(crate) writes_allowed: bool,
    /// The version of the snapshot.
    pub(crate) manifest: u64,
}

impl Record {
    /// Opens the record of a request.
    pub(crate) fn open(
        ledger: &Arc<Ledger>,
        opening: Opening,
        peer: &Arc<Peer>,
        request: &Request<Body>,
    ) -> Self {
        ledger.metrics.enter();
        let path: String = request.uri().path().chars().take(PATH_CHARS_MAX).collect();
        let told = Trace::read(request.headers()).filter(|_| opening.continues_traces);
        Self {
            ledger: Arc::clone(ledger),
            door: opening.door,
            mode: opening.mode,
            manifest: opening.manifest,
            writes_allowed: opening.writes_allowed,
            id: ledger.request_id().to_string(),
            trace: told.unwrap_or_else(|| ledger.trace()),
            is_continued: told.is_some(),
            started: ledger.clock.monotonic(),
            peer: Arc::clone(peer),
            address: peer.address.ip().to_canonical(),
            method: request.method().clone(),
            path,
            operation: None,
            caller: None,
            line: None,
            quotas: Quotas::default(),
            waived: None,
            refused: None,
            note: None,
            is_open: true,
        }
    }

    /// Notes the operation.
    pub(crate) fn route(&mut self, operation: Arc<Operation>) {
        self.operation = Some(operation);
    }

    /// Notes who calls.
    pub(crate) fn caller(&mut self, caller: Arc<Caller>) -> Arc<Caller> {
        self.caller = Some(Arc::clone(&caller));
        caller
    }

    /// Notes the line that permits.
    pub(crate) fn permit(&mut self, permit: Permit) -> Permit {
        self.ledger.metrics.decide("allow");
        self.line = permit.line().cloned();
        permit
    }

    /// Notes what is left of the limits, and refuses what is over one.
    pub(crate) fn throttle(&mut self, counted: Counted) -> Result<(), Refusal> {
        self.quotas.extend(counted.quotas);
        counted.over.map_or(Ok(()), |refusal| self.waive(refusal))
    }

    /// In `observe` mode, notes what would have been refused. In `block` mode, refuses; so does a
    /// request that nothing could be decided about, in both: there is no decision to observe.
    pub(crate) fn waive(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        match (self.mode, &refusal) {
            (Mode::Block, _) | (Mode::Observe, Refusal::Undecided { .. }) => Err(refusal),
            (Mode::Observe, _) => {
                // The first is what `block` mode would have answered.
                self.waived.get_or_insert(refusal);
                Ok(())
            }
        }
    }

    /// Notes what is cut from an answer, and says whether to cut it.
    pub(crate) fn cuts(&mut self, what: String) -> bool {
        match self.mode {
            Mode::Block => {
                self.note = Some(what);
                true
            }
            Mode::Observe => {
                self.waived.get_or_insert(Refusal::Leak { why: what });
                false
            }
        }
    }

    /// The request's id, as text.
    pub(crate) fn request_id(&self) -> &str {
        &self.id
    }

    /// The operation's name, if there is one.
    pub(crate) fn operation(&self) -> Option<&str> {
        self.operation.as_ref().map(|operation| operation.name.as_str())
    }

    /// The client's address.
    pub(crate) const fn address(&self) -> IpAddr {
        self.address
    }

    /// Where and when the request came in.
    pub(crate) const fn from(&self) -> From {
        From { address: self.address, at: self.started }
    }

    /// The other end of the connection.
    pub(crate) const fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// The client's method.
    pub(crate) const fn method(&self) -> &Method {
        &self.method
    }

    /// Whether somebody is behind the request.
    pub(crate) fn is_known(&self) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.person().is_some())
    }

    /// The trace for the next hop, in a span of its own.
    pub(crate) fn traceparent(&self) -> String {
        self.trace.parent(self.ledger.number())
    }

    /// Whether the trace began before this door.
    pub(crate) const fn is_continued(&self) -> bool {
        self.is_continued
    }

    /// Turns a refusal into the response. Nothing but its public text leaves.
    pub(crate) fn refuse(
        &mut self,
        refusal: Refusal,
        told: (Tongue, Option<&Pages>),
    ) -> Response<Body> {
        let response = problem::told(&refusal, &self.id, told, self.ledger.is_dev);
        if matches!(refusal, Refusal::Forbidden { .. } | Refusal::SignIn { .. }) {
            self.ledger.metrics.decide("deny");
        }
        self.refused = Some(refusal);
        response
    }

    /// Adds what every response says, and writes the record.
    pub(crate) fn close(mut self, response: &mut Response<Body>) {
        let fields = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            fields.insert(REQUEST, id);
        }
        self.quotas.tell(fields);
        self.write(Some(response.status()));
    }

    fn write(&mut self, status: Option<StatusCode>) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        let duration = self.ledger.clock.monotonic().saturating_sub(self.started);
        self.ledger.metrics.leave(&self.exchange(status), duration);
        if let Some(waived) = self.waived.take() {
            let event = self.event(status, duration);
            self.put(blame(event, &waived, Outcome::WouldDeny));
        }
        let is_notable = self.refused.is_some() || self.note.is_some() || status.is_none();
        if !self.writes_allowed && !is_notable {
            return;
        }
        let event = self.event(status, duration);
        let event = match (self.refused.take(), status) {
            (Some(refusal), _) => blame(event, &refusal, Outcome::Failure),
            (None, None) => Event {
                class: Class::Group,
                outcome: Outcome::Failure,
                reason: Some("the client went away".to_owned()),
                ..event
            },
            (None, Some(_)) => Event { reason: self.note.take(), ..event },
        };
        self.put(event);
    }

    fn put(&self, event: Event) {
        if let Err(error) = self.ledger.sink.put(event) {
            // The decision stands; that it was not written is counted, and alerted on.
            self.ledger.metrics.lose();
            tracing::debug!(%error, "an event was not taken");
        }
    }

    fn event(&self, status: Option<StatusCode>, duration: Duration) -> Event {
        let person = self.caller.as_ref().and_then(|caller| caller.person());
        let caller = self.caller.as_ref();
        Event {
            at: self.ledger.clock.now(),
            action: "request-completed",
            class: Class::Sampled,
            outcome: Outcome::Success,
            person: person.map(|person| person.subject.clone()),
            person_name: person.map(|person| person.name.clone()),
            roles: person.map(|person| person.roles.clone()).unwrap_or_default(),
            caller: caller.and_then(|caller| caller.service()).map(str::to_owned),
            client: caller.and_then(|caller| caller.client()).map(str::to_owned),
            source: Some(self.address.to_string()),
            service: self.operation.as_ref().map(|operation| operation.service.to_string()),
            operation: self.operation.as_ref().map(|operation| operation.name.clone()),
            method: Some(self.method.as_str().to_owned()),
            path: Some(self.path.clone()),
            status: status.map(|status| status.as_u16()),
            request: Some(self.id.clone()),
            trace: Some(format!("{:032x}", self.trace.id)),
            line: self.line.clone(),
            duration_micros: u64::try_from(duration.as_micros()).ok(),
            manifest: Some(self.manifest),
            ..Event::default()
        }
    }

    fn exchange(&self, status: Option<StatusCode>) -> Exchange {
        let operation = self.operation.as_ref();
        let caller = self.caller.as_ref().and_then(|caller| caller.service());
        Exchange {
            ringwall_door: self.door,
            ringwall_caller: caller.unwrap_or_default().to_owned(),
            ringwall_service: operation.map(|known| known.service.to_string()).unwrap_or_default(),
            ringwall_operation: operation.map(|known| known.name.clone()).unwrap_or_default(),
            http_request_method: method_label(&self.method),
            http_route: operation.map(|known| known.template.clone()).unwrap_or_default(),
            // As nginx counts a client that went away.
            http_response_status_code: status.map_or(499, |status| status.as_u16()),
            error_type: self.refused.as_ref().map_or("", |refusal| refusal.public().code),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.write(None);
    }
}

fn blame(event: Event, refusal: &Refusal, outcome: Outcome) -> Event {
    Event {
        action: refusal.action(),
        class: Class::Group,
        outcome,
        code: Some(refusal.public().code),
        reason: Some(refusal.reason()),
        line: refusal.line().cloned().or(event.line),
        stage: Some(refusal.stage()),
        ..event
    }
}

const REQUEST: HeaderName = HeaderName::from_static("ringwall-request");

/// A path in a record tells what was meant, not all that was sent.
const PATH_CHARS_MAX: usize = 256;
