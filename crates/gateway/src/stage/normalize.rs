//! Normalize: one reading of the request, or none.
//!
//! Everything later, and the service behind, must see the same request. What two readers could
//! read differently is refused; what ends at this hop, and what only Ringwall may say, is removed
//! before any of ours is added. First, because every later check relies on it.

mod path;
mod fields;
mod range;

use http::header::{HOST, HeaderName};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use ringwall_net::{Body, Curb, Peer};

use crate::Refusal;
use fields::Origin;

/// Which requests a door takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Settings {
    /// From anybody, for one name.
    Edge {
        /// The gateway's host names, in lower case.
        hosts: Vec<String>,
        /// Its port.
        port: u16,
    },
    /// From services of ours, for any name.
    Inner,
}

/// Checks and cleans requests.
#[derive(Debug)]
pub(crate) struct Normalize {
    settings: Settings,
}

/// A request with one reading. Only [`Normalize::run`] makes one.
#[derive(Debug)]
pub(crate) struct Normal {
    parts: Parts,
    body: Body,
    path: String,
    host: String,
    is_websocket: bool,
    session: Option<String>,
    identity: Option<String>,
}

impl Normalize {
    pub(crate) const fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Returns the request in its one reading.
    pub(crate) fn run(&self, peer: &Peer, request: Request<Body>) -> Result<Normal, Refusal> {
        let (mut parts, body) = request.into_parts();
        fields::check_framing(&parts.headers, parts.version).map_err(Refusal::malformed)?;
        fields::check_doubles(&parts.headers).map_err(Refusal::malformed)?;
        let host = authority(&parts)?;
        self.check_host(&host)?;
        let path = target(&mut parts)?;
        let origin = self.origin();
        let is_strict = origin == Origin::Stranger;
        let is_websocket = fields::end_hop(&mut parts.headers, is_strict)
            .map_err(Refusal::malformed)?
            && parts.method == Method::GET
            && parts.version == Version::HTTP_11;
        let identity = match origin {
            Origin::Service => take_single(&mut parts.headers, &IDENTITY)?,
            Origin::Stranger => None,
        };
        fields::drop_ours(&mut parts.headers, origin).map_err(Refusal::malformed)?;
        if range::tame(&mut parts.headers) {
            peer.curb(Curb::Ranges);
        }
        let session = match origin {
            Origin::Service => None,
            Origin::Stranger => {
                let taken = fields::take_cookie(&mut parts.headers, SESSION_COOKIE);
                if taken == Err(fields::LARGE_COOKIES) {
                    peer.curb(Curb::LargeCookies);
                }
                taken.map_err(Refusal::malformed)?
            }
        };
        Normal { parts, body, path, host, is_websocket, session, identity }.within(peer)
    }

    const fn origin(&self) -> Origin {
        match self.settings {
            Settings::Edge { .. } => Origin::Stranger,
            Settings::Inner => Origin::Service,
        }
    }

    fn check_host(&self, asked: &str) -> Result<(), Refusal> {
        let Settings::Edge { hosts, port } = &self.settings else { return Ok(()) };
        let (name, asked_port) = match asked.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().map_err(|_other| Refusal::WrongHost)?),
            None => (asked, HTTPS_PORT),
        };
        let is_ours = hosts.iter().any(|host| host == name) && asked_port == *port;
        if is_ours { Ok(()) } else { Err(Refusal::WrongHost) }
    }
}

impl Normal {
    /// Refuses a request for a host with other rules for client certificates than the name that
    /// the connection was made for (RFC 9110 section 7.4): a certificate that one name asks for
    /// would be left out by asking for another name first.
    fn within(self, peer: &Peer) -> Result<Self, Refusal> {
        let name = self.host.rsplit_once(':').map_or(self.host.as_str(), |(name, _)| name);
        if peer.covers(name) { Ok(self) } else { Err(Refusal::WrongHost) }
    }

    /// The method.
    pub(crate) const fn method(&self) -> &Method {
        &self.parts.method
    }

    /// The path, decoded once: what is matched.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The path as it came: the same one, what is sent.
    pub(crate) fn raw_path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The query as it came.
    pub(crate) fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    /// Host and port as the client named them, in lower case.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The header fields: no hop-by-hop field, none of ours, no session cookie.
    pub(crate) const fn fields(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// Whether the client asks to continue as a WebSocket.
    pub(crate) const fn is_websocket(&self) -> bool {
        self.is_websocket
    }

    /// The session cookie's value.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The identity token that a service passes along.
    pub(crate) fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// Head and body. Both go on together: nobody else makes them a pair.
    pub(crate) fn into_parts(self) -> (Parts, Body) {
        (self.parts, self.body)
    }
}

/// The one host that the request is for.
fn authority(parts: &Parts) -> Result<String, Refusal> {
    let named = match parts.headers.get(HOST) {
        None => None,
        Some(value) => {
            let text = value.to_str().map_err(|_other| Refusal::malformed("host is not text"))?;
            let parsed = text.parse::<Authority>();
            let parsed = parsed.map_err(|_other| Refusal::malformed("host is not a name"))?;
            Some(parsed)
        }
    };
    // In absolute form and in HTTP/2 the target has an authority too: they must agree.
    let host = match (named, parts.uri.authority()) {
        (Some(host), Some(target)) if host != *target => {
            return Err(Refusal::malformed("host and target name different hosts"));
        }
        (Some(host), _) => host,
        (None, Some(target)) if parts.version == Version::HTTP_2 => target.clone(),
        (None, _) => return Err(Refusal::malformed("no host")),
    };
    if host.as_str().contains('@') || host.host().is_empty() {
        return Err(Refusal::malformed("host is not a name"));
    }
    Ok(host.as_str().to_ascii_lowercase())
}

/// Rewrites the target to origin form, and returns its decoded path.
fn target(parts: &mut Parts) -> Result<String, Refusal> {
    let is_web = |scheme: &Scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
    if !parts.uri.scheme().is_none_or(is_web) {
        return Err(Refusal::malformed("the target has an unknown scheme"));
    }
    if parts.method == Method::CONNECT {
        return Err(Refusal::malformed("a tunnel is not offered"));
    }
    let Some(target) = parts.uri.path_and_query().cloned() else {
        return Err(Refusal::malformed("the target has no path"));
    };
    let path = path::decode(target.path()).map_err(Refusal::malformed)?.into_owned();
    if let Some(query) = target.query() {
        path::check_query(query).map_err(Refusal::malformed)?;
    }
    parts.uri = origin_form(target);
    Ok(path)
}

fn origin_form(target: PathAndQuery) -> Uri {
    Uri::from(target)
}

fn take_single(fields: &mut HeaderMap, name: &HeaderName) -> Result<Option<String>, Refusal> {
    if fields.get_all(name).iter().nth(1).is_some() {
        return Err(Refusal::malformed("more than one identity"));
    }
    let value = fields.remove(name);
    let text = value.as_ref().map(HeaderValue::to_str).transpose();
    let text = text.map_err(|_other| Refusal::malformed("identity is not text"))?;
    Ok(text.map(str::to_owned))
}

/// The field that names person and caller to a service.
pub(crate) const IDENTITY: HeaderName = HeaderName::from_static("ringwall-identity");

/// The cookie of a session. It ends here: no service sees it.
pub(crate) const SESSION_COOKIE: &str = "__Host-ringwall";

const HTTPS_PORT: u16 = 443;

#[cfg(test)]
mod tests;
