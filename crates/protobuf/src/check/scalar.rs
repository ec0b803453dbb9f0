//! Values that hold no others.

use super::{NOT_TEXT, Unknown, Walk};
use crate::leaf::Value;
use crate::schema::Shape;
use crate::violation::{Fault, Kind};
use crate::wire::Reader;

impl Walk<'_, '_> {
    /// Reads one value. `None`: an enum's value that is not known, and passes.
    pub(super) fn scalar<'b>(
        &self,
        shape: Shape,
        reader: &mut Reader<'b>,
    ) -> Result<Option<Value<'b>>, Fault> {
        Ok(Some(match shape {
            Shape::Bool => match reader.varint()? {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                _ => return Err(Fault(Kind::Ambiguous, "a bool that is neither 0 nor 1")),
            },
            Shape::Bytes => Value::Bytes(reader.length()?),
            Shape::Text { is_verified } => {
                let text = reader.length()?;
                if is_verified && std::str::from_utf8(text).is_err() {
                    return Err(Fault(Kind::Text, NOT_TEXT));
                }
                Value::Text(text)
            }
            Shape::Double => Value::Double(f64::from_le_bytes(reader.fixed64()?)),
            Shape::Float => Value::Float(f32::from_le_bytes(reader.fixed32()?)),
            Shape::Fixed32 => Value::Unsigned(u32::from_le_bytes(reader.fixed32()?).into()),
            Shape::Fixed64 => Value::Unsigned(u64::from_le_bytes(reader.fixed64()?)),
            Shape::Sfixed32 => Value::Signed(i32::from_le_bytes(reader.fixed32()?).into()),
            Shape::Sfixed64 => Value::Signed(i64::from_le_bytes(reader.fixed64()?)),
            Shape::Int32 => Value::Signed(int32(reader.varint()?)?.into()),
            Shape::Int64 => Value::Signed(reader.varint()?.cast_signed()),
            Shape::Uint32 => Value::Unsigned(uint32(reader.varint()?)?.into()),
            Shape::Uint64 => Value::Unsigned(reader.varint()?),
            Shape::Sint32 => Value::Signed(zigzag(uint32(reader.varint()?)?.into())),
            Shape::Sint64 => Value::Signed(zigzag(reader.varint()?)),
            Shape::Enum(at) => return self.listed(at, int32(reader.varint()?)?),
            Shape::Group(_) | Shape::Message(_) => return Ok(None),
        }))
    }

    fn listed<'b>(&self, at: usize, number: i32) -> Result<Option<Value<'b>>, Fault> {
        let list = self.schema.enums.get(at);
        let is_known =
            list.is_some_and(|list| !list.is_closed || list.numbers.binary_search(&number).is_ok());
        if is_known {
            return Ok(Some(Value::Signed(number.into())));
        }
        match self.rules.unknown {
            Unknown::Pass => Ok(None),
            Unknown::Refuse => Err(Fault(Kind::Unknown, "a value that the enum does not list")),
        }
    }
}

/// A negative one has ten bytes; some readers cut what is larger, some refuse it.
fn int32(number: u64) -> Result<i32, Fault> {
    i32::try_from(number.cast_signed()).map_err(|_wide| WIDE)
}

fn uint32(number: u64) -> Result<u32, Fault> {
    u32::try_from(number).map_err(|_wide| WIDE)
}

const fn zigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

const WIDE: Fault = Fault(Kind::Ambiguous, "a number out of the range of its type");
