//! Normalize: one reading of the request, or none.
//!
//! Everything later, and the service behind, must see the same request. What two readers could
//! read differently is refused; what ends at this hop, and what only Ringwall may say, is removed
//! before any of ours is added. First, because every later check relies on it.

mod path;
mod fields;
mod fuzz;
mod host;
mod range;
mod survey;

use std::borrow::Cow;

use http::header::HeaderName;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use ringwall_net::{Body, Curb, Peer};

use crate::Refusal;
use fields::Origin;
pub use fuzz::fuzz;
pub(crate) use host::Host;
use survey::Survey;

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
    request: Box<Request<Body>>,
    /// The decoded path, where it is another one than the raw path.
    path: Option<String>,
    host: Host,
    is_websocket: bool,
    cookies: fields::Taken,
    identity: Option<String>,
}

impl Normalize {
    pub(crate) const fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Returns the request in its one reading.
    pub(crate) fn run(
        &self,
        peer: &Peer,
        mut request: Box<Request<Body>>,
    ) -> Result<Normal, Refusal> {
        let version = request.version();
        let seen = Survey::of(request.headers());
        if seen.has_length {
            fields::check_framing(request.headers(), version).map_err(Refusal::malformed)?;
        }
        if seen.has_doubles {
            fields::check_doubles(request.headers()).map_err(Refusal::malformed)?;
        }
        let host = Host::of(&request)?;
        self.check_host(host.as_str())?;
        let path = target(&mut request)?;
        let origin = self.origin();
        let is_strict = origin == Origin::Stranger;
        let is_plain_get = *request.method() == Method::GET && version == Version::HTTP_11;
        let is_websocket = seen.has_hop
            && fields::end_hop(request.headers_mut(), is_strict).map_err(Refusal::malformed)?
            && is_plain_get;
        // A service that knows no WebSocket would read the body, which no rule has seen.
        if is_websocket && !request.body().is_empty() {
            return Err(Refusal::malformed("a request for a WebSocket has a body"));
        }
        let identity = match origin {
            Origin::Service => take_single(request.headers_mut(), &IDENTITY)?,
            Origin::Stranger => None,
        };
        if seen.has_ours {
            fields::drop_ours(request.headers_mut(), origin).map_err(Refusal::malformed)?;
        }
        if seen.has_range && range::tame(request.headers_mut()) {
            peer.curb(Curb::Ranges);
        }
        let cookies = match origin {
            Origin::Stranger if seen.has_cookie => {
                let taken = fields::take_cookie(request.headers_mut(), SESSION_COOKIE);
                if taken == Err(fields::LARGE_COOKIES) {
                    peer.curb(Curb::LargeCookies);
                }
                taken.map_err(Refusal::malformed)?
            }
            Origin::Service | Origin::Stranger => fields::Taken::default(),
        };
        Normal { request, path, host, is_websocket, cookies, identity }.within(peer)
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
        let host = self.host.as_str();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if peer.covers(name) { Ok(self) } else { Err(Refusal::WrongHost) }
    }

    /// The method.
    pub(crate) fn method(&self) -> &Method {
        self.request.method()
    }

    /// The path, decoded once: what is matched.
    pub(crate) fn path(&self) -> &str {
        self.path.as_deref().unwrap_or(self.raw_path())
    }

    /// The path as it came: the same one, what is sent.
    pub(crate) fn raw_path(&self) -> &str {
        self.request.uri().path()
    }

    /// The query as it came.
    pub(crate) fn query(&self) -> Option<&str> {
        self.request.uri().query()
    }

    /// Host and port as the client named them, in lower case.
    pub(crate) fn host(&self) -> &str {
        self.host.as_str()
    }

    /// The header fields: no hop-by-hop field, none of ours, no cookie of ours.
    pub(crate) fn fields(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Whether the client asks to continue as a WebSocket.
    pub(crate) const fn is_websocket(&self) -> bool {
        self.is_websocket
    }

    /// The session cookie's value.
    pub(crate) fn session(&self) -> Option<&str> {
        self.cookies.session.as_deref()
    }

    /// The cookies of our own pages beside it.
    pub(crate) const fn page_cookies(&self) -> Option<&HeaderValue> {
        self.cookies.pages.as_ref()
    }

    /// The identity token that a service passes along.
    pub(crate) fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// The request and its host. They go on together.
    pub(crate) fn into_request(self) -> (Box<Request<Body>>, Host) {
        (self.request, self.host)
    }
}

/// Rewrites the target to origin form, and returns its decoded path, if that is another one.
fn target(request: &mut Request<Body>) -> Result<Option<String>, Refusal> {
    let is_web = |scheme: &Scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
    if !request.uri().scheme().is_none_or(is_web) {
        return Err(Refusal::malformed("the target has an unknown scheme"));
    }
    if *request.method() == Method::CONNECT {
        return Err(Refusal::malformed("a tunnel is not offered"));
    }
    let Some(target) = request.uri().path_and_query() else {
        return Err(Refusal::malformed("the target has no path"));
    };
    let path = match path::decode(target.path()).map_err(Refusal::malformed)? {
        Cow::Borrowed(_same) => None,
        Cow::Owned(decoded) => Some(decoded),
    };
    if let Some(query) = target.query() {
        path::check_query(query).map_err(Refusal::malformed)?;
    }
    if request.uri().authority().is_some() || request.uri().scheme().is_some() {
        let target = target.clone();
        *request.uri_mut() = origin_form(target);
    }
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

/// The cookie of a session. It ends here, with all whose names begin so: no service sees them.
pub(crate) const SESSION_COOKIE: &str = "__Host-ringwall";

const HTTPS_PORT: u16 = 443;

#[cfg(test)]
mod tests;
