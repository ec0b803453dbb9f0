//! Review: what leaves.
//!
//! The service's own word on the owner is asked for, data that the reader may not see is cut, and
//! the fields that protect a browser are added. The last look: after it nothing is checked.

mod dress;
mod leaks;
mod mask;
mod passing;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    TRAILER,
};
use http::{Method, Response, StatusCode};
use ringwall_leaks::Scanner;
use ringwall_manifest::{Leak, OwnerSource, Viewer};
use ringwall_net::{Body, CollectError};
use ringwall_openapi::{CutRule, Fate, FieldRule, Filtered, Violation, decode, filter_fields};

use crate::firewall::Guard;
use crate::operation::Operation;
use crate::record::Record;
use crate::stage::authorize::Permit;
use crate::stage::normalize::SESSION_COOKIE;
use crate::stage::route::Route;
use crate::{Refusal, learner, own};
pub(crate) use dress::{Occasion, Wardrobe};
use leaks::Leaks;

/// Looks at answers.
#[derive(Debug)]
pub(crate) struct Review {
    reads: bool,
    leaks: Option<Leaks>,
}

impl Review {
    /// `reads` is false at a door whose other side reviews.
    pub(crate) fn new(reads: bool, scanner: Option<Arc<Scanner>>) -> Self {
        Self { reads, leaks: scanner.map(Leaks::new) }
    }

    /// At the public door: what no answer should have is looked for there.
    pub(crate) fn at_edge(mut self) -> Self {
        self.leaks = self.leaks.map(Leaks::at_edge);
        self
    }

    /// Returns the answer that may leave, or refuses it.
    pub(crate) async fn run(
        &self,
        mut response: Response<Body>,
        permit: &Permit,
        route: &Route,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        let statement = response.headers_mut().remove(OWNER);
        drop_ours(response.headers_mut());
        if !self.reads {
            return Ok(response);
        }
        leaks::drop_no_coding(response.headers_mut());
        if let Some(lesson) = record.lesson() {
            response = Box::pin(learner::answered(response, lesson)).await;
        }
        let (status, fields) = (response.status(), response.headers());
        record.look(|guard| guard.answer_head(status, fields))?;
        let mut response = held_to(response, statement, (permit, route), record).await?;
        if let Some(leaks) = &self.leaks {
            // On the heap: what few answers need.
            response = Box::pin(leaks.run(response, permit, route, record)).await?;
        }
        if let Some(wanted) = record.rules().and_then(Guard::answer_bytes_max) {
            return Box::pin(rules::show(response, wanted, route, record)).await;
        }
        // Rules that add up do so in the last phase, also where there is nothing to read.
        record.look(|guard| guard.answer_body(Bytes::new()))?;
        Ok(response)
    }
}

/// Holds an answer to the owner, the schema and the data classes.
async fn held_to(
    response: Response<Body>,
    statement: Option<HeaderValue>,
    (permit, route): (&Permit, &Route),
    record: &mut Record<'_>,
) -> Result<Response<Body>, Refusal> {
    let operation = route.operation();
    let must_match = gives(response.status()) && permit.is_own();
    let is_stated = statement.is_some_and(|text| text == "checked");
    if must_match && operation.owner.is_none() && !is_stated {
        let line = permit.line().cloned();
        record.waive(Refusal::OwnerNotStated { line })?;
    }
    let owner = operation.owner.as_ref();
    let owner = owner.filter(|rule| must_match && rule.source == OwnerSource::Response);
    let forbidden = forbidden(operation, permit);
    let is_head = *record.method() == Method::HEAD;
    let has_body = !is_head && !response.body().is_empty();
    if owner.is_some() && !has_body && !is_stated {
        let line = permit.line().cloned();
        // To a HEAD the status alone would tell that the object is there.
        record.waive(if is_head {
            Refusal::NotOwned { line }
        } else {
            Refusal::OwnerNotStated { line }
        })?;
    }
    let has_rules = owner.is_some() || !forbidden.is_empty() || holds_to_schema(operation);
    if !has_rules || !has_body {
        return Ok(response);
    }
    let content = Content::of(response.headers());
    if content == Content::Binary || (content == Content::Text && forbidden.is_empty()) {
        return match owner {
            Some(_) => record
                .waive(Refusal::Leak { why: "the owner stands in no JSON".to_owned() })
                .map(|()| response),
            None => Ok(response),
        };
    }
    if content == Content::Stream {
        let why = "a stream without end cannot be looked through".to_owned();
        record.waive(Refusal::Leak { why })?;
        return Ok(response);
    }
    // On the heap: most answers are not read.
    let (head, bytes) = Box::pin(read(response, operation.timeout)).await?;
    if content == Content::Text && owner.is_none() && !is_json_text(&bytes) {
        return Ok(Response::from_parts(head, Body::from(bytes)));
    }
    let owner = owner.map(|rule| (rule, permit.owner(rule)));
    if let Some((rule, owner)) = owner
        && !owner.is_some_and(|owner| own::is_in_json(&bytes, &rule.name, owner))
    {
        record.waive(Refusal::NotOwned { line: permit.line().cloned() })?;
    }
    cut(head, bytes, operation, &forbidden, record)
}

/// Reads an answer whole. What is too large to be looked at does not leave.
async fn read(
    response: Response<Body>,
    limit: Duration,
) -> Result<(http::response::Parts, Bytes), Refusal> {
    let (mut head, body) = response.into_parts();
    let collected = tokio::time::timeout(limit, body.collect(ANSWER_BYTES_MAX)).await;
    let collected =
        collected.map_err(|_elapsed| Refusal::Timeout)?.map_err(|error| match error {
            CollectError::TooLarge(bytes) => Refusal::Leak {
                why: format!("more than {bytes} bytes, which cannot be looked through"),
            },
            CollectError::Body(error) => Refusal::unavailable("the answer broke off", error),
        })?;
    // Asked for without compression; a service that compresses all the same is undone.
    let coding = head.headers.remove(CONTENT_ENCODING);
    let bytes = match coding {
        None => collected.bytes,
        Some(coding) => {
            decode(coding.to_str().ok().or(Some("?")), &collected.bytes, ANSWER_BYTES_MAX)
                .map(Bytes::from)
                .map_err(|error| Refusal::Leak { why: error.to_string() })?
        }
    };
    head.headers.remove(CONTENT_LENGTH);
    head.headers.remove(TRAILER);
    Ok((head, bytes))
}

fn cut(
    mut head: http::response::Parts,
    bytes: Bytes,
    operation: &Operation,
    forbidden: &[FieldRule],
    record: &mut Record<'_>,
) -> Result<Response<Body>, Refusal> {
    let unknown_fields = match operation.responses {
        Leak::Cut => Fate::Cut,
        Leak::Pass => Fate::Pass,
        Leak::Refuse => Fate::Refuse,
    };
    let rule = CutRule { unknown_fields, forbidden };
    // JSON under another name has no schema of its own: it is held to the declared one.
    let media_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.filter(|text| Content::named(text) == Content::Json);
    let filtered = match operation.schema() {
        Some(schema) => schema.filter_response(head.status.as_u16(), media_type, &bytes, &rule),
        None => filter_fields(media_type, &bytes, &rule),
    };
    let bytes = match filtered {
        Filtered::Unchanged => bytes,
        Filtered::Changed(changed, violations) => {
            if record.cuts(say("cut", &violations)) {
                // A tag names the bytes that it was made for.
                head.headers.remove(ETAG);
                changed.into()
            } else {
                bytes
            }
        }
        Filtered::Refused(violations) => {
            record.waive(Refusal::Leak { why: say("withheld", &violations) })?;
            bytes
        }
    };
    Ok(Response::from_parts(head, Body::from(bytes)))
}

/// The field rules of all data classes that this caller may not see.
fn forbidden(operation: &Operation, permit: &Permit) -> Vec<FieldRule> {
    let hidden = operation.classes.iter().filter(|class| {
        class.see.as_ref().is_some_and(|viewers| !viewers.iter().any(|one| sees(one, permit)))
    });
    hidden.flat_map(|class| class.fields.iter().cloned()).collect()
}

fn sees(viewer: &Viewer, permit: &Permit) -> bool {
    let caller = permit.caller();
    match (viewer, caller.service()) {
        (Viewer::Service(name), Some(service)) => name == service,
        (Viewer::Role { name, own }, None) => {
            let is_public = name == "anyone";
            let has = caller.person().is_some_and(|person| person.roles.contains(name));
            (is_public || has) && (!own || permit.is_own())
        }
        // A service receives it, whoever it calls for; and a person is no service.
        (Viewer::Role { .. }, Some(_)) | (Viewer::Service(_), None) => false,
    }
}

fn holds_to_schema(operation: &Operation) -> bool {
    operation.responses != Leak::Pass && operation.schema().is_some()
}

fn say(what: &str, violations: &[Violation]) -> String {
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    format!("{what}: {}", texts.join("; "))
}

/// Whether an answer of this status can carry the object.
fn gives(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS
}

/// What an answer may hold, by its media type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Content {
    /// Nothing that a field could be read from.
    Binary,
    /// JSON, or no type at all: it may be JSON to whoever gets it.
    Json,
    /// Events without end.
    Stream,
    /// Text, which may be JSON all the same: Flask says `text/html` of `return json.dumps(…)`.
    Text,
}

impl Content {
    fn of(fields: &HeaderMap) -> Self {
        let media_type = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        media_type.map_or(Self::Json, Self::named)
    }

    fn named(media_type: &str) -> Self {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (kind, name) = essence.split_once('/').unwrap_or((essence.as_str(), ""));
        match (kind, name) {
            ("application" | "text", "json") => Self::Json,
            (_, name) if name.ends_with("+json") => Self::Json,
            ("text", "event-stream") => Self::Stream,
            (_, name) if name.contains("ndjson") || name.contains("jsonl") => Self::Stream,
            ("audio" | "font" | "image" | "video", _)
            | ("application", "gzip" | "pdf" | "wasm" | "zip") => Self::Binary,
            // Messages without names of fields; their status comes in trailers.
            ("application", name) if name.starts_with("grpc") => Self::Binary,
            _ => Self::Text,
        }
    }
}

/// Whether it is a JSON object or list, whatever it calls itself. Text that only begins like one
/// has no fields that could be read by name.
fn is_json_text(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let begins = bytes.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'{' | b'['));
    begins && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

/// What only Ringwall may say, and a session that only Ringwall may give.
fn drop_ours(fields: &mut HeaderMap) {
    let ours: Vec<HeaderName> =
        fields.keys().filter(|name| name.as_str().starts_with("ringwall-")).cloned().collect();
    for name in ours {
        fields.remove(name);
    }
    if fields.get_all(http::header::SET_COOKIE).iter().any(is_session) {
        let kept: Vec<HeaderValue> = fields
            .get_all(http::header::SET_COOKIE)
            .iter()
            .filter(|value| !is_session(value))
            .cloned()
            .collect();
        fields.remove(http::header::SET_COOKIE);
        for value in kept {
            fields.append(http::header::SET_COOKIE, value);
        }
    }
}

/// Whether browsers would send this cookie back as one of ours: they trim its name, and send the
/// value alone when there is no name.
fn is_session(value: &HeaderValue) -> bool {
    let pair = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let mut halves = pair.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
    let (name, content) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
    let sent = if name.is_empty() { content } else { name };
    sent.starts_with(SESSION_COOKIE.as_bytes())
}

const OWNER: HeaderName = HeaderName::from_static("ringwall-owner");

/// 8 MiB: a list that a page can show is far below it.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
