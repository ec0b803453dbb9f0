//! Against Google's own reader (upb, under Python): what it refuses is refused, what it takes
//! without unknown fields is taken, and both see the same texts.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use ringwall_protobuf::{Foreign, Kind, Limits, Repeats, Rules, Schema, Unknown};

use crate::{SHAPES, shapes};

/// The texts of a message in order, or why it is refused.
type Said = Result<Vec<Vec<u8>>, Kind>;

/// What one line of the script says.
struct Case<'l> {
    method: &'l str,
    /// As a writer made it.
    is_made: bool,
    said: &'l str,
    bytes: Vec<u8>,
    texts: Vec<Vec<u8>>,
}

#[test]
fn messages_are_taken_and_refused_as_googles_reader_does() {
    let Some(lines) = lines("1500") else {
        return writeln!(std::io::stderr(), "NOT RUN: Python's `protobuf` is not installed")
            .unwrap();
    };
    let schema = shapes();
    let mut counts = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in lines.lines() {
        let case = Case::read(line);
        let ours = case.ours(&schema, &Rules::default());
        let kind = ours.as_ref().err().copied();
        *counts.entry((case.said.to_owned(), kind.map(|kind| format!("{kind:?}")))).or_insert(0) +=
            1;
        if !case.is_right(&schema, &ours) {
            wrong.push(format!("{kind:?} {line}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{counts:?}\n{}",
        wrong.get(..wrong.len().min(5)).unwrap().join("\n")
    );
    let of = |said: &str, kind: Option<&str>| {
        counts.get(&(said.to_owned(), kind.map(str::to_owned))).copied().unwrap_or(0)
    };
    assert!(of("clean", None) > 1500 && of("refused", Some("Malformed")) > 1500, "{counts:?}");
    assert!(of("unknown", Some("Unknown")) > 100, "{counts:?}");
    assert!(of("clean", Some("Ambiguous")) < of("clean", None), "{counts:?}");
}

impl<'l> Case<'l> {
    fn read(line: &'l str) -> Self {
        let mut fields = line.split(' ');
        let mut next = || fields.next().unwrap();
        let (method, is_made, said) = (next(), next() == "1", next());
        let bytes = hex(next());
        let texts = Some(next()).filter(|text| *text != "-");
        let texts = texts.map(|text| text.split(',').map(hex).collect()).unwrap_or_default();
        Self { method, is_made, said, bytes, texts }
    }

    /// What we say, with the texts in order.
    fn ours(&self, schema: &Schema, rules: &Rules) -> Said {
        let method = schema.method(&format!("/shapes.Shapes/{}", self.method)).unwrap();
        let mut texts = Vec::new();
        schema
            .check(method, &self.bytes, rules, &mut |leaf| {
                if let ringwall_protobuf::Value::Text(text)
                | ringwall_protobuf::Value::Bytes(text) = leaf.value
                {
                    texts.push(text.to_vec());
                }
            })
            .map_err(|violation| violation.kind)?;
        texts.sort();
        Ok(texts)
    }

    fn is_right(&self, schema: &Schema, ours: &Said) -> bool {
        let limits = Limits::default();
        let (unknown, repeats, foreign) = (Unknown::Pass, Repeats::Pass, Foreign::Opaque);
        let open = || self.ours(schema, &Rules { unknown, repeats, foreign, limits });
        // What is stricter than Google's is only what has two readings.
        let is_taken =
            |ours: Result<_, Kind>| ours.is_ok() || ours.is_err_and(|kind| kind == Kind::Ambiguous);
        match self.said {
            "clean" => match ours {
                // A map's key twice is two leaves for us, and one entry for them.
                Ok(texts) => self.is_among(texts),
                Err(kind) => !self.is_made && *kind == Kind::Ambiguous && is_taken(open()),
            },
            "unknown" | "foreign" => ours.is_err() && is_taken(open()),
            _ => ours.is_err() && open().is_err(),
        }
    }

    fn is_among(&self, ours: &[Vec<u8>]) -> bool {
        let mut ours = ours.iter();
        // Both are in order.
        self.texts.iter().all(|text| text.is_empty() || ours.by_ref().any(|one| one == text))
    }
}

fn lines(count: &str) -> Option<String> {
    let mut python = Command::new("python3");
    python.args(["-c", include_str!("differential.py"), count]);
    let mut python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(SHAPES).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    (text.trim() != "missing").then_some(text)
}

fn hex(text: &str) -> Vec<u8> {
    let digits = if text == "-" { "" } else { text };
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.as_bytes().chunks(2).map(byte).collect()
}
