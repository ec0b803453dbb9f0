//! What the schema let through is what Flask reads: ways to make the two read different things.
//!
//! The document lets through short words, small numbers and nothing else. Each request is an attempt
//! to bring something else to the app; it is refused, or Flask does not read it either.

mod cases;

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringwall_openapi::{BodyParts, Document, Limits, OperationSchema, RequestParts, Unknown};
use serde_json::json;

use cases::{Case, all};

const DOCUMENT: &str = r"
openapi: 3.1.0
paths:
  /:
    post:
      operationId: op
      parameters:
        - {name: a, in: query, schema: &word {type: string, pattern: '^[a-z]{1,8}$'}}
        - {name: n, in: query, schema: &number {type: integer, minimum: 0, maximum: 999}}
        - {name: list, in: query, schema: {type: array, items: *word}}
        - {name: deep, in: query, style: deepObject, schema: {type: object, additionalProperties: false, properties: {a: *word}}}
        - {name: sid, in: cookie, schema: *word}
      requestBody:
        content:
          application/json: {schema: &body {type: object, additionalProperties: false, properties: {a: *word, n: *number, list: {type: array, items: *word}}}}
          application/x-www-form-urlencoded: {schema: &open {type: object, properties: {a: *word, n: *number, list: {type: array, items: *word}}}}
          multipart/form-data: {schema: *open}
";

/// Whether the schema lets a request through.
fn passes(operation: &OperationSchema, case: &Case) -> bool {
    let mut headers = http::HeaderMap::new();
    if !case.cookie.is_empty() {
        headers.insert("cookie", http::HeaderValue::from_static(case.cookie));
    }
    let unknown = Unknown::Refuse;
    let head =
        RequestParts { path_params: &[], query: Some(case.query), headers: &headers, unknown };
    let content_type = Some(case.content_type.as_str()).filter(|text| !text.is_empty());
    let bytes = case.body.as_slice();
    let body = BodyParts { content_type, bytes, unknown, limits: Limits::default() };
    operation.check_request(&head).is_ok() && operation.prove_body(&body).is_ok()
}

/// What Flask reads of each case: place, name and value.
fn flask(cases: &[Case]) -> Vec<Vec<[String; 3]>> {
    let mut python = Command::new("python3");
    python.args(["-c", include_str!("flask.py")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let line = |case: &Case| {
        let body = STANDARD.encode(&case.body);
        json!({ "query": case.query, "type": case.content_type, "cookie": case.cookie, "body": body })
    };
    let lines: Vec<String> = cases.iter().map(|case| format!("{}\n", line(case))).collect();
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.concat().as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let read: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read.len(), cases.len(), "every case is read");
    read
}

/// Whether a value is one that the document lets through in that place.
fn is_declared([place, name, value]: &[String; 3]) -> bool {
    let is_word =
        (1..=8).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_lowercase());
    match (place.as_str(), name.as_str()) {
        ("cookie", "sid") | ("args" | "form" | "json", "a" | "list") | ("args", "deep[a]") => {
            is_word
        }
        // Other cookies are no parameters.
        ("cookie", _) => true,
        ("args" | "form" | "json", "n") => value
            .parse::<f64>()
            .is_ok_and(|number| (0.0..=999.0).contains(&number) && number.fract() == 0.0),
        _ => false,
    }
}

#[test]
fn what_flask_reads_is_what_the_schema_let_through() {
    let schemas = Document::parse(DOCUMENT.as_bytes(), "t.yaml").unwrap().compile().unwrap();
    let operation = schemas.operation("op").unwrap();
    let cases = all();
    let mut passed = 0;
    let mut wrong = Vec::new();
    for (case, read) in cases.iter().zip(flask(&cases)) {
        if !passes(operation, case) {
            continue;
        }
        passed += 1;
        let other: Vec<_> = read.iter().filter(|value| !is_declared(value)).collect();
        if !other.is_empty() {
            wrong.push(format!("{case:?} {}: {other:?}", case.body.escape_ascii()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(passed > 20 && cases.len() > 250, "{passed} of {} pass", cases.len());
}
