//! `google.protobuf.Any`: a message that says itself what it is.

use super::{Foreign, NOT_TEXT, Walk};
use crate::leaf::{Leaf, Value};
use crate::violation::{Fault, Kind};
use crate::wire::{Reader, Wire};

impl Walk<'_, '_> {
    /// An `Any`: the name of a type, and a message of it.
    pub(super) fn any(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        let (mut name, mut value) = (None, None);
        while !reader.is_empty() {
            self.count()?;
            let (number, wire) = reader.tag()?;
            let place = match (number, wire) {
                (1, Wire::Length) => &mut name,
                (2, Wire::Length) => &mut value,
                (1 | 2, _) => {
                    let why = "a wire type that does not fit the field";
                    return Err(Fault(Kind::Ambiguous, why));
                }
                _ => {
                    self.unknown(number, wire, reader)?;
                    continue;
                }
            };
            // Of two values nobody knows which belongs to which name: never let through.
            if place.replace(reader.length()?).is_some() {
                return Err(Fault(Kind::Ambiguous, "a field that may stand once stands twice"));
            }
        }
        let Ok(name) = std::str::from_utf8(name.unwrap_or_default()) else {
            return Err(Fault(Kind::Text, NOT_TEXT));
        };
        let bytes = value.unwrap_or_default();
        if name.is_empty() && bytes.is_empty() {
            return Ok(());
        }
        self.leaf("type_url", Value::Text(name.as_bytes()));
        let known = name.rsplit('/').next().and_then(|name| self.schema.names.get(name));
        let kept = self.enter("value");
        match (known, self.rules.foreign) {
            (Some(&at), _) => {
                self.deeper()?;
                self.nested(at, &mut Reader::new(bytes), None)?;
                self.depth -= 1;
            }
            (None, Foreign::Opaque) => {
                (self.show)(Leaf { path: &self.path, value: Value::Bytes(bytes) });
            }
            (None, Foreign::Refuse) => {
                return Err(Fault(Kind::Foreign, "an Any of a type that is not in the set"));
            }
        }
        self.path.truncate(kept);
        Ok(())
    }
}
