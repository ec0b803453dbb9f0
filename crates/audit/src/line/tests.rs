use proptest::prelude::{any, prop, proptest};
use ringwall_base::{Class, Event, Judged, Place, RuleMatch};
use ringwall_testkit::Sequence;
use serde_json::{Value, json};

use super::*;

fn line(event: &Event) -> String {
    let id = Ulid::generate(Timestamp::from_secs(1), &Sequence::default()).unwrap();
    String::from_utf8(canonical(&event.notice(), Timestamp::from_secs(1), id, 7)).unwrap()
}

#[test]
fn a_full_event_is_one_ecs_line() {
    let event = Event {
        action: "access-denied",
        class: Class::Group,
        outcome: Outcome::Failure,
        person: Some("u-1".to_owned()),
        person_name: Some("ann".to_owned()),
        roles: vec!["customer".to_owned()],
        caller: Some("orders".to_owned()),
        source: Some("203.0.113.7".to_owned()),
        service: Some("payments".to_owned()),
        operation: Some("refund".to_owned()),
        method: Some("POST".to_owned()),
        path: Some("/refunds".to_owned()),
        status: Some(403),
        request: Some("r-1".to_owned()),
        code: Some("RW3001"),
        reason: Some("no line allows it".to_owned()),
        line: Some(Place::default()),
        stage: Some("authorize"),
        duration_micros: Some(12),
        manifest: Some(3),
        ..Event::default()
    };
    let value: Value = serde_json::from_str(&line(&event)).unwrap();
    assert_eq!(value["event"]["category"], json!(["iam"]));
    assert_eq!(value["event"]["type"], json!(["denied"]));
    assert_eq!(value["event"]["sequence"], 7);
    assert_eq!(value["event"]["duration"], 12_000);
    assert_eq!(value["http"]["response"]["status_code"], 403);
    assert_eq!(value["ringwall"]["operation"], "refund");
    assert_eq!(value["@timestamp"], "1970-01-01T00:00:01.000000Z");
}

#[test]
fn what_rules_found_is_a_list_in_the_line() {
    let one = RuleMatch {
        rule: 942_100,
        phase: 2,
        severity: Some(2),
        variable: "ARGS:q".to_owned(),
        value: Some("1' or \"1".to_owned()),
        message: "SQL Injection".to_owned(),
        is_disruptive: true,
    };
    let judged = |matches: Vec<RuleMatch>, left_out| Event {
        action: "waf-matched",
        judged: Some(Judged { matches, left_out, inbound_score: Some(5), ..Judged::default() }),
        ..Event::default()
    };
    let read = |event: &Event| -> Value { serde_json::from_str(&line(event)).unwrap() };
    let proven = Event {
        judged: Some(Judged {
            proven: 2,
            proven_places: vec!["ARGS:page integer".to_owned(), "ARGS:id uuid".to_owned()],
            ..Judged::default()
        }),
        ..Event::default()
    };
    let proven = read(&proven);
    assert_eq!(
        proven["ringwall"]["waf"],
        json!({ "proven": 2, "proven_places": "ARGS:page integer, ARGS:id uuid" })
    );
    let full = read(&judged(vec![one.clone(), RuleMatch::default()], 0));
    assert_eq!(
        full["ringwall"]["waf"],
        json!({
            "inbound_score": 5,
            "matches": [
                { "rule": 942_100, "phase": 2, "severity": 2, "variable": "ARGS:q",
                  "value": "1' or \"1", "message": "SQL Injection", "disruptive": true },
                { "rule": 0, "phase": 0, "variable": "", "message": "" },
            ],
        })
    );
    let none = read(&judged(Vec::new(), 3));
    assert_eq!(none["ringwall"]["waf"], json!({ "inbound_score": 5, "left_out": 3 }));
    let many = read(&judged(vec![one; 40], 2));
    assert_eq!(many["ringwall"]["waf"]["left_out"], 10);
    let judged = Judged { others: (1..200).collect(), left_out: 199, ..Judged::default() };
    let others = read(&Event { judged: Some(judged), ..Event::default() });
    let others = others["ringwall"]["waf"]["others"].as_array().unwrap().clone();
    assert_eq!((others.len(), &others[0], &others[127]), (128, &json!(1), &json!(128)));
    assert_eq!(many["ringwall"]["waf"]["matches"].as_array().unwrap().len(), 32);
}

#[test]
fn empty_fields_are_left_out() {
    let event = Event { action: "node-started", ..Event::default() };
    let value: Value = serde_json::from_str(&line(&event)).unwrap();
    let mut keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["@timestamp", "ecs", "event"]);
}

#[test]
fn what_was_only_observed_says_so() {
    let event = Event { action: "access-denied", outcome: Outcome::WouldDeny, ..Event::default() };
    let value: Value = serde_json::from_str(&line(&event)).unwrap();
    assert_eq!(value["event"]["outcome"], "success");
    assert_eq!(value["ringwall"]["would_deny"], true);
}

#[test]
fn no_character_can_forge_a_line_or_command_a_terminal() {
    let path = "/a\r\n{\"event\":1}\u{1b}[2J\u{7f}\u{9b}2J\u{2028}\u{202e}\u{feff}ü";
    let event =
        Event { action: "request-rejected", path: Some(path.to_owned()), ..Event::default() };
    let line = line(&event);
    assert!(line.chars().all(|c| !c.is_control()), "{line}");
    assert!(!line.contains(['\u{2028}', '\u{202e}', '\u{feff}']));
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["url"]["path"], path);
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let path = |path: &str| {
        let event = Event { path: Some(path.to_owned()), ..Event::default() };
        let value: Value = serde_json::from_str(&line(&event)).unwrap();
        value["url"]["path"].as_str().unwrap().to_owned()
    };
    let fits = "x".repeat(PATH_BYTES_MAX);
    assert_eq!(path(&fits), fits);
    let cut = path(&format!("x{}", "ü".repeat(PATH_BYTES_MAX)));
    assert_eq!(cut.len(), PATH_BYTES_MAX - 1 + "…".len());
}

/// Texts with much of what must be escaped.
const TEXT: &str =
    "([ -~]|\\PC|[\\x00-\\x1f\"\\\\\\x7f\u{9b}\u{200b}\u{2028}\u{202e}\u{2066}\u{feff}üß…𝄞]){0,40}";

type Texts = [Option<String>; 13];

fn any_event(texts: Texts, roles: Vec<String>, numbers: [Option<u64>; 3], kind: u8) -> Event {
    let [
        person,
        person_name,
        organisation,
        caller,
        client,
        source,
        service,
        operation,
        method,
        path,
        request,
        trace,
        reason,
    ] = texts;
    let [duration_micros, manifest, status] = numbers;
    let action = ["access-denied", "request-completed", "login-failed", "not in the catalogue"];
    let outcome = [Outcome::Success, Outcome::Failure, Outcome::WouldDeny];
    let line = caller.clone().map(|file| Place { file, line: u32::from(kind), column: 3 });
    Event {
        action: action[usize::from(kind) % 4],
        outcome: outcome[usize::from(kind) % 3],
        person,
        person_name,
        organisation,
        roles,
        caller,
        client,
        source,
        service,
        operation,
        method,
        path,
        request,
        trace,
        reason,
        line,
        duration_micros,
        manifest,
        status: status.map(|status| u16::try_from(status % 1_000).unwrap()),
        code: kind.is_multiple_of(2).then_some("RW3001"),
        stage: kind.is_multiple_of(5).then_some("authorize"),
        ..Event::default()
    }
}

proptest! {
    #[test]
    fn the_line_is_the_one_that_serde_json_writes(
        texts in prop::array::uniform13(prop::option::of(TEXT)),
        roles in prop::collection::vec(TEXT, 0..3),
        numbers: [Option<u64>; 3],
        (kind, micros, sequence) in (any::<u8>(), 0..400_000_000_000_000_000_u64, any::<u64>()),
        id: u128,
    ) {
        let event = any_event(texts, roles, numbers, kind);
        let (at, id) = (Timestamp::from_micros(micros), Ulid::from_bits(id));
        let expected = oracle::canonical(&event, at, id, sequence).unwrap();
        let line = canonical(&event.notice(), at, id, sequence);
        assert_eq!(String::from_utf8(line), String::from_utf8(expected));
    }
}

#[test]
fn long_texts_are_cut_as_the_other_writer_cuts_them() {
    for length in [255, 256, 257, 1_023, 1_024, 1_025, 2_047, 2_048, 2_049, 5_000] {
        for letter in ["x", "ü", "\u{202e}"] {
            let text = letter.repeat(length);
            let event = any_event(
                std::array::from_fn(|_| Some(text.clone())),
                vec![text.clone(); 40],
                [Some(u64::MAX); 3],
                0,
            );
            let (at, id) = (Timestamp::from_micros(u64::MAX), Ulid::from_bits(u128::MAX));
            let expected = oracle::canonical(&event, at, id, 0).unwrap();
            assert_eq!(canonical(&event.notice(), at, id, 0), expected);
        }
    }
}
