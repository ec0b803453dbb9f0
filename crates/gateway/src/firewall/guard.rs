//! The rules' view of one request, from its head to the end of its answer.

use std::fmt::{self, Debug};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use ringwall_base::{Judged, RequestId, Timestamp};
use ringwall_manifest::Waf;
use ringwall_openapi::Proof;
use ringwall_waf::{Phase, Transaction};

use super::Desk;
use super::proved::Proved;
use super::report::{self, Shown};
use crate::Refusal;
use crate::messages::Argument;
use crate::metrics::Metrics;

/// Asks the rules. It is where the firewall is on, and nowhere else.
pub(crate) struct Guard<'a> {
    desk: &'a Desk,
    id: &'a str,
    at: Timestamp,
    mode: Waf,
    /// The door lets everything pass: `observe`.
    is_observing: bool,
    is_own_page: bool,
    transaction: Option<Transaction<'a>>,
    /// Whether the intervention was told: what it became is for the mode to say, once.
    is_told: bool,
}

impl<'a> Guard<'a> {
    /// A guard that has not looked yet.
    pub(crate) fn new(
        desk: &'a Desk,
        (id, at): (RequestId, Timestamp),
        is_observing: bool,
    ) -> Self {
        let (id, mode) = (desk.name(id), desk.firewall.mode);
        let (is_own_page, transaction, is_told) = (false, None, false);
        Self { desk, id, at, mode, is_observing, is_own_page, transaction, is_told }
    }

    /// How it looks at an operation.
    pub(crate) const fn set_mode(&mut self, mode: Waf) {
        self.mode = mode;
    }

    /// How it looks.
    pub(crate) const fn mode(&self) -> Waf {
        self.mode
    }

    /// Whether what rules deny passes all the same, so that the others are asked too.
    fn goes_on(&self) -> bool {
        self.is_observing || self.mode == Waf::Log
    }

    /// The transaction, unless it is over.
    fn under_way(&self) -> Option<&Transaction<'a>> {
        self.transaction.as_ref().filter(|_| !self.is_told || self.goes_on())
    }

    /// Whether a page of our own takes what people type in.
    pub(crate) fn is_page(&self, path: &str) -> bool {
        self.desk.firewall.is_page(path)
    }

    /// Notes that it is for a page of our own.
    pub(crate) const fn set_own_page(&mut self) {
        self.is_own_page = true;
    }

    /// Shows the head as [`Guard::head_with`] does, but says nothing yet. Where rules want to know
    /// what only others remember, it waits for that a moment, and shows it once more: the first look
    /// has changed nothing.
    pub(crate) async fn recall(&mut self, proofs: &[Proof]) {
        let recall = self.desk.recall();
        if self.transaction.is_some() || !recall.is_up() {
            return;
        }
        let first = self.desk.begin((self.id, self.at), proofs, self.goes_on());
        if recall.has_all() {
            self.transaction = Some(first);
            return;
        }
        drop(first);
        recall.ask(self.at.secs()).await;
    }

    /// Shows the head of the request (phase 1).
    pub(crate) fn head(&mut self) -> Option<Refusal> {
        self.head_with(&[])
    }

    /// Shows the head, of which a schema has proved some values.
    pub(crate) fn head_with(&mut self, proofs: &[Proof]) -> Option<Refusal> {
        let (desk, id, goes_on) = (self.desk, (self.id, self.at), self.goes_on());
        self.transaction.get_or_insert_with(|| desk.begin(id, proofs, goes_on));
        self.told()
    }

    /// Notes who asks: `REMOTE_USER`.
    pub(crate) fn user(&self, name: &str) {
        self.desk.user(name);
    }

    /// Whether there is room to hold so much more of a body.
    pub(crate) fn take_room(&self, bytes: usize) -> bool {
        self.desk.take_room(bytes)
    }

    /// Whether rules see anything of a body that begins so.
    pub(crate) fn looks_at(&self, beginning: &[u8]) -> bool {
        let transaction = self.transaction.as_ref();
        transaction.is_some_and(|transaction| transaction.looks_at_request_body(beginning))
    }

    /// How much of the body is read; `None`: nothing.
    pub(crate) fn body_bytes_max(&self) -> Option<usize> {
        let transaction = self.under_way()?;
        transaction.wants_request_body().then(|| transaction.request_body_max())
    }

    /// Shows the body (phase 2).
    pub(crate) fn body(&mut self, body: Bytes) -> Option<Refusal> {
        self.body_with(body, &[])
    }

    /// Shows the body, of which a schema has proved some values.
    pub(crate) fn body_with(&mut self, body: Bytes, proofs: &[Proof]) -> Option<Refusal> {
        let proved = self.desk.proved_body(proofs);
        let body = self.desk.body(body);
        let transaction = self.transaction.as_mut()?;
        transaction.prove(proved.iter().map(Proved::shown));
        transaction.request_body(body);
        self.told()
    }

    /// Shows what a body says that rules cannot read themselves (phase 2).
    pub(crate) fn arguments(&mut self, arguments: Vec<Argument>) -> Option<Refusal> {
        let arguments = self.desk.arguments(arguments).iter();
        let pairs = arguments.map(|(name, value)| (name.as_bytes(), value.as_slice()));
        self.transaction.as_mut()?.request_arguments(pairs);
        self.told()
    }

    /// Whether the body of the answer may be read, whatever it will be.
    pub(crate) fn may_read_answer(&self) -> bool {
        self.under_way().is_some_and(Transaction::may_want_response_body)
    }

    /// Shows the head of the answer (phase 3).
    pub(crate) fn answer_head(
        &mut self,
        status: StatusCode,
        fields: &HeaderMap,
    ) -> Option<Refusal> {
        let desk = self.desk;
        self.transaction.as_mut()?.response_head(desk.answer_head(status, fields));
        self.told()
    }

    /// How much of the body of the answer is read; `None`: nothing.
    pub(crate) fn answer_bytes_max(&self) -> Option<usize> {
        let transaction = self.under_way()?;
        let wants = transaction.may_want_response_body() && transaction.wants_response_body();
        wants.then(|| transaction.response_body_max())
    }

    /// Shows the body of the answer (phase 4).
    pub(crate) fn answer_body(&mut self, body: Bytes) -> Option<Refusal> {
        let body = self.desk.answer_body(body);
        self.transaction.as_mut()?.response_body(body);
        self.told()
    }

    /// Shows the head of what others refused, and nothing more: the rules only give it a name. Most
    /// of them look at a head in the phase of the body.
    pub(crate) fn witness(&mut self) {
        self.head();
        if let Some(transaction) = self.transaction.as_mut() {
            transaction.request_body(&[]);
            transaction.leave_out();
        }
    }

    /// Runs phase 5, and says what was found. `None` when the rules never looked, or found nothing.
    /// The request was refused by the rules, or by others or not at all.
    pub(crate) fn finish(mut self, is_refused: bool, metrics: &Metrics) -> Option<Judged> {
        let mut transaction = self.transaction.take()?;
        // A body that was refused is not seen, its head is; an answer that has not come does not come.
        transaction.request_body(&[]);
        transaction.leave_out();
        transaction.finish();
        let hidden = &self.desk.firewall.hidden;
        let shown = Shown { hidden, is_own_page: self.is_own_page };
        report::judged((&transaction, self.desk.all_proved()), shown, is_refused, metrics)
    }

    fn told(&mut self) -> Option<Refusal> {
        let intervention = self.transaction.as_ref()?.intervention()?;
        if self.is_told {
            return None;
        }
        self.is_told = true;
        let stage = match intervention.phase {
            Phase::RequestHeaders | Phase::RequestBody => "inspect",
            Phase::ResponseHeaders | Phase::ResponseBody | Phase::Logging => "review",
        };
        // A rule may choose the status of its refusal, not turn it into a success.
        let status = StatusCode::from_u16(intervention.status).ok();
        let status = status.filter(|one| one.is_client_error() || one.is_server_error());
        let status = status.unwrap_or(StatusCode::FORBIDDEN);
        let why = match intervention.rule_id {
            0 => "a limit of the rules is passed".to_owned(),
            id => format!("rule {id}"),
        };
        Some(Refusal::Attack { status, why, stage })
    }
}

impl Debug for Guard<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guard").field("mode", &self.mode).finish_non_exhaustive()
    }
}
