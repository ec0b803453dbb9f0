//! What can be known of a rule beforehand, so that most rules are passed over by a few looks.

use std::sync::Arc;

use crate::operator::Operator;
use crate::rule::{Link, Test};
use crate::transaction::{List, View, lists};
use crate::variable::{Selector, Shape, Target, Variable};

/// How a transaction sees that a link cannot match. INVARIANT (sound): it says so only when the
/// link, run as the language has it, does not match; [`Evaluation::Verified`](crate::Evaluation)
/// counts where that is not so.
#[derive(Clone, Debug, Default)]
pub(crate) enum Quick {
    /// No value of these passes the gate.
    Gate(u32, Box<[Look]>),
    /// It looks at nothing that there ever is.
    Never,
    /// The comparison of one number is false.
    Number(Asked),
    #[default]
    Unknown,
}

/// Values of a rule.
#[derive(Clone, Debug)]
pub(crate) enum Look {
    Key(View, Arc<[u8]>),
    Scalar(Variable),
    View(View),
}

/// A number that a rule compares.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Count(List, Arc<[u8]>),
    HasSlot(u32),
    Slot(u32),
}

impl Quick {
    /// Of a link whose gate is known; `slot` gives the place of a member of `TX`.
    pub(crate) fn of(link: &Link, slot: impl FnMut(&[u8]) -> u32) -> Self {
        let Test::Operator { operator, is_negated } = &link.test else { return Self::Unknown };
        if matches!(operator, Operator::NoMatch) && !is_negated {
            return Self::Never;
        }
        if matches!(operator, Operator::Number(..)) {
            return Self::number(link, slot).unwrap_or_default();
        }
        let Some(gate) = link.gate.filter(|_| !is_negated) else { return Self::Unknown };
        let mut found = Vec::new();
        for target in &link.targets.included {
            if !looks(target, &mut found) {
                return Self::Unknown;
            }
        }
        Self::Gate(gate, found.into_boxed_slice())
    }

    fn number(link: &Link, mut slot: impl FnMut(&[u8]) -> u32) -> Option<Self> {
        let [target] = link.targets.included.as_slice() else { return None };
        let Selector::Key(key) = &target.selector else { return None };
        if link.pipeline != 0 {
            return None;
        }
        if target.variable == Variable::Tx {
            let slot = slot(key);
            let asked = if target.is_count { Asked::HasSlot(slot) } else { Asked::Slot(slot) };
            return Some(Self::Number(asked));
        }
        match lists(target.variable)? {
            ([list], _) if target.is_count => {
                Some(Self::Number(Asked::Count(*list, Arc::clone(key))))
            }
            _ => None,
        }
    }
}

/// Adds what a target looks at; says whether that could be told.
fn looks(target: &Target, found: &mut Vec<Look>) -> bool {
    let variable = target.variable;
    if target.is_count {
        return false;
    }
    if let Some((lists, is_names)) = lists(variable) {
        found.extend(lists.iter().map(|list| {
            let view = View { list: *list, is_names };
            match &target.selector {
                Selector::Key(key) => Look::Key(view, Arc::clone(key)),
                // The values of all members are more than a pattern chooses.
                Selector::All | Selector::Pattern(_) => Look::View(view),
            }
        }));
        return true;
    }
    if variable == Variable::Xml {
        let views = [List::XmlAttributes, List::XmlText];
        found.extend(views.map(|list| Look::View(View { list, is_names: false })));
        return true;
    }
    let is_computed = matches!(
        variable,
        Variable::HighestSeverity | Variable::MatchedVar | Variable::MatchedVarName
    );
    if is_computed || variable.shape() != Shape::Scalar {
        return false;
    }
    found.push(Look::Scalar(variable));
    true
}
