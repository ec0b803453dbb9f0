//! What values at one place look like.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::support::{Levels, Seen, Slot, Slots, Support};
use super::text::Texts;
use crate::Limits;
use crate::json;
use crate::node::{Data, Node};
use crate::number::Number;

/// What was seen at one place.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Shape {
    pub(super) kinds: BTreeMap<Kind, Support>,
    /// Whether values are written as text there: a parameter, a field of a form.
    pub(super) is_written: bool,
    pub(super) positive: Levels,
    pub(super) negative: Levels,
    pub(super) texts: Texts,
    /// Elements of an array, or how often a name is there.
    pub(super) counts: Levels,
    pub(super) items: Option<Box<Self>>,
    pub(super) object: Option<Box<Members>>,
}

/// A type of JSON Schema, and the numbers that are no integers.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) enum Kind {
    Array,
    Boolean,
    Integer,
    Null,
    Number,
    Object,
    Text,
}

/// What was seen of objects, or of the pairs of a form.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Members {
    pub(super) seen: Support,
    pub(super) known: Slots<Member>,
    /// Members whose names are values, such as numbers.
    pub(super) other: Option<Slot<Box<Shape>>>,
}

/// A member.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Member {
    /// Objects without it.
    pub(super) missing: Support,
    pub(super) shape: Shape,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Null => "null",
            Self::Number => "number",
            Self::Object => "object",
            Self::Text => "string",
        }
    }
}

impl Shape {
    /// Notes a value of JSON.
    pub(super) fn note(&mut self, node: &Node, seen: &mut Seen<'_>) {
        let kind = match &node.data {
            Data::Array(items) => {
                self.counts.count(items.len(), seen.caller);
                // The first ones stand for the others: a long list teaches no more than a short one.
                for item in items.iter().take(ITEMS_READ) {
                    self.items.get_or_insert_default().note(item, seen);
                }
                Kind::Array
            }
            Data::Bool(_) => Kind::Boolean,
            Data::Null => Kind::Null,
            Data::Number(number) => self.number(*number, seen),
            Data::Object(members) => {
                let pairs = members.iter().map(|member| (member.name.as_str(), &member.value));
                let note = |shape: &mut Self, value: &Node, seen: &mut Seen<'_>| {
                    shape.note(value, seen);
                };
                self.object.get_or_insert_default().note(pairs, seen, note);
                Kind::Object
            }
            Data::File(_) => Kind::Text,
            Data::Text(text) => {
                self.texts.note(text, seen);
                Kind::Text
            }
        };
        self.kinds.entry(kind).or_default().note(seen.caller);
    }

    /// Notes a value that is written as text, whatever it means.
    pub(super) fn written(&mut self, text: &str, seen: &mut Seen<'_>) {
        self.is_written = true;
        let kind = match text {
            "" => Kind::Null,
            "true" | "false" => Kind::Boolean,
            text => match number(text) {
                Some(number) => self.number(number, seen),
                None => Kind::Text,
            },
        };
        self.kinds.entry(kind).or_default().note(seen.caller);
        self.texts.note(text, seen);
    }

    fn number(&mut self, number: Number, seen: &Seen<'_>) -> Kind {
        let whole = match number {
            Number::Decimal { mantissa, scale } => {
                mantissa / 10_i128.checked_pow(scale).unwrap_or(i128::MAX)
            }
            Number::Float(_) => i128::MAX,
        };
        let is_negative = match number {
            Number::Decimal { mantissa, .. } => mantissa < 0,
            Number::Float(float) => float < 0.0,
        };
        let levels = if is_negative { &mut self.negative } else { &mut self.positive };
        levels.note(whole.unsigned_abs(), seen.caller);
        if number.is_integer() { Kind::Integer } else { Kind::Number }
    }

    /// What a word of a path looks like that was taken for a literal.
    pub(super) fn of_word(word: &str, support: &Support) -> Self {
        let mut shape = Self { is_written: true, ..Self::default() };
        shape.kinds.insert(Kind::Text, support.clone());
        shape.texts = Texts::of_word(word, support);
        shape
    }

    /// Takes over what another one knows.
    pub(super) fn join(&mut self, other: Self) {
        self.is_written |= other.is_written;
        for (kind, support) in &other.kinds {
            self.kinds.entry(*kind).or_default().join(support);
        }
        self.positive.join(&other.positive);
        self.negative.join(&other.negative);
        self.counts.join(&other.counts);
        self.texts.join(other.texts);
        if let Some(items) = other.items {
            self.items.get_or_insert_default().join(*items);
        }
        if let Some(object) = other.object {
            self.object.get_or_insert_default().join(*object);
        }
    }
}

impl Members {
    /// Notes an object by its pairs, of which no two have one name.
    pub(super) fn note<'p, V>(
        &mut self,
        pairs: impl Iterator<Item = (&'p str, V)>,
        seen: &mut Seen<'_>,
        look: impl Fn(&mut Shape, V, &mut Seen<'_>),
    ) {
        let before = self.seen.clone();
        self.seen.note(seen.caller);
        let mut names = Vec::new();
        for (name, value) in pairs {
            if !is_name(name) {
                let other = self.other.get_or_insert_with(|| Slot {
                    support: Support::default(),
                    value: Box::default(),
                });
                other.support.note(seen.caller);
                seen.below(name, |seen| look(&mut other.value, value, seen));
                continue;
            }
            let is_new = !self.known.contains(name);
            let Some(member) = self.known.note(name, MEMBERS_MAX, seen) else { continue };
            if is_new {
                member.missing = before.clone();
            }
            seen.below(name, |seen| look(&mut member.shape, value, seen));
            names.push(name);
        }
        for (name, slot) in self.known.iter_mut() {
            if !names.contains(&name.as_str()) {
                slot.value.missing.note(seen.caller);
            }
        }
    }

    /// Notes pairs as they are written: a name may be there more than once.
    pub(super) fn written(&mut self, pairs: &[(String, String)], seen: &mut Seen<'_>) {
        let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in pairs {
            lists.entry(name).or_default().push(value);
        }
        self.note(lists.into_iter(), seen, |shape, values: Vec<&str>, seen| {
            shape.counts.count(values.len(), seen.caller);
            for value in values.into_iter().take(ITEMS_READ) {
                shape.written(value, seen);
            }
        });
    }

    pub(super) fn join(&mut self, other: Self) {
        // What only one of them knows was missing in all that the other one saw.
        let (own, others) = (self.seen.clone(), other.seen.clone());
        let mut known = other.known;
        for (name, slot) in known.iter_mut() {
            if !self.known.contains(name) {
                slot.value.missing.join(&own);
            }
        }
        for (name, slot) in self.known.iter_mut() {
            if !known.contains(name) {
                slot.value.missing.join(&others);
            }
        }
        self.seen.join(&others);
        self.known.join(known, |own, other| {
            own.missing.join(&other.missing);
            own.shape.join(other.shape);
        });
        if let Some(other) = other.other {
            match &mut self.other {
                Some(own) => {
                    own.support.join(&other.support);
                    own.value.join(*other.value);
                }
                None => self.other = Some(other),
            }
        }
    }
}

/// The number that a text is, by the grammar of JSON: the validator reads it so, too.
fn number(text: &str) -> Option<Number> {
    let limits = Limits { depth_max: 0, ..Limits::default() };
    let is_bare = !text.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace);
    is_bare.then(|| json::parse(text.as_bytes(), &limits).ok())??.number()
}

/// Whether this is a name that somebody wrote into a program, and no value.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]$@:".contains(&byte);
    let is_hex = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let is_code = name.len() >= 16 && name.bytes().all(is_hex);
    let is_address = name.contains('@') && name.contains('.');
    (1..=64).contains(&name.len())
        && name.bytes().all(is_plain)
        && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !is_code
        && !is_address
}

/// Names of one object.
const MEMBERS_MAX: usize = 128;

/// Elements of one list that are looked at.
const ITEMS_READ: usize = 64;
