//! The Core Rule Set from a folder, and its regression tests run at the library.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use ringwall_waf::{
    Arena, Connection, Library, LibraryError, NoMemory, RequestHead, ResponseHead, Ruleset, Source,
    Transaction,
};

use crate::ftw::{self, Expected, Reply, Request, Stage};

/// Files beside the rules.
pub(crate) struct Folder;

impl Library for Folder {
    fn include(&self, pattern: &str, from: &str) -> Result<Vec<Source>, LibraryError> {
        Err(LibraryError(format!("no includes: {pattern} from {from}")))
    }

    fn data(&self, path: &str, from: &str) -> Result<Vec<u8>, LibraryError> {
        // A page with one line of the map that ModSecurity recommends.
        if path == "unicode.mapping" {
            return Ok(b"20127\n2018:27 2019:27 201c:22 201d:22\n".to_vec());
        }
        let file = Path::new(from).with_file_name(path);
        fs::read(&file).map_err(|error| LibraryError(format!("{}: {error}", file.display())))
    }
}

/// The folder of a rule set, from the environment or where Debian puts it.
pub(crate) fn folder(variable: &str, usual: &str) -> PathBuf {
    let folder = named(variable).unwrap_or_else(|| PathBuf::from(usual));
    assert!(
        folder.join("rules").is_dir(),
        "the rules are missing in {}: install Debian's package `modsecurity-crs`, which \
         `cargo xtask test` does, or name a folder that has `rules` in {variable}",
        folder.display()
    );
    folder
}

/// A folder of things that no package brings; `None`, and said so, where the variable names none.
#[expect(clippy::print_stderr, reason = "a test that is not run says so")]
pub(crate) fn folder_if_named(variable: &str, inside: &str) -> Option<PathBuf> {
    let Some(folder) = named(variable) else {
        eprintln!("NOT RUN: {variable} names no folder");
        return None;
    };
    assert!(folder.join(inside).is_dir(), "{variable}: {} has no {inside}", folder.display());
    Some(folder)
}

#[expect(clippy::disallowed_methods, reason = "only tests read these variables")]
fn named(variable: &str) -> Option<PathBuf> {
    std::env::var(variable).ok().filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// The rule files of a folder with settings before them.
pub(crate) fn load(folder: &Path, setup: &str) -> Ruleset {
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join("rules"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    files.sort();
    let mut sources = vec![Source { name: "setup.conf".to_owned(), text: setup.into() }];
    for file in files {
        let text = fs::read(&file).unwrap();
        sources.push(Source { name: file.to_string_lossy().into_owned(), text });
    }
    Ruleset::load(&sources, &Folder).unwrap_or_else(|error| panic!("{error}"))
}

/// What came of a stage.
pub(crate) struct Judged {
    pub(crate) ids: Vec<u64>,
    pub(crate) log: String,
    /// Phase and status, when it was stopped.
    pub(crate) stopped: Option<(u8, u16)>,
    /// What the prefilter would have missed.
    pub(crate) misses: usize,
    /// What rules looked at and matched.
    pub(crate) values: Vec<Vec<u8>>,
    /// The same as text, `ARGS=` and the bytes in hexadecimal, of rules that log.
    pub(crate) seen: Vec<String>,
}

/// Runs a stage; `None` when the request is no HTTP.
pub(crate) fn judge(rules: &Ruleset, stage: &Stage) -> Option<Judged> {
    let request = stage.request()?;
    let reply = Reply::to(&request);
    Some(judge_request(rules, &request, &reply))
}

/// Two digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Runs a request and its answer.
pub(crate) fn judge_request(rules: &Ruleset, request: &Request, reply: &Reply) -> Judged {
    let arena = Arena::new();
    let headers: Vec<(&[u8], &[u8])> =
        request.headers.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    let head = RequestHead {
        method: &request.method,
        target: &request.target,
        protocol: &request.protocol,
        headers: &headers,
    };
    let connection = Connection {
        client_address: "127.0.0.1",
        client_port: 34_567,
        server_address: "127.0.0.1",
        server_port: 80,
        unique_id: "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        user: "",
        now_secs: 1_700_000_000,
    };
    let answers: Vec<(&[u8], &[u8])> =
        reply.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let mut transaction = Transaction::begin(rules, &arena, &NoMemory, connection, head);
    transaction.request_body(&request.body);
    if transaction.intervention().is_none() {
        let head = ResponseHead { status: reply.status, protocol: b"HTTP/1.1", headers: &answers };
        transaction.response_head(head);
        transaction.response_body(&reply.body);
    }
    transaction.finish();
    let stopped = transaction.intervention().map(|one| (one.phase.number(), one.status));
    let misses = transaction.prefilter_misses();
    let matches = transaction.matches();
    let ids = matches.iter().filter(|one| one.is_logged()).map(ringwall_waf::Match::id).collect();
    let mut log = String::new();
    for one in matches.iter().filter(|one| one.is_logged()) {
        writeln!(log, "{}", one.log_line()).unwrap();
    }
    let values = matches.iter().map(|one| one.value.to_vec()).collect();
    let seen = matches.iter().filter(|one| one.is_logged()).map(|one| {
        let name = one.variable.split(|byte| *byte == b':').next().unwrap_or_default();
        format!("{}={}", String::from_utf8_lossy(name), hex(one.value))
    });
    Judged { ids, log, stopped, misses, values, seen: seen.collect() }
}

/// Runs all tests of a folder: how many stages there were, what only a server can judge, and what
/// failed.
pub(crate) struct Outcome {
    pub(crate) passed: usize,
    pub(crate) for_the_door: Vec<String>,
    pub(crate) failed: Vec<String>,
}

pub(crate) fn run_all(rules: &Ruleset, tests: &Path) -> Outcome {
    let mut outcome = Outcome { passed: 0, for_the_door: Vec::new(), failed: Vec::new() };
    for (name, stage) in ftw::stages(tests) {
        let Some(judged) = judge(rules, &stage) else {
            outcome.for_the_door.push(name);
            continue;
        };
        if judged.misses > 0 {
            outcome.failed.push(format!("{name}: the prefilter misses {}", judged.misses));
        }
        match stage.expected.verdict(&judged.ids, &judged.log) {
            Expected::Met => outcome.passed += 1,
            Expected::ByServer => outcome.for_the_door.push(name),
            Expected::Missed(why) => outcome.failed.push(format!("{name}: {why}")),
        }
    }
    outcome
}
