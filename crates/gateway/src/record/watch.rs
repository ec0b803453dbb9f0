//! The rules of the firewall that watch a request, and what becomes of their word.

use std::time::Duration;

use http::StatusCode;
use ringwall_base::{Class, Judged, Notice, Outcome};
use ringwall_manifest::{Mode, Waf};
use ringwall_openapi::Proof;

use super::Record;
use crate::Refusal;
use crate::firewall::{Desk, Guard};
use crate::stage::throttle::{From, Throttle};

impl<'a> Record<'a> {
    /// Sets rules to watch the request.
    pub(crate) fn guard(&mut self, desk: Option<&'a Desk>) {
        let is_observing = self.mode == Mode::Observe;
        let guard = |desk| Box::new(Guard::new(desk, (self.id, self.at), is_observing));
        self.guard = desk.map(guard);
    }

    /// Notes that a page of our own is asked for. Rules look at what people type in; what programs
    /// send (tokens, redirect addresses) is compared and never interpreted.
    pub(crate) fn own_page(&mut self, path: &str) {
        if self.guard.as_ref().is_some_and(|guard| !guard.is_page(path)) {
            self.guard = None;
        }
        if let Some(guard) = &mut self.guard {
            guard.set_own_page();
        }
        let mode = self.guard.as_ref().map_or(Waf::Off, |guard| guard.mode());
        self.watched(mode);
    }

    pub(super) fn watched(&mut self, mode: Waf) {
        match &mut self.guard {
            Some(_) if mode == Waf::Off => self.guard = None,
            Some(guard) => guard.set_mode(mode),
            None => {}
        }
    }

    /// Lets the rules look, and refuses what they refuse; where they only log, it is noted.
    pub(crate) fn look(
        &mut self,
        look: impl FnOnce(&mut Guard<'a>) -> Option<Refusal>,
    ) -> Result<(), Refusal> {
        let Some(guard) = self.guard.as_deref_mut() else { return Ok(()) };
        let (Some(refusal), mode) = (look(guard), guard.mode()) else { return Ok(()) };
        if mode == Waf::Block {
            return self.waive(refusal);
        }
        self.waived.get_or_insert(refusal);
        Ok(())
    }

    /// Refuses content, or notes it where the firewall of the operation only logs.
    pub(crate) fn object(&mut self, refusal: Refusal, mode: Waf) -> Result<(), Refusal> {
        if mode == Waf::Log {
            self.waived.get_or_insert(refusal);
            return Ok(());
        }
        self.waive(refusal)
    }

    /// Lets the rules remember what other gateways know, where they want to.
    pub(crate) async fn recall(&mut self, proofs: &[Proof]) {
        if let Some(guard) = self.guard.as_deref_mut() {
            guard.recall(proofs).await;
        }
    }

    /// What the rules want to see.
    pub(crate) fn rules(&self) -> Option<&Guard<'a>> {
        self.guard.as_deref()
    }

    /// Lets the rules name what is refused before its operation is known. The refusal stays. Nobody
    /// counted such a request before: to strangers who send many, no more work is given.
    pub(crate) fn witness(&mut self, refusal: &Refusal, throttle: &Throttle) {
        if let (Some(guard), None, "normalize" | "route") =
            (self.guard.as_deref_mut(), &self.leaf, refusal.stage())
            && guard.mode() != Waf::Off
            && throttle.witness(From { address: self.address, at: self.started })
        {
            guard.witness();
        }
    }

    /// An event of its own: the one of the request says what became of it.
    pub(super) fn note_rules(
        &self,
        judged: &Judged,
        status: Option<StatusCode>,
        duration: Duration,
    ) {
        let outcome = match (is_attack(self.refused.as_ref()), is_attack(self.waived.as_ref())) {
            (true, _) => Outcome::Failure,
            (false, true) => Outcome::WouldDeny,
            (false, false) => Outcome::Success,
        };
        let (request, trace) = (self.id.text(), self.trace.text());
        self.note(&Notice {
            action: "waf-matched",
            class: Class::Group,
            outcome,
            request: std::str::from_utf8(&request).ok(),
            trace: std::str::from_utf8(&trace).ok(),
            judged: Some(judged),
            ..self.notice(status, duration)
        });
    }
}

/// Whether it is the rules that refuse.
pub(super) fn is_attack(refusal: Option<&Refusal>) -> bool {
    matches!(refusal, Some(Refusal::Attack { .. }))
}
