//! Rules that cannot match, told by a few looks.

use crate::cursor::atoi;
use crate::operator::{Operator, Parameter};
use crate::prefilter::is_open;
use crate::quick::{Asked, Look, Quick};
use crate::rule::{Link, Rule, Test};
use crate::transaction::Transaction;
use crate::transaction::state::View;

impl<'a> Transaction<'a> {
    /// Whether a link surely does not match. That it may match says nothing.
    pub(super) fn is_out(&mut self, rule: &'a Rule, link: &'a Link) -> bool {
        match &link.quick {
            Quick::Gate(gate, looks) => !looks.iter().any(|look| self.passes(link, *gate, look)),
            Quick::Never => true,
            Quick::Number(asked) => !self.holds_number(rule, link, asked),
            Quick::Unknown => false,
        }
    }

    fn passes(&mut self, link: &'a Link, gate: u32, look: &'a Look) -> bool {
        match look {
            Look::View(view) => self.view_passes(link, gate, *view),
            Look::Scalar(variable) => {
                let id = self.state.scalar_cell(*variable).id;
                id.is_none_or(|id| self.text_passes(link, gate, id))
            }
            Look::Key(view, key) => {
                let count = self.state.list(view.list).len();
                self.work.take(count);
                (0..count).any(|place| {
                    let member = self.state.list(view.list).get(place);
                    let chosen = member.filter(|member| key.eq_ignore_ascii_case(member.name));
                    let id = chosen.map(|member| member.id + u32::from(view.is_names));
                    id.is_some_and(|id| self.text_passes(link, gate, id))
                })
            }
        }
    }

    fn view_passes(&mut self, link: &'a Link, gate: u32, view: View) -> bool {
        if self.state.list(view.list).is_empty() {
            return false;
        }
        let mut passes =
            |pipeline| self.gates_of_view(view, pipeline).is_some_and(|open| is_open(open, gate));
        match &link.stages {
            None => passes(link.pipeline),
            Some(stages) => stages.iter().any(|stage| passes(*stage)),
        }
    }

    fn text_passes(&mut self, link: &'a Link, gate: u32, id: u32) -> bool {
        match &link.stages {
            None => is_open(self.gates_of(id, link.pipeline), gate),
            Some(stages) => stages.iter().any(|stage| is_open(self.gates_of(id, *stage), gate)),
        }
    }

    fn holds_number(&self, rule: &'a Rule, link: &'a Link, asked: &'a Asked) -> bool {
        let Test::Operator { operator, is_negated } = &link.test else { return true };
        let value = match asked {
            Asked::Slot(slot) => match self.tx.at(*slot) {
                Some(value) => atoi(value),
                None => return false,
            },
            Asked::HasSlot(slot) => i64::from(self.tx.at(*slot).is_some()),
            Asked::Count(list, key) => {
                let members = self.state.list(*list).iter();
                let count = members.filter(|it| key.eq_ignore_ascii_case(it.name)).count();
                i64::try_from(count).unwrap_or(i64::MAX)
            }
        };
        let Operator::Number(comparison, _) = operator else { return true };
        let expanded = operator.template().map_or(&b""[..], |text| self.expand(rule, text));
        match operator.parameter(expanded) {
            Parameter::Number(number) => comparison.holds(value, number) != *is_negated,
            Parameter::None | Parameter::Text(_) => true,
        }
    }
}
