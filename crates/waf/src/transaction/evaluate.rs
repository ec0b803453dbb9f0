//! Rules against values, one after the other: the meaning of the language, without shortcuts.

use crate::limits::{LOGGING_STEPS_MAX, MATCHES_MAX};
use crate::operator::{Cut, Operator, Parameter};
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

/// A link of a rule, when it is its turn.
#[derive(Clone, Copy)]
struct Turn<'a> {
    /// The rule's place in the rule set.
    number: u32,
    rule: &'a Rule,
    link: &'a Link,
    is_last: bool,
}

impl<'a> Transaction<'a> {
    pub(super) fn run_phase(&mut self, phase: Phase) {
        let rules = self.rules;
        let steps = rules.phase(phase);
        let is_filtered = rules.evaluation == Evaluation::Filtered;
        let mut at = 0;
        let mut skip = 0_u32;
        if phase == Phase::Logging && self.is_exhausted {
            self.work.allow(LOGGING_STEPS_MAX);
        }
        self.state.matched.clear();
        self.find_proven();
        while let Some(step) = steps.get(at) {
            at += 1;
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let number = usize::try_from(step.rule).unwrap_or(usize::MAX);
            let Some(rule) = rules.rules.get(number) else { continue };
            // Most rules end here; what stops a transaction is asked of the others.
            if is_filtered && rule.links.first().is_some_and(|link| self.is_out(&link.quick)) {
                continue;
            }
            if self.control.engine == Engine::Off {
                return;
            }
            if self.work.is_spent() {
                self.give_up(phase);
                return;
            }
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
            let outcome = self.run_link(Turn { number, rule, link, is_last: place == last });
            if outcome != Outcome::Match {
                return outcome;
            }
        }
        Outcome::Match
    }

    fn run_link(&mut self, turn: Turn<'a>) -> Outcome {
        let Turn { rule, link, .. } = turn;
        let evaluation = self.rules.evaluation;
        if evaluation == Evaluation::Filtered
            && !self.control.is_narrowed(turn.number)
            && let Some((cell, asked)) = self.number_cell(link)
        {
            self.work.ask(1);
            return self.matched(turn, cell, Some(&asked.label));
        }
        let is_out = evaluation != Evaluation::Plain && self.is_out(&link.quick);
        if is_out && evaluation == Evaluation::Filtered {
            return Outcome::NoMatch;
        }
        let mut cells = std::mem::take(&mut self.cells);
        cells.clear();
        match &link.test {
            // As ModSecurity has it: an action is a rule about the address of the client.
            Test::Always => cells.push(self.scalar_cell(Variable::RemoteAddr)),
            Test::Operator { .. } => self.collect(rule, link, &mut cells),
        }
        let outcome = self.try_cells(turn, &cells);
        self.cells = cells;
        self.prefilter_misses += usize::from(is_out && outcome != Outcome::NoMatch);
        outcome
    }

    fn try_cells(&mut self, turn: Turn<'a>, cells: &[Cell<'a>]) -> Outcome {
        let mut outcome = Outcome::NoMatch;
        self.work.ask(cells.len());
        let is_narrowed = self.control.is_narrowed(turn.number);
        let mut failed = [None; 4];
        for cell in cells {
            if self.work.is_spent() {
                self.give_up(turn.rule.phase);
                return Outcome::Stop;
            }
            // The same text gets the same answer, as long as nothing matched.
            if cell.id.is_some() && failed.contains(&cell.id) {
                continue;
            }
            if is_narrowed && self.control.is_removed_target(turn.number, cell) {
                continue;
            }
            match self.try_cell(turn, cell) {
                Outcome::NoMatch if outcome == Outcome::NoMatch => {
                    failed.rotate_right(1);
                    failed[0] = cell.id;
                }
                Outcome::NoMatch => {}
                Outcome::Match => {
                    failed = [None; 4];
                    outcome = Outcome::Match;
                }
                Outcome::Stop => return Outcome::Stop,
            }
        }
        outcome
    }

    /// Transforms a value and asks the operator; with `multiMatch` after each change as well.
    fn try_cell(&mut self, turn: Turn<'a>, cell: &Cell<'a>) -> Outcome {
        let link = turn.link;
        let Some(stages) = &link.stages else {
            let is_candidate = self.is_candidate(link, cell, link.pipeline);
            if !is_candidate && self.is_passed_over(link) {
                return Outcome::NoMatch;
            }
            let value = self.transformed(cell, link.pipeline);
            return self.ask(turn, Cell { value, ..*cell }, is_candidate);
        };
        let mut outcome = Outcome::NoMatch;
        let mut before = None;
        for stage in stages {
            let value = self.transformed(cell, *stage);
            if before.replace(value) == Some(value) {
                continue;
            }
            let is_candidate = self.is_candidate(link, cell, *stage);
            match self.ask(turn, Cell { value, ..*cell }, is_candidate) {
                Outcome::NoMatch => {}
                Outcome::Match => outcome = Outcome::Match,
                Outcome::Stop => return Outcome::Stop,
            }
        }
        outcome
    }

    /// Whether the prefilter lets a value through to this link.
    fn is_candidate(&mut self, link: &Link, cell: &Cell<'a>, pipeline: u32) -> bool {
        let is_asked = self.rules.evaluation != Evaluation::Plain;
        match (link.gates, cell.id) {
            (Some(gates), Some(id)) if is_asked => gates.are_open(self.gates_of(id, pipeline)),
            _ => true,
        }
    }

    /// Whether a value that is no candidate is not even transformed.
    fn is_passed_over(&self, link: &Link) -> bool {
        let is_negated = matches!(&link.test, Test::Operator { is_negated: true, .. });
        self.rules.evaluation == Evaluation::Filtered && !is_negated
    }

    fn ask(&mut self, turn: Turn<'a>, cell: Cell<'a>, is_candidate: bool) -> Outcome {
        let is_match = match &turn.link.test {
            Test::Always => true,
            Test::Operator { operator, is_negated } => {
                // What was cut off matches, negated or not: nobody knows that it is harmless.
                self.holds(turn, operator, &cell, is_candidate).map_or_else(
                    |Cut| {
                        self.tx.set(b"msc_pcre_limits_exceeded", Some(b"1"));
                        true
                    },
                    |holds| holds != *is_negated,
                )
            }
        };
        if is_match { self.matched(turn, cell, None) } else { Outcome::NoMatch }
    }

    /// A link matched a value; `label` is the value's full name where that is known.
    fn matched(&mut self, turn: Turn<'a>, cell: Cell<'a>, label: Option<&'a [u8]>) -> Outcome {
        let Turn { rule, link, is_last, .. } = turn;
        self.state.matched.push(cell);
        self.state.last_matched = Some(cell);
        for effect in &link.effects {
            self.apply(rule, effect);
        }
        if is_last { self.conclude(rule, &cell, label) } else { Outcome::Match }
    }

    fn holds(
        &mut self,
        turn: Turn<'a>,
        operator: &'a Operator,
        cell: &Cell<'a>,
        is_candidate: bool,
    ) -> Result<bool, Cut> {
        if !is_candidate && self.rules.evaluation == Evaluation::Filtered {
            return Ok(false);
        }
        let holds = self.asked(turn, operator, cell)?;
        if holds && !is_candidate {
            self.prefilter_misses += 1;
        }
        Ok(holds)
    }

    fn asked(
        &mut self,
        turn: Turn<'a>,
        operator: &'a Operator,
        cell: &Cell<'a>,
    ) -> Result<bool, Cut> {
        let Turn { rule, link, .. } = turn;
        let expanded = operator.template().map_or(&b""[..], |text| self.expand(rule, text));
        let parameter: Parameter<'a> = operator.parameter(expanded);
        let mut steps = 0;
        if !link.is_capture {
            let is_match = operator.is_match(cell.value, parameter, &mut steps);
            self.work.take(steps);
            return is_match;
        }
        let arena = self.arena;
        let keep = |text: &[u8]| arena.keep(text);
        let captured = operator.capture(cell.value, parameter, keep, &mut steps);
        self.work.take(steps);
        let Some(captured) = captured? else { return Ok(false) };
        if !captured.is_empty() {
            let mut captured = captured.into_iter();
            for slot in 0..10 {
                self.tx.set_at(slot, captured.next().flatten());
            }
        }
        Ok(true)
    }

    /// The whole rule matched: it is recorded, and may stop the transaction.
    fn conclude(&mut self, rule: &'a Rule, cell: &Cell<'a>, label: Option<&'a [u8]>) -> Outcome {
        if let Some(severity) = rule.meta.severity {
            let highest = self.state.highest_severity.map_or(severity, |old| old.min(severity));
            self.state.highest_severity = Some(highest);
        }
        let phase = rule.phase;
        let is_deciding = self.control.engine == Engine::On && phase != Phase::Logging;
        let stop = if is_deciding { self.stop(rule) } else { None };
        let variable = label.unwrap_or_else(|| self.full_name(cell));
        self.record(rule, (variable, cell.value), stop.is_some());
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
        let found = Intervention { rule_id: rule.id, phase, status, action };
        self.intervention.get_or_insert(found);
        if self.goes_on { Outcome::Match } else { Outcome::Stop }
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

    fn record(
        &mut self,
        rule: &'a Rule,
        (variable, value): (&'a [u8], &'a [u8]),
        is_disruptive: bool,
    ) {
        if self.matches.len() >= MATCHES_MAX {
            self.dropped_matches += 1;
            return;
        }
        let message = rule.meta.msg.as_ref().map_or(&[][..], |text| self.expand(rule, text));
        let data = rule.meta.logdata.as_ref().map_or(&[][..], |text| self.expand(rule, text));
        self.work.take(message.len() + data.len() + variable.len());
        self.matches.push(Match { rule, variable, value, message, data, is_disruptive });
    }
}
