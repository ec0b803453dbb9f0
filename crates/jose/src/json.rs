//! A JSON object with one reading: no duplicate keys, bounded depth.
//!
//! `{"sub":"a","sub":"b"}` means `a` to one parser and `b` to the next. Whoever signs such a thing
//! wants two of us to disagree.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Deeper than any claim we know (`act` chains are at most four).
pub(crate) const DEPTH_MAX: u32 = 8;

/// Why a text is not a JSON object that we read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JsonError {
    /// Objects and arrays are nested too deep.
    #[error("nested too deep")]
    Depth,
    /// A key stands twice in one object.
    #[error("a key stands twice")]
    DuplicateKey,
    /// Not UTF-8, not JSON, or not an object.
    #[error("not a JSON object")]
    Syntax,
}

/// Parses one JSON object, nested at most eight levels.
///
/// # Errors
/// When the text is not an object, repeats a key, or is nested too deep.
pub fn parse(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    // serde's errors are text; what we found is noted here, beside them.
    let found = Cell::new(JsonError::Syntax);
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth_left: DEPTH_MAX, found: &found }
        .deserialize(&mut json)
        .map_err(|_unspecific| found.get())?;
    json.end().map_err(|_unspecific| JsonError::Syntax)?;
    match value {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(JsonError::Syntax)
        }
    }
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    depth_left: u32,
    found: &'a Cell<JsonError>,
}

impl Strict<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left, ..self }),
            None => Err(self.fail(JsonError::Depth)),
        }
    }

    fn fail<E: de::Error>(self, error: JsonError) -> E {
        self.found.set(error);
        E::custom(error)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.fail(JsonError::Syntax))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(inner)?;
            if members.insert(key, value).is_some() {
                return Err(self.fail(JsonError::DuplicateKey));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests;
