//! Forward: asks the service, as Ringwall and nobody else.
//!
//! The request is rebuilt: one length, one host, the identity that we vouch for. The only stage
//! that talks to a service; it takes a [`Permit`] and a [`Clean`] request, so that nothing
//! unchecked can get there.

mod attempts;
mod deadline;
mod hedge;
mod identity;
mod sending;
mod spare;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::{
    ACCEPT_ENCODING, CONNECTION, HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version};
use ringwall_base::Clock;
use ringwall_manifest::OwnerSource;
use ringwall_net::{Body, Peer, Pool, Upgrade};

use crate::firewall::Guard;
use crate::overload::Floodgate;
use crate::record::Record;
use crate::stage::authorize::Permit;
use crate::stage::inspect::Clean;
use crate::stage::normalize::{Host, IDENTITY};
use crate::stage::route::Route;
use crate::tenure::{Tenure, Terms};
use crate::trace::{TRACEPARENT, TRACESTATE};
use crate::upstreams::Original;
use crate::{Refusal, Signers};
use identity::{Introduction, Introductions};
use sending::Sending;

/// What a door says to the other side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Settings {
    /// To the app, about a client of the public door.
    Edge,
    /// To the app, about another service.
    Inbound,
    /// To the callee's inbound door.
    Outbound,
}

/// Asks services.
#[derive(Debug)]
pub(crate) struct Forward {
    settings: Settings,
    fleet: Arc<str>,
    pool: Pool,
    signers: Arc<dyn Signers>,
    clock: Arc<dyn Clock>,
    floodgate: Option<Floodgate>,
    terms: Arc<Terms>,
    introductions: Introductions,
}

impl Forward {
    pub(crate) fn new(
        settings: Settings,
        fleet: Arc<str>,
        pool: Pool,
        signers: Arc<dyn Signers>,
        terms: Arc<Terms>,
    ) -> Self {
        let (introductions, clock) = (Introductions::new(), Arc::clone(&terms.clock));
        Self { settings, fleet, pool, signers, clock, floodgate: None, terms, introductions }
    }

    /// The same, with a limit of requests under way.
    pub(crate) fn with(self, floodgate: Option<Floodgate>) -> Self {
        Self { floodgate, ..self }
    }

    /// Begins the time that an answer may last.
    pub(crate) fn begin(&self, permit: &Permit, route: &Route, record: &Record<'_>) -> Tenure {
        self.terms.begin(permit, route, record)
    }

    /// Returns the service's answer, or refuses when there is none.
    pub(crate) async fn run(
        &self,
        permit: &Permit,
        request: Clean,
        route: &Route,
        record: &Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        let (is_websocket, overflow) = (request.is_websocket(), request.overflow());
        let (mut request, host) = request.into_request();
        let gate = self.floodgate.as_ref().map(|gate| gate.enter(permit.caller()));
        let _admitted = gate.transpose()?;
        let sending = Sending::choose(route.backend(), request.headers(), permit.caller(), record);
        // A door of ours is asked as we were; an app speaks what the manifest says.
        if self.settings != Settings::Outbound {
            *request.version_mut() = Version::HTTP_11;
        }
        cut_mount(&mut request, route)?;
        rewrite(&mut request, route)?;
        if self.settings != Settings::Outbound {
            ready_for_review(request.headers_mut(), route);
            if record.rules().is_some_and(Guard::may_read_answer) {
                whole(request.headers_mut());
            }
        }
        if let Some(mirror) = route.backend().mirror.as_ref().filter(|_| !is_websocket) {
            let is_classified = !route.operation().classes.is_empty();
            let original = Original { request: &request, host: host.as_str(), is_classified };
            mirror.copy(&original, self.pool, &self.clock);
        }
        self.speak_for_us(request.headers_mut(), &host, route, record)?;
        self.introduce(&mut request, permit, route, record)?;
        let upgrade = if is_websocket { Some(upgrade(&mut request, record.peer())?) } else { None };
        let limit = deadline::within(route.operation().timeout, request.headers());
        let sent = sending.send(request, limit, (self.pool, &*self.clock)).await;
        let mut response = sent.map_err(|refusal| blame(refusal, route, overflow.as_deref()))?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let Some(upgrade) = upgrade else {
                return Err(Refusal::Unavailable {
                    why: "an upgrade nobody asked for",
                    source: None,
                });
            };
            let tenure = self.begin(permit, route, record);
            upgrade
                .join(&mut response, tenure.settings().tunnel_idle, tenure.tunnel())
                .map_err(|error| Refusal::unavailable("the WebSocket was not opened", error))?;
        } else {
            end_hop(response.headers_mut());
        }
        Ok(response)
    }

    fn speak_for_us(
        &self,
        fields: &mut HeaderMap,
        host: &Host,
        route: &Route,
        record: &Record<'_>,
    ) -> Result<(), Refusal> {
        fields.insert(HOST, host.value().clone());
        let id = record.id_field().ok_or_else(no_value)?;
        fields.insert(REQUEST, id.clone());
        if self.settings == Settings::Edge {
            fields.insert(FORWARDED_FOR, record.peer().source().clone());
            fields.insert(FORWARDED_HOST, host.value().clone());
            fields.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
            if !route.mount().is_empty() {
                fields.insert(FORWARDED_PREFIX, value(route.mount())?);
            }
        }
        fields.insert(TRACEPARENT, record.traceparent().ok_or_else(no_value)?);
        if !record.is_continued() {
            fields.remove(TRACESTATE);
        }
        Ok(())
    }

    fn introduce(
        &self,
        request: &mut Request<Body>,
        permit: &Permit,
        route: &Route,
        record: &Record<'_>,
    ) -> Result<(), Refusal> {
        if permit.caller().is_consumed() {
            request.headers_mut().remove(http::header::AUTHORIZATION);
            request.headers_mut().remove("dpop");
        }
        // The callee's door knows the caller by certificate; only a person needs an introduction.
        if self.settings == Settings::Outbound && permit.caller().person().is_none() {
            return Ok(());
        }
        let introduction = Introduction {
            fleet: &self.fleet,
            permit,
            operation: route.operation(),
            id: record.request_id(),
            method: request.method().as_str(),
            path: request.uri().path(),
        };
        let token = self
            .signers
            .current()
            .and_then(|signer| self.introductions.token(&introduction, &*signer, self.clock.now()))
            .map_err(|error| Refusal::Undecided { why: error.to_string() })?;
        request.headers_mut().insert(IDENTITY, token);
        Ok(())
    }
}

/// A body that passed its limit on the way is the client's fault, not the service's.
fn blame(refusal: Refusal, route: &Route, overflow: Option<&AtomicBool>) -> Refusal {
    if matches!(refusal, Refusal::Timeout)
        || !overflow.is_some_and(|over| over.load(Ordering::Relaxed))
    {
        return refusal;
    }
    let bytes_max = route.operation().body_bytes_max;
    Refusal::TooLarge { bytes_max: u64::try_from(bytes_max).unwrap_or(u64::MAX) }
}

/// Cuts the mount off. Counted in segments: an encoded letter makes no difference.
fn cut_mount(request: &mut Request<Body>, route: &Route) -> Result<(), Refusal> {
    let cut = route.mount().matches('/').count();
    if cut == 0 {
        return Ok(());
    }
    let path = request.uri().path();
    let rest = path.match_indices('/').nth(cut).and_then(|(at, _)| path.get(at..)).unwrap_or("/");
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{rest}{query}").parse::<Uri>();
    *request.uri_mut() = target.map_err(|_other| Refusal::malformed("the path has no rest"))?;
    Ok(())
}

/// What was matched is what was decided on; the app may know it under another path.
fn rewrite(request: &mut Request<Body>, route: &Route) -> Result<(), Refusal> {
    let Some(path) = route.manner().rewritten(request.uri().path()) else { return Ok(()) };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{path}{query}").parse::<Uri>();
    *request.uri_mut() =
        target.map_err(|_other| Refusal::malformed("the path cannot be rewritten"))?;
    Ok(())
}

/// Review has to read the answer: it must be whole and not compressed.
fn ready_for_review(fields: &mut HeaderMap, route: &Route) {
    if route.operation().reads_answers() {
        whole(fields);
    }
    let owner = route.operation().owner.as_ref();
    if owner.is_some_and(|rule| rule.source == OwnerSource::Response) {
        // "Not modified" would say that somebody's object is there, and not whose it is.
        fields.remove(IF_MODIFIED_SINCE);
        fields.remove(IF_NONE_MATCH);
    }
}

/// Asks for the answer in one piece and not packed: what was cut in two is no longer recognised.
fn whole(fields: &mut HeaderMap) {
    fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    fields.remove(RANGE);
    fields.remove(IF_RANGE);
}

fn upgrade(request: &mut Request<Body>, peer: &Arc<Peer>) -> Result<Upgrade, Refusal> {
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    request.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    Upgrade::take(request, Arc::clone(peer))
        .ok_or(Refusal::Malformed { why: "the WebSocket handshake is not that of RFC 6455" })
}

/// What ends at this hop, in the answer.
fn end_hop(fields: &mut HeaderMap) {
    if !fields.keys().any(|name| HOP.contains(&name.as_str())) {
        return;
    }
    let named: Vec<HeaderName> = fields
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    for name in named {
        fields.remove(name);
    }
    for name in HOP {
        fields.remove(name);
    }
}

fn value(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text).map_err(|_other| no_value())
}

const fn no_value() -> Refusal {
    Refusal::malformed("a value is not a field value")
}

const REQUEST: HeaderName = HeaderName::from_static("ringwall-request");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Fields of an answer that end at this hop. `Trailer` goes on, with the trailers (RFC 9110 6.6.2).
const HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];
