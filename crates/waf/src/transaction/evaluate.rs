//! Rules against values, one after the other: the meaning of the language, without shortcuts.

use crate::limits::MATCHES_MAX;
use crate::operator::{Cut, Operator, Parameter};
use crate::prefilter;
use crate::report::{Action, Intervention, Match};
use crate::rule::{Allowed, Disruptive, Engine, Link, Phase, Rule, Test};
use crate::ruleset::Evaluation;
use crate::transaction::{Cell, Transaction};
use crate::variable::Variable;

/// What a rule did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Match,
    NoMatch,
    /// No further rule of the phase is asked.
    Stop,
}

impl<'a> Transaction<'a> {
    pub(super) fn run_phase(&mut self, phase: Phase) {
        let rules = self.rules;
        let steps = rules.phase(phase);
        let mut at = 0;
        let mut skip = 0_u32;
        self.state.matched.clear();
        while let Some(step) = steps.get(at) {
            at += 1;
            if self.control.engine == Engine::Off {
                return;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let number = usize::try_from(step.rule).unwrap_or(usize::MAX);
            let Some(rule) = rules.rules.get(number) else { continue };
            if self.control.is_removed(step.rule) {
                continue;
            }
            match self.run_rule(step.rule, rule) {
                Outcome::NoMatch => {}
                Outcome::Stop => return,
                Outcome::Match => {
                    at = step.skip_to.unwrap_or(at);
                    skip = rule.skip;
                }
            }
        }
    }

    /// A chain matches when each link does. What a link does at its match stays done, even when a
    /// later one does not match.
    fn run_rule(&mut self, number: u32, rule: &'a Rule) -> Outcome {
        self.state.matched.clear();
        let last = rule.links.len().saturating_sub(1);
        for (place, link) in rule.links.iter().enumerate() {
            let outcome = self.run_link(number, rule, link, place == last);
            if outcome != Outcome::Match {
                return outcome;
            }
        }
        Outcome::Match
    }

    fn run_link(&mut self, number: u32, rule: &'a Rule, link: &'a Link, is_last: bool) -> Outcome {
        let mut cells = Vec::new();
        let mut outcome = Outcome::NoMatch;
        match &link.test {
            // As ModSecurity has it: an action is a rule about the address of the client.
            Test::Always => cells.push(self.scalar_cell(Variable::RemoteAddr)),
            Test::Operator { .. } => self.collect(rule, link, &mut cells),
        }
        for cell in cells {
            if !self.control.removed_targets.is_empty()
                && self.control.is_removed_target(number, &cell)
            {
                continue;
            }
            match self.try_cell(rule, link, cell, is_last) {
                Outcome::NoMatch => {}
                Outcome::Match => outcome = Outcome::Match,
                Outcome::Stop => return Outcome::Stop,
            }
        }
        outcome
    }

    /// Transforms a value and asks the operator; with `multiMatch` after each change as well.
    fn try_cell(
        &mut self,
        rule: &'a Rule,
        link: &'a Link,
        cell: Cell<'a>,
        is_last: bool,
    ) -> Outcome {
        if !link.is_multi_match || link.pipeline == 0 {
            let value = self.transformed(&cell, link.pipeline);
            return self.ask(rule, link, Cell { value, ..cell }, is_last);
        }
        let mut outcome = Outcome::NoMatch;
        let mut before = None;
        for pipeline in self.stages(link.pipeline) {
            let value = self.transformed(&cell, pipeline);
            let is_changed = before.replace(value) != Some(value);
            if !is_changed {
                continue;
            }
            match self.ask(rule, link, Cell { value, ..cell }, is_last) {
                Outcome::NoMatch => {}
                Outcome::Match => outcome = Outcome::Match,
                Outcome::Stop => return Outcome::Stop,
            }
        }
        outcome
    }

    /// A pipeline's beginnings, from the empty one to itself.
    fn stages(&self, pipeline: u32) -> Vec<u32> {
        let mut stages = vec![pipeline];
        let mut at = pipeline;
        while at != 0 {
            at = self.pipeline(at).map_or(0, |pipeline| pipeline.parent);
            stages.push(at);
        }
        stages.reverse();
        stages
    }

    fn pipeline(&self, number: u32) -> Option<&crate::ruleset::Pipeline> {
        self.rules.pipelines.get(usize::try_from(number).ok()?)
    }

    /// A value after a pipeline; each step is done once for each value.
    fn transformed(&mut self, cell: &Cell<'a>, pipeline: u32) -> &'a [u8] {
        let Some((parent, step)) =
            self.pipeline(pipeline).and_then(|one| Some((one.parent, one.step?)))
        else {
            return cell.value;
        };
        if let Some(known) = cell.id.and_then(|id| self.state.remembered(id, pipeline)) {
            return known;
        }
        let value = self.transformed(cell, parent);
        let map = self.rules.settings.unicode_map.as_deref();
        let value = step.apply(value, self.arena, map).unwrap_or(value);
        if let Some(id) = cell.id {
            self.state.remember(id, pipeline, value);
        }
        value
    }

    fn ask(&mut self, rule: &'a Rule, link: &'a Link, cell: Cell<'a>, is_last: bool) -> Outcome {
        let is_match = match &link.test {
            Test::Always => true,
            Test::Operator { operator, is_negated } => {
                // What was cut off matches, negated or not: nobody knows that it is harmless.
                self.holds(rule, link, operator, &cell).map_or_else(
                    |Cut| {
                        self.tx.set(b"msc_pcre_limits_exceeded", Some(b"1"));
                        true
                    },
                    |holds| holds != *is_negated,
                )
            }
        };
        if !is_match {
            return Outcome::NoMatch;
        }
        self.state.matched.push(cell);
        self.state.last_matched = Some(cell);
        for effect in &link.effects {
            self.apply(rule, effect);
        }
        if is_last { self.conclude(rule, &cell) } else { Outcome::Match }
    }

    fn holds(
        &mut self,
        rule: &'a Rule,
        link: &Link,
        operator: &'a Operator,
        cell: &Cell<'a>,
    ) -> Result<bool, Cut> {
        let evaluation = self.rules.evaluation;
        let is_candidate = evaluation == Evaluation::Plain || self.is_candidate(link, cell);
        if !is_candidate && evaluation == Evaluation::Filtered {
            return Ok(false);
        }
        let holds = self.asked(rule, link, operator, cell)?;
        if holds && !is_candidate {
            self.prefilter_misses += 1;
        }
        Ok(holds)
    }

    /// Whether the prefilter lets this value through to this link; each text is scanned once.
    fn is_candidate(&mut self, link: &Link, cell: &Cell<'a>) -> bool {
        // With `multiMatch` the text is that of a beginning of the pipeline, which is not known here.
        if link.is_multi_match {
            return true;
        }
        let (Some(gate), Some(id)) = (link.gate, cell.id) else { return true };
        let pipeline = self.origin(id, cell, link.pipeline);
        if let Some(open) = self.state.scanned(id, pipeline) {
            return prefilter::is_open(open, gate);
        }
        let open = self.arena.words(self.rules.prefilter.words());
        self.rules.prefilter.scan(cell.value, open);
        let open: &'a [u64] = open;
        self.state.remember_scan(id, pipeline, open);
        prefilter::is_open(open, gate)
    }

    /// The first pipeline on the way to this one that gave the same text.
    fn origin(&self, id: u32, cell: &Cell<'a>, pipeline: u32) -> u32 {
        let mut at = pipeline;
        while let Some(parent) = self.pipeline(at).filter(|_| at != 0).map(|one| one.parent) {
            let before = if parent == 0 { None } else { self.state.remembered(id, parent) };
            let is_same = match before {
                Some(text) => std::ptr::eq(text, cell.value),
                None => parent == 0 && std::ptr::eq(self.state.raw(id), cell.value),
            };
            if !is_same {
                break;
            }
            at = parent;
        }
        at
    }

    fn asked(
        &mut self,
        rule: &'a Rule,
        link: &Link,
        operator: &'a Operator,
        cell: &Cell<'a>,
    ) -> Result<bool, Cut> {
        let expanded = operator.template().map_or(&b""[..], |text| self.expand(rule, text));
        let parameter: Parameter<'a> = operator.parameter(expanded);
        if !link.is_capture {
            return operator.is_match(cell.value, parameter);
        }
        let arena = self.arena;
        let captured = operator.capture(cell.value, parameter, |text| arena.keep(text))?;
        let Some(captured) = captured else { return Ok(false) };
        if !captured.is_empty() {
            let mut captured = captured.into_iter();
            for slot in 0..10 {
                self.tx.set_at(slot, captured.next().flatten());
            }
        }
        Ok(true)
    }

    /// The whole rule matched: it is recorded, and may stop the transaction.
    fn conclude(&mut self, rule: &'a Rule, cell: &Cell<'a>) -> Outcome {
        if let Some(severity) = rule.meta.severity {
            let highest = self.state.highest_severity.map_or(severity, |old| old.min(severity));
            self.state.highest_severity = Some(highest);
        }
        let phase = rule.phase;
        let is_deciding = self.control.engine == Engine::On && phase != Phase::Logging;
        let stop = if is_deciding { self.stop(rule) } else { None };
        self.record(rule, cell, stop.is_some());
        let Some(action) = stop else {
            return match rule.disruptive {
                Disruptive::Allow(allowed) if is_deciding => self.allow(phase, allowed),
                _ => Outcome::Match,
            };
        };
        let status = match (&action, rule.status) {
            (Action::Redirect(_), Some(status @ (301 | 302 | 303 | 307))) => status,
            (Action::Redirect(_), _) => 302,
            (_, status) => status.unwrap_or(403),
        };
        self.intervention = Some(Intervention { rule_id: rule.id, phase, status, action });
        Outcome::Stop
    }

    fn stop(&self, rule: &'a Rule) -> Option<Action> {
        match &rule.disruptive {
            Disruptive::Allow(_) | Disruptive::Block | Disruptive::Pass => None,
            Disruptive::Deny => Some(Action::Deny),
            Disruptive::Drop => Some(Action::Drop),
            Disruptive::Redirect(url) => Some(Action::Redirect(self.expand(rule, url).to_vec())),
        }
    }

    fn allow(&mut self, phase: Phase, allowed: Allowed) -> Outcome {
        self.allowed_through = Some(match allowed {
            Allowed::All => Phase::ResponseBody,
            Allowed::Phase => phase,
            Allowed::Request => phase.max(Phase::RequestBody),
        });
        Outcome::Stop
    }

    fn record(&mut self, rule: &'a Rule, cell: &Cell<'a>, is_disruptive: bool) {
        if self.matches.len() >= MATCHES_MAX {
            self.dropped_matches += 1;
            return;
        }
        let message = rule.meta.msg.as_ref().map_or(&[][..], |text| self.expand(rule, text));
        let data = rule.meta.logdata.as_ref().map_or(&[][..], |text| self.expand(rule, text));
        let variable = self.full_name(cell);
        let value = cell.value;
        self.matches.push(Match { rule, variable, value, message, data, is_disruptive });
    }
}
