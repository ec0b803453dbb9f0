//! The plain door: it sends people to the encrypted one, answers ACME's HTTP-01, and does nothing
//! else.
//!
//! No request is forwarded, no cookie is read and no body is taken: what came here travelled in the
//! clear. `Strict-Transport-Security` is not set here, because clients must ignore it over plain
//! HTTP (RFC 6797 section 7.2).

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use ringwall_base::RequestId;
use ringwall_net::{Answer, Answering, Body, Challenges, Peer, Violation};

use crate::Door;
use crate::core::Core;

/// Where the plain door leads.
#[derive(Clone, Debug)]
pub struct PlainSettings {
    /// Names of the encrypted door in lower case. Whoever asks for another name is led to the
    /// first: this door redirects to nobody else's host.
    pub hosts: Vec<String>,
    /// Its port.
    pub port: u16,
}

/// The handler of the plain door.
#[derive(Debug)]
pub struct Plain {
    core: Arc<Core>,
    settings: ArcSwap<PlainSettings>,
    challenges: Arc<Challenges>,
}

impl Plain {
    /// A door that leads to the encrypted one.
    pub fn new(core: &Arc<Core>, settings: PlainSettings, challenges: Arc<Challenges>) -> Self {
        Self { core: Arc::clone(core), settings: ArcSwap::from_pointee(settings), challenges }
    }

    /// Leads elsewhere from now on.
    pub fn lead(&self, settings: PlainSettings) {
        self.settings.store(Arc::new(settings));
    }

    fn respond(&self, request: &Request<Body>) -> Response<Body> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let authorization = self.challenges.http(request.uri().path()).filter(|_| is_read);
        let mut response = match authorization {
            Some(authorization) => {
                let mut response = Response::new(Body::full(authorization));
                let kind = HeaderValue::from_static("application/octet-stream");
                response.headers_mut().insert(CONTENT_TYPE, kind);
                response
            }
            None => self.redirect(request),
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // The next request has to come to the other door.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }

    /// RFC 9110 section 15.4.9: 308 keeps the method. Without a place to lead to: 404.
    fn redirect(&self, request: &Request<Body>) -> Response<Body> {
        let mut response = Response::new(Body::Empty);
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let settings = self.settings.load();
        let location = settings.host(request).and_then(|host| {
            // `OPTIONS *` has no path.
            let target = if target.starts_with('/') { target } else { "/" };
            let text = match settings.port {
                443 => format!("https://{host}{target}"),
                port => format!("https://{host}:{port}{target}"),
            };
            HeaderValue::try_from(text).ok()
        });
        match location {
            Some(location) => {
                *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
                response.headers_mut().insert(LOCATION, location);
            }
            None => *response.status_mut() = StatusCode::NOT_FOUND,
        }
        response
    }
}

impl PlainSettings {
    fn host(&self, request: &Request<Body>) -> Option<&str> {
        let asked = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let name = asked.map(|host| host.split_once(':').map_or(host, |(name, _)| name));
        let known = self.hosts.iter();
        let mut known =
            known.filter(|host| name.is_some_and(|name| host.eq_ignore_ascii_case(name)));
        known.next().or_else(|| self.hosts.first()).map(String::as_str)
    }
}

impl Answer for Plain {
    fn answer(&self, _peer: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        Box::pin(async move { self.respond(&request) })
    }

    fn refused(&self, peer: &Peer, violation: Violation) -> RequestId {
        self.core.refused(&Door::Edge, peer, violation)
    }
}
