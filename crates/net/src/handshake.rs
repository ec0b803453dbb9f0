//! From a connected socket to a TLS stream, and what is known about the client then.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::server::Acceptor;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};
use x509_parser::prelude::GeneralName;

use crate::clients::Watched;
use crate::hosts::{Choice, Host, Hosts};
use crate::tls::How;
use crate::{ClientCertificate, Clients, ServerTls, SpiffeId, TlsFacts};

/// A finished handshake.
pub(crate) struct Shaken {
    pub(crate) stream: TlsStream<TcpStream>,
    pub(crate) facts: TlsFacts,
    pub(crate) scope: Option<Scope>,
}

/// Under which rules for client certificates a connection was made.
#[derive(Debug)]
pub(crate) struct Scope {
    hosts: Arc<Hosts>,
    clients: Option<Arc<Clients>>,
    _watched: Option<Watched>,
}

impl Scope {
    /// Whether requests for `host` may come over this connection.
    pub(crate) fn covers(&self, host: &str) -> bool {
        self.hosts.covers(self.clients.as_ref(), host)
    }
}

/// Shakes hands. `None` when there is nothing to serve. The caller limits the time.
pub(crate) async fn accept(tls: &ServerTls, stream: TcpStream) -> Option<Shaken> {
    match &tls.0 {
        How::Always(config) => {
            let acceptor = TlsAcceptor::from(Arc::clone(config));
            let stream = acceptor.accept(stream).await.ok()?;
            // Its verifier has excluded a certificate without an id.
            let identity = match leaf(&stream) {
                Some(leaf) => Some(SpiffeId::of_certificate(leaf).ok()?.as_str().to_owned()),
                None => None,
            };
            let facts = TlsFacts { identity, ..facts(&stream) };
            Some(Shaken { stream, facts, scope: None })
        }
        How::ByName(hosts) => {
            let mut start = LazyConfigAcceptor::new(Acceptor::default(), stream).await.ok()?;
            match hosts.choose(&start.client_hello()) {
                Choice::Serve(host) => serve(hosts, host, start).await,
                Choice::Challenge(config) => {
                    // RFC 8737 section 3: the handshake is the whole proof.
                    let mut stream = start.into_stream(config).await.ok()?;
                    stream.shutdown().await.ok();
                    None
                }
                Choice::Unknown => {
                    start.io.write_all(UNRECOGNIZED_NAME).await.ok();
                    start.io.shutdown().await.ok();
                    None
                }
            }
        }
    }
}

async fn serve(
    hosts: &Arc<Hosts>,
    host: Host,
    start: tokio_rustls::StartHandshake<TcpStream>,
) -> Option<Shaken> {
    let Host { config, clients } = host;
    let version = clients.as_ref().map_or(0, |clients| clients.version());
    let stream = start.into_stream(config).await.ok()?;
    let (socket, session) = stream.get_ref();
    let chain = session.peer_certificates();
    let watched = match (&clients, chain) {
        (Some(clients), Some(chain)) => Some(clients.watch(version, chain, socket)?),
        (None, _) | (_, None) => None,
    };
    let client = leaf(&stream).and_then(ClientCertificate::read).map(Arc::new);
    let facts = TlsFacts { client, ..facts(&stream) };
    let scope = Some(Scope { hosts: Arc::clone(hosts), clients, _watched: watched });
    Some(Shaken { stream, facts, scope })
}

fn leaf(stream: &TlsStream<TcpStream>) -> Option<&rustls_pki_types::CertificateDer<'static>> {
    let (_, session) = stream.get_ref();
    session.peer_certificates()?.first()
}

fn facts(stream: &TlsStream<TcpStream>) -> TlsFacts {
    let (_, session) = stream.get_ref();
    TlsFacts {
        sni: session.server_name().map(str::to_ascii_lowercase),
        is_h2: session.alpn_protocol() == Some(b"h2"),
        version: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _older => "TLSv1.2",
        },
        identity: None,
        client: None,
    }
}

impl ClientCertificate {
    /// What a record needs of a verified certificate; `None` when it cannot be parsed.
    fn read(der: &rustls_pki_types::CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        let names = certificate.subject_alternative_name().ok()?;
        let names = names.map(|names| names.value.general_names.iter()).into_iter().flatten();
        let names = names.filter_map(|name| {
            if let GeneralName::DNSName(text)
            | GeneralName::RFC822Name(text)
            | GeneralName::URI(text) = name
            {
                Some((*text).to_owned())
            } else {
                None
            }
        });
        Some(Self {
            subject: certificate.subject().to_string(),
            serial: hex(certificate.raw_serial()),
            sha256: hex(digest(&SHA256, der).as_ref()),
            names: names.collect(),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// A fatal alert (RFC 8446 section 6, 112), in the clear because no key was agreed on.
const UNRECOGNIZED_NAME: &[u8] = &[21, 3, 3, 0, 2, 2, 112];
