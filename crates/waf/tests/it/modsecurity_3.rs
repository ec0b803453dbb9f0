//! libmodsecurity's own regression tests: what it answers, where a case says a status.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use ringwall_waf::{
    Arena, Connection, InMemory, Library, LibraryError, RequestHead, ResponseHead, Ruleset, Source,
    Transaction,
};
use serde::Deserialize;
use serde_json::Value;

use crate::crs::folder_if_named;

#[derive(Debug, Deserialize)]
struct Case {
    #[serde(default)]
    enabled: Value,
    #[serde(default)]
    title: String,
    #[serde(default)]
    client: Peer,
    #[serde(default)]
    request: Message,
    #[serde(default)]
    response: Message,
    #[serde(default)]
    expected: Expected,
    #[serde(default)]
    rules: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Peer {
    #[serde(default)]
    ip: String,
}

#[derive(Debug, Default, Deserialize)]
struct Message {
    headers: Option<IndexMap<String, Value>>,
    #[serde(default)]
    uri: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    http_version: Value,
    #[serde(default)]
    body: Value,
}

#[derive(Debug, Default, Deserialize)]
struct Expected {
    #[serde(default)]
    parser_error: String,
    http_code: Option<u16>,
}

/// Files that cases name from the folder of the tests.
struct Beside(PathBuf);

impl Library for Beside {
    fn include(&self, pattern: &str, from: &str) -> Result<Vec<Source>, LibraryError> {
        let text = self.data(pattern, from)?;
        Ok(vec![Source { name: pattern.to_owned(), text }])
    }

    fn data(&self, path: &str, _from: &str) -> Result<Vec<u8>, LibraryError> {
        fs::read(self.0.join(path)).map_err(|error| LibraryError(format!("{path}: {error}")))
    }
}

impl Message {
    fn headers(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let pairs = self.headers.iter().flatten();
        pairs.map(|(name, one)| (name.clone().into(), value(one).into_bytes())).collect()
    }

    fn body(&self) -> Vec<u8> {
        match &self.body {
            Value::String(text) => text.clone().into_bytes(),
            Value::Array(lines) => {
                let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
                lines.join("\n").into_bytes()
            }
            _ => Vec::new(),
        }
    }
}

/// The status that a case ends with: 200 when nothing stops it.
fn status(rules: &Ruleset, case: &Case) -> u16 {
    let arena = Arena::new();
    let memory = InMemory::new(100);
    let connection = Connection {
        client_address: if case.client.ip.is_empty() { "127.0.0.1" } else { &case.client.ip },
        client_port: 123,
        server_address: "200.249.12.31",
        server_port: 80,
        unique_id: "case",
        user: "",
        now_secs: 1_700_000_000,
    };
    let (headers, answers) = (case.request.headers(), case.response.headers());
    let headers: Vec<(&[u8], &[u8])> = headers.iter().map(|(a, b)| (&a[..], &b[..])).collect();
    let answers: Vec<(&[u8], &[u8])> = answers.iter().map(|(a, b)| (&a[..], &b[..])).collect();
    let version = match &case.request.http_version {
        Value::Number(number) => format!("HTTP/{number}"),
        Value::String(text) => format!("HTTP/{text}"),
        _ => "HTTP/1.1".to_owned(),
    };
    let method = if case.request.method.is_empty() { "GET" } else { &case.request.method };
    let target = if case.request.uri.is_empty() { "/" } else { &case.request.uri };
    let head = RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        protocol: version.as_bytes(),
        headers: &headers,
    };
    let (body, reply) = (case.request.body(), case.response.body());
    let mut transaction = Transaction::begin(rules, &arena, &memory, connection, head);
    transaction.request_body(&body);
    if transaction.intervention().is_none() {
        let head = ResponseHead { status: 200, protocol: b"HTTP/1.1", headers: &answers };
        transaction.response_head(head);
        transaction.response_body(&reply);
    }
    transaction.finish();
    transaction.intervention().map_or(200, |one| one.status)
}

fn case(mut value: Value) -> Case {
    for part in ["request", "response", "client"] {
        if let Some(part) = value.get_mut(part)
            && part.get("headers").is_some_and(Value::is_string)
        {
            part["headers"] = Value::Null;
        }
    }
    serde_json::from_value(value).unwrap()
}

fn missed(folder: &Path, case: &Case) -> Option<String> {
    // Its own runner hands over bodies whatever the rules say of them, and cases end in open chains.
    let mut rules: Vec<&str> = case.rules.iter().map(String::as_str).collect();
    let _open = rules.pop_if(|last| last.contains("\"chain,"));
    let mut text = rules.join("\n");
    for access in ["SecRequestBodyAccess On\n", "SecResponseBodyAccess On\n"] {
        text.insert_str(0, access);
    }
    let source = Source { name: "rules".to_owned(), text: text.into_bytes() };
    match Ruleset::load(&[source], &Beside(folder.to_owned())) {
        Ok(_) if !case.expected.parser_error.is_empty() => Some("it loads".to_owned()),
        Ok(rules) => {
            let want = case.expected.http_code?;
            let got = status(&rules, case);
            (got != want).then(|| format!("{got}, not {want}"))
        }
        Err(_) if !case.expected.parser_error.is_empty() => None,
        Err(error) => Some(error.to_string()),
    }
}

/// Cases that end otherwise here, by the beginning of their names.
const KNOWN: &[&str] = &[
    // Paths of XML beyond two, schemas, external entities.
    "action-ctl_request_body_processor-",
    "action-xmlns-",
    "config-xml_external_entity-",
    "issue-1943-1",
    "request-body-parser-xml-",
    "variable-XML-0",
    // Programs, scripts, rules and lists from elsewhere, fuzzy hashes, an operator of one engine.
    "action-exec-",
    "collection-lua-",
    "config-secremoterules-",
    "directive-sec_rule_script-",
    "issue-2427-",
    "operator-fuzzyhash-",
    "operator-inpectFile-",
    "operator-ipMatchFromFile-2",
    "operator-verifysvnr-",
    // Directives change rules that follow them there; here a warning says that they change nothing.
    "config-update-",
    // Rules without id, quotes that nothing closes, patterns that do not compile, `block` or a message
    // as a default, a message in a chain: errors here.
    "collection-tx-0",
    "issue-1831-",
    "issue-1960-0",
    "issue-2296-9",
    "issue-960-",
    "operator-rx-2",
    "rule-920",
    "secaction-0",
    "secmarker-",
    "variable-MATCHED_VAR_NAME-2",
    // A variable of ModSecurity 2, which loads with a warning.
    "variable-WEBSERVER_ERROR_LOG-0",
    // 413 for what is too large; 302 where the status of a redirect is none of the language's.
    "actions-2",
    "config-body_limits-",
    // The status of a chain stands in its first rule; macros name members, not patterns.
    "issue-2296-5",
    "issue-2423-msg-in-chain-",
    // Bodies that ModSecurity 2 takes for broken: `filename*`, a parameter behind the boundary, and
    // foreign boundaries, which are 2 there once a true one follows.
    "issue-1825-6",
    "request-body-parser-multipart-49",
    "request-body-parser-multipart-5",
    // Files that this test does not find.
    "config-include-7",
    "issue-1844-5",
];

#[test]
fn what_libmodsecurity_answers_to_its_own_tests_is_answered() {
    let Some(folder) = folder_if_named("RINGWALL_MODSECURITY_TESTS", "test-cases") else { return };
    let mut failed = String::new();
    let (mut count, mut known) = (0, 0);
    let cases = fs::read_dir(folder.join("test-cases/regression")).unwrap();
    let mut files: Vec<_> = cases.map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|one| one == "json")) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(file).unwrap();
        // As values first: some cases say a thing twice, or an empty text for nothing.
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
        let cases: Vec<Case> = cases.into_iter().map(case).collect();
        for (number, case) in cases.iter().enumerate() {
            if case.enabled == 0 {
                continue;
            }
            count += 1;
            let name = format!("{name}-{number}");
            if KNOWN.iter().any(|known| name.starts_with(known)) {
                known += 1;
            } else if let Some(why) = missed(&folder, case) {
                writeln!(failed, "{name} {}: {why}", case.title).unwrap();
            }
        }
    }
    assert!(failed.is_empty() && known * 4 < count, "of {count}, {known} known:\n{failed}");
}
