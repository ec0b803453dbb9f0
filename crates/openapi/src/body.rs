//! Request bodies, by media type.

use crate::check::{Check, Direction};
use crate::schema::{SchemaId, SchemaSet};
use crate::{Limits, Violation, ViolationKind, json, media_type, multipart, parameter, query};

/// A declared request body.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) is_required: bool,
    pub(crate) media: Vec<Media>,
}

/// A declared media type or range, and its schema.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    range: String,
    pub(crate) schema: Option<SchemaId>,
}

impl Media {
    pub(crate) fn new(range: &str, schema: Option<SchemaId>) -> Self {
        Self { range: media_type::essence(range).0, schema }
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
        content_type: Option<&str>,
        body: &[u8],
        limits: &Limits,
    ) -> Vec<Violation> {
        if body.is_empty() && content_type.is_none() {
            let missing = self.is_required.then(|| wrong(String::new(), "a body is required"));
            return missing.into_iter().collect();
        }
        if body.is_empty() && !self.is_required {
            return Vec::new();
        }
        let (essence, parameters) = media_type::essence(content_type.unwrap_or_default());
        let Some(media) = closest(&self.media, &essence) else {
            return vec![media_violation("not a declared media type")];
        };
        if media_type::is_json(&essence) {
            let charset = media_type::parameter(parameters, "charset");
            // RFC 8259 section 8.1. Another charset is another reading of the same bytes.
            if !matches!(&charset, Ok(None)) && !is_utf8(charset.as_ref()) {
                return vec![media_violation("JSON is UTF-8")];
            }
            return check_json(set, media.schema, body, limits);
        }
        let pairs = match essence.as_str() {
            "application/x-www-form-urlencoded" => std::str::from_utf8(body)
                .or(Err("not UTF-8"))
                .and_then(query::pairs)
                .map(|pairs| pairs.into_iter().map(|pair| (pair.name, pair.value)).collect()),
            "multipart/form-data" => multipart::fields(parameters, body),
            _ => return check_other(set, media.schema, &essence, body),
        };
        match (pairs, media.schema) {
            (Ok(pairs), Some(id)) => run(set, id, &parameter::object(set, id, &pairs)),
            (Ok(_), None) => Vec::new(),
            (Err(message), _) => vec![wrong(String::new(), message)],
        }
    }
}

fn is_utf8(charset: Result<&Option<String>, &()>) -> bool {
    charset.is_ok_and(|charset| {
        charset.as_deref().is_some_and(|charset| charset.eq_ignore_ascii_case("utf-8"))
    })
}

fn check_json(
    set: &SchemaSet,
    schema: Option<SchemaId>,
    body: &[u8],
    limits: &Limits,
) -> Vec<Violation> {
    match (json::parse(body, limits), schema) {
        (Ok(node), Some(id)) => run(set, id, &node),
        (Ok(_), None) => Vec::new(),
        (Err(error), _) => {
            vec![wrong(String::new(), &format!("not JSON: {} at byte {}", error.message, error.at))]
        }
    }
}

/// Text is checked as a string; other bytes have no schema that says anything about them.
fn check_other(
    set: &SchemaSet,
    schema: Option<SchemaId>,
    essence: &str,
    body: &[u8],
) -> Vec<Violation> {
    let (Some(id), true) = (schema, essence == "text/plain") else { return Vec::new() };
    match std::str::from_utf8(body) {
        Ok(text) => run(set, id, &parameter::scalar(set, id, text)),
        Err(_) => vec![wrong(String::new(), "not UTF-8")],
    }
}

fn run(set: &SchemaSet, id: SchemaId, node: &crate::node::Node) -> Vec<Violation> {
    let found = Check::new(set, Direction::Request).run(id, node);
    found.into_iter().map(|found| wrong(found.pointer, &found.message)).collect()
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
