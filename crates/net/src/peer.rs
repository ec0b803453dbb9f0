//! Who is at the other end of a connection, as far as the transport knows.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use http::HeaderValue;
use ringwall_base::ClientCertificate;

use crate::Curb;
use crate::drain::Presence;
use crate::handshake::Scope;

/// The other end of one connection. Made once a connection, shared by its requests. A drain waits
/// until it is dropped, so keep no [`Arc`] of it beyond the answer; copy what a record needs.
#[derive(Debug)]
pub struct Peer {
    /// The address that connected. Unspecified (`0.0.0.0:0`) for a Unix socket.
    pub address: SocketAddr,
    /// Our own end: what it connected to. `None` for a Unix socket.
    pub local: Option<SocketAddr>,
    /// The door it came through.
    pub door: Door,
    /// What TLS established; `None` on a plain door.
    pub tls: Option<TlsFacts>,
    presence: Option<Presence>,
    scope: Option<Scope>,
    /// Made for the first request that says it.
    source: OnceLock<HeaderValue>,
}

/// Which listener a connection came through.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Door {
    /// The socket of the operator's own tools.
    Admin,
    /// The public listener.
    Edge,
    /// In front of a service, for other services: mutual TLS.
    Inbound(Arc<str>),
    /// Behind a service, for its own calls: plain, reachable by that service only.
    Outbound(Arc<str>),
}

/// What a TLS handshake established.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsFacts {
    /// The name that the client asked for, in lower case.
    pub sni: Option<String>,
    /// Whether HTTP/2 was agreed on.
    pub is_h2: bool,
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The verified SPIFFE id of the client's certificate, on a door that asks for one.
    pub identity: Option<String>,
    /// The client's certificate, on a public door that asks for one. It makes nobody a service.
    pub client: Option<Arc<ClientCertificate>>,
}

impl Peer {
    /// A peer that no connection stands behind, for tests of handlers.
    pub fn new(address: SocketAddr, door: Door, tls: Option<TlsFacts>) -> Self {
        let (local, presence, scope, source) = (None, None, None, OnceLock::new());
        Self { address, local, door, tls, presence, scope, source }
    }

    pub(crate) fn present(
        (address, local): (SocketAddr, Option<SocketAddr>),
        door: Door,
        tls: Option<TlsFacts>,
        presence: Presence,
        scope: Option<Scope>,
    ) -> Self {
        let (presence, source) = (Some(presence), OnceLock::new());
        Self { address, local, door, tls, presence, scope, source }
    }

    /// Whether this connection satisfies the rules for client certificates of `host` (in lower
    /// case, without port). A request for another host is to be answered 421.
    pub fn covers(&self, host: &str) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.covers(host))
    }

    /// The address without port, as a field value: an IPv4 address that came as IPv6 is one of
    /// IPv4.
    pub fn source(&self) -> &HeaderValue {
        self.source.get_or_init(|| {
            let text = self.address.ip().to_canonical().to_string();
            // Digits, letters, dots and colons are a field value.
            HeaderValue::try_from(text).unwrap_or_else(|_never| HeaderValue::from_static(""))
        })
    }

    /// Whether the connection is encrypted.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// The verified SPIFFE id of the client, if it showed a certificate.
    pub fn identity(&self) -> Option<&str> {
        self.tls.as_ref()?.identity.as_deref()
    }

    /// The certificate that the client showed at a public door.
    pub fn client(&self) -> Option<&Arc<ClientCertificate>> {
        self.tls.as_ref()?.client.as_ref()
    }

    /// Counts a limit that this peer passed.
    pub fn curb(&self, what: Curb) {
        if let Some(presence) = &self.presence {
            presence.counts().curb(what);
        }
    }

    pub(crate) fn presence(&self) -> Option<&Presence> {
        self.presence.as_ref()
    }
}

/// `edge`, `inbound:orders`, `outbound:orders`, `admin`.
impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::Edge => f.write_str("edge"),
            Self::Inbound(service) => write!(f, "inbound:{service}"),
            Self::Outbound(service) => write!(f, "outbound:{service}"),
        }
    }
}
