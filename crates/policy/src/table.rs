//! Grants without conditions as a table: service, operation, caller, best scope.
//!
//! A look-up hashes the names of the caller's roles and allocates nothing; the place of an operation
//! is known before anybody asks. Several roles are a union in which [`Scope::All`] beats
//! [`Scope::Own`]; for services it beats [`Scope::OnBehalf`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::conditions::{Conditions, Loaded};
use crate::{DenyReason, Inventory, Principal, Question, Rule, Scope};

/// All operations of all services.
#[derive(Debug, Default)]
pub(crate) struct Table {
    services: BTreeMap<String, HashMap<String, usize>>,
    entries: Vec<Entry>,
}

/// Who may call one operation.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    anyone: Option<Grant>,
    roles: HashMap<String, Grant>,
    callers: HashMap<String, Grant>,
    /// The first grant to people, shown when a person is denied.
    nearest_people: Option<usize>,
    /// The first grant to services, shown when a service is denied.
    nearest_callers: Option<usize>,
    /// Cedar policies that can apply to it.
    pub(crate) conditions: Option<Arc<Conditions>>,
}

/// A cell: the best scope, and the rule that gives it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Grant {
    pub(crate) scope: Scope,
    pub(crate) rule: usize,
}

impl Table {
    /// A table in which each operation exists and nobody may call it.
    pub(crate) fn new(inventory: &Inventory) -> Self {
        let mut table = Self::default();
        for (service, operations) in &inventory.services {
            let places = table.services.entry(service.clone()).or_default();
            for operation in operations {
                places.entry(operation.clone()).or_insert(table.entries.len());
                table.entries.push(Entry::default());
            }
        }
        table
    }

    /// Enters a rule. The rule has been checked: an unknown operation enters nothing.
    pub(crate) fn enter(&mut self, index: usize, rule: &Rule) {
        let Some(entry) = self.entry_mut(&rule.service, &rule.operation) else { return };
        let grant = Grant { scope: rule.scope, rule: index };
        match &rule.principal {
            Principal::Anyone => {
                entry.nearest_people.get_or_insert(index);
                entry.anyone = better(entry.anyone, Some(grant));
            }
            Principal::Role(name) => {
                entry.nearest_people.get_or_insert(index);
                merge(&mut entry.roles, name, grant);
            }
            Principal::Service(name) => {
                entry.nearest_callers.get_or_insert(index);
                merge(&mut entry.callers, name, grant);
            }
        }
    }

    /// Where an operation stands.
    pub(crate) fn place(&self, service: &str, operation: &str) -> Option<usize> {
        self.services.get(service)?.get(operation).copied()
    }

    /// The operation that stands there.
    pub(crate) fn entry(&self, place: usize) -> Option<&Entry> {
        self.entries.get(place)
    }

    fn entry_mut(&mut self, service: &str, operation: &str) -> Option<&mut Entry> {
        self.place(service, operation).and_then(|place| self.entries.get_mut(place))
    }

    /// Gives each operation the policies that can apply to it.
    pub(crate) fn condition(&mut self, loaded: &mut Loaded) {
        // Sorted, so that equal inputs build equal engines, down to the order of sharing.
        for (service, operations) in &self.services {
            let sorted: BTreeMap<_, _> = operations.iter().collect();
            let filed = sorted.into_iter().map(|(name, at)| (*at, loaded.of(service, name)));
            for (place, conditions) in filed {
                file(&mut self.entries, place, conditions);
            }
        }
    }
}

impl Entry {
    /// The best grant that the asker has now, or why there is none.
    pub(crate) fn best(&self, question: &Question<'_>) -> Result<Grant, DenyReason> {
        match (question.caller, question.person) {
            (Some(caller), person) => match self.callers.get(caller) {
                Some(grant) if grant.scope == Scope::OnBehalf && person.is_none() => {
                    Err(DenyReason::NeedsPerson)
                }
                Some(grant) => Ok(*grant),
                None => Err(DenyReason::NotGranted),
            },
            // `anyone` last: of two equal grants the record names the role's.
            (None, Some(person)) => person
                .roles
                .iter()
                .map(|role| self.roles.get(role).copied())
                .chain([self.anyone])
                .fold(None, better)
                .ok_or(DenyReason::NotGranted),
            // The anonymous own nothing.
            (None, None) => match self.anyone {
                Some(grant) if grant.scope == Scope::All => Ok(grant),
                _ if self.nearest_people.is_some() => Err(DenyReason::NotSignedIn),
                _ => Err(DenyReason::NotGranted),
            },
        }
    }

    /// The rule to show when the asker is denied.
    pub(crate) fn nearest(&self, question: &Question<'_>) -> Option<usize> {
        match question.caller {
            Some(caller) => {
                self.callers.get(caller).map(|grant| grant.rule).or(self.nearest_callers)
            }
            None => self.nearest_people,
        }
    }
}

fn file(entries: &mut [Entry], place: usize, conditions: Option<Arc<Conditions>>) {
    if let Some(entry) = entries.get_mut(place) {
        entry.conditions = conditions;
    }
}

fn merge(cells: &mut HashMap<String, Grant>, name: &str, grant: Grant) {
    let best = better(cells.get(name).copied(), Some(grant)).unwrap_or(grant);
    cells.insert(name.to_owned(), best);
}

/// The wider of two grants; the first when they are equal.
fn better(left: Option<Grant>, right: Option<Grant>) -> Option<Grant> {
    match (left, right) {
        (Some(left), Some(right)) if left.scope != Scope::All && right.scope == Scope::All => {
            Some(right)
        }
        (Some(left), _) => Some(left),
        (None, right) => right,
    }
}
