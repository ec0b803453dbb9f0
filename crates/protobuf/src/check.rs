//! Holds one message to its descriptor.
//!
//! Walks the bytes once, in their order. What readers are known to read differently is a violation
//! even where the specification names a winner: behind us stands a reader that we do not know.

mod any;
mod map;
mod scalar;

use std::ops::Range;

use crate::leaf::{Leaf, Show, Value};
use crate::limits::Limits;
use crate::schema::{Field, Message, Schema, Shape};
use crate::seen::Seen;
use crate::violation::{Fault, Kind, Violation};
use crate::wire::{Reader, Wire};

/// How strict a check is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rules {
    /// Fields, and values of closed enums, that the descriptor does not know.
    pub unknown: Unknown,
    /// A field that may stand once and stands twice, or two members of a `oneof`.
    pub repeats: Repeats,
    /// An `Any` of a type that is not in the set.
    pub foreign: Foreign,
    /// How much is read.
    pub limits: Limits,
}

/// What happens to what the descriptor does not know.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Unknown {
    /// It is held to the wire format, and shown to nobody.
    Pass,
    /// It is a violation.
    #[default]
    Refuse,
}

/// What happens to a second value where there may be one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Repeats {
    /// Both are checked and shown.
    Pass,
    /// It is a violation: some readers take the first, some the last, some both.
    #[default]
    Refuse,
}

/// What happens to an `Any` of an unknown type.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Foreign {
    /// Its bytes are one leaf.
    Opaque,
    /// It is a violation.
    #[default]
    Refuse,
}

/// Checks a message whose type stands at a place of the schema, and says how many fields and packed
/// numbers it has. Without anybody to show leaves to, places are named for a violation only.
pub(crate) fn message(
    schema: &Schema,
    message: (usize, &[u8]),
    rules: &Rules,
    show: Option<&mut Show<'_>>,
) -> Result<usize, Violation> {
    if let Some(show) = show {
        return walk(schema, message, (rules, true), show);
    }
    match walk(schema, message, (rules, false), &mut |_leaf| {}) {
        // Again, to say where: that is the end of it.
        Err(_nowhere) => walk(schema, message, (rules, true), &mut |_leaf| {}),
        checked => checked,
    }
}

fn walk(
    schema: &Schema,
    (at, bytes): (usize, &[u8]),
    (rules, is_named): (&Rules, bool),
    show: &mut Show<'_>,
) -> Result<usize, Violation> {
    let limits = &rules.limits;
    let (fields_left, elements_left) = (limits.fields_max, limits.elements_max);
    let (path, keys) = (String::new(), Vec::new());
    let mut walk =
        Walk { schema, rules, is_named, path, keys, depth: 0, fields_left, elements_left, show };
    let result = walk.nested(at, &mut Reader::new(bytes), None);
    // The path was left where it stopped.
    result.map_err(|fault| Violation::new(fault, &walk.plain_path()))?;
    let left = walk.fields_left.saturating_add(walk.elements_left);
    Ok(limits.fields_max.saturating_add(limits.elements_max).saturating_sub(left))
}

/// One walk through a message.
struct Walk<'s, 'f> {
    schema: &'s Schema,
    rules: &'s Rules,
    /// Whether the path is built.
    is_named: bool,
    path: String,
    /// Where keys of maps stand in the path.
    keys: Vec<Range<usize>>,
    depth: usize,
    fields_left: usize,
    elements_left: usize,
    show: &'f mut Show<'f>,
}

impl Walk<'_, '_> {
    /// Reads a message to the end of its bytes, or of its group.
    fn nested(
        &mut self,
        at: usize,
        reader: &mut Reader<'_>,
        group: Option<u32>,
    ) -> Result<(), Fault> {
        let schema = self.schema;
        let message = schema.messages.get(at);
        let message = message.ok_or(Fault(Kind::Unknown, "a message without descriptor"))?;
        if message.is_set {
            return Err(Fault(Kind::Unknown, "a message set, which is not read"));
        }
        if message.is_any && group.is_none() {
            return self.any(reader);
        }
        let mut seen = Seen::new(message.fields.len() + message.oneofs);
        let mut required = 0;
        while !reader.is_empty() {
            self.count()?;
            let (number, wire) = reader.tag()?;
            if wire == Wire::GroupEnd {
                return ends(group, number).and_then(|()| all(message, required));
            }
            let Some((place, field)) = message.find(number) else {
                self.unknown(number, wire, reader)?;
                continue;
            };
            let before = seen.add(place);
            if before == 0 && field.is_required {
                required += 1;
            }
            self.once(message, field, before, &mut seen)?;
            let kept = self.enter(&field.name);
            self.field(field, before, wire, reader)?;
            self.path.truncate(kept);
        }
        match group {
            None => all(message, required),
            Some(_) => Err(Fault(Kind::Malformed, "a group does not end")),
        }
    }

    /// Refuses a second value where there may be one.
    fn once(
        &mut self,
        message: &Message,
        field: &Field,
        before: u32,
        seen: &mut Seen,
    ) -> Result<(), Fault> {
        if field.is_repeated || self.rules.repeats == Repeats::Pass {
            return Ok(());
        }
        let why = if before > 0 {
            "a field that may stand once stands twice"
        } else if field.oneof.is_some_and(|one| seen.add(message.fields.len() + one) > 0) {
            "a second member of a oneof"
        } else {
            return Ok(());
        };
        self.enter(&field.name);
        Err(Fault(Kind::Ambiguous, why))
    }

    fn field(
        &mut self,
        field: &Field,
        before: u32,
        wire: Wire,
        reader: &mut Reader<'_>,
    ) -> Result<(), Fault> {
        if field.is_repeated && wire == Wire::Length && field.shape.is_packable() {
            return self.packed(field.shape, reader.length()?);
        }
        fits(wire, field.shape)?;
        match field.shape {
            Shape::Message(at) if self.is_map_entry(at) => self.entry(at, reader.length()?),
            Shape::Message(at) => {
                self.number(field, before);
                let bytes = reader.length()?;
                self.deeper()?;
                self.nested(at, &mut Reader::new(bytes), None)?;
                self.depth -= 1;
                Ok(())
            }
            Shape::Group(at) => {
                self.number(field, before);
                self.deeper()?;
                self.nested(at, reader, Some(field.number))?;
                self.depth -= 1;
                Ok(())
            }
            shape => {
                self.number(field, before);
                if let Some(value) = self.scalar(shape, reader)? {
                    (self.show)(Leaf { path: &self.path, value });
                }
                Ok(())
            }
        }
    }

    fn packed(&mut self, shape: Shape, bytes: &[u8]) -> Result<(), Fault> {
        let mut reader = Reader::new(bytes);
        let mut index = 0_u64;
        while !reader.is_empty() {
            let left = self.elements_left.checked_sub(1);
            self.elements_left = left.ok_or(Fault(Kind::Limit, "too many numbers"))?;
            if let Some(value) = self.scalar(shape, &mut reader)? {
                let kept = self.enter_number(index);
                (self.show)(Leaf { path: &self.path, value });
                self.path.truncate(kept);
            }
            index += 1;
        }
        Ok(())
    }

    /// A field that the descriptor does not know: refused, or passed over.
    fn unknown(&mut self, number: u32, wire: Wire, reader: &mut Reader<'_>) -> Result<(), Fault> {
        if self.rules.unknown == Unknown::Refuse {
            self.enter_number(number.into());
            return Err(Fault(Kind::Unknown, "a field that the descriptor does not know"));
        }
        match wire {
            Wire::Varint => drop(reader.varint()?),
            Wire::Fixed32 => drop(reader.fixed32()?),
            Wire::Fixed64 => drop(reader.fixed64()?),
            Wire::Length => drop(reader.length()?),
            Wire::GroupStart => {
                self.deeper()?;
                let mut inside = self.count().and_then(|()| reader.tag())?;
                while inside != (number, Wire::GroupEnd) {
                    self.unknown(inside.0, inside.1, reader)?;
                    inside = self.count().and_then(|()| reader.tag())?;
                }
                self.depth -= 1;
            }
            Wire::GroupEnd => {
                return Err(Fault(Kind::Malformed, "a group ends that did not begin"));
            }
        }
        Ok(())
    }

    fn is_map_entry(&self, at: usize) -> bool {
        self.schema.messages.get(at).is_some_and(|message| message.is_map_entry)
    }

    fn count(&mut self) -> Result<(), Fault> {
        let left = self.fields_left.checked_sub(1);
        self.fields_left = left.ok_or(Fault(Kind::Limit, "too many fields"))?;
        Ok(())
    }

    const fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > self.rules.limits.depth_max {
            return Err(Fault(Kind::Limit, "too many messages inside one another"));
        }
        Ok(())
    }

    /// Adds a name to the path, and returns how long it was.
    fn enter(&mut self, name: &str) -> usize {
        let kept = self.path.len();
        if self.is_named {
            if kept > 0 {
                self.path.push('.');
            }
            self.path.push_str(name);
        }
        kept
    }

    fn enter_number(&mut self, number: u64) -> usize {
        if self.is_named { self.enter(&number.to_string()) } else { self.path.len() }
    }

    /// Adds the number of a value of a repeated field.
    fn number(&mut self, field: &Field, before: u32) {
        if field.is_repeated {
            self.enter_number(before.into());
        }
    }

    fn leaf(&mut self, name: &str, value: Value<'_>) {
        let kept = self.enter(name);
        (self.show)(Leaf { path: &self.path, value });
        self.path.truncate(kept);
    }
}

fn ends(group: Option<u32>, number: u32) -> Result<(), Fault> {
    let is_open = group == Some(number);
    is_open.then_some(()).ok_or(Fault(Kind::Malformed, "a group ends that did not begin"))
}

/// Some readers pass over such a field as unknown, some stop at it.
fn fits(wire: Wire, shape: Shape) -> Result<(), Fault> {
    let is_fit = wire == wire_of(shape);
    is_fit.then_some(()).ok_or(Fault(Kind::Ambiguous, "a wire type that does not fit the field"))
}

fn all(message: &Message, required: usize) -> Result<(), Fault> {
    if required == message.required {
        Ok(())
    } else {
        Err(Fault(Kind::Required, "a required field is missing"))
    }
}

const fn wire_of(shape: Shape) -> Wire {
    match shape {
        Shape::Bool
        | Shape::Enum(_)
        | Shape::Int32
        | Shape::Int64
        | Shape::Sint32
        | Shape::Sint64
        | Shape::Uint32
        | Shape::Uint64 => Wire::Varint,
        Shape::Double | Shape::Fixed64 | Shape::Sfixed64 => Wire::Fixed64,
        Shape::Fixed32 | Shape::Float | Shape::Sfixed32 => Wire::Fixed32,
        Shape::Bytes | Shape::Message(_) | Shape::Text { .. } => Wire::Length,
        Shape::Group(_) => Wire::GroupStart,
    }
}

const NOT_TEXT: &str = "text that is not UTF-8";
