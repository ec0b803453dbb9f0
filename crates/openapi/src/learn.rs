//! Learns what a service takes and gives from what was observed, and writes it as `OpenAPI` 3.1.
//!
//! Kept are shapes: types, lengths, classes of characters, names of members, and segments of paths
//! that do not look like values. Another value is kept only where it looks like a word of a closed
//! list and several callers sent it.
//!
//! INVARIANT (several callers): a fact that fewer callers than [`Needed`] stand for widens nothing.
//! One caller cannot teach a member, a type, a length, a character or a value, however often it
//! sends it; and what one caller may have remembered before others confirm it is bounded.

mod draft;
mod drift;
mod exchange;
mod operation;
mod path;
mod schema;
mod shape;
mod support;
mod text;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use draft::{Doubt, Draft};
pub use drift::{Drift, operation_of};
pub use exchange::{Answered, Exchange};

use operation::Operation;
use path::Template;
use support::{Seen, Slots};

/// What must stand behind a fact.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Needed {
    /// Callers who differ; at most 16 are counted.
    pub callers: usize,
    /// Requests, for an operation, a parameter and a member.
    pub samples: u64,
}

impl Default for Needed {
    fn default() -> Self {
        Self { callers: 3, samples: 10 }
    }
}

/// What was observed of one service.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Lessons {
    /// By method and template: `GET /orders/{}`.
    operations: Slots<Operation>,
    /// Requests that were looked at and taught nothing, by why not.
    passed_over: BTreeMap<String, u64>,
    shapes: usize,
    /// How many of the shapes a caller was the first to bring.
    brought: BTreeMap<u64, usize>,
}

/// How a request is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Lens<'a> {
    /// What will be needed of a fact; here it bounds what is remembered of one caller alone.
    pub needed: Needed,
    /// Names of fields of which no value is kept, in lower case.
    pub hidden: &'a BTreeSet<String>,
    /// Makes hashes of values those of this place.
    pub salt: u64,
}

impl Lessons {
    /// Notes one request and its answer. The answer decides: of what the service did not accept
    /// only the answer is learned, and only where something else was accepted before.
    pub fn observe(&mut self, exchange: &Exchange<'_>, lens: &Lens<'_>) {
        if let Err(why) = self.note(exchange, lens) {
            let count = self.passed_over.entry(why.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// How many requests taught something.
    pub fn samples(&self) -> u64 {
        let all = self.operations.iter().map(|(_, slot)| slot.support.samples);
        all.fold(0, u64::saturating_add)
    }

    /// Requests that taught nothing, by why not.
    pub fn passed_over(&self) -> &BTreeMap<String, u64> {
        &self.passed_over
    }

    fn note(&mut self, exchange: &Exchange<'_>, lens: &Lens<'_>) -> Result<(), &'static str> {
        let request = exchange.read()?;
        let template = match exchange.template {
            Some(template) => Template::known(template),
            None => Template::of_path(exchange.path)?,
        };
        let key = format!("{} {}", exchange.method, template.text());
        let before = self.room(exchange.caller, lens.needed);
        let mut room = before;
        let mut seen = Seen::new(exchange.caller, lens, &mut room);
        if exchange.is_accepted() {
            let slot = self.operations.note(&key, OPERATIONS_MAX, &mut seen);
            let operation = slot.ok_or("there are too many operations")?;
            if operation.name.is_none() {
                operation.name = exchange.operation.map(str::to_owned);
            }
            operation.template = template;
            operation.is_declared |= exchange.template.is_some();
            operation.request(exchange, &request, &mut seen);
            operation.answer(exchange, &mut seen);
        } else {
            let operation = self.operations.get_mut(&key);
            operation.ok_or("the service did not accept it")?.answer(exchange, &mut seen);
        }
        let used = before.saturating_sub(room);
        self.shapes = self.shapes.saturating_add(used);
        let brought = self.brought.entry(self.account(exchange.caller)).or_default();
        *brought = brought.saturating_add(used);
        Ok(())
    }

    /// How many new shapes a request of this caller may bring.
    fn room(&self, caller: u64, needed: Needed) -> usize {
        let room = ROOM_MAX.saturating_sub(self.shapes);
        if needed.callers <= 1 {
            return room;
        }
        let brought = self.brought.get(&self.account(caller)).copied().unwrap_or_default();
        room.min(CALLER_ROOM_MAX.saturating_sub(brought))
    }

    /// Callers beyond those that are told apart share what is left for one.
    fn account(&self, caller: u64) -> u64 {
        let is_known = self.brought.contains_key(&caller) || self.brought.len() < ACCOUNTS_MAX;
        if is_known { caller } else { 0 }
    }
}

/// Operations of one service.
const OPERATIONS_MAX: usize = 1_000;

/// Shapes of one service, which are some hundred bytes each.
const ROOM_MAX: usize = 20_000;

/// Shapes that one caller may be the first to bring: what one person uses of a service is less.
const CALLER_ROOM_MAX: usize = 2_000;

/// Callers whose shapes are counted.
const ACCOUNTS_MAX: usize = 4_096;

#[cfg(test)]
mod tests;
