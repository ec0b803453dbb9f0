//! Checks a value against a schema.
//!
//! One file for each family of keywords. A check is bounded in steps and depth, whatever the
//! document says: what is over the bound is refused.

mod array;
mod combine;
mod number;
mod object;
mod text;

use crate::node::{Data, Node, push_index, push_token};
use crate::schema::{Schema, SchemaId, SchemaSet, Types};
use crate::violation::REPORTED_MAX;

/// A check under way.
#[derive(Debug)]
pub(crate) struct Check<'s> {
    set: &'s SchemaSet,
    direction: Direction,
    pointer: String,
    found: Vec<Found>,
    /// Counts also what is not reported.
    failures: usize,
    depth: usize,
    steps: usize,
    is_exhausted: bool,
}

/// Which way a value goes: `readOnly` is for answers, `writeOnly` for requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// What is wrong, and where in the value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    pub(crate) pointer: String,
    pub(crate) message: String,
}

/// Schemas inside one another while one value is checked; bounds the stack.
const DEPTH_MAX: usize = 400;

/// Schemas that are looked at for one value: nested `anyOf` multiply.
const STEPS_MAX: usize = 1_000_000;

impl<'s> Check<'s> {
    pub(crate) fn new(set: &'s SchemaSet, direction: Direction) -> Self {
        Self {
            set,
            direction,
            pointer: String::new(),
            found: Vec::new(),
            failures: 0,
            depth: 0,
            steps: 0,
            is_exhausted: false,
        }
    }

    /// Checks one value and returns all that is wrong, up to the number that is reported.
    pub(crate) fn run(mut self, id: SchemaId, node: &Node) -> Vec<Found> {
        self.value(id, node);
        if self.is_exhausted {
            self.found = vec![Found {
                pointer: String::new(),
                message: "too complex to be checked".to_owned(),
            }];
        }
        self.found
    }

    /// Whether a value is accepted, without a word about why not.
    pub(crate) fn accepts(&mut self, id: SchemaId, node: &Node) -> bool {
        let (failures, found) = (self.failures, self.found.len());
        self.value(id, node);
        let accepted = self.failures == failures;
        self.failures = failures;
        self.found.truncate(found);
        accepted && !self.is_exhausted
    }

    fn value(&mut self, id: SchemaId, node: &Node) {
        self.steps = self.steps.saturating_add(1);
        if self.is_exhausted || self.steps > STEPS_MAX || self.depth >= DEPTH_MAX {
            self.is_exhausted = true;
            return;
        }
        let Some(schema) = self.set.get(id) else {
            self.fail("no such schema".to_owned());
            return;
        };
        self.depth = self.depth.saturating_add(1);
        self.rules(schema, node);
        self.depth = self.depth.saturating_sub(1);
    }

    fn rules(&mut self, schema: &'s Schema, node: &Node) {
        if schema.is_never {
            self.fail("not allowed here".to_owned());
            return;
        }
        if schema.is_nullable && node.data == Data::Null {
            return;
        }
        if !schema.types.accept(&node.data) {
            self.fail(format!("not of type {}", schema.types.describe()));
            return;
        }
        if !schema.choices.iter().all(|list| list.contains(&node.data)) {
            self.fail("not one of the allowed values".to_owned());
        }
        if schema.text.format.is_some_and(|format| !format.accepts(&node.data)) {
            let name = schema.text.format.map_or("", crate::format::Format::name);
            self.fail(format!("not in the format `{name}`"));
        }
        match &node.data {
            Data::Array(items) => self.array(&schema.array, items),
            Data::Number(value) => self.number(&schema.number, *value),
            Data::Object(members) => self.object(&schema.object, members),
            Data::Text(text) => self.text(&schema.text, text),
            Data::Bool(_) | Data::Null => {}
        }
        self.combine(&schema.combine, node);
        if let Some(leftover) = schema.object.leftover {
            self.leftover(schema, leftover, node);
        }
    }

    fn fail(&mut self, message: String) {
        self.failures = self.failures.saturating_add(1);
        if self.found.len() < REPORTED_MAX {
            self.found.push(Found { pointer: self.pointer.clone(), message });
        }
    }

    /// Runs a check of a member or element with its place in the pointer.
    fn below(&mut self, step: Step<'_>, run: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        match step {
            Step::Index(index) => push_index(&mut self.pointer, index),
            Step::Name(name) => push_token(&mut self.pointer, name),
        }
        run(self);
        self.pointer.truncate(length);
    }
}

/// One step down into a value.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Index(usize),
    Name(&'a str),
}

impl SchemaSet {
    /// The types that a schema may have, through `allOf`, `anyOf` and `oneOf`; for parameters,
    /// whose text has to be read as something.
    pub(crate) fn types(&self, id: SchemaId) -> Types {
        let mut types = Types::default();
        let mut queue = vec![id];
        let mut seen = Vec::new();
        while let Some(id) = queue.pop() {
            let Some(schema) = self.get(id).filter(|_| !seen.contains(&id)) else { continue };
            seen.push(id);
            types = types.with(schema.types);
            let combine = &schema.combine;
            let branches = combine.all_of.iter().chain(&combine.any_of).chain(&combine.one_of);
            queue.extend(branches.copied());
        }
        types
    }
}

#[cfg(test)]
mod tests;
