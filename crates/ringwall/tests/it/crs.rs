//! The Core Rule Set's own regression tests, each stage sent over TLS to the running gateway.
//!
//! What rules said is read from the audit log, by the request id of the answer. A stage that the
//! door refuses, so that the rules did not say what is expected, stands in `docs/waf.md`; every
//! other one comes out as expected.

mod backend;
mod client;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringwall_testkit::ftw::{self, Expected, Stage};
use ringwall_testkit::vectors_folder;
use serde_json::Value;

use crate::house::House;
use crate::program::not_run;
use client::{Answered, Client};

/// As the rule set's own test bench has it: everything is looked for, and nothing is stopped.
const BENCH: &str = "SecAction \"id:900005,phase:1,nolog,pass,t:none,ctl:ruleEngine=DetectionOnly,\
    ctl:ruleRemoveById=910000,setvar:tx.crs_validate_utf8_encoding=1,setvar:tx.arg_name_length=100,\
    setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,\
    setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535\"\n";

const MANIFEST: &str = r#"
ringwall = 1
name = "bench"

[gateway]
host = "localhost"
port = PORT
waf = "log"

[waf]
rules = "crs"
paranoia = 4
before = ["waf/bench.conf"]

[services.all]
upstream = "127.0.0.1:UPSTREAM"
routes = { ROUTES }
people.anyone = [NAMES]

[limits]
default = "1000000 per minute per ip"
"#;

#[test]
fn the_tests_of_crs_3_pass_through_the_gateway() {
    let install = named("RINGWALL_CRS_3");
    check("crs-3.3.4-tests", install, "CRS 3.3.4");
}

#[test]
fn the_tests_of_crs_4_pass_through_the_gateway() {
    let Some(folder) = named("RINGWALL_CRS_4") else {
        return not_run("RINGWALL_CRS_4 names no folder");
    };
    check("crs-4-tests", Some(folder), "CRS 4.28.0");
}

#[expect(clippy::disallowed_methods, reason = "only tests read these variables")]
fn named(variable: &str) -> Option<PathBuf> {
    std::env::var(variable).ok().filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// What came of all stages.
#[derive(Debug, Default)]
struct Outcome {
    /// As expected.
    met: usize,
    /// Refused by the door, and named by the rules as expected.
    named: usize,
    /// Refused by the door, and why.
    door: BTreeMap<String, String>,
    failed: Vec<String>,
}

#[track_caller]
fn check(tests: &str, rules: Option<PathBuf>, chapter: &str) {
    let stages = ftw::stages(&vectors_folder().join(tests));
    let outcome = run(&stages, rules);
    let told = told(chapter);
    let refused: BTreeSet<String> = outcome.door.keys().cloned().collect();
    let untold: Vec<_> = outcome.door.iter().filter(|(name, _)| !told.contains(*name)).collect();
    let wrong: Vec<_> = told.difference(&refused).collect();
    assert!(
        outcome.failed.is_empty() && untold.is_empty() && wrong.is_empty(),
        "of {} stages {} went as expected and {} more were refused by the door and named\n\
         failed ({}):\n{}\nrefused, and not in docs/waf.md ({}): {untold:#?}\n\
         in docs/waf.md, and not refused: {wrong:?}",
        stages.len(),
        outcome.met,
        outcome.named,
        outcome.failed.len(),
        outcome.failed.join("\n"),
        untold.len(),
    );
}

/// The stages that a chapter of the documentation lists.
fn told(chapter: &str) -> BTreeSet<String> {
    let text = include_str!("../../../../docs/waf.md");
    let heading = format!("### {chapter} through the gateway");
    let found = text.split("\n### ").find(|part| format!("### {part}").starts_with(&heading));
    let found = found.unwrap_or_default();
    let rows = found.lines().filter(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.trim_matches('|').rsplit('|').next());
    let words = cells.flat_map(|cell| cell.split([' ', ',']));
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    words.filter(is_name).map(str::to_owned).collect()
}

fn run(stages: &[(String, Stage)], rules: Option<PathBuf>) -> Outcome {
    let backend = backend::start();
    let house = House::new(&manifest(backend));
    house.write("waf/bench.conf", BENCH);
    let folder = rules.map(|folder| folder.to_string_lossy().into_owned());
    let install: Vec<&str> = ["waf", "install"].into_iter().chain(folder.as_deref()).collect();
    house.run(&install).good();
    let mut server = house.serve();
    let client = Client::new(&house);
    let (next, workers) = (AtomicUsize::new(0), 8);
    let take = || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        stages.get(number).map(|(_, stage)| (number, client.send(number, &stage.bytes())))
    };
    let work = || std::iter::from_fn(take).collect::<Vec<_>>();
    let answered: Vec<(usize, Answered)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(server.stop().success());
    let events = house.events(&["--limit", "1000000"]);
    let mut found: BTreeMap<&str, Said> = BTreeMap::new();
    for event in &events {
        if let Some(id) = event.pointer("/http/request/id").and_then(Value::as_str) {
            found.entry(id).or_default().add(event);
        }
    }
    let mut outcome = Outcome::default();
    for (number, answer) in answered {
        let (name, stage) = &stages[number];
        let said = answer.request.as_deref().and_then(|id| found.get(id)).cloned();
        outcome.add(name, stage, &answer, &said.unwrap_or_default());
    }
    outcome
}

fn manifest(backend: u16) -> String {
    let (mut routes, mut names) = (Vec::new(), Vec::new());
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let name = method.to_lowercase();
        routes.push(format!("{name} = \"{method} /\", {name}_any = \"{method} /{{rest*}}\""));
        names.push(format!("\"{name}\", \"{name}_any\""));
    }
    MANIFEST
        .replace("UPSTREAM", &backend.to_string())
        .replace("ROUTES", &routes.join(", "))
        .replace("NAMES", &names.join(", "))
}

/// What rules said of a request.
#[derive(Clone, Debug, Default)]
struct Said {
    ids: Vec<u64>,
    /// As a log of ModSecurity would have it, as far as it is recorded.
    log: String,
    /// Why it was refused.
    why: String,
}

impl Said {
    fn add(&mut self, event: &Value) {
        if let Some(why) = event.pointer("/event/reason").and_then(Value::as_str) {
            why.clone_into(&mut self.why);
        }
        let found = &event["ringwall"]["waf"];
        for one in found["matches"].as_array().into_iter().flatten() {
            let word = |name: &str| one[name].as_str().unwrap_or_default();
            let (message, place, value) = (word("message"), word("variable"), word("value"));
            let line = format!(
                "[id \"{}\"] [msg \"{message}\"] found within {place}: {value}\n",
                one["rule"]
            );
            self.log.push_str(&line);
            self.ids.extend(one["rule"].as_u64());
        }
        for one in found["others"].as_array().into_iter().flatten() {
            self.log.extend(["[id \"", &one.to_string(), "\"]\n"]);
            self.ids.extend(one.as_u64());
        }
    }
}

impl Outcome {
    fn add(&mut self, name: &str, stage: &Stage, answer: &Answered, said: &Said) {
        let expected = &stage.expected;
        let mut verdict = expected.verdict(&said.ids, &said.log);
        let rule = name.split('-').next().and_then(|rule| rule.parse().ok());
        if WORDING.contains(&name) && rule.is_some_and(|rule| said.ids.contains(&rule)) {
            verdict = Expected::Met;
        }
        let has_status = expected.statuses().contains(&answer.status);
        if answer.is_refused {
            if has_status || expected.is_error() {
                self.met += 1;
            } else if expected.wants_match() && matches!(verdict, Expected::Met) {
                self.named += 1;
            } else {
                self.door.insert(name.to_owned(), format!("{} {}", answer.status, said.why));
            }
            return;
        }
        match verdict {
            Expected::Missed(why) => self.failed.push(format!("{name}: {why}")),
            Expected::ByServer if !has_status => {
                self.failed.push(format!("{name}: answered {}", answer.status));
            }
            Expected::Met | Expected::ByServer => self.met += 1,
        }
    }
}

/// These ask for the wording of a log line with what was found in it, which is not recorded as it
/// may be secret: that the rule matched is what counts.
const WORDING: [&str; 2] = ["932207-7", "932300-10"];
