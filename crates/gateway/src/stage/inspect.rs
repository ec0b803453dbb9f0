//! Inspect: what is asked with.
//!
//! Parameters and body must fit the declared schema, and the body its limit. A body is held back
//! only where something has to read it; else it streams, counted. Late, because it is expensive:
//! only for callers who may ask at all. Rules of the firewall come last of all: they see what fits.

mod counted;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Request};
use http_body::Body as _;
use ringwall_manifest::{OwnerRule, OwnerSource};
use ringwall_net::{Body, CollectError};
use ringwall_openapi::{DecodeError, RequestParts, Unknown, Violation, ViolationKind, decode};

use crate::firewall::{Guard, Held};
use crate::record::Record;
use crate::stage::authorize::Permit;
use crate::stage::normalize::{Host, Normal};
use crate::stage::route::Route;
use crate::{Refusal, own};
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
        if self.reads
            && let Err(refusal) = check_parameters(&request, route)
        {
            record.waive(refusal)?;
        }
        record.look(Guard::head)?;
        let is_websocket = request.is_websocket();
        let (mut request, host) = request.into_request();
        let bytes_max = operation.body_bytes_max;
        let owner = operation.owner.as_ref();
        let owner = owner.filter(|rule| permit.is_own() && rule.source == OwnerSource::Body);
        // A body that no schema declares is refused, as a parameter is.
        let schema = operation.schema();
        let has_body = !request.body().is_empty();
        let is_judged = schema.is_some_and(|schema| schema.wants_body() || has_body);
        if !self.reads || !(is_judged || owner.is_some()) {
            let is_stream = is_websocket || operation.is_grpc(request.headers());
            let overflow = if record.rules().is_some() {
                Box::pin(show(&mut request, bytes_max, is_stream, record)).await?
            } else {
                stream(request.body_mut(), bytes_max)?
            };
            return Ok(Clean { request, host, is_websocket, overflow });
        }
        // On the heap: most requests have no body to be read.
        let bytes = Box::pin(read(&mut request, bytes_max)).await?;
        if let Err(refusal) = check_body(request.headers(), &bytes, route, (permit, owner)) {
            record.waive(refusal)?;
        }
        let bytes = Bytes::from(bytes);
        record.look(|guard| guard.body(bytes.clone()))?;
        *request.body_mut() = Body::from(bytes);
        Ok(Clean { request, host, is_websocket, overflow: None })
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

    /// The fields, and the body that goes with them: both are translated, or neither.
    pub(crate) fn message(&mut self) -> &mut Request<Body> {
        &mut self.request
    }

    /// The request, and the host as the client named it.
    pub(crate) fn into_request(self) -> (Box<Request<Body>>, Host) {
        (self.request, self.host)
    }
}

fn check_parameters(request: &Normal, route: &Route) -> Result<(), Refusal> {
    let Some(schema) = route.operation().schema() else { return Ok(()) };
    let unknown =
        if route.operation().refuses_unknown_parameters { Unknown::Refuse } else { Unknown::Pass };
    let parts = RequestParts {
        path_params: route.values(),
        query: request.query(),
        headers: request.fields(),
        unknown,
    };
    schema.check_request(&parts).map_err(|violations| refuse(&violations))
}

fn check_body(
    fields: &HeaderMap,
    bytes: &[u8],
    route: &Route,
    (permit, owner): (&Permit, Option<&OwnerRule>),
) -> Result<(), Refusal> {
    let media_type = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if let Some(schema) = route.operation().schema() {
        schema.check_body(media_type, bytes).map_err(|violations| refuse(&violations))?;
    }
    let Some(rule) = owner else { return Ok(()) };
    let is_form =
        media_type.is_some_and(|text| text.starts_with("application/x-www-form-urlencoded"));
    let is_own = permit.owner(rule).is_some_and(|owner| {
        if is_form {
            let is_in = |form| own::is_in_form(form, &rule.name, owner);
            !own::is_json_too(bytes) && std::str::from_utf8(bytes).is_ok_and(is_in)
        } else {
            own::is_in_json(bytes, &rule.name, owner)
        }
    });
    if is_own {
        return Ok(());
    }
    let why = "permitted for own objects only, and the body names another owner".to_owned();
    Err(Refusal::Forbidden { why, line: permit.line().cloned() })
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
    bytes_max: usize,
    is_stream: bool,
    record: &mut Record<'_>,
) -> Result<Option<Arc<AtomicBool>>, Refusal> {
    let wanted = record.rules().and_then(Guard::body_bytes_max);
    let wanted = wanted.filter(|_| !is_stream && !request.body().is_empty());
    let Some(wanted) = wanted else {
        record.look(|guard| guard.body(Bytes::new()))?;
        return stream(request.body_mut(), bytes_max);
    };
    if wanted >= bytes_max || request.headers().contains_key(CONTENT_ENCODING) {
        let bytes = Bytes::from(read(request, bytes_max).await?);
        record.look(|guard| guard.body(bytes.clone()))?;
        *request.body_mut() = Body::from(bytes);
        return Ok(None);
    }
    let overflow = stream(request.body_mut(), bytes_max)?;
    let mut held = Held::new(std::mem::take(request.body_mut()));
    let filled = held.fill(wanted).await;
    filled.map_err(|_broken| Refusal::malformed("the body broke off"))?;
    let (bytes, body) = held.split();
    *request.body_mut() = body;
    record.look(|guard| guard.body(bytes))?;
    Ok(overflow)
}

/// Reads a body whole and undoes its compression: the service gets the bytes that were checked.
async fn read(request: &mut Request<Body>, bytes_max: usize) -> Result<Vec<u8>, Refusal> {
    let too_large =
        || Refusal::TooLarge { bytes_max: u64::try_from(bytes_max).unwrap_or(u64::MAX) };
    let body = std::mem::take(request.body_mut());
    let fields = request.headers_mut();
    let collected = body.collect(bytes_max).await.map_err(|error| match error {
        CollectError::TooLarge(_) => too_large(),
        CollectError::Body(_) => Refusal::malformed("the body broke off"),
    })?;
    let coding = fields.get(CONTENT_ENCODING).map(http::HeaderValue::to_str).transpose();
    let coding = coding.map_err(|_other| Refusal::malformed("content-encoding is not text"))?;
    let bytes = match coding {
        None => collected.bytes.into(),
        Some(coding) => {
            decode(Some(coding), &collected.bytes, bytes_max).map_err(|error| match error {
                DecodeError::TooLarge { .. } => too_large(),
                DecodeError::Coding => Refusal::MediaType { why: "an unknown content-encoding" },
                DecodeError::Malformed => Refusal::malformed("the body cannot be decoded"),
            })?
        }
    };
    fields.remove(CONTENT_ENCODING);
    fields.remove(CONTENT_LENGTH);
    Ok(bytes)
}

fn refuse(violations: &[Violation]) -> Refusal {
    if violations.iter().any(|violation| violation.kind == ViolationKind::MediaType) {
        return Refusal::MediaType { why: "the schema does not declare this media type" };
    }
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Refusal::BadInput { why: texts.join("; ") }
}
