//! Maps: messages of a key and a value.

use super::{Walk, fits, wire_of};
use crate::leaf::{Leaf, Value};
use crate::schema::Field;
use crate::seen::Seen;
use crate::violation::{Fault, plain};
use crate::wire::{Reader, Wire};

impl Walk<'_, '_> {
    /// An entry of a map: its key is a leaf, and names its value.
    pub(super) fn entry(&mut self, at: usize, bytes: &[u8]) -> Result<(), Fault> {
        let schema = self.schema;
        let Some(message) = schema.messages.get(at) else { return Ok(()) };
        self.deeper()?;
        // Before the value is read: it may stand before its key.
        let key = message.find(1).and_then(|(_, field)| self.key(field, bytes));
        let (shown, kept) = (u32::from(key.is_some()), self.path.len());
        self.named(key);
        let (mut reader, mut seen) = (Reader::new(bytes), Seen::new(2));
        while !reader.is_empty() {
            self.count()?;
            let (number, wire) = reader.tag()?;
            let Some((place, field)) = message.find(number) else {
                self.unknown(number, wire, &mut reader)?;
                continue;
            };
            let before = seen.add(place);
            self.once(message, field, before, &mut seen)?;
            if number == 1 {
                fits(wire, field.shape)?;
                let key = self.scalar(field.shape, &mut reader)?;
                // Readers take the last, and rules see all.
                self.more_key(key.filter(|_| before >= shown), kept);
            } else {
                self.field(field, before, wire, &mut reader)?;
            }
        }
        self.depth -= 1;
        self.keys.pop();
        Ok(())
    }

    /// Shows a key, and adds it to the path.
    fn named(&mut self, key: Option<Value<'_>>) {
        if let Some(value) = key {
            (self.show)(Leaf { path: &self.path, value });
        }
        if !self.is_named {
            return self.keys.push(0..0);
        }
        let text = key.map(Value::text).unwrap_or_default();
        let name = plain(&String::from_utf8_lossy(&text), KEY_CHARS_MAX);
        self.enter(&name);
        let end = self.path.len();
        self.keys.push(end.saturating_sub(name.len())..end);
    }

    /// The path with a star in the place of each key: clients chose them, and a token may be one.
    pub(super) fn plain_path(&self) -> String {
        let (mut plain, mut from) = (String::new(), 0);
        for key in &self.keys {
            plain.push_str(self.path.get(from..key.start).unwrap_or_default());
            plain.push('*');
            from = key.end;
        }
        plain.push_str(self.path.get(from..).unwrap_or_default());
        plain
    }

    /// A key that is not the one that names its value. The path has been this long before that.
    fn more_key(&mut self, key: Option<Value<'_>>, kept: usize) {
        if let Some(value) = key {
            (self.show)(Leaf { path: self.path.get(..kept).unwrap_or_default(), value });
        }
    }

    /// The key of an entry, before the entry is checked.
    fn key<'b>(&self, field: &Field, bytes: &'b [u8]) -> Option<Value<'b>> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let (number, wire) = reader.tag().ok()?;
            if number == field.number && wire == wire_of(field.shape) {
                return self.scalar(field.shape, &mut reader).ok()?;
            }
            match wire {
                Wire::Varint => drop(reader.varint().ok()?),
                Wire::Fixed32 => drop(reader.fixed32().ok()?),
                Wire::Fixed64 => drop(reader.fixed64().ok()?),
                Wire::Length => drop(reader.length().ok()?),
                // Readers pass over a group that nobody knows; the check says whether it ends well.
                Wire::GroupStart => skip(&mut reader)?,
                Wire::GroupEnd => return None,
            }
        }
        None
    }
}

/// Passes over a group that has begun, and those in it.
fn skip(reader: &mut Reader<'_>) -> Option<()> {
    let mut open = 1_usize;
    while open > 0 {
        match reader.tag().ok()?.1 {
            Wire::Varint => drop(reader.varint().ok()?),
            Wire::Fixed32 => drop(reader.fixed32().ok()?),
            Wire::Fixed64 => drop(reader.fixed64().ok()?),
            Wire::Length => drop(reader.length().ok()?),
            Wire::GroupStart => open += 1,
            Wire::GroupEnd => open -= 1,
        }
    }
    Some(())
}

/// A path is for people and for names in rules; the whole key is a leaf.
const KEY_CHARS_MAX: usize = 64;
