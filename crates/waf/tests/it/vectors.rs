//! The SecRules Test Set, to which `ModSecurity` 3 and Coraza are held: transformations, operators.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use ringwall_waf::{
    Arena, Connection, Library, LibraryError, NoMemory, RequestHead, Ruleset, Source, Transaction,
};
use serde::Deserialize;

use crate::crs::folder_if_named;

#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    input: String,
    #[serde(default)]
    output: String,
    #[serde(default)]
    param: String,
    #[serde(default)]
    ret: i64,
}

/// Vectors write bytes as `\xHH`, `\\` and the like inside their JSON strings.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = match (first, after.first()) {
            (b'\\', Some(b'x')) => 1..3,
            (b'\\', Some(b'u')) if after.starts_with(b"u00") && !after.starts_with(b"u00f") => 1..5,
            _ => 0..0,
        };
        let hex = after.get(digits.clone()).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        // Above control characters it is what the transformation is to decode.
        let byte = byte.filter(|byte| digits.end == 3 || *byte < 32);
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[digits.end..] } else { after };
    }
    out
}

struct Beside(PathBuf);

impl Library for Beside {
    fn include(&self, pattern: &str, _from: &str) -> Result<Vec<Source>, LibraryError> {
        Err(LibraryError(pattern.to_owned()))
    }

    fn data(&self, path: &str, _from: &str) -> Result<Vec<u8>, LibraryError> {
        fs::read(self.0.join("op").join(Path::new(path).file_name().unwrap()))
            .map_err(|error| LibraryError(error.to_string()))
    }
}

/// What a rule about a header sees after a transformation, and whether it matches.
fn run(folder: &Path, rule: &str, value: &[u8]) -> Result<(bool, Vec<u8>), String> {
    let text = format!("SecRuleEngine On\n{rule}\n");
    let source = Source { name: "rule".to_owned(), text: text.into() };
    let library = Beside(folder.join("operators"));
    let rules = Ruleset::load(&[source], &library).map_err(|error| error.to_string())?;
    let arena = Arena::new();
    let connection = Connection {
        client_address: "192.0.2.1",
        client_port: 1,
        server_address: "192.0.2.2",
        server_port: 80,
        unique_id: "x",
        user: "",
        now_secs: 0,
    };
    let head = RequestHead { method: value, target: b"/", protocol: b"HTTP/1.1", headers: &[] };
    let mut transaction = Transaction::begin(&rules, &arena, &NoMemory, connection, head);
    let matches = transaction.finish();
    Ok((!matches.is_empty(), matches.first().map(|one| one.value.to_vec()).unwrap_or_default()))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn check(kind: &str, known: &[(&str, &str)]) {
    let Some(folder) = folder_if_named("RINGWALL_SECRULES_TESTS", "operators") else { return };
    let mut failed = String::new();
    let mut passed = 0;
    let mut files: Vec<_> =
        fs::read_dir(folder.join(kind)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|one| one == "json")) {
        let cases: Vec<Case> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for (number, case) in cases.iter().enumerate() {
            match missed(&folder, case, bytes) {
                None => passed += 1,
                Some(why)
                    if known
                        .iter()
                        .any(|(name, _)| format!("{}-{number}", case.name).starts_with(name)) =>
                {
                    drop(why);
                }
                Some(why) => writeln!(failed, "{}-{number}: {why}", case.name).unwrap(),
            }
        }
    }
    assert!(failed.is_empty(), "passed {passed}, failed:\n{failed}");
}

/// Why a case is not met; `bytes` reads what it writes.
pub(crate) fn missed(folder: &Path, case: &Case, bytes: fn(&str) -> Vec<u8>) -> Option<String> {
    if case.kind == "tfn" {
        transformation(folder, case, bytes)
    } else {
        operator(folder, case, bytes)
    }
}

fn transformation(folder: &Path, case: &Case, bytes: fn(&str) -> Vec<u8>) -> Option<String> {
    let rule = format!(
        "SecRule REQUEST_METHOD \"@unconditionalMatch\" \"id:1,phase:1,pass,t:{}\"",
        case.name
    );
    let (input, want) = (bytes(&case.input), bytes(&case.output));
    match run(folder, &rule, &input) {
        Ok((_, got)) if got == want => None,
        Ok((_, got)) => Some(format!(
            "{input:?} gives {:?}, not {:?}",
            String::from_utf8_lossy(&got),
            String::from_utf8_lossy(&want)
        )),
        Err(error) => Some(error),
    }
}

fn operator(folder: &Path, case: &Case, bytes: fn(&str) -> Vec<u8>) -> Option<String> {
    let rule = format!(
        "SecRule REQUEST_METHOD \"@{} {}\" \"id:1,phase:1,pass\"",
        case.name,
        escaped(&case.param)
    );
    match run(folder, &rule, &bytes(&case.input)) {
        Ok((is_match, _)) if is_match == (case.ret == 1) => None,
        Ok((is_match, _)) => Some(format!("{} on {:?} is {is_match}", case.param, case.input)),
        Err(error) => Some(error),
    }
}

#[test]
fn transformations_give_what_the_vectors_say() {
    check(
        "transformations",
        &[
            // seclang-spec corrects the vector: a backslash before what is no escape goes.
            ("escapeSeqDecode-5", "spec"),
            ("cssDecode-3", "spec"),
            // Names of one engine.
            ("cmd_line", "v3"),
            ("phpArgsNames", "v3"),
        ],
    );
}

#[test]
fn operators_judge_as_the_vectors_say() {
    check(
        "operators",
        &[
            // What the language makes an error when rules are loaded.
            ("ipMatch-16", "spec"),
            ("validateByteRange-1", "spec"),
            ("validateByteRange-2", "spec"),
            ("validateByteRange-3", "spec"),
            // Look-around; and parameters with line ends, which no rule file can hold.
            ("rx-11", "look-around"),
            ("rx-12", "look-around"),
            ("rx-13", "line end"),
            ("rx-14", "line end"),
            ("rxGlobal-1", "as rx"),
            // An operator of one engine.
            ("verifysvnr", "v3"),
        ],
    );
}
