//! Inspect: what is asked with.
//!
//! Parameters and body must fit the declared schema, and the body its limit. A body is held back
//! only where something has to read it; else it streams, counted. Late, because it is expensive:
//! only for callers who may ask at all. Rules of the firewall come last of all: they see what fits.

mod content;
mod counted;
mod fit;
mod messages;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, Request};
use http_body::Body as _;
use ringwall_manifest::{OwnerSource, Waf};
use ringwall_net::{Body, BodyError, CollectError};
use ringwall_openapi::{DecodeError, decode};

use crate::firewall::{Guard, Held};
use crate::grpc_web::{self, Web};
use crate::learner::{Learning, Lesson};
use crate::messages::Late;
use crate::operation::Operation;
use crate::record::Record;
use crate::stage::authorize::Permit;
use crate::stage::normalize::{Host, Normal};
use crate::stage::route::Route;
use crate::{Refusal, learner};
pub(crate) use content::{Uploads, limits};
use counted::Counted;

/// Reads what is asked with.
#[derive(Debug)]
pub(crate) struct Inspect {
    reads: bool,
}

/// A request that fits. Only [`Inspect::run`] makes one.
#[derive(Debug)]
pub(crate) struct Clean {
    request: Box<Request<Body>>,
    host: Host,
    is_websocket: bool,
    overflow: Option<Arc<AtomicBool>>,
    web: Option<Web>,
    late: Option<Late>,
}

impl Inspect {
    /// `reads` is false at a door whose other side inspects: then only the size counts.
    pub(crate) const fn new(reads: bool) -> Self {
        Self { reads }
    }

    /// Returns the request to send on, or refuses what does not fit.
    pub(crate) async fn run(
        &self,
        request: Normal,
        route: &Route,
        permit: &Permit,
        record: &mut Record<'_>,
    ) -> Result<Clean, Refusal> {
        let operation = route.operation();
        let mut proofs = Vec::new();
        if self.reads {
            match fit::parameters(&request, route) {
                Ok(found) => proofs = found,
                Err(refusal) => record.waive(refusal)?,
            }
        }
        record.recall(&proofs).await;
        record.look(|guard| guard.head_with(&proofs))?;
        let is_websocket = request.is_websocket();
        let learns = self.reads && operation.learning == Learning::On && !is_websocket;
        let asked = learns.then(|| request.path().to_owned());
        let (mut request, host) = request.into_request();
        let web = self.translate(&mut request, route);
        let bytes_max = operation.body_bytes_max;
        let owner = operation.owner.as_ref();
        let owner = owner.filter(|rule| permit.is_own() && rule.source == OwnerSource::Body);
        if let (Some(messages), true) = (&operation.messages, self.reads) {
            // A service may take other formats at the same path, and nobody looks at these.
            if operation.is_grpc(request.headers()) {
                let asked = (bytes_max, owner.map(|rule| (rule, permit)));
                let inspected = messages::inspect(&mut request, messages, asked, record);
                let (overflow, late) = Box::pin(inspected).await?;
                return Ok(Clean { request, host, is_websocket, overflow, web, late });
            }
            record.waive(Refusal::MediaType { why: "the method takes messages of gRPC" })?;
        }
        // A body that no schema declares is refused, as a parameter is.
        let schema = operation.schema();
        let has_body = !request.body().is_empty();
        let is_judged = schema.is_some_and(|schema| schema.wants_body() || has_body);
        let is_stream = is_websocket || operation.is_grpc(request.headers());
        let is_held = learns && !is_stream && learner::holds(&request);
        if self.reads && is_websocket {
            content::upgrade(operation, record)?;
        }
        let has_line = !is_websocket && content::is_there(&request, operation);
        if !self.reads || !(is_judged || owner.is_some() || is_held || has_line) {
            let overflow = if record.rules().is_some() {
                Box::pin(show(&mut request, operation, is_stream, record)).await?
            } else {
                stream(request.body_mut(), bytes_max)?
            };
            teach(asked, (&request, None), (permit, route), record);
            return Ok(Clean { request, host, is_websocket, overflow, web, late: None });
        }
        // On the heap: most requests have no body to be read.
        let bytes = Box::pin(read(&mut request, bytes_max)).await?;
        let mut proofs = Vec::new();
        let has_rules = record.rules().is_some();
        match fit::body(request.headers(), (&bytes, has_rules), route, (permit, owner)) {
            Ok(found) => proofs = found,
            Err(refusal) => record.waive(refusal)?,
        }
        let bytes = Bytes::from(bytes);
        record.look(|guard| guard.body_with(bytes.clone(), &proofs))?;
        content::check((&request, &bytes), operation, record)?;
        teach(asked, (&request, Some(bytes.clone())), (permit, route), record);
        *request.body_mut() = Body::from(bytes);
        Ok(Clean { request, host, is_websocket, overflow: None, web, late: None })
    }

    /// Makes gRPC of what browsers send, so that it is read as what it is.
    fn translate(&self, request: &mut Request<Body>, route: &Route) -> Option<Web> {
        if self.reads && route.manner().is_grpc_web { grpc_web::open(request) } else { None }
    }
}

impl Clean {
    /// Whether the client asks to continue as a WebSocket.
    pub(crate) const fn is_websocket(&self) -> bool {
        self.is_websocket
    }

    /// Set when a streamed body passes its limit after it was sent on.
    pub(crate) fn overflow(&self) -> Option<Arc<AtomicBool>> {
        self.overflow.clone()
    }

    /// How its answer is translated, where it was.
    pub(crate) const fn web(&self) -> Option<Web> {
        self.web
    }

    /// What may still be found in it while it is sent on.
    pub(crate) fn late(&self) -> Option<Late> {
        self.late.clone()
    }

    /// The request, and the host as the client named it.
    pub(crate) fn into_request(self) -> (Box<Request<Body>>, Host) {
        (self.request, self.host)
    }
}

/// Keeps what the learner is shown if all goes well.
fn teach(
    asked: Option<String>,
    (request, body): (&Request<Body>, Option<Bytes>),
    (permit, route): (&Permit, &Route),
    record: &mut Record<'_>,
) {
    let Some(path) = asked else { return };
    let query = request.uri().query().unwrap_or_default();
    let place = (path.as_str(), route.mount(), query);
    let caller = (permit.caller(), record.address());
    record.teach(Lesson::new(caller, route.operation(), place, request.headers(), body));
}

/// Lets a body through that nobody reads, up to its limit. Returns where it says that it passed it.
fn stream(body: &mut Body, bytes_max: usize) -> Result<Option<Arc<AtomicBool>>, Refusal> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let hint = body.size_hint();
    if hint.lower() > limit {
        return Err(Refusal::TooLarge { bytes_max: limit });
    }
    // A declared length is held to by the transport.
    if hint.exact().is_some() {
        return Ok(None);
    }
    let overflow = Arc::new(AtomicBool::new(false));
    *body = Body::boxed(Counted::new(std::mem::take(body), limit, Arc::clone(&overflow)));
    Ok(Some(overflow))
}

/// Shows a body that nobody else reads to the rules, as much of it as they want, and lets it through.
/// Returns where it says that it passed its limit.
async fn show(
    request: &mut Request<Body>,
    operation: &Operation,
    is_stream: bool,
    record: &mut Record<'_>,
) -> Result<Option<Arc<AtomicBool>>, Refusal> {
    let bytes_max = operation.body_bytes_max;
    let by_rules = record.rules().and_then(Guard::body_bytes_max);
    let watched = || content::is_watched(request, operation, record).then_some(BEGINNING_BYTES);
    let wanted = by_rules.or_else(watched);
    let wanted = wanted.filter(|_| !is_stream && !request.body().is_empty());
    let Some(wanted) = wanted else {
        record.look(|guard| guard.body(Bytes::new()))?;
        return stream(request.body_mut(), bytes_max);
    };
    let is_packed = request.headers().contains_key(CONTENT_ENCODING);
    // For the watch alone nothing is unpacked, and nothing is held but the beginning.
    let is_packed = is_packed && by_rules.is_some();
    let wanted = if is_packed { bytes_max } else { wanted };
    let overflow = stream(request.body_mut(), bytes_max)?;
    let held = hold(std::mem::take(request.body_mut()), (wanted, is_packed), record).await;
    let is_over = overflow.as_ref().is_some_and(|over| over.load(Ordering::Relaxed));
    let (held, has_room) = held.map_err(|_broken| {
        if is_over { too_large(bytes_max) } else { Refusal::malformed("the body broke off") }
    })?;
    let is_whole = held.is_whole();
    let (bytes, body) = held.split();
    *request.body_mut() = body;
    if !has_room {
        record.look(|_guard| Some(Refusal::Overloaded { why: "too many bodies are held" }))?;
        record.look(|guard| guard.body(Bytes::new()))?;
        return Ok(overflow);
    }
    if !is_packed {
        record.look(|guard| guard.body(bytes.clone()))?;
        if is_whole && !request.headers().contains_key(CONTENT_ENCODING) {
            content::watch((request, &bytes), operation, record)?;
        }
        return Ok(overflow);
    }
    match unpack(request.headers(), bytes, bytes_max) {
        Err(refusal) => {
            record.look(|_guard| Some(refusal))?;
            record.look(|guard| guard.body(Bytes::new()))?;
        }
        Ok(unpacked) => {
            // What is packed may be read as it is, by an app that knows no packing: where rules
            // refuse, it gets what they saw. Where they only log, nothing is changed.
            if record.rules().is_some_and(|guard| guard.mode() == Waf::Block) {
                request.headers_mut().remove(CONTENT_ENCODING);
                request.headers_mut().remove(CONTENT_LENGTH);
                *request.body_mut() = Body::from(unpacked.clone());
            }
            record.look(|guard| guard.body(unpacked.clone()))?;
            content::watch((request, &unpacked), operation, record)?;
        }
    }
    Ok(overflow)
}

/// Holds as much of a body as rules want, all of it or the beginning of what none of them looks at,
/// and says whether there was room for it.
async fn hold(
    body: Body,
    (wanted, is_packed): (usize, bool),
    record: &Record<'_>,
) -> Result<(Held, bool), BodyError> {
    let Some(guard) = record.rules() else { return Ok((Held::new(body), true)) };
    let has_room = |bytes| guard.take_room(bytes);
    let length = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
    // What is over the limit of the rules is for them to refuse.
    let may_stream = !is_packed && length.is_some_and(|length| length <= wanted);
    let mut held = Held::new(body);
    if may_stream {
        let is_full = !held.fill_while(BEGINNING_BYTES, has_room).await?;
        if is_full || held.is_whole() || !guard.looks_at(held.beginning()) {
            return Ok((held, !is_full));
        }
    }
    let has_room = held.fill_while(wanted, has_room).await?;
    Ok((held, has_room))
}

/// Reads a body whole and undoes its compression: the service gets the bytes that were checked.
async fn read(request: &mut Request<Body>, bytes_max: usize) -> Result<Vec<u8>, Refusal> {
    let body = std::mem::take(request.body_mut());
    let collected = body.collect(bytes_max).await.map_err(|error| match error {
        CollectError::TooLarge(_) => too_large(bytes_max),
        CollectError::Body(_) => Refusal::malformed("the body broke off"),
    })?;
    let fields = request.headers_mut();
    let bytes = unpack(fields, collected.bytes, bytes_max)?;
    fields.remove(CONTENT_ENCODING);
    fields.remove(CONTENT_LENGTH);
    Ok(bytes.into())
}

/// A body without its compression.
fn unpack(fields: &HeaderMap, bytes: Bytes, bytes_max: usize) -> Result<Bytes, Refusal> {
    let Some(coding) = fields.get(CONTENT_ENCODING) else { return Ok(bytes) };
    let coding = coding.to_str();
    let coding = coding.map_err(|_other| Refusal::malformed("content-encoding is not text"))?;
    let unpacked = decode(Some(coding), &bytes, bytes_max).map_err(|error| match error {
        DecodeError::TooLarge { .. } => too_large(bytes_max),
        DecodeError::Coding => Refusal::MediaType { why: "an unknown content-encoding" },
        DecodeError::Malformed => Refusal::malformed("the body cannot be decoded"),
    })?;
    Ok(unpacked.into())
}

fn too_large(bytes_max: usize) -> Refusal {
    Refusal::TooLarge { bytes_max: u64::try_from(bytes_max).unwrap_or(u64::MAX) }
}

/// What no rule looks at streams after so much: formats say by then what they are.
const BEGINNING_BYTES: usize = 64 * 1024;
