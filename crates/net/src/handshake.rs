//! From a connected socket to a TLS stream, and what is known about the client then.

use std::sync::Arc;

use rustls::server::Acceptor;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

use crate::certificate_of::read;
use crate::clients::Watched;
use crate::hosts::{Choice, Host, Hosts};
use crate::tls::How;
use crate::{Clients, ServerTls, SpiffeId, TlsFacts};

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
    let (mut watched, mut client) = (None, None);
    if let (Some(clients), Some(chain)) = (&clients, chain) {
        let voucher = clients.voucher(chain)?;
        client = read(chain.first()?, voucher.clone()).map(Arc::new);
        watched = Some(clients.watch(version, (chain, voucher), socket)?);
    }
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

/// A fatal alert (RFC 8446 section 6, 112), in the clear because no key was agreed on.
const UNRECOGNIZED_NAME: &[u8] = &[21, 3, 3, 0, 2, 2, 112];
