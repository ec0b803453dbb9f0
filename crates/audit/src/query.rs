//! Reads events back, from a log that is open or not.

use std::io;
use std::path::Path;

use ringwall_base::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::frame::Next;
use crate::segment;

/// Which events are wanted. Empty fields do not restrict.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    /// `http.request.id`.
    pub request: Option<String>,
    /// `event.action`.
    pub action: Option<String>,
    /// `user.id` or `user.name`.
    pub person: Option<String>,
    /// `service.name` or `ringwall.caller`.
    pub service: Option<String>,
    /// `success`, `failure`, or `would-deny`: let through by `observe` mode only.
    pub outcome: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Only events with a higher sequence: what came since the last look.
    pub after: Option<u64>,
    /// The newest so many. Zero is without a limit.
    pub limit: usize,
}

/// One event as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its place in the log, from zero.
    pub sequence: u64,
    /// The canonical ECS line: exactly the bytes that are a leaf of the tree.
    pub line: String,
}

impl Entry {
    /// The fields of the line.
    ///
    /// # Errors
    /// When the line is not JSON: it was then not written by Ringwall.
    pub fn value(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_str(&self.line)
    }
}

/// Why events cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the audit log cannot be read")]
pub struct ReadError(#[from] io::Error);

/// Events that match, oldest first, the newest `filter.limit` of them.
///
/// # Errors
/// When a file cannot be read. Damage is skipped here; `verify` finds it.
pub fn query(dir: &Path, filter: &Filter) -> Result<Vec<Entry>, ReadError> {
    let limit = if filter.limit == 0 { usize::MAX } else { filter.limit };
    let mut found: Vec<Entry> = Vec::new();
    // Newest segment first, so that a limited question reads as little as it can.
    for segment in segment::list(dir)?.iter().rev() {
        let bytes = segment.read()?;
        let frames = (segment.first..).zip(segment::frames(&bytes));
        let mut part: Vec<Entry> =
            frames.filter_map(|(sequence, (_, next))| filter.entry(sequence, next)).collect();
        part.append(&mut found);
        found = part;
        let is_older = filter.after.is_some_and(|after| segment.first <= after);
        if found.len() >= limit || is_older {
            break;
        }
    }
    let surplus = found.len().saturating_sub(limit);
    Ok(found.split_off(surplus))
}

/// The newest `count` events, oldest first.
///
/// # Errors
/// When a file cannot be read.
pub fn tail(dir: &Path, count: usize) -> Result<Vec<Entry>, ReadError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    query(dir, &Filter { limit: count, ..Filter::default() })
}

/// All events of one request, oldest first.
///
/// # Errors
/// When a file cannot be read.
pub fn find_request(dir: &Path, request: &str) -> Result<Vec<Entry>, ReadError> {
    query(dir, &Filter { request: Some(request.to_owned()), ..Filter::default() })
}

impl Filter {
    fn entry(&self, sequence: u64, next: Next<'_>) -> Option<Entry> {
        let Next::Good(frame) = next else { return None };
        let is_new = self.after.is_none_or(|after| sequence > after);
        let line = || String::from_utf8_lossy(frame.line).into_owned();
        (is_new && self.matches(frame.line)).then(|| Entry { sequence, line: line() })
    }

    fn matches(&self, line: &[u8]) -> bool {
        let restricts = [&self.request, &self.action, &self.person, &self.service, &self.outcome];
        let has_time = self.since.is_some() || self.until.is_some();
        if restricts.iter().all(|wanted| wanted.is_none()) && !has_time {
            return true;
        }
        let Ok(fields) = serde_json::from_slice::<Fields>(line) else { return false };
        let would_deny = fields.ringwall.would_deny.then(|| "would-deny".to_owned());
        let one = |wanted: &Option<String>, values: &[&Option<String>]| {
            wanted.is_none() || values.contains(&wanted)
        };
        // RFC 3339 in one zone and with a fixed number of digits sorts as text.
        let since = self.since.is_none_or(|since| fields.timestamp >= since.to_string());
        let until = self.until.is_none_or(|until| fields.timestamp < until.to_string());
        since
            && until
            && one(&self.request, &[&fields.http.request.id])
            && one(&self.action, &[&fields.event.action])
            && one(&self.outcome, &[&fields.event.outcome, &would_deny])
            && one(&self.person, &[&fields.user.id, &fields.user.name])
            && one(&self.service, &[&fields.service.name, &fields.ringwall.caller])
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    event: EventFields,
    user: Named,
    service: Named,
    http: Http,
    ringwall: Ringwall,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EventFields {
    action: Option<String>,
    outcome: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Http {
    request: Named,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ringwall {
    caller: Option<String>,
    would_deny: bool,
}
