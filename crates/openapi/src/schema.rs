//! Schemas in their internal form: what a document says, compiled once.
//!
//! Schemas refer to one another by index, so that a recursive document is an ordinary table.

use std::collections::HashMap;

use regex::Regex;

use crate::format::Format;
use crate::node::Data;
use crate::number::Number;
use crate::proof::Kind;
use crate::xml::XmlName;

/// All schemas of a document.
#[derive(Debug, Default)]
pub(crate) struct SchemaSet {
    pub(crate) schemas: Vec<Schema>,
}

/// The index of a schema in its set.
pub(crate) type SchemaId = usize;

/// One schema. Rules that are absent check nothing.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a keyword of JSON Schema or OpenAPI")]
pub(crate) struct Schema {
    /// The schema `false`.
    pub(crate) is_never: bool,
    /// `nullable` of 3.0: `null` is accepted whatever else is said.
    pub(crate) is_nullable: bool,
    pub(crate) types: Types,
    /// `enum` and `const`: the value is in each of the lists.
    pub(crate) choices: Vec<Vec<Data>>,
    pub(crate) number: NumberRules,
    pub(crate) text: TextRules,
    pub(crate) array: ArrayRules,
    pub(crate) object: ObjectRules,
    pub(crate) combine: CombineRules,
    pub(crate) is_read_only: bool,
    pub(crate) is_write_only: bool,
    /// What it is called in XML, where that says more than the name of the property.
    pub(crate) xml: Option<Box<XmlName>>,
}

/// A set of JSON types; the empty set means any.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Types(u8);

#[derive(Debug, Default)]
pub(crate) struct NumberRules {
    pub(crate) minimum: Option<Number>,
    pub(crate) maximum: Option<Number>,
    pub(crate) above: Option<Number>,
    pub(crate) below: Option<Number>,
    pub(crate) multiple_of: Option<Number>,
}

#[derive(Debug, Default)]
pub(crate) struct TextRules {
    pub(crate) chars_min: Option<usize>,
    pub(crate) chars_max: Option<usize>,
    pub(crate) pattern: Option<Regex>,
    pub(crate) format: Option<Format>,
    /// `format: binary`, or a media type without an encoding: bytes, wherever they can be sent.
    pub(crate) is_binary: bool,
    /// `contentMediaType`, in lower case.
    pub(crate) media: Option<String>,
    /// What is proved about a text that fits.
    pub(crate) harmless: Option<Kind>,
}

#[derive(Debug, Default)]
pub(crate) struct ArrayRules {
    pub(crate) prefix: Vec<SchemaId>,
    pub(crate) items: Option<SchemaId>,
    /// `unevaluatedItems`.
    pub(crate) leftover: Option<SchemaId>,
    pub(crate) items_min: Option<usize>,
    pub(crate) items_max: Option<usize>,
    pub(crate) is_unique: bool,
    pub(crate) contains: Option<SchemaId>,
    pub(crate) contains_min: Option<usize>,
    pub(crate) contains_max: Option<usize>,
}

#[derive(Debug, Default)]
pub(crate) struct ObjectRules {
    /// `None` where the keyword is absent, which is not the same as an empty list of properties.
    pub(crate) properties: Option<Properties>,
    pub(crate) patterns: Vec<(Regex, SchemaId)>,
    pub(crate) additional: Option<SchemaId>,
    /// `unevaluatedProperties`.
    pub(crate) leftover: Option<SchemaId>,
    pub(crate) names: Option<SchemaId>,
    pub(crate) required: Vec<String>,
    pub(crate) members_min: Option<usize>,
    pub(crate) members_max: Option<usize>,
    pub(crate) dependent_required: Vec<Dependent>,
    pub(crate) dependent_schemas: Vec<(String, SchemaId)>,
}

/// Properties by name. Most objects have a few: comparing is faster there than hashing.
#[derive(Debug, Default)]
pub(crate) struct Properties(Vec<(String, SchemaId)>);

/// More properties are found by halving.
const COMPARED_MAX: usize = 16;

impl Properties {
    pub(crate) fn get(&self, name: &str) -> Option<&SchemaId> {
        let found = if self.0.len() <= COMPARED_MAX {
            self.0.iter().find(|(known, _)| known == name)
        } else {
            let at = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name));
            at.ok().and_then(|at| self.0.get(at))
        };
        found.map(|(_, id)| id)
    }

    pub(crate) fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl FromIterator<(String, SchemaId)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, SchemaId)>>(all: I) -> Self {
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_unstable();
        Self(all)
    }
}

impl<'p> IntoIterator for &'p Properties {
    type Item = &'p (String, SchemaId);
    type IntoIter = std::slice::Iter<'p, (String, SchemaId)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl ObjectRules {
    /// Whether a member is declared here, by name, pattern or as one of any name.
    pub(crate) fn names_or_matches(&self, name: &str) -> bool {
        self.properties.as_ref().is_some_and(|map| map.contains_key(name))
            || self.patterns.iter().any(|(pattern, _)| pattern.is_match(name))
            || self.additional.is_some()
    }
}

/// A member, and those that it needs beside it.
pub(crate) type Dependent = (String, Vec<String>);

#[derive(Debug, Default)]
pub(crate) struct CombineRules {
    pub(crate) all_of: Vec<SchemaId>,
    pub(crate) any_of: Vec<SchemaId>,
    pub(crate) one_of: Vec<SchemaId>,
    pub(crate) not: Option<SchemaId>,
    pub(crate) condition: Option<Condition>,
    pub(crate) discriminator: Option<Discriminator>,
}

impl CombineRules {
    /// Whether no other schema applies in the same place, but under a condition.
    pub(crate) const fn is_alone(&self) -> bool {
        self.all_of.is_empty() && self.any_of.is_empty() && self.one_of.is_empty()
    }
}

/// `if`, `then`, `else`.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) test: SchemaId,
    pub(crate) then: Option<SchemaId>,
    pub(crate) otherwise: Option<SchemaId>,
}

/// Names the branch of `oneOf` or `anyOf` by the value of one property.
#[derive(Debug)]
pub(crate) struct Discriminator {
    pub(crate) property: String,
    pub(crate) mapping: HashMap<String, SchemaId>,
}

impl SchemaSet {
    pub(crate) fn get(&self, id: SchemaId) -> Option<&Schema> {
        self.schemas.get(id)
    }
}

impl Types {
    pub(crate) const ARRAY: Self = Self(1);
    pub(crate) const BOOLEAN: Self = Self(2);
    pub(crate) const INTEGER: Self = Self(4);
    pub(crate) const NULL: Self = Self(8);
    pub(crate) const NUMBER: Self = Self(16);
    pub(crate) const OBJECT: Self = Self(32);
    pub(crate) const STRING: Self = Self(64);

    /// The type of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "array" => Self::ARRAY,
            "boolean" => Self::BOOLEAN,
            "integer" => Self::INTEGER,
            "null" => Self::NULL,
            "number" => Self::NUMBER,
            "object" => Self::OBJECT,
            "string" => Self::STRING,
            _ => return None,
        })
    }

    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn is_any(self) -> bool {
        self.0 == 0
    }

    /// Whether one of the other's types is in this set. Not true of "any".
    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether a value has one of the types.
    pub(crate) fn accept(self, data: &Data) -> bool {
        self.is_any() || self.has(Self::of(data))
    }

    /// The types of a value.
    pub(crate) fn of(data: &Data) -> Self {
        match data {
            Data::Array(_) => Self::ARRAY,
            Data::Bool(_) => Self::BOOLEAN,
            Data::Null => Self::NULL,
            Data::Number(number) if number.is_integer() => Self::NUMBER.with(Self::INTEGER),
            Data::Number(_) => Self::NUMBER,
            Data::Object(_) => Self::OBJECT,
            Data::File(_) | Data::Text(_) => Self::STRING,
        }
    }

    /// `string or null`.
    pub(crate) fn describe(self) -> String {
        let all = [
            (Self::ARRAY, "array"),
            (Self::BOOLEAN, "boolean"),
            (Self::INTEGER, "integer"),
            (Self::NUMBER, "number"),
            (Self::OBJECT, "object"),
            (Self::STRING, "string"),
            (Self::NULL, "null"),
        ];
        let names: Vec<&str> =
            all.into_iter().filter(|(one, _)| self.has(*one)).map(|(_, name)| name).collect();
        names.join(" or ")
    }
}
