//! What a schema proves about single values: that nothing harmful is in them.
//!
//! A proof is for exact bytes in one place. Whoever looks for attacks may leave these bytes out
//! there, and nothing else: a second value of the same name has no proof.

use std::collections::{BTreeMap, HashMap};

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::node::{Data, Node};
use crate::schema::{Schema, Types};

/// A value that its schema proves harmless.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    /// Where it stands.
    pub place: ProofPlace,
    /// The parameter's or field's name, or the way down into a JSON body.
    pub path: Vec<ProofStep>,
    /// The decoded value; of a number in JSON, its text.
    pub value: String,
    /// What proves it.
    pub kind: Kind,
}

/// Where a proved value stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProofPlace {
    /// A cookie.
    Cookie,
    /// A field of a form, URL-encoded or multipart.
    Form,
    /// A header field.
    Header,
    /// A leaf of a JSON body.
    Json,
    /// A parameter of the query.
    Query,
}

/// One step down into a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ProofStep {
    /// The element of an array.
    Index(usize),
    /// The member of an object.
    Name(String),
}

/// What of a schema leaves no room for an attack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// One of a list of harmless texts.
    Choice,
    /// A date, a time, or both.
    Date,
    /// A whole number.
    Integer,
    /// An IP address.
    Ip,
    /// A number.
    Number,
    /// A pattern for the whole text, of letters, digits, `_` and `-`, neither of these doubled.
    Pattern,
    /// A UUID.
    Uuid,
}

impl Kind {
    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Choice => "one of a list",
            Self::Date => "date or time",
            Self::Integer => "integer",
            Self::Ip => "address",
            Self::Number => "number",
            Self::Pattern => "narrow pattern",
            Self::Uuid => "uuid",
        }
    }

    /// What a schema proves about a value that fits it.
    pub(crate) fn of(schema: &Schema, data: &Data) -> Option<Self> {
        let types = schema.types;
        match data {
            Data::Bool(_) if types.has(Types::BOOLEAN) => Some(Self::Boolean),
            Data::Number(_) if types.has(Types::INTEGER) && !types.has(Types::NUMBER) => {
                Some(Self::Integer)
            }
            Data::Number(_) if types.has(Types::NUMBER) => Some(Self::Number),
            // `1--` ends a statement, and `__proto__` is a name that programs act on.
            Data::Text(text) => schema.text.harmless.filter(|kind| {
                *kind != Self::Pattern || !(text.contains("--") || text.contains("__"))
            }),
            _ => None,
        }
    }
}

/// A leaf that fits a schema of a harmless kind.
#[derive(Clone, Debug)]
pub(crate) struct Leaf<'n> {
    pub(crate) node: &'n Node,
    pub(crate) path: Vec<Step<'n>>,
    pub(crate) kind: Kind,
}

/// One step down into a value, while it is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'n> {
    Index(usize),
    Name(&'n str),
}

impl Proof {
    /// The proof for a value of that name; `None` when the value is written in an odd way.
    pub(crate) fn of(place: ProofPlace, name: &str, value: &str, kind: Kind) -> Option<Self> {
        let is_number = matches!(kind, Kind::Boolean | Kind::Integer | Kind::Number);
        if is_number && !value.split([',', '|', ' ']).all(is_plain) {
            return None;
        }
        let path = vec![ProofStep::Name(name.to_owned())];
        Some(Self { place, path, value: value.to_owned(), kind })
    }
}

impl Leaf<'_> {
    /// The proof for a leaf of a JSON text.
    pub(crate) fn json(&self, text: &[u8]) -> Option<Proof> {
        let value = if let Data::Text(text) = &self.node.data {
            text.clone()
        } else {
            let written = text.get(self.node.at..self.node.end)?;
            std::str::from_utf8(written).ok().filter(|text| is_plain(text))?.to_owned()
        };
        let owned = |step: &Step<'_>| match step {
            Step::Index(index) => ProofStep::Index(*index),
            Step::Name(name) => ProofStep::Name((*name).to_owned()),
        };
        let path = self.path.iter().map(owned).collect();
        Some(Proof { place: ProofPlace::Json, path, value, kind: self.kind })
    }
}

/// Which written values are proved whole, by their index: those of which each leaf is proved.
pub(crate) fn whole(node: &Node, leaves: &[Leaf<'_>]) -> Vec<(usize, Kind)> {
    let known: HashMap<*const Node, Kind> =
        leaves.iter().map(|leaf| (std::ptr::from_ref(leaf.node), leaf.kind)).collect();
    let mut all = Vec::new();
    texts(node, &mut all);
    let mut proved: BTreeMap<usize, Option<Kind>> = BTreeMap::new();
    for node in all {
        let kind = known.get(&std::ptr::from_ref(node)).copied();
        proved.entry(node.at).and_modify(|one| *one = one.and(kind)).or_insert(kind);
    }
    proved.into_iter().filter_map(|(pair, kind)| kind.map(|kind| (pair, kind))).collect()
}

/// The leaves of a value, which hold where they were written.
fn texts<'n>(node: &'n Node, all: &mut Vec<&'n Node>) {
    match &node.data {
        Data::Array(items) => items.iter().for_each(|item| texts(item, all)),
        Data::Object(members) => members.iter().for_each(|member| texts(&member.value, all)),
        _ => all.push(node),
    }
}

/// Texts that a number or boolean may be written as. Not every number: `2.2250738585072011e-308` and
/// its like are there to stop whoever reads them.
fn is_plain(text: &str) -> bool {
    let is_number =
        text.len() <= NUMBER_BYTES_MAX && text.bytes().all(|byte| b"-.0123456789".contains(&byte));
    is_number || matches!(text, "true" | "false")
}

/// As long as the longest number of 64 bits with its sign.
const NUMBER_BYTES_MAX: usize = 20;

/// Whether a text of a list is only words: the author of the document wrote it, and it is in no
/// language that is run.
pub(crate) fn is_words(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-.:,/@+".contains(&byte);
    text.bytes().all(is_plain) && !text.contains("..") && !text.contains("--")
}

/// Whether a pattern in our own syntax covers a whole text, with letters, digits, `_` and `-` only.
pub(crate) fn is_narrow(pattern: &str) -> bool {
    let Ok(hir) = regex_syntax::parse(pattern) else { return false };
    let properties = hir.properties();
    properties.look_set_prefix().contains(Look::Start)
        && properties.look_set_suffix().contains(Look::End)
        && has_narrow_letters(&hir)
}

fn has_narrow_letters(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => literal.0.iter().copied().all(is_narrow_byte),
        HirKind::Class(class) => {
            let mut letters: Vec<(u32, u32)> = Vec::new();
            match class {
                Class::Unicode(class) => {
                    letters
                        .extend(class.iter().map(|r| (u32::from(r.start()), u32::from(r.end()))));
                }
                Class::Bytes(class) => {
                    letters
                        .extend(class.iter().map(|r| (u32::from(r.start()), u32::from(r.end()))));
                }
            }
            let is_narrow = |letter: u32| u8::try_from(letter).is_ok_and(is_narrow_byte);
            letters.into_iter().all(|(first, last)| last < 128 && (first..=last).all(is_narrow))
        }
        HirKind::Repetition(repetition) => has_narrow_letters(&repetition.sub),
        HirKind::Capture(capture) => has_narrow_letters(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().all(has_narrow_letters)
        }
    }
}

const fn is_narrow_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests;
