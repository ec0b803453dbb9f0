//! The door from a service to a third party: what the manifest lists may go out, nothing else.
//!
//! First width: a partner that is spoken to in plain HTTP on loopback, which is a stub in
//! development. Its credential, its data classes and partners over TLS are not handled yet, and
//! `check` says so.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{CONNECTION, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use ringwall_base::{Class, Event, Outcome, RequestId};
use ringwall_manifest::{Grant, Partner};
use ringwall_net::{Answer, Answering, Body, DialTcp, Peer, SendError, Target, Violation};

use crate::ledger::Ledger;
use crate::{Core, Refusal, problem};

/// The handler of one service's door to one partner.
#[derive(Debug)]
pub struct Egress {
    core: Arc<Core>,
    ledger: Arc<Ledger>,
    caller: String,
    partner: String,
    url: String,
    authority: HeaderValue,
    target: Arc<Target>,
}

impl Egress {
    /// `None` when the partner's address is not plain HTTP on loopback.
    pub fn build(core: &Arc<Core>, caller: &str, name: &str, partner: &Partner) -> Option<Self> {
        let authority = partner.url.strip_prefix("http://")?.split('/').next()?;
        let address: SocketAddr = authority.replace("localhost", "127.0.0.1").parse().ok()?;
        if !address.ip().is_loopback() {
            return None;
        }
        Some(Self {
            core: Arc::clone(core),
            ledger: Arc::clone(core.ledger()),
            caller: caller.to_owned(),
            partner: name.to_owned(),
            url: partner.url.clone(),
            authority: HeaderValue::from_str(authority).ok()?,
            target: Target::new(Arc::new(DialTcp(address)), None),
        })
    }

    async fn run(&self, request: Request<Body>) -> Response<Body> {
        let id = self.ledger.request_id();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let outcome = self.admit(request).await;
        let (response, refusal) = match outcome {
            Ok(response) => (response, None),
            Err(refusal) => (problem::response(&refusal, id, self.ledger.is_dev), Some(refusal)),
        };
        let event = Event {
            at: self.ledger.clock.now(),
            action: if refusal.is_some() { "egress-denied" } else { "egress-allowed" },
            class: Class::Group,
            outcome: if refusal.is_some() { Outcome::Failure } else { Outcome::Success },
            caller: Some(self.caller.clone()),
            service: Some(self.partner.clone()),
            method: Some(method.to_string()),
            path: Some(path),
            status: Some(response.status().as_u16()),
            request: Some(id.to_string()),
            code: refusal.as_ref().map(|refusal| refusal.public().code),
            reason: refusal.as_ref().map(Refusal::reason),
            stage: Some("egress"),
            ..Event::default()
        };
        if self.ledger.sink.put(event).is_err() {
            self.ledger.metrics.lose();
        }
        response
    }

    async fn admit(&self, request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let (mut parts, body) = request.into_parts();
        self.check_grant(&parts.method, parts.uri.path())?;
        let target = parts.uri.path_and_query().cloned();
        parts.uri = Uri::from(target.unwrap_or_else(|| PathAndQuery::from_static("/")));
        end_hop(&mut parts.headers);
        parts.headers.insert(HOST, self.authority.clone());
        let sent = self
            .core
            .seams()
            .pool
            .send(&self.target, Box::new(Request::from_parts(parts, body)))
            .await;
        let mut response = sent.map_err(|error| match error {
            error if error.is_timeout() => Refusal::Timeout,
            error => unavailable(error),
        })?;
        end_hop(response.headers_mut());
        Ok(response)
    }

    /// Asks the manifest in force: a door outlives the one that it was opened by.
    fn check_grant(&self, method: &Method, path: &str) -> Result<(), Refusal> {
        let snapshot = self.core.snapshot();
        let partner = snapshot.as_ref().and_then(|snapshot| snapshot.partner(&self.partner));
        let grants = partner.and_then(|partner| partner.callers.get(&self.caller));
        let asked = (method.as_str(), path);
        let is_this = |grant: &Grant| grant.operation.split_once(' ') == Some(asked);
        if !grants.is_some_and(|grants| grants.iter().any(is_this)) {
            let line = grants.and_then(|grants| grants.first()).map(|grant| grant.place.clone());
            let why = format!("no line lets `{}` send this to `{}`", self.caller, self.partner);
            return Err(Refusal::Forbidden { why, line });
        }
        if partner.is_none_or(|partner| partner.url != self.url) {
            let why = format!("`{}` moved; start `{}` again", self.partner, self.caller);
            return Err(Refusal::Undecided { why });
        }
        Ok(())
    }
}

fn unavailable(error: SendError) -> Refusal {
    Refusal::unavailable("the partner did not answer", error)
}

/// Removes what ends at this hop, and what is said inside the fleet only.
fn end_hop(fields: &mut HeaderMap) {
    let inner: Vec<HeaderName> =
        fields.keys().filter(|name| name.as_str().starts_with("ringwall-")).cloned().collect();
    let keep_alive = HeaderName::from_static("keep-alive");
    let hop = [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, keep_alive];
    for name in inner.into_iter().chain(hop) {
        fields.remove(name);
    }
}

impl Answer for Egress {
    fn answer(&self, _peer: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        Box::pin(self.run(request))
    }

    fn refused(&self, peer: &Peer, violation: Violation) -> RequestId {
        let door = crate::Door::Outbound { caller: self.caller.clone(), callee: None };
        self.core.refused(&door, peer, violation)
    }
}
