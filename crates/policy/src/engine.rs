//! The engine: an immutable snapshot that answers questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cedar_policy::Schema;
use ringwall_base::Place;

use crate::conditions::{Conditions, Loaded, Verdict};
use crate::table::{Entry, Table};
use crate::{
    BuildError, Decision, DenyReason, Inventory, Origin, Principal, Problem, Question, Rule, Scope,
    grants, schema,
};

/// An operation's place in one engine. Any other engine denies it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OperationKey {
    engine: u64,
    place: usize,
}

/// Answers who may call what. Immutable: a changed manifest makes a new one.
#[derive(Debug)]
pub struct Engine {
    number: u64,
    table: Table,
    origins: Vec<Arc<Origin>>,
    schema: String,
    grants: String,
}

impl Engine {
    /// Builds an engine from grants and from Cedar files (path, text), or says all that is wrong.
    pub fn build(
        inventory: &Inventory,
        rules: &[Rule],
        cedar_files: &[(String, String)],
    ) -> Result<Self, BuildError> {
        let mut table = Table::new(inventory);
        let mut problems: Vec<Problem> =
            rules.iter().filter_map(|rule| wrong(rule, inventory, &table)).collect();
        let text = schema::schema(inventory);
        let mut origins: Vec<Origin> = rules
            .iter()
            .map(|rule| Origin { id: rule.id.clone(), place: rule.place.clone() })
            .collect();
        let loaded = match Schema::from_cedarschema_str(&text) {
            Ok((schema, _)) => Loaded::read(cedar_files, &schema, inventory, &mut origins),
            Err(error) => Err(vec![Problem::new(&Place::default(), error.to_string())]),
        };
        let mut loaded = loaded.unwrap_or_else(|found| {
            problems.extend(found);
            Loaded::default()
        });
        if !problems.is_empty() {
            return Err(BuildError { problems });
        }
        for (index, rule) in rules.iter().enumerate() {
            table.enter(index, rule);
        }
        table.condition(&mut loaded);
        let origins = origins.into_iter().map(Arc::new).collect();
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        Ok(Self { number, table, origins, schema: text, grants: grants::policies(rules) })
    }

    /// Where an operation stands in this engine. What is looked up once need not be looked up for
    /// every question.
    pub fn find(&self, service: &str, operation: &str) -> Option<OperationKey> {
        let place = self.table.place(service, operation)?;
        Some(OperationKey { engine: self.number, place })
    }

    /// Answers one question. Allocates only where a Cedar policy can apply.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        self.decide_at(self.find(question.service, question.operation), question)
    }

    /// Answers one question about the operation that [`Engine::find`] found for its names.
    pub fn decide_at(&self, key: Option<OperationKey>, question: &Question<'_>) -> Decision {
        let key = key.filter(|key| key.engine == self.number);
        let Some(entry) = key.and_then(|key| self.table.entry(key.place)) else {
            return Decision::Deny { reason: DenyReason::UnknownOperation, nearest: None };
        };
        match &entry.conditions {
            None => listed(entry, question),
            Some(conditions) => conditioned(entry, conditions, question),
        }
    }

    /// Where a rule of a decision stands. The first ones are the rules given to `build`.
    pub fn origin(&self, rule: usize) -> Option<&Arc<Origin>> {
        self.origins.get(rule)
    }

    /// The Cedar schema that policy files are validated against.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The grants as Cedar policies, one for each rule.
    pub fn grants(&self) -> &str {
        &self.grants
    }
}

fn listed(entry: &Entry, question: &Question<'_>) -> Decision {
    match entry.best(question) {
        Ok(grant) => Decision::Allow { rule: grant.rule, own: grant.scope == Scope::Own },
        Err(reason) => Decision::Deny { reason, nearest: entry.nearest(question) },
    }
}

/// Asks for all objects first and, where a person may own something, for their own.
fn conditioned(entry: &Entry, conditions: &Conditions, question: &Question<'_>) -> Decision {
    let best = entry.best(question);
    let forbidden = match (conditions.ask(question, false), best) {
        (Verdict::Failed(rule), _) => return failed(rule),
        (Verdict::None | Verdict::Permit(_), Ok(grant)) if grant.scope != Scope::Own => {
            return Decision::Allow { rule: grant.rule, own: false };
        }
        (Verdict::Permit(rule), _) => return Decision::Allow { rule, own: false },
        (Verdict::Forbid(rule), _) => Some(rule),
        (Verdict::None, _) => None,
    };
    // Only people own: a service and the anonymous are not asked twice.
    let can_own = question.person.is_some() && question.caller.is_none();
    let forbidden = match (can_own.then(|| conditions.ask(question, true)), best) {
        (Some(Verdict::Failed(rule)), _) => return failed(rule),
        (Some(Verdict::None | Verdict::Permit(_)), Ok(grant)) => {
            return Decision::Allow { rule: grant.rule, own: true };
        }
        (Some(Verdict::Permit(rule)), Err(_)) => return Decision::Allow { rule, own: true },
        (Some(Verdict::Forbid(rule)), _) => Some(rule),
        (Some(Verdict::None) | None, _) => forbidden,
    };
    match (forbidden, best) {
        (Some(rule), _) => Decision::Deny { reason: DenyReason::Forbidden, nearest: Some(rule) },
        (None, Err(reason)) => Decision::Deny { reason, nearest: entry.nearest(question) },
        (None, Ok(_)) => {
            Decision::Deny { reason: DenyReason::NotGranted, nearest: entry.nearest(question) }
        }
    }
}

fn failed(rule: Option<usize>) -> Decision {
    Decision::Deny { reason: DenyReason::Failed, nearest: rule }
}

fn wrong(rule: &Rule, inventory: &Inventory, table: &Table) -> Option<Problem> {
    let message = match (&rule.principal, table.place(&rule.service, &rule.operation)) {
        (_, None) if !inventory.services.contains_key(&rule.service) => {
            format!("no service is called `{}`", rule.service)
        }
        (_, None) => format!("service `{}` has no operation `{}`", rule.service, rule.operation),
        (Principal::Role(name), _) if !inventory.roles.contains(name) => {
            format!("no role is called `{name}`")
        }
        (Principal::Service(name), _) if !inventory.services.contains_key(name) => {
            format!("no service is called `{name}`")
        }
        (Principal::Service(_), _) if rule.scope == Scope::Own => {
            "a service owns nothing: `:own` is for people".to_owned()
        }
        (Principal::Anyone | Principal::Role(_), _) if rule.scope == Scope::OnBehalf => {
            "`:on-behalf` is for services".to_owned()
        }
        _ => return None,
    };
    Some(Problem::new(&rule.place, message))
}

/// Engines are told apart by their number.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

#[cfg(test)]
mod tests;
