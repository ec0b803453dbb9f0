//! The record of one request: opened first, written last, also when the client hangs up.
//!
//! The only place where a refusal becomes a response, and where `observe` mode lets one pass.

mod leaked;
mod watch;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode};
use ringwall_base::{Class, Notice, Outcome, RequestId, Timestamp};
use ringwall_manifest::Mode;
use ringwall_net::{Body, Peer};
use ringwall_policy::Origin;

use crate::asker::Tongue;
use crate::firewall::Guard;
use crate::learner::Lesson;
use crate::ledger::Ledger;
use crate::manner::Manner;
use crate::metrics::{Exchange, Kind, method_label};
use crate::pages::Pages;
use crate::stage::authenticate::Caller;
use crate::stage::authorize::Permit;
use crate::stage::route::Leaf;
use crate::stage::throttle::{Counted, From, Quotas};
use crate::trace::Trace;
use crate::{Refusal, problem};
pub(crate) use leaked::{Became, Leaked, Witness};
use watch::is_attack;

/// What becomes known of one request.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    ledger: Arc<Ledger>,
    door: &'static str,
    mode: Mode,
    manifest: u64,
    writes_allowed: bool,
    id: RequestId,
    id_field: Option<HeaderValue>,
    trace: Trace,
    is_continued: bool,
    at: Timestamp,
    started: Duration,
    peer: Arc<Peer>,
    address: IpAddr,
    method: Method,
    target: Option<PathAndQuery>,
    leaf: Option<Arc<Leaf>>,
    caller: Option<Arc<Caller>>,
    line: Option<Arc<Origin>>,
    quotas: Quotas,
    waived: Option<Refusal>,
    refused: Option<Refusal>,
    note: Option<String>,
    /// What the rules of the firewall see; where it is on.
    guard: Option<Box<Guard<'a>>>,
    /// What the learner is shown when nobody objected; where it learns.
    lesson: Option<Box<Lesson>>,
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

impl Record<'_> {
    /// Opens the record of a request.
    pub(crate) fn open(
        ledger: &Arc<Ledger>,
        opening: Opening,
        peer: &Arc<Peer>,
        request: &Request<Body>,
    ) -> Self {
        ledger.metrics.enter();
        let id = ledger.request_id();
        let told = Trace::read(request.headers()).filter(|_| opening.continues_traces);
        Self {
            ledger: Arc::clone(ledger),
            door: opening.door,
            mode: opening.mode,
            manifest: opening.manifest,
            writes_allowed: opening.writes_allowed,
            id,
            id_field: HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&id.text())).ok(),
            trace: told.unwrap_or_else(|| ledger.trace()),
            is_continued: told.is_some(),
            at: ledger.clock.now(),
            started: ledger.clock.monotonic(),
            peer: Arc::clone(peer),
            address: peer.address.ip().to_canonical(),
            method: request.method().clone(),
            target: request.uri().path_and_query().cloned(),
            leaf: None,
            caller: None,
            line: None,
            quotas: Quotas::default(),
            waived: None,
            refused: None,
            note: None,
            guard: None,
            lesson: None,
            is_open: true,
        }
    }

    /// Notes the operation.
    pub(crate) fn route(&mut self, leaf: Arc<Leaf>) {
        self.watched(leaf.operation.waf);
        self.leaf = Some(leaf);
    }

    /// Notes who calls.
    pub(crate) fn caller(&mut self, caller: Arc<Caller>) -> Arc<Caller> {
        let person = caller.person().map(|person| person.name.as_str());
        if let (Some(guard), Some(name)) = (&self.guard, person.or(caller.client())) {
            guard.user(name);
        }
        self.caller = Some(Arc::clone(&caller));
        caller
    }

    /// Notes the line that permits.
    pub(crate) fn permit(&mut self, permit: Permit) -> Permit {
        self.ledger.metrics.allow();
        self.line = permit.origin().cloned();
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

    /// Whether what is refused does not pass.
    pub(crate) fn enforces(&self) -> bool {
        self.mode == Mode::Block
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

    /// Keeps what the learner is shown in the end.
    pub(crate) fn teach(&mut self, lesson: Lesson) {
        self.lesson = Some(Box::new(lesson));
    }

    /// What is kept for the learner.
    pub(crate) fn lesson(&mut self) -> Option<&mut Lesson> {
        self.lesson.as_deref_mut()
    }

    /// The request's id.
    pub(crate) const fn request_id(&self) -> RequestId {
        self.id
    }

    /// The same as a field value.
    pub(crate) const fn id_field(&self) -> Option<&HeaderValue> {
        self.id_field.as_ref()
    }

    /// When the request came, by the wall clock: read once for each request.
    pub(crate) const fn at(&self) -> Timestamp {
        self.at
    }

    /// The operation's name, if there is one.
    pub(crate) fn operation(&self) -> Option<&str> {
        self.leaf.as_ref().map(|leaf| leaf.operation.name.as_str())
    }

    /// What stands before the service's own path at this door, if the request got so far.
    pub(crate) fn mount(&self) -> Option<&str> {
        self.leaf.as_ref().map(|leaf| &*leaf.mount)
    }

    /// How its service's requests are treated, if the request got so far.
    pub(crate) fn manner(&self) -> Option<&Manner> {
        self.leaf.as_ref().map(|leaf| &*leaf.manner)
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

    /// The path and query that the client asked for.
    pub(crate) const fn target(&self) -> Option<&PathAndQuery> {
        self.target.as_ref()
    }

    /// The version of the manifest that the request is judged by.
    pub(crate) const fn manifest(&self) -> u64 {
        self.manifest
    }

    /// Whether somebody is behind the request.
    pub(crate) fn is_known(&self) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.person().is_some())
    }

    /// The trace for the next hop, in a span of its own.
    pub(crate) fn traceparent(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.trace.parent(self.ledger.number())).ok()
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
        let response = problem::told(&refusal, self.id, told, self.ledger.is_dev);
        if refusal.stage() == "authorize" && !matches!(refusal, Refusal::Undecided { .. }) {
            self.ledger.metrics.deny();
        }
        self.refused = Some(refusal);
        response
    }

    /// Adds what every response says, and writes the record.
    pub(crate) fn close(mut self, response: &mut Response<Body>) {
        let fields = response.headers_mut();
        if let Some(id) = self.id_field.take() {
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
        self.count(status, duration);
        // Phase 5 runs also when the client went away, or nobody answered.
        if let Some(guard) = self.guard.take()
            && let Some(judged) =
                guard.finish(is_attack(self.refused.as_ref()), &self.ledger.metrics)
        {
            self.lesson = None;
            self.note_rules(&judged, status, duration);
        }
        self.learn(status);
        let is_notable = self.refused.is_some() || self.note.is_some() || status.is_none();
        if self.waived.is_none() && !self.writes_allowed && !is_notable {
            return;
        }
        let (request, trace) = (self.id.text(), self.trace.text());
        let notice = Notice {
            request: std::str::from_utf8(&request).ok(),
            trace: std::str::from_utf8(&trace).ok(),
            ..self.notice(status, duration)
        };
        if let Some(waived) = &self.waived {
            self.note(&blame(&notice, waived, &waived.reason(), Outcome::WouldDeny));
        }
        if !self.writes_allowed && !is_notable {
            return;
        }
        match (&self.refused, status) {
            (Some(refusal), _) => {
                self.note(&blame(&notice, refusal, &refusal.reason(), Outcome::Failure));
            }
            (None, None) => self.note(&Notice {
                class: Class::Group,
                outcome: Outcome::Failure,
                reason: Some("the client went away"),
                ..notice
            }),
            (None, Some(_)) => self.note(&Notice { reason: self.note.as_deref(), ..notice }),
        }
    }

    /// Teaches what was answered without anybody's objection.
    fn learn(&mut self, status: Option<StatusCode>) {
        let Some(lesson) = self.lesson.take() else { return };
        let is_clean = self.refused.is_none() && self.waived.is_none() && self.note.is_none();
        if let (Some(leaf), Some(status), true) = (&self.leaf, status, is_clean) {
            self.ledger.learner.note(&lesson, &leaf.operation.service, status.as_u16());
        }
    }

    fn note(&self, notice: &Notice<'_>) {
        if let Err(error) = self.ledger.sink.note(notice) {
            // The decision stands; that it was not written is counted, and alerted on.
            self.ledger.metrics.lose();
            tracing::debug!(%error, "an event was not taken");
        }
    }

    fn notice(&self, status: Option<StatusCode>, duration: Duration) -> Notice<'_> {
        let person = self.caller.as_ref().and_then(|caller| caller.person());
        let caller = self.caller.as_ref();
        let operation = self.leaf.as_ref().map(|leaf| &leaf.operation);
        Notice {
            at: self.at.plus(duration),
            action: "request-completed",
            class: Class::Sampled,
            outcome: Outcome::Success,
            person: person.map(|person| person.subject.as_str()),
            person_name: person.map(|person| person.name.as_str()),
            organisation: person.and_then(|person| person.organisation.named()),
            roles: person.map(|person| person.roles.as_slice()).unwrap_or_default(),
            caller: caller.and_then(|caller| caller.service()),
            client: caller.and_then(|caller| caller.client()),
            source: self.peer.source().to_str().ok(),
            service: operation.map(|operation| &*operation.service),
            operation: operation.map(|operation| operation.name.as_str()),
            method: Some(self.method.as_str()),
            path: self.target.as_ref().map(|target| capped(target.path())),
            status: status.map(|status| status.as_u16()),
            line: self.line.as_ref().map(|origin| &origin.place),
            duration_micros: u64::try_from(duration.as_micros()).ok(),
            manifest: Some(self.manifest),
            ..Notice::default()
        }
    }

    fn count(&self, status: Option<StatusCode>, duration: Duration) {
        let metrics = &self.ledger.metrics;
        let kind = Kind {
            caller: self.caller.as_ref().and_then(|caller| caller.service()),
            method: method_label(&self.method),
            // As nginx counts a client that went away.
            status: status.map_or(499, |status| status.as_u16()),
            error: self.refused.as_ref().map_or("", |refusal| refusal.public().code),
        };
        let histogram = match &self.leaf {
            Some(leaf) => leaf.tally.of(kind, || metrics.histogram(&self.exchange(kind))),
            None => metrics.histogram(&self.exchange(kind)),
        };
        metrics.leave(&histogram, duration);
    }

    fn exchange(&self, kind: Kind<&str>) -> Exchange {
        let operation = self.leaf.as_ref().map(|leaf| &leaf.operation);
        Exchange {
            ringwall_door: self.door,
            ringwall_caller: kind.caller.unwrap_or_default().to_owned(),
            ringwall_service: operation.map(|known| known.service.to_string()).unwrap_or_default(),
            ringwall_operation: operation.map(|known| known.name.clone()).unwrap_or_default(),
            http_request_method: kind.method,
            http_route: operation.map(|known| known.template.clone()).unwrap_or_default(),
            http_response_status_code: kind.status,
            error_type: kind.error,
        }
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        self.write(None);
    }
}

fn blame<'a>(
    notice: &Notice<'a>,
    refusal: &'a Refusal,
    reason: &'a str,
    outcome: Outcome,
) -> Notice<'a> {
    Notice {
        action: refusal.action(),
        class: Class::Group,
        outcome,
        code: Some(refusal.public().code),
        reason: Some(reason),
        line: refusal.line().or(notice.line),
        stage: Some(refusal.stage()),
        ..*notice
    }
}

/// A path tells what was meant, not all that was sent.
fn capped(path: &str) -> &str {
    if path.len() <= PATH_CHARS_MAX {
        return path;
    }
    let end = path.char_indices().nth(PATH_CHARS_MAX).map_or(path.len(), |(at, _)| at);
    path.get(..end).unwrap_or_default()
}

const REQUEST: HeaderName = HeaderName::from_static("ringwall-request");

/// Longer than any template with its values filled in.
const PATH_CHARS_MAX: usize = 256;
