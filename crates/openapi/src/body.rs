//! Request bodies, by media type.

use crate::check::{Check, Direction, Found};
use crate::form::{self, Encoding, Form};
use crate::node::{Data, Node};
use crate::operation::result;
use crate::proof::{Leaf, Proof};
use crate::schema::{SchemaId, SchemaSet};
use crate::value::{Written, scalar};
use crate::{BodyParts, Violation, ViolationKind, json, media_type, multipart, query, xml};

/// A declared request body.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) is_required: bool,
    pub(crate) media: Vec<Media>,
}

/// A declared media type or range, its schema, and how fields of forms are written.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    range: String,
    pub(crate) schema: Option<SchemaId>,
    encodings: Vec<Encoding>,
}

/// Where proofs go, if anybody wants them.
type Proofs<'p> = Option<&'p mut Vec<Proof>>;

impl Media {
    pub(crate) fn new(range: &str, schema: Option<SchemaId>, encodings: Vec<Encoding>) -> Self {
        Self { range: media_type::essence(range).0, schema, encodings }
    }
}

/// The closest of the declared types.
pub(crate) fn closest<'m>(media: &'m [Media], essence: &str) -> Option<&'m Media> {
    let covering = media
        .iter()
        .filter_map(|media| media_type::covers(&media.range, essence).map(|rank| (rank, media)));
    covering.max_by_key(|(rank, _)| *rank).map(|(_, media)| media)
}

impl Body {
    pub(crate) fn check(
        &self,
        set: &SchemaSet,
        parts: &BodyParts<'_>,
        proofs: Proofs<'_>,
    ) -> Result<(), Vec<Violation>> {
        let body = parts.bytes;
        if body.is_empty() && (parts.content_type.is_none() || !self.is_required) {
            let missing = self.is_required.then(|| wrong(String::new(), "a body is required"));
            return result(missing.into_iter().collect());
        }
        let (essence, parameters) = media_type::essence(parts.content_type.unwrap_or_default());
        let Some(media) = closest(&self.media, &essence) else {
            return Err(vec![media_violation("not a declared media type")]);
        };
        // RFC 8259 section 8.1. Another charset is another reading of the same bytes.
        if is_text(&essence) && !is_utf8(parameters) {
            return Err(vec![media_violation("text is UTF-8")]);
        }
        let found = match essence.as_str() {
            json if media_type::is_json(json) => check_json(set, media.schema, parts, proofs),
            "application/x-www-form-urlencoded" => check_form(set, media, parts, proofs),
            "multipart/form-data" => check_multipart(set, media, (parameters, parts), proofs),
            xml if media_type::is_xml(xml) => check_xml(set, media.schema, body),
            _ => check_other(set, media.schema, &essence, body),
        };
        result(found)
    }
}

/// Types that have a charset which changes what is read.
fn is_text(essence: &str) -> bool {
    media_type::is_json(essence)
        || media_type::is_xml(essence)
        || matches!(essence, "application/x-www-form-urlencoded" | "text/plain")
}

fn is_utf8(parameters: &str) -> bool {
    media_type::parameter(parameters, "charset")
        .is_ok_and(|charset| charset.is_none_or(|charset| media_type::is_utf8(&charset)))
}

fn check_json(
    set: &SchemaSet,
    schema: Option<SchemaId>,
    parts: &BodyParts<'_>,
    proofs: Proofs<'_>,
) -> Vec<Violation> {
    let node = match json::parse(parts.bytes, &parts.limits) {
        Ok(node) => node,
        Err(error) => {
            let message = format!("not JSON: {} at byte {}", error.message, error.at);
            return vec![wrong(String::new(), &message)];
        }
    };
    let Some(id) = schema else { return Vec::new() };
    let name = |leaves: Vec<Leaf<'_>>| {
        leaves.iter().filter_map(|leaf| leaf.json(parts.bytes)).collect::<Vec<_>>()
    };
    run(set, id, &node, proofs, name)
}

fn check_form(
    set: &SchemaSet,
    media: &Media,
    parts: &BodyParts<'_>,
    proofs: Proofs<'_>,
) -> Vec<Violation> {
    let text = std::str::from_utf8(parts.bytes).or(Err("not UTF-8"));
    let pairs = match text.and_then(query::pairs) {
        Ok(pairs) => pairs,
        Err(message) => return vec![wrong(String::new(), message)],
    };
    let Some(mut form) = media.form(set, parts) else { return Vec::new() };
    let node = form.urlencoded(&pairs);
    let name = |leaves: Vec<Leaf<'_>>| {
        let field = |at: usize| pairs.get(at).map(|pair| (pair.name.as_str(), pair.value.as_str()));
        form::proofs(&node, &leaves, field)
    };
    let found = run(set, form.id, &node, proofs, name);
    joined(form.found, found)
}

fn check_multipart(
    set: &SchemaSet,
    media: &Media,
    (parameters, parts): (&str, &BodyParts<'_>),
    proofs: Proofs<'_>,
) -> Vec<Violation> {
    let fields = match multipart::parts(parameters, parts.bytes) {
        Ok(fields) => fields,
        Err(message) => return vec![wrong(String::new(), message)],
    };
    let Some(mut form) = media.form(set, parts) else { return Vec::new() };
    let node = form.multipart(&fields);
    let name = |leaves: Vec<Leaf<'_>>| {
        let field = |at: usize| {
            let part = fields.get(at).filter(|part| !part.is_file)?;
            Some((part.name.as_str(), part.text().ok()?))
        };
        form::proofs(&node, &leaves, field)
    };
    let found = run(set, form.id, &node, proofs, name);
    joined(form.found, found)
}

impl Media {
    fn form<'s>(&'s self, set: &'s SchemaSet, parts: &BodyParts<'_>) -> Option<Form<'s>> {
        let (encodings, unknown) = (self.encodings.as_slice(), parts.unknown);
        Some(Form { set, id: self.schema?, encodings, unknown, found: Vec::new() })
    }
}

/// What is wrong with single fields, then what the schema says of others.
fn joined(mut found: Vec<Violation>, more: Vec<Violation>) -> Vec<Violation> {
    for violation in more {
        if !found.iter().any(|one| one.pointer == violation.pointer) {
            found.push(violation);
        }
    }
    found
}

fn check_xml(set: &SchemaSet, schema: Option<SchemaId>, body: &[u8]) -> Vec<Violation> {
    let root = match xml::parse(body) {
        Ok(root) => root,
        Err(error) => {
            let message = format!("not XML: {} at byte {}", error.message, error.at);
            return vec![wrong(String::new(), &message)];
        }
    };
    let Some(id) = schema else { return Vec::new() };
    match xml::value(set, id, &root) {
        Ok(node) => run(set, id, &node, None, |_| Vec::new()),
        Err(message) => vec![wrong(String::new(), &message)],
    }
}

/// Text is checked as a string; of other bytes, a schema can say how many they are, and no more.
fn check_other(
    set: &SchemaSet,
    schema: Option<SchemaId>,
    essence: &str,
    body: &[u8],
) -> Vec<Violation> {
    let Some(id) = schema else { return Vec::new() };
    let text = std::str::from_utf8(body);
    let node = match text {
        Ok(text) if essence.starts_with("text/") => {
            scalar(set, id, Written { text, ..Written::default() })
        }
        Err(_) if essence == "text/plain" => return vec![wrong(String::new(), "not UTF-8")],
        _ => Node::new(Data::File(body.len())),
    };
    // A syntax that nobody here reads (YAML, CBOR) may be of any type.
    if matches!(node.data, Data::File(_)) && !set.types(id).accept(&node.data) {
        return Vec::new();
    }
    run(set, id, &node, None, |_| Vec::new())
}

fn run<'n>(
    set: &SchemaSet,
    id: SchemaId,
    node: &'n Node,
    proofs: Proofs<'_>,
    name: impl FnOnce(Vec<Leaf<'n>>) -> Vec<Proof>,
) -> Vec<Violation> {
    let check = Check::new(set, Direction::Request);
    let found = match proofs {
        None => check.run(id, node),
        Some(proofs) => match check.prove(id, node) {
            Ok(leaves) => {
                proofs.extend(name(leaves));
                Vec::new()
            }
            Err(found) => found,
        },
    };
    found.into_iter().map(|found: Found| wrong(found.pointer, &found.message)).collect()
}

pub(crate) fn wrong(pointer: String, message: &str) -> Violation {
    Violation { kind: ViolationKind::Body, pointer, message: message.to_owned() }
}

fn media_violation(message: &str) -> Violation {
    Violation {
        kind: ViolationKind::MediaType,
        pointer: String::new(),
        message: message.to_owned(),
    }
}
