//! How many objects the arguments of a field ask for.

use std::collections::BTreeMap;

use super::document::{Argument, Operation, Value};
use crate::json::Json;
use crate::limits::GRAPHQL_STEPS_MAX;

/// The name of a variable, and whether the argument that has it is a count.
type Use<'a> = (&'a str, bool);

/// What variables say is looked at once: a thousand fields may use one of a hundred thousand values.
#[derive(Debug)]
pub(super) struct Counts<'a> {
    variables: Option<&'a Json>,
    /// Names that the service has beside the usual ones.
    names: &'a [String],
    known: BTreeMap<Use<'a>, Option<u64>>,
    /// Values that may still be looked at.
    pub(super) steps_left: u32,
}

impl<'a> Counts<'a> {
    pub(super) fn new(variables: Option<&'a Json>, names: &'a [String]) -> Self {
        Self { variables, names, known: BTreeMap::new(), steps_left: GRAPHQL_STEPS_MAX }
    }

    /// The largest number that arguments, or members of an object, say.
    pub(super) fn members(
        &mut self,
        members: &'a [Argument<'a>],
        is_in_count: bool,
        operation: &'a Operation<'a>,
    ) -> Option<u64> {
        let is_page = members.iter().any(|(name, _)| is_place(name));
        let said = members.iter().filter_map(|(name, value)| {
            self.said(is_in_count || self.is_count(name, is_page), value, operation)
        });
        said.max()
    }

    fn said(
        &mut self,
        is_count: bool,
        value: &'a Value<'a>,
        operation: &'a Operation<'a>,
    ) -> Option<u64> {
        self.steps_left = self.steps_left.saturating_sub(1);
        match value {
            Value::Number(text) | Value::Text(text) if is_count => Some(count(text.parse().ok()?)),
            Value::Object(members) => self.members(members, is_count, operation),
            Value::List(items) => {
                items.iter().filter_map(|value| self.said(is_count, value, operation)).max()
            }
            Value::Variable(variable) => {
                if let Some(known) = self.known.get(&(*variable, is_count)) {
                    return *known;
                }
                // A default has no variables in it.
                let said = if let Some(Json::Object(variables)) = self.variables
                    && let Some(given) = variables.get(variable)
                {
                    self.given(is_count, given)
                } else {
                    let mut defaults = operation.defaults.iter();
                    let default = defaults.find(|(known, _)| known == variable);
                    default.and_then(|(_, value)| self.said(is_count, value, operation))
                };
                self.known.insert((variable, is_count), said);
                said
            }
            Value::Number(_) | Value::Other | Value::Text(_) => None,
        }
    }

    /// Whether an argument says how many objects there may be.
    fn is_count(&self, name: &str, is_page: bool) -> bool {
        let is = |names: &[&str]| names.iter().any(|count| count.eq_ignore_ascii_case(name));
        // A picture has a size too: beside the number of a page it is how many objects there are.
        is(&COUNTS)
            || (is_page && is(&["max", "num", "size"]))
            || self.names.iter().any(|count| count.eq_ignore_ascii_case(name))
    }

    fn given(&mut self, is_in_count: bool, given: &Json) -> Option<u64> {
        self.steps_left = self.steps_left.checked_sub(1)?;
        match given {
            Json::Number(number) if is_in_count => Some(count(*number)),
            Json::Text(text) if is_in_count => Some(count(text.parse().ok()?)),
            Json::Object(members) => {
                let is_page = members.iter().any(|(name, _)| is_place(name));
                let said = members.iter().filter_map(|(name, given)| {
                    self.given(is_in_count || self.is_count(name, is_page), given)
                });
                said.max()
            }
            Json::List(items) => {
                items.iter().filter_map(|given| self.given(is_in_count, given)).max()
            }
            Json::Flag | Json::Null | Json::Number(_) | Json::Text(_) => None,
        }
    }
}

/// Names of arguments that say where a page begins.
fn is_place(name: &str) -> bool {
    const PLACES: [&str; 8] =
        ["after", "before", "cursor", "from", "offset", "page", "skip", "start"];
    PLACES.iter().any(|place| place.eq_ignore_ascii_case(name))
}

/// A negative number means `all` to some servers, and is no number of objects.
fn count(number: f64) -> u64 {
    if !(0.0..=COUNT_MAX).contains(&number) {
        return u64::MAX;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 2^32"
    )]
    let whole = number.ceil() as u64;
    whole
}

const COUNT_MAX: f64 = 4_294_967_296.0;

const COUNTS: [&str; 16] = [
    "amount",
    "count",
    "first",
    "items_per_page",
    "itemsperpage",
    "last",
    "limit",
    "max_results",
    "maxresults",
    "page_size",
    "pagesize",
    "per_page",
    "perpage",
    "rows",
    "take",
    "top",
];
