//! Checks a value against a schema.
//!
//! One file for each family of keywords. A check is bounded in steps and depth, whatever the
//! document says: what is over the bound is refused.

mod array;
mod combine;
mod leftover;
mod number;
mod object;
mod text;

use crate::node::{Data, Node, push_index, push_token};
use crate::proof::{Kind, Leaf, Step};
use crate::schema::{Schema, SchemaId, SchemaSet, Types};
use crate::violation::REPORTED_MAX;

/// A check under way.
#[derive(Debug)]
pub(crate) struct Check<'s, 'n> {
    set: &'s SchemaSet,
    direction: Direction,
    /// Where in the value we are; it becomes a pointer only when something is wrong there.
    path: Vec<Step<'n>>,
    found: Vec<Found>,
    /// Leaves that are proved harmless, where somebody wants to know.
    leaves: Option<Vec<Leaf<'n>>>,
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

/// Leaves that are proved. More are not, and whoever looks for attacks looks at them.
const LEAVES_MAX: usize = 4_096;

/// Schemas that are looked at for one value: nested `anyOf` multiply.
const STEPS_MAX: usize = 1_000_000;

impl<'s, 'n> Check<'s, 'n> {
    pub(crate) fn new(set: &'s SchemaSet, direction: Direction) -> Self {
        Self {
            set,
            direction,
            path: Vec::new(),
            found: Vec::new(),
            leaves: None,
            failures: 0,
            depth: 0,
            steps: 0,
            is_exhausted: false,
        }
    }

    /// Checks one value and returns all that is wrong, up to the number that is reported.
    pub(crate) fn run(mut self, id: SchemaId, node: &'n Node) -> Vec<Found> {
        self.value(id, node);
        self.finish()
    }

    /// [`Self::run`], and the leaves that are proved harmless when nothing is wrong.
    pub(crate) fn prove(
        mut self,
        id: SchemaId,
        node: &'n Node,
    ) -> Result<Vec<Leaf<'n>>, Vec<Found>> {
        self.leaves = Some(Vec::new());
        self.value(id, node);
        let leaves = self.leaves.take().unwrap_or_default();
        let found = self.finish();
        if found.is_empty() { Ok(leaves) } else { Err(found) }
    }

    fn finish(mut self) -> Vec<Found> {
        if self.is_exhausted {
            self.found = vec![Found {
                pointer: String::new(),
                message: "too complex to be checked".to_owned(),
            }];
        }
        self.found
    }

    /// Whether a value is accepted, without a word about why not.
    pub(crate) fn accepts(&mut self, id: SchemaId, node: &'n Node) -> bool {
        let (failures, found) = (self.failures, self.found.len());
        let leaves = self.leaves.as_ref().map_or(0, Vec::len);
        self.value(id, node);
        let accepted = self.failures == failures && !self.is_exhausted;
        self.failures = failures;
        self.found.truncate(found);
        // Who does not accept a value proves nothing about what is in it.
        if let Some(list) = self.leaves.as_mut().filter(|_| !accepted) {
            list.truncate(leaves);
        }
        accepted
    }

    /// Counts work that no value counts.
    fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_add(steps);
        self.is_exhausted |= self.steps > STEPS_MAX;
    }

    fn value(&mut self, id: SchemaId, node: &'n Node) {
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

    fn rules(&mut self, schema: &'s Schema, node: &'n Node) {
        let failures = self.failures;
        self.keywords(schema, node);
        if self.leaves.is_some() && self.failures == failures {
            self.leaf(schema, node);
        }
    }

    /// Notes a leaf that fits a schema which lets nothing harmful through.
    fn leaf(&mut self, schema: &Schema, node: &'n Node) {
        let Some(kind) = Kind::of(schema, &node.data) else { return };
        if let Some(leaves) = self.leaves.as_mut().filter(|leaves| leaves.len() < LEAVES_MAX) {
            leaves.push(Leaf { node, path: self.path.clone(), kind });
        }
    }

    fn keywords(&mut self, schema: &'s Schema, node: &'n Node) {
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
            Data::Object(members) => self.object(&schema.object, members, node),
            Data::Text(text) => self.text(&schema.text, text),
            Data::File(bytes) => self.file(&schema.text, *bytes),
            Data::Bool(_) | Data::Null => {}
        }
        self.combine(&schema.combine, node);
        if schema.object.leftover.is_some() || schema.array.leftover.is_some() {
            self.leftover(schema, node);
        }
    }

    /// Checks what no other schema speaks of; of `false`, says what it means.
    fn rest(&mut self, id: SchemaId, node: &'n Node) {
        if self.set.get(id).is_some_and(|schema| schema.is_never) {
            self.fail("is not a declared field".to_owned());
        } else {
            self.value(id, node);
        }
    }

    fn fail(&mut self, message: String) {
        self.failures = self.failures.saturating_add(1);
        if self.found.len() < REPORTED_MAX {
            self.found.push(Found { pointer: pointer(&self.path), message });
        }
    }

    /// Runs a check of a member or element with its place in the path.
    fn below(&mut self, step: Step<'n>, run: impl FnOnce(&mut Self)) {
        self.path.push(step);
        run(self);
        self.path.pop();
    }
}

/// The RFC 6901 pointer of a path.
fn pointer(path: &[Step<'_>]) -> String {
    let mut pointer = String::new();
    for step in path {
        match step {
            Step::Index(index) => push_index(&mut pointer, *index),
            Step::Name(name) => push_token(&mut pointer, name),
        }
    }
    pointer
}

impl SchemaSet {
    /// The types that a schema may have, through `allOf`, `anyOf` and `oneOf`; for parameters,
    /// whose text has to be read as something.
    pub(crate) fn types(&self, id: SchemaId) -> Types {
        let own = |schema: &Schema| {
            // An `enum` without a `type` says the type too.
            let listed = schema.choices.iter().flatten().filter(|_| schema.types.is_any());
            listed.map(Types::of).fold(schema.types, Types::with)
        };
        match self.get(id) {
            Some(schema) if schema.combine.is_alone() => own(schema),
            _ => self.in_place(id).into_iter().map(own).fold(Types::default(), Types::with),
        }
    }
}

#[cfg(test)]
mod tests;
