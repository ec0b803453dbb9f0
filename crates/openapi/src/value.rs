//! Texts of parameters and forms as the values that a schema says they are.

use crate::check::{Check, Direction};
use crate::node::{Data, Member, Node};
use crate::number::Number;
use crate::schema::{Schema, SchemaId, SchemaSet, Types};
use crate::{Limits, json};

/// A text, and where it was written: which of several pairs, and which part of that one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written<'a> {
    pub(crate) text: &'a str,
    pub(crate) pair: usize,
    pub(crate) part: usize,
}

impl<'a> Written<'a> {
    /// The parts of one text.
    pub(crate) fn parts(texts: impl Iterator<Item = &'a str>, pair: usize) -> Vec<Self> {
        texts.enumerate().map(|(part, text)| Self { text, pair, part }).collect()
    }

    /// A value that was written there; a node has no other place for it.
    pub(crate) fn node(self, data: Data) -> Node {
        Node { at: self.pair, end: self.part, data }
    }
}

/// A text as an array of what the schema says that elements are.
pub(crate) fn array(set: &SchemaSet, id: SchemaId, values: &[Written<'_>]) -> Node {
    let items = items_of(set, id);
    let element = |value: &Written<'_>| match items {
        Some(id) => scalar(set, id, *value),
        None => value.node(Data::Text(value.text.to_owned())),
    };
    Node::new(Data::Array(values.iter().map(element).collect()))
}

/// The schema of an array's elements.
pub(crate) fn items_of(set: &SchemaSet, id: SchemaId) -> Option<SchemaId> {
    set.find_rule(id, |schema| schema.array.items)
}

/// Whether a member is given more than once that is declared, and not as a list.
pub(crate) fn repeats(set: &SchemaSet, id: SchemaId, pairs: &[(&str, Written<'_>)]) -> bool {
    let mut names = std::collections::BTreeSet::new();
    pairs
        .iter()
        .filter(|(name, _)| !names.insert(*name))
        .any(|(name, _)| member(set, id, name).is_some_and(|id| !set.types(id).has(Types::ARRAY)))
}

/// Pairs as an object; names given twice become an array where the schema says so.
pub(crate) fn object(set: &SchemaSet, id: SchemaId, pairs: &[(&str, Written<'_>)]) -> Node {
    let mut members: Vec<Member> = Vec::new();
    for (index, (name, value)) in pairs.iter().enumerate() {
        let before = pairs.get(..index).unwrap_or_default();
        if before.iter().any(|(other, _)| other == name) {
            continue;
        }
        let all: Vec<Written<'_>> =
            pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| *value).collect();
        let value = match member(set, id, name) {
            Some(id) if set.types(id).has(Types::ARRAY) => array(set, id, &all),
            // Twice, but not declared as a list: an array, which the schema will refuse.
            _ if all.len() > 1 => twice(&all),
            Some(id) => scalar(set, id, *value),
            None => value.node(Data::Text(value.text.to_owned())),
        };
        members.push(Member { at: 0, name: (*name).to_owned(), value });
    }
    Node::new(Data::Object(members))
}

/// Several values where one is declared.
pub(crate) fn twice(all: &[Written<'_>]) -> Node {
    let texts = all.iter().map(|one| one.node(Data::Text(one.text.to_owned())));
    Node::new(Data::Array(texts.collect()))
}

/// A text as the type that the schema says it is, if it can be read so.
pub(crate) fn scalar(set: &SchemaSet, id: SchemaId, text: Written<'_>) -> Node {
    let types = set.types(id);
    let number = || number(text.text).filter(|_| types.has(Types::INTEGER.with(Types::NUMBER)));
    let data = match text.text {
        "true" if types.has(Types::BOOLEAN) => Some(Data::Bool(true)),
        "false" if types.has(Types::BOOLEAN) => Some(Data::Bool(false)),
        "" | "null" if types.has(Types::NULL) && !types.has(Types::STRING) => Some(Data::Null),
        _ => number().map(Data::Number),
    };
    // Where it may be a text as well, the schema says which reading it means.
    let node = data.map(|data| text.node(data)).filter(|node| {
        !types.has(Types::STRING) || Check::new(set, Direction::Request).accepts(id, node)
    });
    node.unwrap_or_else(|| text.node(Data::Text(text.text.to_owned())))
}

/// The grammar of JSON numbers: what other readers take for a number is not ours to guess.
fn number(text: &str) -> Option<Number> {
    if text.ends_with(char::is_whitespace) || text.starts_with(char::is_whitespace) {
        return None;
    }
    let limits = Limits { depth_max: 0, ..Limits::default() };
    json::parse(text.as_bytes(), &limits).ok()?.number()
}

/// The schema of a listed property, through `allOf`, `anyOf` and `oneOf`.
pub(crate) fn property(set: &SchemaSet, id: SchemaId, name: &str) -> Option<SchemaId> {
    set.find_rule(id, |schema| schema.object.properties.as_ref()?.get(name).copied())
}

/// The schema of a member, listed or not.
pub(crate) fn member(set: &SchemaSet, id: SchemaId, name: &str) -> Option<SchemaId> {
    let matched = |schema: &Schema| {
        let mut patterns = schema.object.patterns.iter();
        patterns.find(|(pattern, _)| pattern.is_match(name)).map(|(_, id)| *id)
    };
    property(set, id, name)
        .or_else(|| set.find_rule(id, matched))
        .or_else(|| set.find_rule(id, |schema| schema.object.additional))
}

impl SchemaSet {
    /// A schema and those that it applies in place.
    pub(crate) fn in_place(&self, id: SchemaId) -> Vec<&Schema> {
        let mut queue = vec![id];
        let mut seen = Vec::new();
        let mut schemas = Vec::new();
        while let Some(id) = queue.pop() {
            let Some(schema) = self.get(id).filter(|_| !seen.contains(&id)) else { continue };
            seen.push(id);
            schemas.push(schema);
            let combine = &schema.combine;
            let branches = combine.all_of.iter().chain(&combine.any_of).chain(&combine.one_of);
            queue.extend(branches.copied());
        }
        schemas
    }

    /// The first answer among a schema and those that it applies in place.
    pub(crate) fn find_rule<T>(
        &self,
        id: SchemaId,
        find: impl Fn(&Schema) -> Option<T>,
    ) -> Option<T> {
        // Most schemas stand alone, and this is asked for each value.
        let schema = self.get(id)?;
        if schema.combine.is_alone() {
            return find(schema);
        }
        self.in_place(id).into_iter().find_map(find)
    }

    /// Whether nobody said that an object may have other members than those that it lists.
    pub(crate) fn is_listed(&self, id: SchemaId) -> bool {
        let has_list = self.find_rule(id, |schema| schema.object.properties.as_ref().map(|_| ()));
        let is_open = self.find_rule(id, |schema| {
            schema.object.additional.or(schema.object.leftover).map(|_| ())
        });
        has_list.is_some() && is_open.is_none()
    }

    /// Whether a value is declared to be bytes, as a file has.
    pub(crate) fn is_binary(&self, id: SchemaId) -> bool {
        self.find_rule(id, |schema| schema.text.is_binary.then_some(())).is_some()
    }

    /// Whether an object declares a member of that name.
    pub(crate) fn lists(&self, id: SchemaId, name: &str) -> bool {
        self.find_rule(id, |schema| schema.object.names_or_matches(name).then_some(())).is_some()
    }
}

#[cfg(test)]
mod tests;
