//! The engine profiles of `seclang-spec`, the language's own description.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use ringwall_waf::{
    Action, Arena, Connection, InMemory, Intervention, Library, LibraryError, RequestHead,
    ResponseHead, Ruleset, Source, Transaction,
};
use serde::Deserialize;

use crate::crs::folder_if_named;
use crate::vectors::{self, Case};

#[derive(Debug, Deserialize)]
struct Profile {
    rules: String,
    #[serde(default)]
    files: HashMap<String, String>,
    tests: Vec<Test>,
}

#[derive(Debug, Deserialize)]
struct Test {
    test_title: String,
    stages: Vec<Staged>,
}

#[derive(Debug, Deserialize)]
struct Staged {
    stage: Stage,
}

#[derive(Debug, Deserialize)]
struct Stage {
    input: Message,
    response: Option<Message>,
    output: Output,
}

#[derive(Debug, Default, Deserialize)]
struct Message {
    method: Option<String>,
    uri: Option<String>,
    version: Option<String>,
    status: Option<u16>,
    remote_addr: Option<String>,
    #[serde(default)]
    headers: indexmap::IndexMap<String, String>,
    #[serde(default)]
    data: String,
}

#[derive(Debug, Deserialize)]
struct Output {
    #[serde(default)]
    triggered_rules: Vec<u64>,
    #[serde(default)]
    non_triggered_rules: Vec<u64>,
    #[serde(default)]
    no_interruption: bool,
    #[serde(default)]
    expect_error: bool,
    log_contains: Option<String>,
    no_log_contains: Option<String>,
    interruption: Option<Interruption>,
}

#[derive(Debug, Deserialize)]
struct Interruption {
    #[serde(default)]
    rule_id: u64,
    #[serde(default)]
    action: String,
    status: Option<u16>,
}

/// The files that a profile brings.
struct Beside<'p>(&'p HashMap<String, String>);

impl Library for Beside<'_> {
    fn include(&self, pattern: &str, _from: &str) -> Result<Vec<Source>, LibraryError> {
        if pattern.contains('*') && !self.0.contains_key(pattern) {
            return Ok(Vec::new());
        }
        let text = self.data(pattern, "")?;
        Ok(vec![Source { name: pattern.to_owned(), text }])
    }

    fn data(&self, path: &str, _from: &str) -> Result<Vec<u8>, LibraryError> {
        let text = self.0.get(path).ok_or_else(|| LibraryError(format!("no {path}")))?;
        Ok(text.clone().into_bytes())
    }
}

/// Why a stage did not go as it should.
fn missed(rules: &Ruleset, stage: &Stage) -> String {
    let input = &stage.input;
    let arena = Arena::new();
    let memory = InMemory::new(100);
    let connection = Connection {
        client_address: input.remote_addr.as_deref().unwrap_or("192.0.2.1"),
        client_port: 1,
        server_address: "192.0.2.2",
        server_port: 80,
        unique_id: "spec",
        user: "",
        now_secs: 1_700_000_000,
    };
    let length = input.data.len().to_string();
    let mut headers = headers(input);
    if !input.data.is_empty() {
        headers.push((b"Content-Length", length.as_bytes()));
    }
    let text = |text: &'_ Option<String>, usual: &'static str| {
        text.clone().unwrap_or_else(|| usual.to_owned()).into_bytes()
    };
    let (method, target) = (text(&input.method, "GET"), text(&input.uri, "/"));
    let protocol = text(&input.version, "HTTP/1.1");
    let head =
        RequestHead { method: &method, target: &target, protocol: &protocol, headers: &headers };
    let answers = stage.response.as_ref().map(self::headers).unwrap_or_default();
    let mut transaction = Transaction::begin(rules, &arena, &memory, connection, head);
    transaction.request_body(input.data.as_bytes());
    if let Some(response) = stage.response.as_ref().filter(|_| transaction.intervention().is_none())
    {
        let status = response.status.unwrap_or(200);
        let head = ResponseHead { status, protocol: b"HTTP/1.1", headers: &answers };
        transaction.response_head(head);
        transaction.response_body(response.data.as_bytes());
    }
    let matches = transaction.finish();
    let ids: Vec<u64> = matches.iter().map(ringwall_waf::Match::id).collect();
    let logged = matches.iter().filter(|one| one.is_logged());
    let log: Vec<String> = logged.map(ringwall_waf::Match::log_line).collect();
    let has = |text: &String| log.iter().any(|line| line.contains(text));
    let want = &stage.output;
    let mut why = String::new();
    if !want.log_contains.iter().all(has) || want.no_log_contains.iter().any(has) {
        write!(why, "{log:?}; ").unwrap();
    }
    let absent = want.triggered_rules.iter().filter(|id| !ids.contains(id));
    absent.for_each(|id| write!(why, "no {id} in {ids:?}; ").unwrap());
    let present = want.non_triggered_rules.iter().filter(|id| ids.contains(id));
    present.for_each(|id| write!(why, "has {id}; ").unwrap());
    compare(transaction.intervention(), want, &mut why);
    why
}

/// Whether it was stopped as it should have been.
fn compare(got: Option<&Intervention>, want: &Output, why: &mut String) {
    // Letting through is no intervention here.
    let wanted = want.interruption.as_ref().filter(|one| one.action != "allow");
    match (got, wanted) {
        (Some(got), None) if want.no_interruption => write!(why, "{got:?}").unwrap(),
        (_, None) => {}
        (None, Some(want)) => write!(why, "no {want:?}").unwrap(),
        (Some(got), Some(want)) => {
            let is_action = match &got.action {
                Action::Deny => want.action == "deny" || want.action.is_empty(),
                Action::Drop => want.action == "drop",
                Action::Redirect(_) => want.action == "redirect",
            };
            let is_id = want.rule_id == 0 || got.rule_id == want.rule_id;
            if !is_action || !is_id || want.status.is_some_and(|status| status != got.status) {
                write!(why, "{got:?}, not {want:?}").unwrap();
            }
        }
    }
}

fn headers(message: &Message) -> Vec<(&[u8], &[u8])> {
    message.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
}

fn run(file: &Path, failed: &mut String) -> usize {
    let text = fs::read_to_string(file).unwrap();
    let profile: Profile =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let source = Source { name: "rules.conf".to_owned(), text: profile.rules.clone().into() };
    let rules = Ruleset::load(&[source], &Beside(&profile.files));
    let mut count = 0;
    for test in &profile.tests {
        for staged in &test.stages {
            count += 1;
            let why = match (&rules, staged.stage.output.expect_error) {
                (Ok(rules), false) => missed(rules, &staged.stage),
                (Err(_), true) => String::new(),
                (Ok(_), true) => "it loads".to_owned(),
                (Err(error), false) => error.to_string(),
            };
            if !why.is_empty() {
                writeln!(failed, "{}, {}: {why}", file.display(), test.test_title).unwrap();
            }
        }
    }
    count
}

fn profiles(folder: &Path) -> Vec<PathBuf> {
    let groups = fs::read_dir(folder).unwrap().map(|group| group.unwrap().path());
    let files = groups.flat_map(|group| fs::read_dir(group).unwrap());
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn the_profiles_of_the_language_are_met() {
    let Some(folder) = folder_if_named("RINGWALL_SECLANG_SPEC", "tests/engine") else { return };
    let mut failed = String::new();
    let files = profiles(&folder.join("tests/engine"));
    let count: usize = files.iter().map(|file| run(file, &mut failed)).sum();
    assert!(failed.is_empty() && count > 0, "of {count} stages:\n{failed}");
}

/// Each code point of a case is a byte.
fn bytes(text: &str) -> Vec<u8> {
    let byte = |one: char| u8::try_from(u32::from(one)).ok();
    let utf8 = |one: char| one.to_string().into_bytes();
    text.chars().flat_map(|one| byte(one).map_or_else(|| utf8(one), |byte| vec![byte])).collect()
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is not run says so")]
fn the_unit_data_of_the_language_is_met() {
    let Some(folder) = folder_if_named("RINGWALL_SECLANG_SPEC", "tests") else { return };
    let unit = folder.join("tests/unit");
    if !unit.is_dir() {
        eprintln!("NOT RUN: {} has no unit data", folder.display());
        return;
    }
    let mut failed = String::new();
    let mut count = 0;
    for file in profiles(&unit) {
        let cases: Vec<Case> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for (number, case) in cases.iter().enumerate() {
            count += 1;
            if let Some(why) = vectors::missed(&unit, case, bytes) {
                writeln!(failed, "{} {number}: {why}", file.display()).unwrap();
            }
        }
    }
    assert!(failed.is_empty() && count > 0, "of {count}:\n{failed}");
}
