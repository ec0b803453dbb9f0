//! An audit event on its way to another process.

mod judged;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use ringwall_base::{Class, Event, Outcome, Place, Timestamp};
use serde::{Deserialize, Serialize};

use judged::Judged;

/// [`Event`] as it crosses.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Carried {
    at_micros: u64,
    action: String,
    class: String,
    outcome: String,
    person: Option<String>,
    person_name: Option<String>,
    organisation: Option<String>,
    roles: Vec<String>,
    caller: Option<String>,
    client: Option<String>,
    source: Option<String>,
    service: Option<String>,
    operation: Option<String>,
    method: Option<String>,
    path: Option<String>,
    status: Option<u16>,
    request: Option<String>,
    trace: Option<String>,
    code: Option<String>,
    reason: Option<String>,
    line: Option<(String, u32, u32)>,
    stage: Option<String>,
    duration_micros: Option<u64>,
    manifest: Option<u64>,
    judged: Option<Judged>,
}

impl Carried {
    pub(super) fn pack(event: Event) -> Self {
        Self {
            at_micros: event.at.micros(),
            action: event.action.to_owned(),
            class: match event.class {
                Class::Sync => "sync",
                Class::Group => "group",
                Class::Sampled => "sampled",
            }
            .to_owned(),
            outcome: match event.outcome {
                Outcome::Success => "success",
                Outcome::Failure => "failure",
                Outcome::WouldDeny => "would-deny",
            }
            .to_owned(),
            person: event.person,
            person_name: event.person_name,
            organisation: event.organisation,
            roles: event.roles,
            caller: event.caller,
            client: event.client,
            source: event.source,
            service: event.service,
            operation: event.operation,
            method: event.method,
            path: event.path,
            status: event.status,
            request: event.request,
            trace: event.trace,
            code: event.code.map(str::to_owned),
            reason: event.reason,
            line: event.line.map(|line| (line.file, line.line, line.column)),
            stage: event.stage.map(str::to_owned),
            duration_micros: event.duration_micros,
            manifest: event.manifest,
            judged: event.judged.map(Judged::pack),
        }
    }

    pub(super) fn is_sync(&self) -> bool {
        self.class == "sync"
    }

    /// What this version does not know of is written down as the nearest that it knows.
    pub(super) fn unpack(self) -> Event {
        let line = self.line.map(|(file, line, column)| Place { file, line, column });
        Event {
            at: Timestamp::from_micros(self.at_micros),
            action: known(self.action),
            class: match self.class.as_str() {
                "sync" => Class::Sync,
                "sampled" => Class::Sampled,
                _group => Class::Group,
            },
            outcome: match self.outcome.as_str() {
                "success" => Outcome::Success,
                "would-deny" => Outcome::WouldDeny,
                _failure => Outcome::Failure,
            },
            person: self.person,
            person_name: self.person_name,
            organisation: self.organisation,
            roles: self.roles,
            caller: self.caller,
            client: self.client,
            source: self.source,
            service: self.service,
            operation: self.operation,
            method: self.method,
            path: self.path,
            status: self.status,
            request: self.request,
            trace: self.trace,
            code: self.code.map(known),
            reason: self.reason,
            line,
            stage: self.stage.map(known),
            duration_micros: self.duration_micros,
            manifest: self.manifest,
            judged: self.judged.map(Judged::unpack),
        }
    }
}

/// Names of actions, codes and stages live as long as the program. They come from a process that
/// we trust, and there are few of them.
fn known(name: String) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = names.get(name.as_str()) {
        return name;
    }
    if names.len() >= NAMES_MAX {
        return "other";
    }
    let name: &'static str = name.leak();
    names.insert(name);
    name
}

/// Actions, codes and stages together are fewer than 300.
const NAMES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_arrives_as_it_was_sent() {
        let event = Event {
            at: Timestamp::from_secs(1_800_000_000),
            action: "access-denied",
            class: Class::Sync,
            outcome: Outcome::WouldDeny,
            person: Some("u-1".to_owned()),
            roles: vec!["clerk".to_owned()],
            status: Some(403),
            code: Some("RW3001"),
            line: Some(Place { file: "ringwall.toml".to_owned(), line: 3, column: 1 }),
            stage: Some("authorize"),
            duration_micros: Some(7),
            manifest: Some(2),
            judged: Some(ringwall_base::Judged {
                matches: vec![ringwall_base::RuleMatch {
                    rule: 942_100,
                    phase: 2,
                    severity: Some(2),
                    variable: "ARGS:q".to_owned(),
                    value: Some("1".to_owned()),
                    message: "SQL Injection".to_owned(),
                    is_disruptive: true,
                }],
                left_out: 1,
                others: vec![942_130],
                proven: 1,
                proven_places: vec!["ARGS:page integer".to_owned()],
                inbound_score: Some(5),
                outbound_score: Some(4),
            }),
            ..Event::default()
        };
        let sent = serde_json::to_vec(&Carried::pack(event.clone())).unwrap();
        let arrived: Carried = serde_json::from_slice(&sent).unwrap();
        assert!(arrived.is_sync());
        assert_eq!(format!("{:?}", arrived.unpack()), format!("{event:?}"));
    }
}
