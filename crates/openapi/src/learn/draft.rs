//! From what was observed to a document, and to the list of what was not certain.

use std::collections::BTreeMap;

use super::operation::{Operation, Payload};
use super::path::{self, Segment, Template, capital, free_name};
use super::schema::{Keyword, evidence, keyword, with};
use super::shape::{Member, Shape};
use super::support::{Slot, Slots, Support};
use super::{Lessons, Needed, write};
use crate::compile::short;
use crate::node::{Data, Member as Pair, Node};
use crate::number::Number;

/// A document, and what did not get into it.
#[derive(Clone, Debug)]
pub struct Draft {
    document: Data,
    /// What was seen and is not in the document, because too few stand for it.
    pub doubts: Vec<Doubt>,
    /// How many operations it has.
    pub operations: usize,
}

/// Something that too few callers did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Doubt {
    /// Where: `POST /orders body /items/note`.
    pub place: String,
    /// What: `the type string`.
    pub what: String,
    /// How often.
    pub samples: u64,
    /// By how many callers.
    pub callers: usize,
}

impl Draft {
    /// The document as YAML.
    pub fn yaml(&self) -> String {
        write::yaml(&self.document)
    }

    /// The document as JSON.
    pub fn json(&self) -> String {
        write::json(&self.document)
    }
}

impl Lessons {
    /// What a document of the service would say.
    pub fn draft(&self, title: &str, needed: Needed) -> Draft {
        let mut build = Build { needed, doubts: Vec::new(), is_answer: false, names: Vec::new() };
        let mut paths: BTreeMap<String, Vec<Keyword>> = BTreeMap::new();
        let found = build.operations(&self.operations, |one| one.operation.is_declared);
        let operations = found.len();
        for one in found {
            let operation = build.operation(&one);
            let path = paths.entry(one.operation.template.text()).or_default();
            path.push((one.method.to_lowercase(), operation));
        }
        let paths = paths.into_iter().map(|(path, methods)| (path, object(methods)));
        let info = [keyword("title", text(title)), keyword("version", text("learned"))];
        let document = object([
            keyword("openapi", text("3.1.0")),
            keyword("info", object(info)),
            keyword("paths", object(paths)),
        ]);
        Draft { document, doubts: build.doubts, operations }
    }

    /// The operations that enough stand for; those that `is_known` knows are left as they are.
    pub(super) fn standing(
        &self,
        needed: Needed,
        is_known: impl Fn(&Standing) -> bool,
    ) -> Vec<Standing> {
        let mut build = Build { needed, doubts: Vec::new(), is_answer: false, names: Vec::new() };
        build.operations(&self.operations, is_known)
    }
}

/// An operation that enough stand for. All parameters of its template have names.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) method: String,
    pub(super) support: Support,
    pub(super) operation: Operation,
}

/// A document that is being written.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) needed: Needed,
    doubts: Vec<Doubt>,
    /// Answers are the service's: names and types are enough.
    pub(super) is_answer: bool,
    names: Vec<String>,
}

/// Where something stands, in words.
#[derive(Clone, Debug)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn member(&self, name: &str) -> Self {
        Self(format!("{}/{}", self.0, short(name)))
    }

    pub(super) fn items(&self) -> Self {
        Self(format!("{}/0", self.0))
    }

    fn part(&self, part: &str) -> Self {
        Self(format!("{} {part}", self.0))
    }
}

impl Build {
    /// Whether enough stand for something.
    pub(super) fn stands(&self, support: &Support) -> bool {
        support.is_by(self.needed.callers) && support.samples >= self.needed.samples
    }

    pub(super) fn doubt(&mut self, place: &Place, what: String, support: &Support) {
        if support.samples > 0 && !self.is_answer && self.doubts.len() < DOUBTS_MAX {
            let (samples, callers) = (support.samples, support.callers());
            self.doubts.push(Doubt { place: place.0.clone(), what, samples, callers });
        }
    }

    /// Words of a path become a parameter where `is_known` does not know it as it is.
    fn operations(
        &mut self,
        operations: &Slots<Operation>,
        is_known: impl Fn(&Standing) -> bool,
    ) -> Vec<Standing> {
        let mut standing = Vec::new();
        for (name, slot) in operations.iter() {
            let method = name.split(' ').next().unwrap_or_default().to_owned();
            if slot.support.is_by(self.needed.callers) {
                let Slot { support, value: operation } = slot.clone();
                standing.push(Standing { method, support, operation });
            } else {
                self.doubt(&Place(short(name)), "the operation".to_owned(), &slot.support);
            }
        }
        let what = "operations beyond those that are kept".to_owned();
        self.doubt(&Place("*".to_owned()), what, &operations.lost);
        // The same path may be known by two names of its parameters.
        let mut found: BTreeMap<String, Standing> = BTreeMap::new();
        let (known, guessed): (Vec<_>, Vec<_>) = standing.into_iter().partition(is_known);
        for one in known.into_iter().chain(path::collapse(guessed)) {
            let bare = format!("{} {}", one.operation.template.bare(), one.method);
            match found.get_mut(&bare) {
                Some(own) => own.join(one),
                None => drop(found.insert(bare, one)),
            }
        }
        let mut named: BTreeMap<String, Template> = BTreeMap::new();
        let mut all = Vec::new();
        for mut one in found.into_values() {
            let template = &mut one.operation.template;
            let names = named.entry(template.bare()).or_insert_with(|| template.named());
            template.clone_from(names);
            if self.stands(&one.support) {
                all.push(one);
            } else {
                self.doubt(&one.place(), "the operation".to_owned(), &one.support);
            }
        }
        all
    }

    fn operation(&mut self, one: &Standing) -> Data {
        let Standing { operation, support, .. } = one;
        let place = one.place();
        let mut parameters = self.path(operation, &place);
        for (name, one) in operation.query.known.iter() {
            parameters.extend(self.query(name, one, &place.part("query")));
        }
        let lost = &operation.query.known.lost;
        self.doubt(&place.part("query"), "a name beyond those that are kept".to_owned(), lost);
        if let Some(other) = &operation.query.other {
            let what = "a parameter whose name is a value".to_owned();
            self.doubt(&place.part("query"), what, &other.support);
        }
        let mut keywords = vec![keyword("operationId", text(&self.name(one)))];
        if !parameters.is_empty() {
            keywords.push(keyword("parameters", list(parameters)));
        }
        keywords.extend(self.body(operation, &place.part("body")));
        keywords.push(keyword("responses", self.answers(&operation.answers, &place)));
        keywords.push(evidence(support));
        object(keywords)
    }

    fn path(&mut self, operation: &Operation, place: &Place) -> Vec<Data> {
        let mut parameters = Vec::new();
        let mut shapes = operation.path.iter();
        for segment in &operation.template.segments {
            match segment {
                Segment::Literal(_) => {}
                Segment::Mixed(text) => {
                    let names = text.split('{').skip(1).filter_map(|one| one.split('}').next());
                    let schema = || object([keyword("type", super::draft::text("string"))]);
                    parameters.extend(names.map(|name| parameter(name, "path", true, schema())));
                }
                Segment::Parameter(name) => {
                    let place = place.part("path").member(name);
                    let schema = shapes.next().map(|shape| self.schema(shape, &place));
                    let schema = schema.unwrap_or_else(|| object([]));
                    parameters.push(parameter(name, "path", true, schema));
                }
            }
        }
        parameters
    }

    fn query(&mut self, name: &str, slot: &Slot<Member>, place: &Place) -> Option<Data> {
        let place = place.member(name);
        if !self.stands(&slot.support) {
            self.doubt(&place, "it".to_owned(), &slot.support);
            return None;
        }
        let is_required = self.is_always(&slot.value.missing, &place);
        let schema = self.schema(&slot.value.shape, &place);
        let found = parameter(name, "query", is_required, schema);
        Some(with(found, evidence(&slot.support)))
    }

    fn body(&mut self, operation: &Operation, place: &Place) -> Option<(String, Data)> {
        let mut content = Vec::new();
        for (media_type, slot) in operation.bodies.iter() {
            let place = place.part(media_type);
            if self.stands(&slot.support) {
                content.push((media_type.clone(), self.payload(&slot.value, &place)));
            } else {
                self.doubt(&place, "it".to_owned(), &slot.support);
            }
        }
        if content.is_empty() {
            return None;
        }
        let is_required = self.is_always(&operation.bodiless, place);
        let keywords =
            [keyword("required", Data::Bool(is_required)), keyword("content", object(content))];
        Some(keyword("requestBody", object(keywords)))
    }

    fn payload(&mut self, payload: &Payload, place: &Place) -> Data {
        let schema = match (&payload.json, &payload.fields) {
            (Some(shape), _) => Some(self.schema(shape, place)),
            (None, Some(members)) => {
                let mut keywords = vec![keyword("type", text("object"))];
                keywords.extend(self.members(members, place));
                Some(object(keywords))
            }
            (None, None) => None,
        };
        object(schema.map(|schema| keyword("schema", schema)))
    }

    fn answers(&mut self, answers: &Slots<Slots<Shape>>, place: &Place) -> Data {
        self.is_answer = true;
        let mut all = Vec::new();
        let callers = self.needed.callers;
        for (status, slot) in answers.iter().filter(|(_, slot)| slot.support.is_by(callers)) {
            let place = place.part(status);
            let mut keywords = vec![keyword("description", text("As it was seen."))];
            let types = slot.value.iter().filter(|(_, one)| one.support.is_by(callers));
            let types: Vec<(String, Data)> = types
                .map(|(media_type, one)| {
                    let is_known = !one.value.kinds.is_empty();
                    let schema = is_known.then(|| self.schema(&one.value, &place));
                    (media_type.clone(), object(schema.map(|one| keyword("schema", one))))
                })
                .collect();
            if !types.is_empty() {
                keywords.push(keyword("content", object(types)));
            }
            all.push((status.clone(), object(keywords)));
        }
        self.is_answer = false;
        if all.is_empty() {
            all.push(("default".to_owned(), object([keyword("description", text("Not seen."))])));
        }
        object(all)
    }

    fn name(&mut self, one: &Standing) -> String {
        let name = one.operation.name.clone().unwrap_or_else(|| {
            let words = one.operation.template.segments.iter().flat_map(|segment| match segment {
                Segment::Literal(text) | Segment::Mixed(text) => words(text),
                Segment::Parameter(name) => {
                    let mut words = words(name);
                    words.insert(0, "By".to_owned());
                    words
                }
            });
            let words: String = words.map(|word| capital(&word)).collect();
            format!("{}{words}", one.method.to_lowercase())
        });
        let free = free_name(&name, &self.names);
        self.names.push(free.clone());
        free
    }
}

impl Standing {
    /// Takes over what another one knows of the same path.
    pub(super) fn join(&mut self, other: Self) {
        self.support.join(&other.support);
        self.operation.join(other.operation);
    }

    fn place(&self) -> Place {
        Place(format!("{} {}", self.method, short(&self.operation.template.text())))
    }
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn parameter(name: &str, place: &str, is_required: bool, schema: Data) -> Data {
    let mut keywords = vec![keyword("name", text(name)), keyword("in", text(place))];
    if is_required {
        keywords.push(keyword("required", Data::Bool(true)));
    }
    keywords.push(keyword("schema", schema));
    object(keywords)
}

pub(super) fn text(text: &str) -> Data {
    Data::Text(text.to_owned())
}

pub(super) fn whole(number: i128) -> Data {
    Data::Number(Number::Decimal { mantissa: number, scale: 0 })
}

pub(super) fn list(items: Vec<Data>) -> Data {
    Data::Array(items.into_iter().map(Node::new).collect())
}

pub(super) fn object(members: impl IntoIterator<Item = (String, Data)>) -> Data {
    let member = |(name, data)| Pair { at: 0, name, value: Node::new(data) };
    Data::Object(members.into_iter().map(member).collect())
}

/// As many as somebody reads.
const DOUBTS_MAX: usize = 1_000;
