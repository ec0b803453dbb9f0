//! The life of a request, in order.
//!
//! Read this file first: it is the map of the gateway. Each line of `admit` is one stage, one file
//! in `stage/`, and one name in audit records.
//!
//! INVARIANT: the order below is a security property. Types hold it: `forward` takes a `Permit` and
//! a `Clean` request, and only `authorize` and `inspect` make those.

use std::sync::Arc;

use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Request, Response};
use ringwall_base::RequestId;
use ringwall_net::{Answer, Answering, Body, Peer, Violation};

use crate::asker::Asker;
use crate::firewall::{Desk, Firewall};
use crate::record::Record;
use crate::snapshot::Line;
use crate::stage::review::{Occasion, Wardrobe};
use crate::stage::route::Found;
use crate::{Core, Door, Refusal, idle, local};

/// One door of the fleet. It answers by the snapshot of the moment.
#[derive(Debug)]
pub struct House {
    core: Arc<Core>,
    door: Door,
}

impl House {
    pub(crate) const fn new(core: Arc<Core>, door: Door) -> Self {
        Self { core, door }
    }

    /// Answers one request: forwards it, or refuses it. Both end in the audit log.
    pub async fn answer(&self, peer: &Arc<Peer>, request: Request<Body>) -> Response<Body> {
        Box::pin(self.serve(Arc::clone(peer), Box::new(request))).await
    }

    async fn serve(&self, peer: Arc<Peer>, request: Box<Request<Body>>) -> Response<Body> {
        let peer = &peer;
        let snapshot = self.core.snapshot();
        let line = snapshot.as_ref().and_then(|snapshot| snapshot.line(&self.door));
        let opening = self.door.opening(snapshot.as_deref());
        let firewall = line.and_then(|line| line.watching(&request));
        // Before the record, which drops first: it reads from here.
        let desk = firewall.map(|firewall| Box::new(Desk::open(firewall, peer, &request)));
        // The record is written when it drops, so a client that hangs up is recorded too.
        let mut record = Record::open(self.core.ledger(), opening, peer, &request);
        record.guard(desk.as_deref());
        let is_edge = self.door == Door::Edge;
        let mut asker = if is_edge {
            let compresses = snapshot.as_ref().is_some_and(|snapshot| snapshot.compresses());
            Asker::of(&request, compresses)
        } else {
            Asker::default()
        };
        let admitted = match line {
            Some(line) => line.admit(peer, request, &mut record, &mut asker).await,
            None => Err(Refusal::Undecided { why: "no manifest has this door".to_owned() }),
        };
        let is_refused = admitted.is_err();
        let mut response = match admitted {
            Ok(response) => response,
            Err(refusal) => {
                if let Some(line) = line {
                    record.witness(&refusal, &line.throttle);
                }
                let pages = self.core.pages();
                let challenge = line.and_then(|line| line.challenge(&refusal, &record));
                let mut response = record.refuse(refusal, (asker.tongue(), pages.as_deref()));
                if let Some(challenge) = challenge {
                    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                }
                response
            }
        };
        if is_edge {
            asker.finish(&mut response, record.operation());
            let of_app = record.manner().filter(|_| !is_refused).map(|manner| &manner.wardrobe);
            let own = snapshot.as_ref().map(|snapshot| snapshot.wardrobe());
            let occasion = Occasion { is_known: record.is_known(), is_secure: peer.tls.is_some() };
            match of_app.or(own) {
                Some(wardrobe) => wardrobe.dress(&mut response, occasion),
                None => Wardrobe::default().dress(&mut response, occasion),
            }
        }
        record.close(&mut response);
        response
    }
}

impl Line {
    /// The firewall, where it may have to look at a request.
    fn watching(&self, request: &Request<Body>) -> Option<&Arc<Firewall>> {
        let may_watch = |usual| self.route.may_watch(request, usual);
        self.firewall.as_ref().filter(|firewall| firewall.watches(may_watch))
    }

    async fn admit(
        &self,
        peer: &Arc<Peer>,
        request: Box<Request<Body>>,
        record: &mut Record<'_>,
        asker: &mut Asker,
    ) -> Result<Response<Body>, Refusal> {
        let request = self.normalize.run(peer, request)?;
        let metadata = self.resources.as_ref().and_then(|resources| resources.answer(&request));
        if let Some(metadata) = metadata {
            return metadata;
        }
        let route = match self.route.run(&request)? {
            Found::Local(local) => {
                let visit = self.throttle.visit(record.from())?;
                // What few requests need is on the heap, so that the many stay small.
                return Box::pin(local::ask(&*local, peer, request, visit, record)).await;
            }
            Found::Operation(route) => route,
            Found::Preflight(route, methods) => {
                record.route(route.share());
                asker.route(&route);
                return route.preflight(&request, &methods);
            }
        };
        asker.route(&route);
        record.route(route.share());
        record.throttle(self.throttle.address(record.from(), &route))?;
        let caller = self.authenticate.run(peer, &request, &route, record.at())?;
        let caller = record.caller(caller);
        record.throttle(self.throttle.caller(&caller, record.from(), &route))?;
        let permit = self.authorize.run(caller, &request, &route, record)?;
        let permit = record.permit(permit);
        if request.is_websocket() && !route.manner().may_upgrade(&route.operation().name) {
            record.waive(Refusal::Forbidden {
                why: "the operation is not named in `websocket`".to_owned(),
                line: permit.line().cloned(),
            })?;
        }
        let request = self.inspect.run(request, &route, &permit, record).await?;
        let (web, late) = (request.web(), request.late());
        let forwarded = self.forward.run(&permit, request, &route, record).await;
        let mut response = match late {
            Some(late) => {
                late.judge(forwarded, record, |record| self.forward.begin(&permit, &route, record))?
            }
            None => forwarded?,
        };
        if let Some(web) = web {
            web.close(&mut response);
        }
        let response = self.review.run(response, &permit, &route, record).await?;
        Ok(idle::watched(response, || self.forward.begin(&permit, &route, record)))
    }

    fn challenge(&self, refusal: &Refusal, record: &Record<'_>) -> Option<HeaderValue> {
        self.resources.as_ref()?.challenge(refusal, record.mount())
    }
}

impl Answer for House {
    fn answer(&self, peer: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        Box::pin(self.serve(peer, Box::new(request)))
    }

    fn refused(&self, peer: &Peer, violation: Violation) -> RequestId {
        self.core.refused(&self.door, peer, violation)
    }
}
