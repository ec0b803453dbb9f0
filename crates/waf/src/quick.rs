//! What can be known of a rule beforehand, so that most rules are passed over by a few looks.

use std::sync::Arc;

use crate::operator::{Comparison, Number, Operator};
use crate::prefilter::Gates;
use crate::rule::{Link, Test};
use crate::text::Part;
use crate::transaction::{List, Of, View, lists, passes_over};
use crate::variable::{Selector, Shape, Target, Variable};

/// How a transaction sees that a link cannot match. INVARIANT (sound): it says so only when the
/// link, run as the language has it, does not match; [`Evaluation::Verified`](crate::Evaluation)
/// counts where that is not so.
#[derive(Clone, Debug, Default)]
pub(crate) enum Quick {
    /// No value of this [`Scope`] passes the gates.
    Gates(Gates, u32),
    /// It looks at nothing that there ever is.
    Never,
    /// The comparison of one number is false.
    Number(Box<Asked>),
    #[default]
    Unknown,
}

/// Values after a pipeline, or after several; what many rules look at alike.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Scope {
    pub(crate) looks: Box<[Look]>,
    /// The lists among them, a bit for each.
    pub(crate) lists: u32,
    pub(crate) has_scalars: bool,
    pub(crate) pipelines: Box<[u32]>,
}

/// Values of a rule.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Look {
    Key(View, Arc<[u8]>),
    Scalar(Variable),
    View(View),
}

/// A number that a rule compares with another.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) of: AskedOf,
    pub(crate) comparison: Comparison,
    pub(crate) is_negated: bool,
    pub(crate) other: Other,
    /// What its match is called in records.
    pub(crate) label: Box<[u8]>,
    /// Whether it is all that the link does to a value, so that a match needs no second look.
    pub(crate) is_whole: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum AskedOf {
    Count(List, Arc<[u8]>),
    HasSlot(u32),
    Slot(u32),
}

/// What a number is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Other {
    Constant(i64),
    /// A member of `TX`.
    Slot(u32),
}

impl Scope {
    fn new(looks: Vec<Look>, pipelines: Box<[u32]>) -> Self {
        let lists = looks.iter().filter_map(Look::list).fold(0, |all, list| all | list.bit());
        let has_scalars = looks.iter().any(|look| look.list().is_none());
        Self { looks: looks.into_boxed_slice(), lists, has_scalars, pipelines }
    }
}

impl Look {
    /// The list that it looks at, if it is one.
    pub(crate) fn list(&self) -> Option<List> {
        match self {
            Self::Key(view, _) | Self::View(view) => Some(view.list),
            Self::Scalar(_) => None,
        }
    }
}

impl Quick {
    /// Of a link whose gate is known; `slot` gives the place of a member of `TX`, `scope` that of
    /// a scope.
    pub(crate) fn of(
        link: &Link,
        slot: impl FnMut(&[u8]) -> u32,
        scope: impl FnOnce(Scope) -> u32,
    ) -> Self {
        let Test::Operator { operator, is_negated } = &link.test else { return Self::Unknown };
        if matches!(operator, Operator::NoMatch) && !is_negated {
            return Self::Never;
        }
        if let Operator::Number(comparison, number) = operator {
            let asked = asked(link, (*comparison, number), *is_negated, slot);
            return asked.map(Box::new).map_or(Self::Unknown, Self::Number);
        }
        let Some(gates) = link.gates.filter(|_| !is_negated) else { return Self::Unknown };
        let mut found = Vec::new();
        for target in &link.targets.included {
            if !looks(link, target, &mut found) {
                return Self::Unknown;
            }
        }
        let pipelines = link.stages.clone().unwrap_or_else(|| Box::new([link.pipeline]));
        Self::Gates(gates, scope(Scope::new(found, pipelines)))
    }
}

fn asked(
    link: &Link,
    (comparison, number): (Comparison, &Number),
    is_negated: bool,
    mut slot: impl FnMut(&[u8]) -> u32,
) -> Option<Asked> {
    let [target] = link.targets.included.as_slice() else { return None };
    let Selector::Key(key) = &target.selector else { return None };
    if link.pipeline != 0 {
        return None;
    }
    let of = if target.variable == Variable::Tx {
        let slot = slot(key);
        if target.is_count { AskedOf::HasSlot(slot) } else { AskedOf::Slot(slot) }
    } else {
        match lists(target.variable)? {
            ([list], _) if target.is_count => AskedOf::Count(*list, Arc::clone(key)),
            _ => return None,
        }
    };
    let other = match number {
        Number::Constant(number) => Other::Constant(*number),
        Number::Text(template) => match template.parts.as_slice() {
            [Part::Value(reference)] => Other::Slot(reference.slot?),
            _ => return None,
        },
    };
    let sign: &[u8] = if target.is_count { b"&" } else { b"" };
    let label = [sign, target.variable.name().as_bytes(), b":", key].concat().into_boxed_slice();
    let is_whole = link.targets.excluded.is_empty() && !link.is_capture && link.stages.is_none();
    Some(Asked { of, comparison, is_negated, other, label, is_whole })
}

/// Adds what a target looks at; says whether that could be told.
fn looks(link: &Link, target: &Target, found: &mut Vec<Look>) -> bool {
    let variable = target.variable;
    if target.is_count {
        return false;
    }
    if let Some((lists, is_names)) = lists(variable) {
        let of = match is_names {
            true => Of::Names,
            false if passes_over(link, target) => Of::Unproven,
            false => Of::Values,
        };
        found.extend(lists.iter().map(|list| {
            let view = View { list: *list, of };
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
        found.extend(views.map(|list| Look::View(View { list, of: Of::Values })));
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
