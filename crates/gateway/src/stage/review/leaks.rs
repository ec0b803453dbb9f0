//! What must not leave, whatever the schema says: secrets, stack traces, errors of databases,
//! listings, and values of data classes that this caller may not see.
//!
//! Values are masked in an answer that is read whole. What no answer should have is looked for at the
//! public door only: where `leaks` says `block`, the beginning is held back and the rest breaks off;
//! where it says `log`, the answer passes and nobody waits.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, SET_COOKIE,
};
use http::{Method, Response, StatusCode};
use ringwall_leaks::{Detectors, Scanner, Stream};
use ringwall_manifest::Waf;
use ringwall_net::Body;
use ringwall_openapi::decode;
use tokio::time::timeout;

use super::mask::Masker;
use super::passing::{Events, Passing};
use super::rules::{HOLD_MAX, unseen};
use super::{ANSWER_BYTES_MAX, Content, read, sees};
use crate::Refusal;
use crate::firewall::Held;
use crate::operation::{Detect, Operation};
use crate::record::{Became, Leaked, Record};
use crate::stage::authorize::Permit;
use crate::stage::route::Route;

/// Looks for leaks.
#[derive(Debug)]
pub(super) struct Leaks {
    scanner: Arc<Scanner>,
    is_edge: bool,
}

impl Leaks {
    pub(super) const fn new(scanner: Arc<Scanner>) -> Self {
        Self { scanner, is_edge: false }
    }

    pub(super) const fn at_edge(mut self) -> Self {
        self.is_edge = true;
        self
    }

    /// Returns the answer without what must not leave, or refuses it.
    pub(super) async fn run(
        &self,
        mut response: Response<Body>,
        permit: &Permit,
        route: &Route,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        let operation = route.operation();
        let rules = hidden(operation, permit);
        let mode = if self.is_edge { operation.leaks } else { Waf::Off };
        if rules.is_empty() && mode == Waf::Off {
            return Ok(response);
        }
        let always = if mode == Waf::Off { Detectors::NONE } else { Detectors::ALWAYS };
        let fatal = if mode == Waf::Block { fatal(&response) } else { Detectors::NONE };
        self.head(response.headers_mut(), &rules, (always, fatal), record)?;
        let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let has_body = *record.method() != Method::HEAD && !response.body().is_empty();
        let content = Content::of(response.headers());
        let is_grpc = operation.is_grpc(response.headers());
        if is_upgrade || !has_body || is_grpc || content == Content::Binary {
            return Ok(response);
        }
        let is_stream = content == Content::Stream;
        if !rules.is_empty() && !is_stream {
            response = self.mask(response, &rules, operation, record).await?;
        }
        let values =
            if is_stream { Masker::new(&self.scanner, &rules).wanted() } else { Detectors::NONE };
        let look = Look { wanted: always.and(values), stops: values.and(fatal), is_stream };
        if look.wanted.is_empty() {
            return Ok(response);
        }
        self.body(response, look, record).await
    }

    /// Fields of the head, but not cookies: they are secrets that the app means to give.
    fn head(
        &self,
        fields: &mut HeaderMap,
        rules: &[Detect],
        (always, fatal): (Detectors, Detectors),
        record: &mut Record<'_>,
    ) -> Result<(), Refusal> {
        let masker = Masker::new(&self.scanner, rules);
        let mut leaked = Vec::new();
        for (name, value) in fields.iter_mut().filter(|(name, _)| *name != SET_COOKIE) {
            let place = format!("in the field {name}");
            if !always.is_empty() {
                let wanted = (always, fatal);
                let found = self.scanner.scan_for(wanted, value.as_bytes(), FINDINGS_MAX);
                leaked.extend(
                    found
                        .findings
                        .into_iter()
                        .map(|one| Leaked { detector: one.detector, place: place.clone() }),
                );
            }
            if rules.is_empty() {
                continue;
            }
            let masked = masker.text(value.as_bytes(), &place);
            if masked.is_refused {
                record.refuse_leaks(&masked.found)?;
            } else if let Some(bytes) = masked.bytes
                && record.masks(&masked.found)
            {
                let bytes = HeaderValue::from_maybe_shared(Bytes::from(bytes));
                // Stars instead of letters are as good as those.
                *value = bytes.unwrap_or(HeaderValue::from_static("*"));
            }
        }
        told(&leaked, fatal, record)
    }

    async fn mask(
        &self,
        response: Response<Body>,
        rules: &[Detect],
        operation: &Operation,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        // On the heap: most answers are not read.
        let (mut head, bytes) = Box::pin(read(response, operation.timeout)).await?;
        let masked = Masker::new(&self.scanner, rules).run(&bytes);
        if masked.is_too_deep {
            record.waive(Refusal::Leak { why: "nested too deeply to be masked".to_owned() })?;
            return Ok(Response::from_parts(head, Body::from(bytes)));
        }
        if masked.is_refused {
            record.refuse_leaks(&masked.found)?;
            return Ok(Response::from_parts(head, Body::from(bytes)));
        }
        let bytes = match masked.bytes {
            Some(changed) if record.masks(&masked.found) => {
                // A tag names the bytes that it was made for; so does a range.
                head.headers.remove(ETAG);
                head.headers.remove(ACCEPT_RANGES);
                Bytes::from(changed)
            }
            _ => bytes,
        };
        Ok(Response::from_parts(head, Body::from(bytes)))
    }

    async fn body(
        &self,
        response: Response<Body>,
        look: Look,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        let coding = coding(response.headers());
        let events = if look.is_stream { events(response.headers()) } else { Events::None };
        let (head, mut body) = response.into_parts();
        let may_stop = !look.stops.is_empty();
        if look.is_stream && may_stop && coding.is_some() {
            record.waive(unseen())?;
            return Ok(Response::from_parts(head, body));
        }
        let is_at_hand = matches!(body, Body::Full(_));
        if is_at_hand || (may_stop && !look.is_stream) {
            let (bytes, rest, is_whole) = hold(body, coding.is_some()).await;
            body = rest;
            let shown = match &coding {
                None => Some(bytes),
                Some(coding) if is_whole => {
                    decode(Some(coding), &bytes, ANSWER_BYTES_MAX).ok().map(Bytes::from)
                }
                Some(_) => None,
            };
            match shown {
                Some(shown) => self.whole(&shown, look, record)?,
                None if may_stop => record.waive(unseen())?,
                None => {}
            }
            if is_whole || coding.is_some() {
                return Ok(Response::from_parts(head, body));
            }
        }
        let stops = if record.observes() { Detectors::NONE } else { look.stops };
        let is_waived = may_stop && record.observes();
        let became = if is_waived { Became::Would } else { Became::Logged };
        let stream = Stream::new(Arc::clone(&self.scanner), look.wanted, FINDINGS_MAX);
        let stream = stream.stopping_at(stops);
        let told = (record.leak_witness(), became);
        let passing = Passing::new(body, (stream, stops), coding, told, events);
        Ok(Response::from_parts(head, Body::boxed(passing)))
    }

    fn whole(&self, bytes: &[u8], look: Look, record: &mut Record<'_>) -> Result<(), Refusal> {
        let wanted = (look.wanted, look.stops);
        let found = self.scanner.scan_for(wanted, bytes, FINDINGS_MAX).findings;
        let place = |start: usize| format!("at byte {start}");
        let leaked: Vec<Leaked> = found
            .into_iter()
            .map(|one| Leaked { detector: one.detector, place: place(one.range.start) })
            .collect();
        told(&leaked, look.stops, record)
    }
}

/// What is looked for in a body.
#[derive(Clone, Copy, Debug)]
struct Look {
    wanted: Detectors,
    /// What does not leave.
    stops: Detectors,
    is_stream: bool,
}

fn told(leaked: &[Leaked], stops: Detectors, record: &mut Record<'_>) -> Result<(), Refusal> {
    match leaked {
        [] => Ok(()),
        _ if leaked.iter().any(|one| stops.has(one.detector)) => record.refuse_leaks(leaked),
        _ => {
            record.leaks(leaked);
            Ok(())
        }
    }
}

/// What `block` withholds. What people write can look like an error: it is judged in answers that are
/// errors, and in pages.
fn fatal(response: &Response<Body>) -> Detectors {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if is_error || is_page(response.headers()) { Detectors::ALWAYS } else { Detectors::SECRETS }
}

fn is_page(fields: &HeaderMap) -> bool {
    let media_type = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    ["text/html", "text/plain"].iter().any(|page| essence.eq_ignore_ascii_case(page))
}

/// What ends an event.
fn events(fields: &HeaderMap) -> Events {
    let media_type = fields.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_blocks = media_type.to_ascii_lowercase().starts_with(b"text/event-stream");
    if is_blocks { Events::Blocks { is_empty: false, is_return: false } } else { Events::Lines }
}

/// How the body is packed.
fn coding(fields: &HeaderMap) -> Option<String> {
    fields.get(CONTENT_ENCODING).map(|coding| coding.to_str().unwrap_or("?").to_owned())
}

/// Drops a coding that is none: apps say so of streams, lest something in between packs them.
pub(super) fn drop_no_coding(fields: &mut HeaderMap) {
    let is_none = |value: &HeaderValue| {
        let mut codings = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        codings.all(|one| {
            [b"".as_slice(), b"identity", b"none"].iter().any(|no| one.eq_ignore_ascii_case(no))
        })
    };
    if fields.get_all(CONTENT_ENCODING).iter().all(is_none) {
        fields.remove(CONTENT_ENCODING);
    }
}

/// The beginning, and the body as it came; and whether the beginning is all of it.
async fn hold(body: Body, is_packed: bool) -> (Bytes, Body, bool) {
    let bytes_max = if is_packed { ANSWER_BYTES_MAX } else { HELD_BYTES_MAX };
    let mut held = Held::new(body);
    // What takes longer is written bit by bit, and somebody waits for the first of it.
    if let Ok(Err(error)) = timeout(HOLD_MAX, held.fill(bytes_max)).await {
        held.break_off(error);
    }
    let is_whole = held.is_whole();
    let (bytes, body) = held.split();
    (bytes, body, is_whole)
}

/// What of the data classes this caller may not see.
fn hidden(operation: &Operation, permit: &Permit) -> Vec<Detect> {
    let detected = operation.classes.iter().filter(|class| !class.detect.detectors.is_empty());
    let hidden = detected.filter(|class| {
        class.see.as_ref().is_some_and(|viewers| !viewers.iter().any(|one| sees(one, permit)))
    });
    hidden.map(|class| class.detect).collect()
}

/// More than an operator reads of one answer.
const FINDINGS_MAX: usize = 64;

/// 1 MiB: the pages of errors and debuggers are smaller.
const HELD_BYTES_MAX: usize = 1024 * 1024;
