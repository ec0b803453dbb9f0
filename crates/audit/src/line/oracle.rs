//! The line by `serde_json`: slower, and what the writer by hand is held equal to.

use std::borrow::Cow;
use std::io;

use ringwall_base::{Event, Outcome, Timestamp, Ulid};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use super::{NAME_BYTES_MAX, PATH_BYTES_MAX, REASON_BYTES_MAX, ROLES_MAX};
use crate::action::Action;

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    event: EventPart<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<Organization<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Service<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Http<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Url<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Trace<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ringwall: Option<Ringwall<'a>>,
    ecs: Ecs,
}

#[derive(Serialize)]
struct EventPart<'a> {
    id: String,
    sequence: u64,
    action: &'a str,
    category: [&'a str; 1],
    #[serde(rename = "type")]
    kind: [&'a str; 1],
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
}

#[derive(Serialize)]
struct User<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Organization<'a> {
    id: Cow<'a, str>,
}

#[derive(Serialize)]
struct Source<'a> {
    ip: Cow<'a, str>,
}

#[derive(Serialize)]
struct Service<'a> {
    name: Cow<'a, str>,
}

#[derive(Serialize)]
struct Http<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
}

#[derive(Serialize)]
struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Response {
    status_code: u16,
}

#[derive(Serialize)]
struct Url<'a> {
    path: Cow<'a, str>,
}

#[derive(Serialize)]
struct Trace<'a> {
    id: Cow<'a, str>,
}

#[derive(Serialize)]
struct Ringwall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_deny: Option<bool>,
}

#[derive(Serialize)]
struct Ecs {
    version: &'static str,
}

pub(super) fn canonical(
    event: &Event,
    at: Timestamp,
    id: Ulid,
    sequence: u64,
) -> io::Result<Vec<u8>> {
    let catalogue = Action::find(event.action);
    let line = Line {
        timestamp: at.to_string(),
        event: EventPart {
            id: id.to_string(),
            sequence,
            action: event.action,
            category: [catalogue.map_or("configuration", |action| action.category)],
            kind: [catalogue.map_or("info", |action| action.kind)],
            outcome: if event.outcome == Outcome::Failure { "failure" } else { "success" },
            code: event.code,
            reason: capped(event.reason.as_deref(), REASON_BYTES_MAX),
            duration: event.duration_micros.map(|micros| micros.saturating_mul(1_000)),
        },
        user: user(event),
        organization: name(event.organisation.as_deref()).map(|id| Organization { id }),
        source: name(event.source.as_deref()).map(|ip| Source { ip }),
        service: name(event.service.as_deref()).map(|name| Service { name }),
        http: http(event),
        url: capped(event.path.as_deref(), PATH_BYTES_MAX).map(|path| Url { path }),
        trace: name(event.trace.as_deref()).map(|id| Trace { id }),
        ringwall: ringwall(event),
        ecs: Ecs { version: "9.0.0" },
    };
    let mut bytes = Vec::with_capacity(768);
    line.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Visible))?;
    Ok(bytes)
}

fn user(event: &Event) -> Option<User<'_>> {
    let (id, name_) = (name(event.person.as_deref()), name(event.person_name.as_deref()));
    let roles: Vec<_> =
        event.roles.iter().take(ROLES_MAX).filter_map(|role| name(Some(role))).collect();
    let is_empty = id.is_none() && name_.is_none() && roles.is_empty();
    (!is_empty).then_some(User { id, name: name_, roles })
}

fn http(event: &Event) -> Option<Http<'_>> {
    let (id, method) = (name(event.request.as_deref()), name(event.method.as_deref()));
    let has_request = id.is_some() || method.is_some();
    let request = has_request.then_some(Request { id, method });
    let response = event.status.map(|status_code| Response { status_code });
    (request.is_some() || response.is_some()).then_some(Http { request, response })
}

fn ringwall(event: &Event) -> Option<Ringwall<'_>> {
    let part = Ringwall {
        caller: name(event.caller.as_deref()),
        client: name(event.client.as_deref()),
        operation: name(event.operation.as_deref()),
        stage: event.stage,
        line: event.line.as_ref().map(ToString::to_string),
        manifest: event.manifest,
        would_deny: (event.outcome == Outcome::WouldDeny).then_some(true),
    };
    let is_empty = part.caller.is_none()
        && part.client.is_none()
        && part.operation.is_none()
        && part.stage.is_none()
        && part.line.is_none()
        && part.manifest.is_none()
        && part.would_deny.is_none();
    (!is_empty).then_some(part)
}

fn name(text: Option<&str>) -> Option<Cow<'_, str>> {
    capped(text, NAME_BYTES_MAX)
}

/// Cuts at a character border and marks the cut.
fn capped(text: Option<&str>, bytes_max: usize) -> Option<Cow<'_, str>> {
    let text = text?;
    if text.len() <= bytes_max {
        return Some(Cow::Borrowed(text));
    }
    let head = text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default();
    Some(Cow::Owned(format!("{head}…")))
}

/// Compact JSON in which every character is visible: beyond what JSON demands, DEL, the C1
/// controls (U+009B starts a terminal command), line separators and bidirectional marks.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let is_hidden = |c: char| {
            matches!(c, '\u{7f}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        if fragment.bytes().all(|byte| byte < 0x7f) || !fragment.contains(is_hidden) {
            return CompactFormatter.write_string_fragment(writer, fragment);
        }
        let mut buffer = [0; 4];
        for c in fragment.chars() {
            if is_hidden(c) {
                write!(writer, "\\u{:04x}", u32::from(c))?;
            } else {
                writer.write_all(c.encode_utf8(&mut buffer).as_bytes())?;
            }
        }
        Ok(())
    }
}
