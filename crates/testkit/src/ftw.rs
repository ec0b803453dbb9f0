//! The Core Rule Set's regression tests: the public YAML format, in both of its editions.
//!
//! A stage is a request, byte for byte, and what rules should say of it. Start with [`stages`].

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test without its vectors must fail, and say why"
)]

mod reply;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde::Deserialize;

pub use reply::Reply;

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    rule_id: u64,
    #[serde(default)]
    tests: Option<Vec<Test>>,
}

#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names of the format")]
struct Test {
    #[serde(default)]
    test_id: u64,
    #[serde(default)]
    test_title: String,
    stages: Vec<Staged>,
}

#[derive(Debug, Deserialize)]
struct Staged {
    stage: Option<Box<Self>>,
    input: Option<Input>,
    output: Option<Output>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Input {
    method: Option<String>,
    uri: Option<String>,
    version: Option<String>,
    headers: Option<IndexMap<String, String>>,
    data: Option<Data>,
    encoded_request: Option<String>,
    raw_request: Option<String>,
    autocomplete_headers: Option<bool>,
    stop_magic: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Data {
    Text(String),
    Lines(Vec<String>),
}

/// What should come of a stage.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Output {
    status: Option<Statuses>,
    log: Option<Log>,
    log_contains: Option<String>,
    no_log_contains: Option<String>,
    expect_error: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Statuses {
    One(u16),
    Many(Vec<u16>),
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Log {
    #[serde(default)]
    expect_ids: Vec<u64>,
    #[serde(default)]
    no_expect_ids: Vec<u64>,
    match_regex: Option<String>,
    no_match_regex: Option<String>,
}

/// One request and what should come of it.
#[derive(Debug)]
pub struct Stage {
    input: Input,
    is_edition_3: bool,
    /// What should come of it.
    pub expected: Output,
}

/// Whether a stage went as it should.
#[derive(Debug)]
pub enum Expected {
    /// It did.
    Met,
    /// It did not, and why.
    Missed(String),
    /// Only a status is expected, which a server gives.
    ByServer,
}

/// Name and value, as they are sent.
pub type Header = (Vec<u8>, Vec<u8>);

/// A request as bytes.
#[derive(Debug, Default)]
pub struct Request {
    /// `GET`.
    pub method: Vec<u8>,
    /// As it stands in the first line.
    pub target: Vec<u8>,
    /// `HTTP/1.1`.
    pub protocol: Vec<u8>,
    /// Names and values, in their order.
    pub headers: Vec<Header>,
    /// What follows the head.
    pub body: Vec<u8>,
}

/// All stages of a folder, with names as `942100-7`.
///
/// # Panics
/// When a file is missing or cannot be read.
pub fn stages(folder: &Path) -> Vec<(String, Stage)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flat_map(|group| fs::read_dir(group.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files.iter().flat_map(|file| stages_of(file)).collect()
}

fn stages_of(path: &Path) -> Vec<(String, Stage)> {
    let text = fs::read_to_string(path).unwrap();
    let options = serde_saphyr::options! { budget: None };
    let file: File = serde_saphyr::from_str_with_options(&text, options)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut found = Vec::new();
    for test in file.tests.unwrap_or_default() {
        let is_edition_3 = !test.test_title.is_empty();
        let name = if is_edition_3 {
            test.test_title.clone()
        } else {
            format!("{}-{}", file.rule_id, test.test_id)
        };
        for (number, staged) in test.stages.into_iter().enumerate() {
            let staged =
                staged.stage.map_or((staged.input, staged.output), |one| (one.input, one.output));
            let name = if number == 0 { name.clone() } else { format!("{name}/{number}") };
            let (input, expected) = (staged.0.unwrap_or_default(), staged.1.unwrap_or_default());
            found.push((name, Stage { input, is_edition_3, expected }));
        }
    }
    found
}

impl Stage {
    /// The request, or `None` when it is none that a server would hand to rules.
    pub fn request(&self) -> Option<Request> {
        let request = match self.raw() {
            Some(raw) => Request::parse(&raw)?,
            None => self.built(),
        };
        request.is_http().then_some(request)
    }

    /// The bytes that are sent, valid or not.
    pub fn bytes(&self) -> Vec<u8> {
        self.raw().unwrap_or_else(|| self.built().bytes())
    }

    /// A request that the test writes out whole.
    fn raw(&self) -> Option<Vec<u8>> {
        if let Some(encoded) = &self.input.encoded_request {
            let unspaced: String = encoded.split_whitespace().collect();
            return Some(STANDARD.decode(unspaced).unwrap());
        }
        self.input.raw_request.as_ref().map(|raw| raw.clone().into_bytes())
    }

    fn built(&self) -> Request {
        let text = |text: &Option<String>, usual: &str| {
            expand(text.as_deref().unwrap_or(usual)).into_bytes()
        };
        let mut request = Request {
            method: text(&self.input.method, "GET"),
            target: text(&self.input.uri, "/"),
            protocol: text(&self.input.version, "HTTP/1.1"),
            headers: Vec::new(),
            body: match &self.input.data {
                None => Vec::new(),
                Some(Data::Text(text)) => expand(text).into_bytes(),
                Some(Data::Lines(lines)) => expand(&lines.join("\r\n")).into_bytes(),
            },
        };
        for (name, value) in self.input.headers.iter().flatten() {
            request.headers.push((name.clone().into_bytes(), expand(value).into_bytes()));
        }
        let completes =
            self.input.autocomplete_headers.unwrap_or(!self.input.stop_magic.unwrap_or(false));
        if completes {
            self.complete(&mut request);
        }
        request
    }

    fn complete(&self, request: &mut Request) {
        let has = |request: &Request, name: &str| request.header(name).is_some();
        if !request.body.is_empty() {
            if !has(request, "content-type") {
                request.push("Content-Type", "application/x-www-form-urlencoded");
            }
            if !has(request, "content-length") {
                let length = request.body.len().to_string();
                request.push("Content-Length", &length);
            }
        }
        let sends_body = request.method == b"POST" && !has(request, "transfer-encoding");
        if !self.is_edition_3 && sends_body && !has(request, "content-length") {
            request.push("Content-Length", "0");
        }
        if !self.is_edition_3 && !has(request, "connection") {
            request.push("Connection", "close");
        }
    }
}

impl Request {
    fn push(&mut self, name: &str, value: &str) {
        self.headers.push((name.into(), value.into()));
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, value)| value.as_slice())
    }

    /// The bytes that are sent.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&self.method[..], b" ", &self.target, b" ", &self.protocol].concat();
        for (name, value) in &self.headers {
            bytes.extend([b"\r\n", &name[..], b": ", value].concat());
        }
        bytes.extend([b"\r\n\r\n", &self.body[..]].concat());
        bytes
    }

    /// A request from its bytes, read leniently: lines, then the body.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = end.map_or((bytes, &b""[..]), |at| (&bytes[..at], &bytes[at + 4..]));
        let mut lines =
            head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let words: Vec<&[u8]> = lines.next()?.splitn(3, |byte| *byte == b' ').collect();
        let [method, target, protocol] = words.as_slice() else { return None };
        let headers = lines.filter(|line| !line.is_empty()).map(|line| {
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let value = line.get(colon + 1..).unwrap_or_default();
            (line[..colon].to_vec(), value.trim_ascii().to_vec())
        });
        Some(Self {
            method: method.to_vec(),
            target: target.to_vec(),
            protocol: protocol.to_vec(),
            headers: headers.collect(),
            body: body.to_vec(),
        })
    }

    /// What Apache, the reference, refuses before any rule.
    fn is_http(&self) -> bool {
        let has_control = |bytes: &[u8]| bytes.iter().any(|byte| *byte < b' ' && *byte != b'\t');
        let length = self.header("content-length").unwrap_or(b"0");
        let is_number = length.iter().all(u8::is_ascii_digit);
        !self.headers.iter().any(|(name, value)| has_control(name) || has_control(value))
            && is_number
    }
}

impl Output {
    /// The statuses of which one should be answered; none where it does not matter.
    pub fn statuses(&self) -> &[u16] {
        match &self.status {
            None => &[],
            Some(Statuses::One(status)) => std::slice::from_ref(status),
            Some(Statuses::Many(statuses)) => statuses,
        }
    }

    /// Whether the request should be refused before any rule.
    pub fn is_error(&self) -> bool {
        self.expect_error == Some(true)
    }

    /// Whether rules should match, rather than not match.
    pub fn wants_match(&self) -> bool {
        let is_wanted = |log: &Log| !log.expect_ids.is_empty() || log.match_regex.is_some();
        self.log_contains.is_some() || self.log.as_ref().is_some_and(is_wanted)
    }

    /// Compares what rules said with what they should have said.
    pub fn verdict(&self, ids: &[u64], log: &str) -> Expected {
        let mut missed = Vec::new();
        if let Some(wanted) = &self.log {
            missed.extend(wanted.missed(ids, log));
        }
        if let Some(text) = &self.log_contains
            && !matches(text, log)
        {
            missed.push(format!("no {text}, but {ids:?}"));
        }
        if let Some(text) = &self.no_log_contains
            && matches(text, log)
        {
            missed.push(format!("has {text}"));
        }
        let has_log =
            self.log.is_some() || self.log_contains.is_some() || self.no_log_contains.is_some();
        match (missed.is_empty(), has_log) {
            (false, _) => Expected::Missed(missed.join("; ")),
            (true, false) if self.status.is_some() || self.expect_error.is_some() => {
                Expected::ByServer
            }
            (true, _) => Expected::Met,
        }
    }
}

impl Log {
    fn missed(&self, ids: &[u64], log: &str) -> Vec<String> {
        let absent = self.expect_ids.iter().filter(|id| !ids.contains(id));
        let absent = absent.map(|id| format!("no {id}, but {ids:?}"));
        let present = self.no_expect_ids.iter().filter(|id| ids.contains(id));
        let mut missed: Vec<String> = absent.chain(present.map(|id| format!("has {id}"))).collect();
        if let Some(pattern) = &self.match_regex
            && !matches(pattern, log)
        {
            missed.push(format!("no match of {pattern} in {log}"));
        }
        if let Some(pattern) = &self.no_match_regex
            && matches(pattern, log)
        {
            missed.push(format!("a match of {pattern}"));
        }
        missed
    }
}

fn matches(pattern: &str, log: &str) -> bool {
    regex::Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).is_match(log)
}

/// `{{ "x" | repeat 10 }}`, the only template in use.
fn expand(text: &str) -> String {
    static PATTERN: LazyLock<regex::Regex> =
        LazyLock::new(|| regex::Regex::new(r#"\{\{ *"([^"]*)" *\| *repeat +(\d+) *\}\}"#).unwrap());
    let repeat = |found: &regex::Captures<'_>| found[1].repeat(found[2].parse().unwrap());
    PATTERN.replace_all(text, repeat).into_owned()
}
