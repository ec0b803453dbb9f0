//! YAML documents, read into the same nodes as JSON; `at` is the line.
//!
//! Doubled keys are refused. Aliases are bounded by the parser's budget: an alias bomb ends as an
//! error after a counted number of nodes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::Limits;
use crate::node::{Data, Member, Node};
use crate::number::Number;

/// Why a document is not read.
#[derive(Debug)]
pub(crate) struct YamlError {
    pub(crate) line: u32,
    pub(crate) message: String,
}

pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Node, YamlError> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_depth: limits.depth_max,
            max_nodes: limits.members_max,
        },
    };
    let node: Lined = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(0, |place| place.line());
        // The rendered error has an excerpt; our own report shows the place.
        let text = error.without_snippet().to_string();
        let message = text.lines().next().unwrap_or_default().to_owned();
        YamlError { line: u32::try_from(line).unwrap_or(0), message }
    })?;
    Ok(node.0)
}

/// A node that knows its line.
struct Lined(Node);

/// A node of whose line its parent knows.
struct Plain(Data);

impl<'de> Deserialize<'de> for Lined {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Plain>::deserialize(deserializer)?;
        let at = usize::try_from(spanned.defined.line()).unwrap_or(0);
        Ok(Self(Node { at, end: at, data: spanned.value.0 }))
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Data, E> {
        number(&value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Data, E> {
        number(&value.to_string())
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<Data, E> {
        number(&value.to_string())
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<Data, E> {
        number(&value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Data, E> {
        number(&value.to_string())
    }

    fn visit_str<E>(self, value: &str) -> Result<Data, E> {
        Ok(Data::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_none<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        Plain::deserialize(deserializer).map(|plain| plain.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Data, A::Error> {
        let mut items = Vec::new();
        while let Some(Lined(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Data::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Data, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let at = usize::try_from(key.defined.line()).unwrap_or(0);
            let Lined(value) = access.next_value()?;
            members.push(Member { at, name: key.value, value });
        }
        Ok(Data::Object(members))
    }
}

fn number<E: serde::de::Error>(text: &str) -> Result<Data, E> {
    Number::parse(text).map(Data::Number).ok_or_else(|| E::custom("number out of range"))
}
