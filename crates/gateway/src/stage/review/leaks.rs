//! What must not leave, whatever the schema says: secrets, stack traces, errors of databases,
//! listings, and values of data classes that this caller may not see.
//!
//! Values are masked in an answer that is read whole. What no answer should have is looked for at the
//! public door only: where `leaks` says `block`, the beginning is held back and the rest breaks off;
//! where it says `log`, the answer passes and nobody waits.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CONTENT_ENCODING, ETAG, HeaderMap, HeaderValue, SET_COOKIE};
use http::{Method, Response, StatusCode};
use ringwall_leaks::{Detectors, Scanner, Stream};
use ringwall_manifest::Waf;
use ringwall_net::Body;
use ringwall_openapi::decode;
use tokio::time::timeout;

use super::mask::Masker;
use super::passing::Passing;
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
        self.head(response.headers_mut(), &rules, mode, record)?;
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
        let always = if mode == Waf::Off { Detectors::NONE } else { Detectors::ALWAYS };
        let values =
            if is_stream { Masker::new(&self.scanner, &rules).wanted() } else { Detectors::NONE };
        let stops = if mode == Waf::Block { values.and(always) } else { values };
        let look = Look { wanted: always.and(values), stops, is_stream };
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
        mode: Waf,
        record: &mut Record<'_>,
    ) -> Result<(), Refusal> {
        let masker = Masker::new(&self.scanner, rules);
        let mut leaked = Vec::new();
        for (name, value) in fields.iter_mut().filter(|(name, _)| *name != SET_COOKIE) {
            let place = format!("in the field {name}");
            if mode != Waf::Off {
                let found = self.scanner.scan(value.as_bytes(), Detectors::ALWAYS, FINDINGS_MAX);
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
        told(&leaked, mode == Waf::Block, record)
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
        let coding = response.headers().get(CONTENT_ENCODING);
        let coding = coding.map(|coding| coding.to_str().unwrap_or("?").to_owned());
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
        let became = if may_stop { Became::Would } else { Became::Logged };
        let stream = Stream::new(Arc::clone(&self.scanner), look.wanted, FINDINGS_MAX);
        let told = (record.leak_witness(), became);
        let passing = Passing::new(body, (stream, stops), coding, told);
        Ok(Response::from_parts(head, Body::boxed(passing)))
    }

    fn whole(&self, bytes: &[u8], look: Look, record: &mut Record<'_>) -> Result<(), Refusal> {
        let found = self.scanner.scan(bytes, look.wanted, FINDINGS_MAX).findings;
        let place = |start: usize| format!("at byte {start}");
        let leaked: Vec<Leaked> = found
            .into_iter()
            .map(|one| Leaked { detector: one.detector, place: place(one.range.start) })
            .collect();
        told(&leaked, leaked.iter().any(|one| look.stops.has(one.detector)), record)
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

fn told(leaked: &[Leaked], is_blocked: bool, record: &mut Record<'_>) -> Result<(), Refusal> {
    match leaked {
        [] => Ok(()),
        _ if is_blocked => record.refuse_leaks(leaked),
        _ => {
            record.leaks(leaked);
            Ok(())
        }
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
