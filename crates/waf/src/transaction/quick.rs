//! Rules that cannot match, told by a few looks.

use crate::cursor::atoi;
use crate::quick::{Asked, AskedOf, Look, Other, Quick, Scope};
use crate::rule::Link;
use crate::transaction::Transaction;
use crate::transaction::state::{Cell, Of, View};
use crate::transaction::texts::join;

/// The gates that are open in a scope, and the age of the values for which that is so.
pub(super) type ScopeSeen<'a> = (u32, &'a [u64]);

impl<'a> Transaction<'a> {
    /// Whether a link surely does not match. That it may match says nothing.
    #[inline]
    pub(super) fn is_out(&mut self, quick: &'a Quick) -> bool {
        match quick {
            Quick::Gates(gates, scope) => !gates.are_open(self.gates_of_scope(*scope)),
            Quick::Never => true,
            Quick::Number(asked) => self.number_that_holds(asked).is_none(),
            Quick::Unknown => false,
        }
    }

    /// The gates that are open for one of the values of a scope.
    #[inline]
    fn gates_of_scope(&mut self, scope: u32) -> &'a [u64] {
        let age = self.state.age();
        match self.scopes.get(scope as usize) {
            Some(Some((seen, open))) if *seen == age => open,
            _ => self.see_scope(scope),
        }
    }

    fn see_scope(&mut self, number: u32) -> &'a [u64] {
        let Some(scope) = self.rules.scopes.get(number as usize) else { return &[] };
        let is_empty = scope.lists & self.state.filled() == 0 && !scope.has_scalars;
        let open = if is_empty { self.no_gates } else { self.gates_anew(scope) };
        if let Some(place) = self.scopes.get_mut(number as usize) {
            *place = Some((self.state.age(), open));
        }
        open
    }

    fn gates_anew(&mut self, scope: &'a Scope) -> &'a [u64] {
        let all = self.arena.words(self.rules.prefilter.words());
        let filled = self.state.filled();
        for look in &scope.looks {
            if look.list().is_some_and(|list| filled & list.bit() == 0) {
                continue;
            }
            for pipeline in &scope.pipelines {
                self.look(look, *pipeline, all);
            }
        }
        all
    }

    /// Adds what is open for the values of a look.
    fn look(&mut self, look: &'a Look, pipeline: u32, all: &mut [u64]) {
        match look {
            Look::View(view) => {
                let view = self.whole(*view);
                if let Some(open) = self.gates_of_view(view, pipeline) {
                    join(all, open);
                }
            }
            Look::Scalar(variable) => {
                if let Some(id) = self.state.scalar_cell(*variable).id {
                    join(all, self.gates_of(id, pipeline));
                }
            }
            Look::Key(view, key) => {
                self.work.take(self.state.list(view.list).len());
                let mut from = 0;
                while let Some((next, id)) = self.next_of(*view, key, from) {
                    from = next;
                    join(all, self.gates_of(id, pipeline));
                }
            }
        }
    }

    /// The text of the next member with this name, and where to go on.
    fn next_of(&self, view: View, key: &[u8], from: usize) -> Option<(usize, u32)> {
        let rest = self.state.list(view.list).iter().enumerate().skip(from);
        let mut found = rest.filter(|(_, member)| key.eq_ignore_ascii_case(member.name));
        found.find_map(|(place, member)| Some((place + 1, view.id_of(member)?)))
    }

    /// Most requests have nothing proven, and then one view does for all rules.
    fn whole(&self, view: View) -> View {
        match view.of {
            Of::Unproven if self.state.proven() == 0 => View { of: Of::Values, ..view },
            Of::Names | Of::Unproven | Of::Values => view,
        }
    }

    /// The number that a link compares, if the comparison holds.
    #[inline]
    pub(super) fn number_that_holds(&self, asked: &'a Asked) -> Option<&'a [u8]> {
        let value = match &asked.of {
            AskedOf::Slot(slot) => self.tx.at(*slot)?,
            AskedOf::HasSlot(slot) => {
                if self.tx.at(*slot).is_some() {
                    b"1"
                } else {
                    b"0"
                }
            }
            AskedOf::Count(list, key) => {
                let members = self.state.list(*list).iter();
                let count = members.filter(|it| key.eq_ignore_ascii_case(it.name)).count();
                self.arena.number(i64::try_from(count).unwrap_or(i64::MAX))
            }
        };
        let other = match asked.other {
            Other::Constant(number) => number,
            Other::Slot(slot) => self.tx.at(slot).map_or(0, atoi),
        };
        (asked.comparison.holds(atoi(value), other) != asked.is_negated).then_some(value)
    }

    /// What a link that only compares a number finds; `None`: it is to be run as all others.
    pub(super) fn number_cell(&self, link: &'a Link) -> Option<(Cell<'a>, &'a Asked)> {
        let Quick::Number(asked) = &link.quick else { return None };
        let [target] = link.targets.included.as_slice() else { return None };
        let crate::variable::Selector::Key(name) = &target.selector else { return None };
        if !asked.is_whole {
            return None;
        }
        let value = self.number_that_holds(asked)?;
        let (variable, is_count) = (target.variable, target.is_count);
        Some((Cell { variable, is_count, name, value, id: None }, asked))
    }
}
