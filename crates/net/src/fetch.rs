//! Single requests of our own, to servers that are no upstream: ACME directories, OCSP responders.
//!
//! They are few, so each has a connection of its own, HTTP/1.1, with a limit on everything. Where
//! they may go is decided by who holds a [`Fetch`]: nobody gets one that was not configured.

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
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::tls::{VERSIONS, provider};

/// Sends single requests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetch {
    tls: Option<Arc<ClientConfig>>,
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
        source: std::io::Error,
    },
    /// The exchange broke off.
    #[error("the exchange broke off")]
    Exchange(#[source] hyper::Error),
    /// An answer that is longer than 256 KiB, or broke off.
    #[error("the answer is too long or broke off")]
    Body,
    /// Nothing within 20 seconds.
    #[error("no answer in time")]
    Late,
}

impl Fetch {
    /// Plain HTTP only: for answers that are signed, as those of OCSP (RFC 6960 appendix A).
    pub const fn plain() -> Self {
        Self { tls: None }
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
        Ok(Self { tls: Some(Arc::new(config)) })
    }

    /// Sends a request with an absolute address and reads the whole answer. Follows no redirect.
    ///
    /// # Errors
    /// When there is none within 20 seconds, or it is too long.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let whole = Box::pin(self.exchange(request));
        tokio::time::timeout(WHOLE_TIME, whole).await.map_err(|_elapsed| FetchError::Late)?
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
        let stream = TcpStream::connect((bare, port)).await.map_err(connect)?;

        // RFC 9112 section 3.2.1: path and query only, the authority in `Host`.
        let authority = address.authority().map_or(host, |authority| authority.as_str());
        let value = HeaderValue::from_str(authority);
        let path = address.path_and_query().map_or("/", |path| path.as_str());
        let (Ok(value), Ok(path)) = (value, path.parse()) else {
            return Err(FetchError::Address(address));
        };
        request.headers_mut().insert(HOST, value);
        *request.uri_mut() = path;
        match &self.tls {
            None => over(stream, request).await,
            Some(config) => {
                let Ok(name) = ServerName::try_from(bare.to_owned()) else {
                    return Err(FetchError::Address(address));
                };
                let connector = TlsConnector::from(Arc::clone(config));
                over(connector.connect(name, stream).await.map_err(connect)?, request).await
            }
        }
    }
}

async fn over<S>(stream: S, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError>
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
        let mut body = Limited::new(body, ANSWER_BYTES_MAX);
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

/// A long certificate chain has 20 KiB.
const ANSWER_BYTES_MAX: usize = 256 * 1_024;

/// From the look-up of the name to the last byte.
const WHOLE_TIME: Duration = Duration::from_secs(20);
