//! Single requests of our own, to servers that are no upstream: ACME directories, OCSP responders.
//!
//! They are few, so each has a connection of its own, HTTP/1.1, with a limit on everything. Where
//! they may go is decided by who holds a [`Fetch`]: nobody gets one that was not configured.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use crate::tls::{VERSIONS, provider};

/// Sends single requests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetch {
    tls: Option<Arc<ClientConfig>>,
    limits: Limits,
}

/// Where a [`Fetch`] may go, and what it takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Which addresses may be asked.
    pub reach: Reach,
    /// From the look-up of the name to the last byte.
    pub within: Duration,
    /// The longest answer.
    pub answer_bytes_max: usize,
}

/// Which addresses may be asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reach {
    /// All.
    #[default]
    Any,
    /// Those of the public internet: no name leads into this network or this machine.
    Public,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No host, or a scheme that this one does not speak.
    #[error("the address cannot be asked: {0}")]
    Address(Uri),
    /// The roots cannot be read, or there are none.
    #[error("the roots cannot be used")]
    Roots,
    /// No connection, or none that is trusted.
    #[error("{host} cannot be reached")]
    Connect {
        /// Who was called.
        host: String,
        /// What the system or TLS says.
        #[source]
        source: io::Error,
    },
    /// The exchange broke off.
    #[error("the exchange broke off")]
    Exchange(#[source] hyper::Error),
    /// An answer that is longer than allowed, or broke off.
    #[error("the answer is too long or broke off")]
    Body,
    /// Nothing in time.
    #[error("no answer in time")]
    Late,
}

impl Fetch {
    /// Plain HTTP only: for answers that are signed, as those of OCSP (RFC 6960 appendix A).
    pub const fn plain() -> Self {
        Self { tls: None, limits: WIDE }
    }

    /// HTTPS only, with servers that a root in `roots` (PEM) vouches for.
    ///
    /// # Errors
    /// When there is no root in it.
    pub fn secure(roots: &[u8]) -> Result<Self, FetchError> {
        let mut store = RootCertStore::empty();
        // Of a system's bundle, what webpki cannot read is left out, as every client does.
        let readable = CertificateDer::pem_slice_iter(roots).filter_map(Result::ok);
        store.add_parsable_certificates(readable);
        if store.is_empty() {
            return Err(FetchError::Roots);
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(|_refused| FetchError::Roots)?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self { tls: Some(Arc::new(config)), limits: WIDE })
    }

    /// The same within other limits.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sends a request with an absolute address and reads the whole answer. Follows no redirect.
    ///
    /// # Errors
    /// When there is none in time, or it is too long.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let whole = Box::pin(self.exchange(request));
        tokio::time::timeout(self.limits.within, whole)
            .await
            .map_err(|_elapsed| FetchError::Late)?
    }

    async fn exchange(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let address = request.uri().clone();
        let scheme = if self.tls.is_some() { ("https", 443) } else { ("http", 80) };
        let (Some(host), true) = (address.host(), address.scheme_str() == Some(scheme.0)) else {
            return Err(FetchError::Address(address));
        };
        let port = address.port_u16().unwrap_or(scheme.1);
        let connect = |source| FetchError::Connect { host: host.to_owned(), source };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let stream = self.limits.reach.connect(bare, port).await.map_err(connect)?;

        // RFC 9112 section 3.2.1: path and query only, the authority in `Host`.
        let authority = address.authority().map_or(host, |authority| authority.as_str());
        let value = HeaderValue::from_str(authority);
        let path = address.path_and_query().map_or("/", |path| path.as_str());
        let (Ok(value), Ok(path)) = (value, path.parse()) else {
            return Err(FetchError::Address(address));
        };
        request.headers_mut().insert(HOST, value);
        *request.uri_mut() = path;
        let max = self.limits.answer_bytes_max;
        match &self.tls {
            None => over(stream, request, max).await,
            Some(config) => {
                let Ok(name) = ServerName::try_from(bare.to_owned()) else {
                    return Err(FetchError::Address(address));
                };
                let connector = TlsConnector::from(Arc::clone(config));
                over(connector.connect(name, stream).await.map_err(connect)?, request, max).await
            }
        }
    }
}

impl Reach {
    /// Connects to what was looked at, and not to what the name stands for a moment later.
    async fn connect(self, host: &str, port: u16) -> io::Result<TcpStream> {
        let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
        // One private address among public ones is a way in as well.
        if self == Self::Public && !addresses.iter().all(|address| is_public(address.ip())) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "a private address"));
        }
        TcpStream::connect(addresses.as_slice()).await
    }
}

/// Whether an address is of the public internet (IANA's registries of special-purpose addresses).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            let is_special = matches!(
                (a, b, c),
                (0 | 10 | 127 | 224..=255, _, _)
                    | (100, 64..=127, _)
                    | (169, 254, _)
                    | (172, 16..=31, _)
                    | (192, 0, 0 | 2)
                    | (192, 88, 99)
                    | (192, 168, _)
                    | (198, 18 | 19, _)
                    | (198, 51, 100)
                    | (203, 0, 113)
            );
            !is_special
        }
        IpAddr::V6(address) => {
            let [a, b, ..] = address.segments();
            // Global unicast without Teredo, documentation and 6to4, which holds an IPv4 address.
            (0x2000..=0x3fff).contains(&a)
                && !matches!((a, b), (0x2001, 0x0000..=0x01ff | 0x0db8) | (0x2002 | 0x3fff, _))
        }
    }
}

async fn over<S>(
    stream: S,
    request: Request<Bytes>,
    answer_bytes_max: usize,
) -> Result<Response<Bytes>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(FetchError::Exchange)?;
    let driven = async {
        // Its end is seen by the exchange, which it feeds.
        connection.await.ok();
        std::future::pending::<()>().await;
    };
    let exchanged = async {
        let answer = sender.send_request(request.map(Full::new)).await;
        let (parts, body) = answer.map_err(FetchError::Exchange)?.into_parts();
        let mut body = Limited::new(body, answer_bytes_max);
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(|_broken| FetchError::Body)?.into_data() {
                whole.extend_from_slice(&data);
            }
        }
        Ok(Response::from_parts(parts, whole.freeze()))
    };
    tokio::select! {
        () = driven => Err(FetchError::Body),
        answer = exchanged => answer,
    }
}

/// For servers that the operator or a certificate of ours names. A long certificate chain has 20 KiB.
const WIDE: Limits =
    Limits { reach: Reach::Any, within: Duration::from_secs(20), answer_bytes_max: 256 * 1_024 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for (address, want) in [
            ("1.1.1.1", true),
            ("172.32.0.1", true),
            ("100.128.0.1", true),
            ("2606:4700:4700::1111", true),
            ("2001:4860:4860::8888", true),
            ("127.0.0.1", false),
            ("127.9.9.9", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("100.100.100.200", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
            ("2001::1", false),
            ("2002:7f00:1::", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), want, "{address}");
        }
    }

    fn kind(error: &FetchError) -> Option<io::ErrorKind> {
        if let FetchError::Connect { source, .. } = error { Some(source.kind()) } else { None }
    }

    /// What a machine says on whose port nobody listens.
    const REFUSED: io::ErrorKind = io::ErrorKind::ConnectionRefused;

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_asked() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"] {
            let address = format!("http://{host}:{port}/");
            let request = Request::get(address).body(Bytes::new()).unwrap();
            let fetch = Fetch::plain().limited(Limits { reach: Reach::Public, ..WIDE });
            let error = fetch.send(request).await.unwrap_err();
            assert!(kind(&error).is_some_and(|kind| kind != REFUSED), "{host} was asked: {error}");
        }
        let accepted = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
        assert!(accepted.is_err(), "somebody came");
    }
}
