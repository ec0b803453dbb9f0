//! One request with its answer, judged in five phases.

mod collect;
mod effect;
mod evaluate;
mod expand;
mod full_request;
mod proof;
mod request;
mod request_body;
mod response;
mod state;
mod stores;
mod texts;
mod quick;
mod work;

use crate::arena::Arena;
use crate::memory::Memory;
use crate::report::{Action, Intervention, Match};
use crate::rule::{AuditEngine, Engine, Phase};
use crate::ruleset::Ruleset;

pub(crate) use collect::lists;
use proof::Proofs;
pub(crate) use proof::passes_over;
pub use proof::{Part, Proof};
use quick::ScopeSeen;
pub(crate) use state::{Cell, Control, List, Of, State, View};
pub(crate) use stores::Slots;
use stores::{Persistent, TxStore};
use work::Work;

/// Who talks to whom, and when.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// The address of the client, as text.
    pub client_address: &'a str,
    /// The port of the client.
    pub client_port: u16,
    /// Our own address.
    pub server_address: &'a str,
    /// Our own port.
    pub server_port: u16,
    /// The id by which records know this request.
    pub unique_id: &'a str,
    /// Who the caller is, when that is proved already; `REMOTE_USER`.
    pub user: &'a str,
    /// Seconds since the epoch.
    pub now_secs: u64,
}

/// The first line of a request and its headers, as they came.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// `GET`.
    pub method: &'a [u8],
    /// The request target, untouched: `/a?b=c`.
    pub target: &'a [u8],
    /// `HTTP/1.1`.
    pub protocol: &'a [u8],
    /// Names and values, in their order.
    pub headers: &'a [(&'a [u8], &'a [u8])],
}

/// The first line of an answer and its headers.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    /// 200.
    pub status: u16,
    /// `HTTP/1.1`.
    pub protocol: &'a [u8],
    /// Names and values, in their order.
    pub headers: &'a [(&'a [u8], &'a [u8])],
}

/// Matches of a usual request, most of them of rules that only count.
const MATCHES_USUAL: usize = 128;

/// A transaction. Each phase is run once, in order; one that the caller leaves out runs before a
/// later one, with nothing in it.
#[derive(Debug)]
pub struct Transaction<'a> {
    rules: &'a Ruleset,
    arena: &'a Arena,
    memory: &'a dyn Memory,
    connection: Connection<'a>,
    state: State<'a>,
    control: Control<'a>,
    tx: TxStore<'a>,
    persistent: Persistent<'a>,
    proofs: Proofs<'a>,
    matches: Vec<Match<'a>>,
    intervention: Option<Intervention>,
    /// Whether an intervention is only noted.
    goes_on: bool,
    /// What `allow` let through: phases up to this one run no rules.
    allowed_through: Option<Phase>,
    /// Matches that are not in `matches` for want of room.
    dropped_matches: usize,
    prefilter_misses: usize,
    work: Work,
    is_exhausted: bool,
    next_phase: Option<Phase>,
    /// Room for the values of one rule.
    cells: Vec<Cell<'a>>,
    /// The gates of a value that opens none.
    no_gates: &'a [u64],
    /// What is known of each scope.
    scopes: &'a mut [Option<ScopeSeen<'a>>],
}

impl<'a> Transaction<'a> {
    /// Begins with the head of a request and runs phase 1.
    pub fn begin(
        rules: &'a Ruleset,
        arena: &'a Arena,
        memory: &'a dyn Memory,
        connection: Connection<'a>,
        head: RequestHead<'a>,
    ) -> Self {
        let mut transaction = Self::new(rules, arena, memory, connection);
        transaction.run_head(head);
        transaction
    }

    fn new(
        rules: &'a Ruleset,
        arena: &'a Arena,
        memory: &'a dyn Memory,
        connection: Connection<'a>,
    ) -> Self {
        Self {
            rules,
            arena,
            memory,
            connection,
            state: State::new(),
            control: Control::new(rules),
            tx: TxStore::new(&rules.slots),
            persistent: Persistent::default(),
            proofs: Proofs::default(),
            matches: Vec::with_capacity(MATCHES_USUAL),
            intervention: None,
            goes_on: false,
            allowed_through: None,
            dropped_matches: 0,
            prefilter_misses: 0,
            work: Work::new(rules.work_max),
            is_exhausted: false,
            next_phase: Some(Phase::RequestHeaders),
            cells: Vec::new(),
            no_gates: arena.words(rules.prefilter.words()),
            scopes: arena.places(rules.scopes.len()),
        }
    }

    fn run_head(&mut self, head: RequestHead<'a>) {
        self.read_head(head);
        self.run_through(Phase::RequestHeaders);
    }

    /// Whether the body of the request should be handed in.
    pub fn wants_request_body(&self) -> bool {
        self.control.reads_request_body && self.control.engine != Engine::Off
    }

    /// How much of the body of the request is read. One byte more is over the limit.
    pub fn request_body_max(&self) -> usize {
        self.control.request_bytes_max
    }

    /// Whether rules see anything of a body that begins so, save its length. Of a kibibyte and more,
    /// the rest of the body changes nothing in that.
    pub fn looks_at_request_body(&self, beginning: &[u8]) -> bool {
        self.is_body_looked_at(beginning)
    }

    /// Reads the body of the request, all of it or as much as the limits let, and runs phase 2.
    pub fn request_body(&mut self, body: &'a [u8]) -> Option<&Intervention> {
        if self.next_phase == Some(Phase::RequestBody) {
            if self.control.engine != Engine::Off {
                self.read_request_body(body);
            }
            self.run_through(Phase::RequestBody);
        }
        self.intervention()
    }

    /// Takes in what others read of a body, as arguments, and runs phase 2.
    pub fn request_arguments(
        &mut self,
        arguments: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Option<&Intervention> {
        if self.next_phase == Some(Phase::RequestBody) {
            if self.control.engine != Engine::Off {
                self.take_arguments(arguments);
            }
            self.run_through(Phase::RequestBody);
        }
        self.intervention()
    }

    /// Reads the head of the answer and runs phase 3.
    pub fn response_head(&mut self, head: ResponseHead<'a>) -> Option<&Intervention> {
        self.run_through(Phase::RequestBody);
        if self.next_phase == Some(Phase::ResponseHeaders) {
            self.read_response_head(head);
            self.run_through(Phase::ResponseHeaders);
        }
        self.intervention()
    }

    /// Whether the body of the answer should be handed in.
    pub fn wants_response_body(&self) -> bool {
        self.control.reads_response_body && self.has_response_type()
    }

    /// Whether the body of an answer may be wanted, by its type: before its head is known.
    pub fn may_want_response_body(&self) -> bool {
        self.control.reads_response_body && self.control.engine != Engine::Off
    }

    /// How much of the body of the answer is read. One byte more is over the limit.
    pub fn response_body_max(&self) -> usize {
        self.control.response_bytes_max
    }

    /// Reads the body of the answer and runs phase 4.
    pub fn response_body(&mut self, body: &'a [u8]) -> Option<&Intervention> {
        self.run_through(Phase::ResponseHeaders);
        if self.next_phase == Some(Phase::ResponseBody) {
            self.read_response_body(body);
            self.run_through(Phase::ResponseBody);
        }
        self.intervention()
    }

    /// Leaves out the phases that have not run yet, save phase 5: nothing more comes.
    pub fn leave_out(&mut self) {
        if self.next_phase.is_some() {
            self.next_phase = Some(Phase::Logging);
        }
    }

    /// Runs what is left and phase 5, and keeps the collections. Phase 5 runs always.
    pub fn finish(&mut self) -> &[Match<'a>] {
        if self.next_phase.is_some() {
            self.run_through(Phase::Logging);
            self.save_collections();
        }
        &self.matches
    }

    /// Why the transaction is to be stopped, if it is: the first reason, where it goes on.
    pub fn intervention(&self) -> Option<&Intervention> {
        self.intervention.as_ref()
    }

    /// What matched so far.
    pub fn matches(&self) -> &[Match<'a>] {
        &self.matches
    }

    /// Matches beyond those that are recorded.
    pub fn dropped_matches(&self) -> usize {
        self.dropped_matches
    }

    /// Matches that the prefilter would have missed; counted by
    /// [`Evaluation::Verified`](crate::Evaluation::Verified). Anything but 0 is a bug.
    pub fn prefilter_misses(&self) -> usize {
        self.prefilter_misses
    }

    /// Whether it needed more work than one transaction may cost. Then no rule ran any more: where
    /// the engine is on, [`Transaction::intervention`] refuses it, and where it only detects, nobody
    /// knows what it holds.
    pub fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }

    /// The steps of work that it took so far; the bound is that of
    /// [`Ruleset::with_work_max`](crate::Ruleset::with_work_max).
    pub fn work_steps(&self) -> usize {
        self.work.taken()
    }

    /// A member of `TX` as it is now, for records: `anomaly_score`.
    pub fn tx(&self, name: &str) -> Option<&'a [u8]> {
        self.tx.get(name.to_ascii_lowercase().as_bytes())
    }

    /// The parts of an audit entry for this transaction, when one is to be written.
    pub fn audit_parts(&self) -> Option<&[u8]> {
        let audit = &self.rules.settings.audit;
        let is_relevant = || {
            let status = self.state.scalar(crate::variable::Variable::ResponseStatus);
            let has_match = self.matches.iter().any(Match::is_audited);
            has_match || audit.relevant_status.as_ref().is_some_and(|one| one.is_match(status))
        };
        let is_written = match self.control.audit_engine {
            AuditEngine::Off => false,
            AuditEngine::On => true,
            AuditEngine::RelevantOnly => is_relevant(),
        };
        is_written.then_some(self.control.audit_parts.as_slice())
    }

    /// Runs every phase up to `last` that has not run yet.
    fn run_through(&mut self, last: Phase) {
        while let Some(phase) = self.next_phase.filter(|phase| *phase <= last) {
            self.next_phase = Phase::ALL.into_iter().find(|later| *later > phase);
            let is_over = self.is_stopped()
                || self.is_exhausted
                || self.allowed_through.is_some_and(|through| phase <= through);
            if phase == Phase::Logging || !is_over {
                self.run_phase(phase);
            }
            if phase < Phase::Logging && self.work.is_spent() {
                self.give_up(phase);
            }
        }
    }

    /// Nothing more is asked. What was not judged to its end does not pass.
    fn give_up(&mut self, phase: Phase) {
        self.is_exhausted = true;
        let status = if phase <= Phase::RequestBody { 413 } else { 500 };
        if phase < Phase::Logging {
            self.reject(phase, status);
        }
    }

    /// Whether nothing more of it is judged.
    fn is_stopped(&self) -> bool {
        self.intervention.is_some() && !self.goes_on
    }

    /// A limit is passed that rejects.
    fn reject(&mut self, phase: Phase, status: u16) {
        if self.control.engine == Engine::On && self.intervention.is_none() {
            let action = Action::Deny;
            self.intervention = Some(Intervention { rule_id: 0, phase, status, action });
        }
    }
}

#[cfg(test)]
mod tests;
