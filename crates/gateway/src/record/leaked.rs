//! What detectors found in an answer: which, where, and what became of it. Never the value.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::uri::PathAndQuery;
use ringwall_base::{Class, Notice, Outcome, RequestId, Timestamp};
use ringwall_leaks::Detector;
use ringwall_manifest::Mode;
use ringwall_net::Peer;

use super::{Record, capped};
use crate::Refusal;
use crate::ledger::Ledger;
use crate::stage::authenticate::Caller;
use crate::stage::route::Leaf;
use crate::trace::Trace;

/// One thing that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Leaked {
    pub(crate) detector: Detector,
    /// A byte, a field of the head, or a JSON pointer.
    pub(crate) place: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Became {
    /// The answer did not leave.
    Blocked,
    /// The answer was under way, and ended there.
    Cut,
    /// It left.
    Logged,
    /// Something else left in its place.
    Masked,
    /// It left, because nothing is enforced.
    Would,
}

/// What is needed of a record after it was closed: bodies go on.
#[derive(Debug)]
pub(crate) struct Witness {
    ledger: Arc<Ledger>,
    id: RequestId,
    trace: Trace,
    at: Timestamp,
    started: Duration,
    peer: Arc<Peer>,
    method: Method,
    target: Option<PathAndQuery>,
    leaf: Option<Arc<Leaf>>,
    caller: Option<Arc<Caller>>,
    manifest: u64,
}

impl Record<'_> {
    /// Whoever tells later what was found in the body.
    pub(crate) fn leak_witness(&self) -> Witness {
        Witness {
            ledger: Arc::clone(&self.ledger),
            id: self.id,
            trace: self.trace,
            at: self.at,
            started: self.started,
            peer: Arc::clone(&self.peer),
            method: self.method.clone(),
            target: self.target.clone(),
            leaf: self.leaf.clone(),
            caller: self.caller.clone(),
            manifest: self.manifest,
        }
    }

    /// Whether nothing is enforced.
    pub(crate) fn observes(&self) -> bool {
        self.mode == Mode::Observe
    }

    /// Notes what left all the same.
    pub(crate) fn leaks(&mut self, found: &[Leaked]) {
        self.lesson = None;
        self.leak_witness().tell(found, Became::Logged);
    }

    /// Refuses the answer; in `observe` mode, notes that it would be refused.
    pub(crate) fn refuse_leaks(&mut self, found: &[Leaked]) -> Result<(), Refusal> {
        let became = if self.observes() { Became::Would } else { Became::Blocked };
        count(&self.ledger, found, became);
        self.waive(Refusal::LeakFound { why: say(found) })
    }

    /// Notes what is masked, and says whether to mask it.
    pub(crate) fn masks(&mut self, found: &[Leaked]) -> bool {
        if self.observes() {
            count(&self.ledger, found, Became::Would);
            self.waived.get_or_insert(Refusal::LeakFound { why: say(found) });
            return false;
        }
        self.lesson = None;
        self.leak_witness().tell(found, Became::Masked);
        true
    }
}

impl Witness {
    /// Writes an event of its own: the one of the request is written when the head leaves.
    pub(crate) fn tell(&self, found: &[Leaked], became: Became) {
        if found.is_empty() {
            return;
        }
        count(&self.ledger, found, became);
        let duration = self.ledger.clock.monotonic().saturating_sub(self.started);
        let (request, trace, reason) = (self.id.text(), self.trace.text(), say(found));
        let person = self.caller.as_ref().and_then(|caller| caller.person());
        let caller = self.caller.as_ref();
        let operation = self.leaf.as_ref().map(|leaf| &leaf.operation);
        let notice = Notice {
            at: self.at.plus(duration),
            action: "leak-found",
            class: Class::Group,
            outcome: match became {
                Became::Blocked | Became::Cut => Outcome::Failure,
                Became::Logged | Became::Masked => Outcome::Success,
                Became::Would => Outcome::WouldDeny,
            },
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
            request: std::str::from_utf8(&request).ok(),
            trace: std::str::from_utf8(&trace).ok(),
            code: Some(if became == Became::Cut { "RW3023" } else { "RW3022" }),
            reason: Some(&reason),
            stage: Some("review"),
            duration_micros: u64::try_from(duration.as_micros()).ok(),
            manifest: Some(self.manifest),
            ..Notice::default()
        };
        if let Err(error) = self.ledger.sink.note(&notice) {
            self.ledger.metrics.lose();
            tracing::debug!(%error, "an event was not taken");
        }
    }
}

fn count(ledger: &Ledger, found: &[Leaked], became: Became) {
    let action = match became {
        Became::Blocked | Became::Cut => "blocked",
        Became::Logged | Became::Would => "logged",
        Became::Masked => "masked",
    };
    for one in found {
        ledger.metrics.leaked(one.detector.name(), action);
    }
}

fn say(found: &[Leaked]) -> String {
    let texts = found.iter().take(TOLD_MAX).map(|one| format!("{} {}", one.detector, one.place));
    let mut text = texts.collect::<Vec<_>>().join("; ");
    if let Some(more) = found.len().checked_sub(TOLD_MAX).filter(|more| *more > 0) {
        text.push_str("; and ");
        text.push_str(&more.to_string());
        text.push_str(" more");
    }
    text
}

/// Enough to find the place in the app.
const TOLD_MAX: usize = 16;
