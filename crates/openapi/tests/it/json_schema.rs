//! The public test suite of JSON Schema, draft 2020-12: what a body in OpenAPI 3.1 is held to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ringwall_openapi::{Document, Schemas};
use serde_json::{Value, json};

/// What becomes of the tests of one file.
#[derive(Debug, Default, Eq, PartialEq)]
struct Count {
    passed: usize,
    /// Another answer than the suite's.
    differs: usize,
    /// The schema is refused while the document is read.
    refused: usize,
}

/// A file, and what of it passed, has another answer, and was refused as a whole.
type Part = (&'static str, [usize; 3]);

/// Files whose tests are not all passed. `$id`, `$anchor`, `$dynamicRef` and other documents are
/// refused; formats and `contentEncoding` are assertions here; addresses in quotes are none, and
/// some URIs that are none pass.
const NOT_WHOLE: &[Part] = &[
    ("anchor.json", [0, 0, 8]),
    ("content.json", [15, 3, 0]),
    ("defs.json", [0, 0, 2]),
    ("dynamicRef.json", [0, 0, 44]),
    ("format.json", [125, 8, 0]),
    ("optional/format/email.json", [22, 5, 0]),
    ("optional/format/uri.json", [42, 4, 0]),
    ("ref.json", [33, 0, 46]),
    ("refRemote.json", [0, 0, 31]),
    ("unevaluatedItems.json", [69, 0, 2]),
    ("unevaluatedProperties.json", [127, 0, 2]),
    ("vocabulary.json", [2, 0, 3]),
];

#[test]
#[expect(
    clippy::print_stderr,
    reason = "says plainly that it did not run, and the sum when it did"
)]
fn draft_2020_12_is_answered_as_its_suite_says() {
    #[expect(clippy::disallowed_methods, reason = "the suite stands where the variable says")]
    let Ok(folder) = std::env::var("RINGWALL_JSON_SCHEMA_TESTS") else {
        eprintln!(
            "NOT RUN: RINGWALL_JSON_SCHEMA_TESTS names no checkout of JSON-Schema-Test-Suite"
        );
        return;
    };
    let folder = PathBuf::from(folder).join("tests/draft2020-12");
    let mut counts = BTreeMap::new();
    for path in files(&folder) {
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        let groups: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let count: &mut Count = counts.entry(name).or_default();
        for group in &groups {
            judge(group, count);
        }
    }
    assert!(counts.len() > 40, "the folder has no such suite");
    let sum = |of: fn(&Count) -> usize| counts.values().map(of).sum::<usize>();
    eprintln!(
        "{} passed, {} differ, {} refused",
        sum(|count| count.passed),
        sum(|count| count.differs),
        sum(|count| count.refused)
    );
    let whole = |count: &Count| count.differs == 0 && count.refused == 0;
    let found: Vec<_> = counts
        .iter()
        .filter(|(_, count)| !whole(count))
        .map(|(name, count)| (name.as_str(), [count.passed, count.differs, count.refused]))
        .collect();
    assert_eq!(found, NOT_WHOLE);
}

/// The mandatory files, and those of the formats that are checked.
fn files(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = listed.filter(|path| path.is_file()).collect();
    let formats = ["date", "date-time", "email", "ipv4", "ipv6", "time", "uri", "uuid"];
    let formats = formats.map(|name| folder.join(format!("optional/format/{name}.json")));
    files.extend(formats);
    files.sort();
    files
}

fn judge(group: &Value, count: &mut Count) {
    let tests = group["tests"].as_array().unwrap();
    let Some(schemas) = schemas(group["schema"].clone()) else {
        count.refused += tests.len();
        return;
    };
    let operation = schemas.operation("op").unwrap();
    for test in tests {
        let body = test["data"].to_string();
        let is_valid = operation.check_body(Some("application/json"), body.as_bytes()).is_ok();
        if is_valid == test["valid"].as_bool().unwrap() {
            count.passed += 1;
        } else {
            count.differs += 1;
        }
    }
}

fn schemas(mut schema: Value) -> Option<Schemas> {
    moved(&mut schema);
    let document = json!({
        "openapi": "3.1.0",
        "paths": { "/": { "post": { "operationId": "op", "requestBody": { "content": {
            "application/json": { "schema": { "$ref": "#/components/schemas/S" } } } } } } },
        "components": { "schemas": { "S": schema } },
    });
    Document::parse(document.to_string().as_bytes(), "suite.json").ok()?.compile().ok()
}

/// References to the schema's root lead to where it stands in the document.
fn moved(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let are_words = |name: &&String| !matches!(name.as_str(), "const" | "enum");
            for (name, value) in members.iter_mut().filter(|(name, _)| are_words(name)) {
                match value
                    .as_str()
                    .filter(|_| name == "$ref")
                    .and_then(|text| text.strip_prefix('#'))
                {
                    Some(rest) => *value = Value::from(format!("#/components/schemas/S{rest}")),
                    None => moved(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(moved),
        _ => {}
    }
}
