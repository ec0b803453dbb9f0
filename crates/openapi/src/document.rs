//! An OpenAPI document: parsed, with its references resolved and its operations named.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_base::{Contract, Place};

use crate::compile::{Compiler, Dialect};
use crate::node::Node;
use crate::{Limits, Schemas, json, paths, yaml};

/// A parsed document.
#[derive(Clone, Debug)]
pub struct Document {
    contract: Contract,
    notes: Vec<DocumentError>,
    data: BTreeMap<String, BTreeSet<String>>,
    compiled: Result<Schemas, Vec<DocumentError>>,
}

/// Something in a document that is wrong, or (as a note) worth a look.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct DocumentError {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
}

/// Turns the place of a node into file and line.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    file: String,
    /// Offsets of line ends; `None` where nodes know their line already.
    line_ends: Option<Vec<usize>>,
}

impl Document {
    /// Parses JSON or YAML of OpenAPI 3.0 or 3.1. `file` is the name for places.
    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, Vec<DocumentError>> {
        let (root, places) = read(bytes, file).map_err(|error| vec![error])?;
        let dialect = dialect(&root, &places).map_err(|error| vec![error])?;
        let mut compiler = Compiler::new(&root, dialect);
        let found = paths::read(&root, &mut compiler, &places)?;
        let (set, findings) = compiler.finish();
        let (operations, schemas) = found.finish(set);
        let mut data = BTreeMap::new();
        classes(&root, &mut data);
        let errors: Vec<DocumentError> =
            findings.into_iter().map(|finding| places.error(finding.at, finding.message)).collect();
        Ok(Self {
            contract: Contract { operations, source: file.to_owned(), has_schemas: true },
            notes: found.notes,
            data,
            compiled: if errors.is_empty() { Ok(schemas) } else { Err(errors) },
        })
    }

    /// The operations, in the order of the document, with unique names.
    pub fn contract(&self) -> Contract {
        self.contract.clone()
    }

    /// What is allowed but worth a look, such as an operation without `operationId`.
    pub fn notes(&self) -> &[DocumentError] {
        &self.notes
    }

    /// Property names by data class, from the extension key `x-ringwall-data`.
    pub fn data_fields(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.data
    }

    /// The compiled schemas, or what in them cannot be enforced.
    pub fn compile(&self) -> Result<Schemas, Vec<DocumentError>> {
        self.compiled.clone()
    }
}

impl Places {
    pub(crate) fn error(&self, at: usize, message: String) -> DocumentError {
        DocumentError { place: self.place(at), message }
    }

    pub(crate) fn place(&self, at: usize) -> Place {
        let line = match &self.line_ends {
            Some(ends) => ends.partition_point(|end| *end < at).saturating_add(1),
            None => at,
        };
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        Place { file: self.file.clone(), line, column: 0 }
    }
}

fn read(bytes: &[u8], file: &str) -> Result<(Node, Places), DocumentError> {
    let limits = Limits::document();
    let mut places = Places { file: file.to_owned(), line_ends: None };
    let whole = |message: &str| DocumentError {
        place: Place { file: file.to_owned(), line: 0, column: 0 },
        message: message.to_owned(),
    };
    if bytes.len() > limits.bytes_max {
        return Err(whole("larger than 4 MiB"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Err(whole("not UTF-8")) };
    // An object in braces is JSON; YAML written in that style is refused by the stricter reader.
    if text.trim_start().starts_with('{') {
        let ends = memchr::memchr_iter(b'\n', bytes).collect();
        places.line_ends = Some(ends);
        let node = json::parse(bytes, &limits)
            .map_err(|error| places.error(error.at, format!("not JSON: {}", error.message)))?;
        return Ok((node, places));
    }
    match yaml::parse(text, &limits) {
        Ok(node) => Ok((node, places)),
        Err(error) => Err(DocumentError {
            place: Place { file: file.to_owned(), line: error.line, column: 0 },
            message: format!("not YAML: {}", error.message),
        }),
    }
}

fn dialect(root: &Node, places: &Places) -> Result<Dialect, DocumentError> {
    let version = root.get("openapi").and_then(Node::text);
    match version {
        Some(text) if text == "3.0" || text.starts_with("3.0.") => Ok(Dialect::V30),
        Some(text) if text == "3.1" || text.starts_with("3.1.") => Ok(Dialect::V31),
        _ if root.get("swagger").is_some() => {
            Err(places.error(root.at, "Swagger 2.0: convert it to OpenAPI 3".to_owned()))
        }
        _ => Err(places.error(root.at, "`openapi` must be 3.0 or 3.1".to_owned())),
    }
}

/// Collects properties that are marked with a data class.
fn classes(node: &Node, data: &mut BTreeMap<String, BTreeSet<String>>) {
    // The depth of a document is bounded by its reader.
    for member in node.members() {
        if let Some(mark) = member.value.get("x-ringwall-data") {
            for class in mark.text().into_iter().chain(mark.items().iter().filter_map(Node::text)) {
                data.entry(class.to_owned()).or_default().insert(member.name.clone());
            }
        }
        classes(&member.value, data);
    }
    for item in node.items() {
        classes(item, data);
    }
}

#[cfg(test)]
mod tests;
