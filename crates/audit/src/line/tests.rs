use ringwall_base::{Class, Place};
use ringwall_testkit::Sequence;
use serde_json::{Value, json};

use super::*;

fn line(event: &Event) -> String {
    let id = Ulid::generate(Timestamp::from_secs(1), &Sequence::default()).unwrap();
    String::from_utf8(canonical(event, Timestamp::from_secs(1), &id, 7).unwrap()).unwrap()
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
    let fits = "x".repeat(PATH_BYTES_MAX);
    assert_eq!(capped(Some(&fits), PATH_BYTES_MAX).unwrap(), fits);
    let long = format!("x{}", "ü".repeat(PATH_BYTES_MAX));
    let cut = capped(Some(&long), PATH_BYTES_MAX).unwrap();
    assert_eq!(cut.len(), PATH_BYTES_MAX - 1 + "…".len());
}
