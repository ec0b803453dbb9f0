//! What of one exchange the learner is shown, kept until the exchange is over.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{Request, Response};
use http_body::Body as _;
use ringwall_net::Body;
use ringwall_openapi::{Answered, Exchange, Lens, Lessons};
use tokio::time::timeout;

use crate::firewall::Held;
use crate::operation::Operation;
use crate::stage::authenticate::Caller;

/// A request, and what is known of its answer.
#[derive(Debug)]
pub(crate) struct Lesson {
    caller: String,
    method: String,
    template: String,
    operation: String,
    path: String,
    query: String,
    content_type: Option<String>,
    body: Option<Bytes>,
    answer_type: Option<String>,
    answer: Option<Bytes>,
}

impl Lesson {
    /// Keeps a request for later. `path` is that of the door, `mount` what stands before the
    /// service's own; `body` is `None` when there is
    /// one that was not held back.
    pub(crate) fn new(
        (caller, address): (&Caller, IpAddr),
        operation: &Operation,
        (path, mount, query): (&str, &str, &str),
        fields: &HeaderMap,
        body: Option<Bytes>,
    ) -> Self {
        Self {
            caller: name(caller, address),
            method: operation.method.as_str().to_owned(),
            template: operation.template.clone(),
            operation: operation.name.clone(),
            path: below(path, mount),
            query: query.to_owned(),
            content_type: media_type(fields),
            body,
            answer_type: None,
            answer: None,
        }
    }

    /// Keeps the answer, too.
    pub(crate) fn answered(&mut self, fields: &HeaderMap, body: Option<Bytes>) {
        self.answer_type = media_type(fields);
        self.answer = body;
    }

    /// Shows what was kept.
    pub(super) fn show(&self, lessons: &mut Lessons, lens: &Lens<'_>, status: u16) {
        let mut hasher = DefaultHasher::new();
        (lens.salt, &self.caller).hash(&mut hasher);
        let exchange = Exchange {
            caller: hasher.finish(),
            method: &self.method,
            template: Some(&self.template),
            operation: Some(&self.operation),
            path: &self.path,
            query: &self.query,
            content_type: self.content_type.as_deref(),
            body: self.body.as_deref(),
            answer: Some(Answered {
                status,
                content_type: self.answer_type.as_deref(),
                body: self.answer.as_deref(),
            }),
        };
        lessons.observe(&exchange, lens);
    }
}

/// The path that the service sees. Counted in segments, as the mount is cut.
fn below(path: &str, mount: &str) -> String {
    let count = mount.matches('/').count().saturating_add(1);
    let rest = path.splitn(count.saturating_add(1), '/').nth(count);
    format!("/{}", rest.unwrap_or_default())
}

/// Whether a body is held back for the learner: one of a known, small size that is not packed.
pub(crate) fn holds(request: &Request<Body>) -> bool {
    !request.headers().contains_key(CONTENT_ENCODING) && is_small(request.body())
}

/// Holds a small answer of JSON back, and gives it on as it came.
pub(crate) async fn answered(response: Response<Body>, lesson: &mut Lesson) -> Response<Body> {
    let fields = response.headers();
    let is_json = media_type(fields).is_some_and(|text| text.to_ascii_lowercase().contains("json"));
    let is_held = is_json && !fields.contains_key(CONTENT_ENCODING) && is_small(response.body());
    if !is_held {
        lesson.answered(response.headers(), None);
        return response;
    }
    let (head, body) = response.into_parts();
    let mut held = Held::new(body);
    if let Ok(Err(error)) = timeout(HOLD_MAX, held.fill(BYTES_MAX)).await {
        held.break_off(error);
    }
    let is_whole = held.is_whole();
    let (bytes, body) = held.split();
    lesson.answered(&head.headers, is_whole.then_some(bytes));
    Response::from_parts(head, body)
}

fn is_small(body: &Body) -> bool {
    let most = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX);
    body.size_hint().exact().is_some_and(|bytes| bytes <= most)
}

fn media_type(fields: &HeaderMap) -> Option<String> {
    fields.get(CONTENT_TYPE)?.to_str().ok().map(str::to_owned)
}

/// Who counts as one: a person, a program, a service; of strangers the address, and of those with
/// IPv6 the network, of which one stranger has all addresses.
fn name(caller: &Caller, address: IpAddr) -> String {
    if let Some(person) = caller.person() {
        return format!("person {}", person.subject);
    }
    match (caller.client(), caller.service(), address) {
        (Some(client), _, _) => format!("client {client}"),
        (None, Some(service), _) => format!("service {service}"),
        (None, None, IpAddr::V4(address)) => format!("address {address}"),
        (None, None, IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("network {a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

/// What requests of people and programs are; what is larger is not learned.
const BYTES_MAX: usize = 64 * 1024;

/// Longer than an answer takes that is made at once.
const HOLD_MAX: Duration = Duration::from_secs(2);
