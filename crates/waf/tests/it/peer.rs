//! What libmodsecurity 3.0.15 makes of values and reads of bodies, beside ours: inputs from a fixed
//! seed, recorded by `benches/modsecurity.py`.

use std::collections::HashMap;
use std::fmt::Write;

use ringwall_waf::{NoLibrary, Ruleset, Source};
use serde_json::Value;

use crate::crs::{hex, judge_request};
use ringwall_testkit::ftw::{Reply, Request};

fn rules(text: &str) -> Ruleset {
    let source = Source { name: "peer.conf".to_owned(), text: text.into() };
    Ruleset::load(&[source], &NoLibrary).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn request(target: &str, headers: Vec<(Vec<u8>, Vec<u8>)>, body: &str) -> Request {
    Request {
        method: b"POST".to_vec(),
        target: target.as_bytes().to_vec(),
        protocol: b"HTTP/1.1".to_vec(),
        headers,
        body: body.as_bytes().to_vec(),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

fn nothing() -> Reply {
    Reply { status: 200, headers: Vec::new(), body: Vec::new() }
}

/// Where values differ, and why.
const KNOWN: [(&str, &str); 6] = [
    ("@rx ^[^a]*$", "`^` and `$` are about lines there"),
    ("t:base64Decode", "the language decodes up to the first sign that is none; there nothing is"),
    ("t:base64DecodeExt", "a zero byte ends the text, as in ModSecurity 2"),
    ("t:compressWhitespace", "0xA0 is a space (seclang-spec ADR-0026)"),
    ("t:normalizePath", "a segment that only ends in two dots climbs there"),
    ("t:utf8toUnicode", "zero bytes are dropped there"),
];

#[test]
fn values_become_what_they_become_there() {
    let cases: Vec<(String, String, Value)> =
        serde_json::from_str(include_str!("../data/modsecurity-values.json")).unwrap();
    let mut made: HashMap<String, Ruleset> = HashMap::new();
    let mut failed = String::new();
    let mut known = 0;
    for (what, input, want) in &cases {
        let rules = made.entry(what.clone()).or_insert_with(|| {
            let rule = match what.strip_prefix('@') {
                Some(operator) => format!("\"@{operator}\" \"id:1,phase:1,pass,log\""),
                None => format!("\"@unconditionalMatch\" \"id:1,phase:1,pass,log,{what}\""),
            };
            rules(&format!("SecRuleEngine On\nSecRule REQUEST_METHOD {rule}\n"))
        });
        let value = unhex(input);
        // As a method: spaces around the value of a header are none of it.
        let one = Request { method: value.clone(), ..request("/", Vec::new(), "") };
        let judged = judge_request(rules, &one, &nothing());
        let got = if want.is_boolean() {
            Value::Bool(!judged.ids.is_empty())
        } else {
            Value::String(hex(&judged.values[0]))
        };
        if got == *want {
            continue;
        }
        if KNOWN.iter().any(|(known, _)| known == what) {
            known += 1;
        } else {
            let shown = |one: &Value| match one {
                Value::String(hex) => unhex(hex).escape_ascii().to_string(),
                other => other.to_string(),
            };
            let (got, want) = (shown(&got), shown(want));
            writeln!(failed, "{what} {}: {got}, there {want}", value.escape_ascii()).unwrap();
        }
    }
    assert!(failed.is_empty(), "of {}:\n{failed}", cases.len());
    assert!(known * 20 < cases.len(), "{known} of {}", cases.len());
}

const BODIES: &str = "SecRuleEngine On\nSecRequestBodyAccess On\n\
    SecRule REQUEST_HEADERS:Content-Type \"json\" \"id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON\"\n\
    SecRule ARGS|ARGS_NAMES|FILES|FILES_NAMES|REQUEST_COOKIES|REQUEST_COOKIES_NAMES \
    \"@unconditionalMatch\" \"id:4,phase:2,pass,log,t:none\"\n\
    SecRule REQBODY_ERROR|MULTIPART_STRICT_ERROR \"!@eq 0\" \"id:5,phase:2,pass,log\"\n";

/// Target, content type, cookie, body, and what was seen there.
type Case = (String, String, String, String, Vec<String>);

/// The same, but for four things. Where both say that a body has more than one reading, how far each
/// read it is its own. `&&` makes no argument here (the language), and an empty one there. A cookie
/// without a name is a cookie here.
fn is_same(ours: &[String], theirs: &[String]) -> bool {
    let is_error = |one: &String| one.ends_with("_ERROR=31");
    if ours.iter().any(is_error) && theirs.iter().any(is_error) {
        return true;
    }
    let full = |all: &[String]| -> Vec<String> {
        let is_empty = |one: &&String| *one == "ARGS=" || *one == "ARGS_NAMES=";
        all.iter().filter(|one| !is_empty(one)).cloned().collect()
    };
    let (ours, theirs) = (full(ours), full(theirs));
    let is_nameless = ours.iter().any(|one| one == "REQUEST_COOKIES_NAMES=");
    ours == theirs || is_nameless && theirs.iter().all(|one| ours.contains(one))
}

#[test]
fn bodies_are_read_as_they_are_read_there() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../data/modsecurity-bodies.json")).unwrap();
    let rules = rules(BODIES);
    let mut failed = String::new();
    for (target, kind, cookie, body, want) in &cases {
        let mut headers = vec![(b"Host".to_vec(), b"a".to_vec())];
        for (name, value) in [("Content-Type", kind), ("Cookie", cookie)] {
            if !value.is_empty() {
                headers.push((name.into(), value.clone().into_bytes()));
            }
        }
        let judged = judge_request(&rules, &request(target, headers, body), &nothing());
        let mut got = judged.seen;
        got.sort();
        if !is_same(&got, want) {
            writeln!(failed, "{target} {kind} {cookie} {body:?}:\n  {got:?}\n  {want:?}").unwrap();
        }
    }
    assert!(failed.is_empty(), "of {}:\n{failed}", cases.len());
}
