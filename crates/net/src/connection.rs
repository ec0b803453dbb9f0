//! One connection from its first byte to its last.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::admission::Admission;
use crate::drain::{Phase, Presence};
use crate::{Answer, Door, Peer, ServerTls, Settings, SpiffeId, TlsFacts, h1, h2};

/// What all connections of a door share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) door: Door,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) answer: Arc<dyn Answer>,
    pub(crate) admission: Arc<Admission>,
}

/// An accepted socket.
#[derive(Debug)]
pub(crate) enum Socketed {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Serves a connection until it ends. `phase` is the door's, `alive` the worker's count.
pub(crate) async fn serve(
    socket: Socketed,
    address: SocketAddr,
    context: Arc<Context>,
    (phase, alive): (watch::Receiver<Phase>, watch::Receiver<()>),
) {
    // Closed without a word: a flood must not make us do handshakes.
    let Some(permit) = context.admission.admit(address.ip()) else {
        tracing::debug!(%address, door = %context.door, "too many connections");
        return;
    };
    let presence = Presence::new(phase, Some(permit), alive);
    let door = context.door.clone();
    match (socket, &context.tls) {
        (Socketed::Tcp(stream), Some(tls)) => {
            let acceptor = TlsAcceptor::from(Arc::clone(&tls.0));
            let handshake = timeout(context.settings.handshake_time, acceptor.accept(stream));
            let Ok(Ok(stream)) = handshake.await else {
                tracing::debug!(%address, %door, "no TLS handshake");
                return;
            };
            let Some(facts) = facts(&stream) else {
                return;
            };
            let is_h2 = facts.is_h2;
            let peer = Arc::new(Peer::present(address, door, Some(facts), presence));
            if is_h2 {
                h2::serve(stream, &context, peer).await;
            } else {
                h1::serve(stream, &context, peer).await;
            }
        }
        (Socketed::Tcp(stream), None) => {
            let peer = Arc::new(Peer::present(address, door, None, presence));
            h1::serve(stream, &context, peer).await;
        }
        (Socketed::Unix(stream), _) => {
            let peer = Arc::new(Peer::present(address, door, None, presence));
            h1::serve(stream, &context, peer).await;
        }
    }
}

/// `None` when the verified certificate carries no id, which its verifier has excluded.
fn facts(stream: &TlsStream<TcpStream>) -> Option<TlsFacts> {
    let (_, session) = stream.get_ref();
    let identity = match session.peer_certificates().and_then(<[_]>::first) {
        Some(leaf) => Some(SpiffeId::of_certificate(leaf).ok()?.as_str().to_owned()),
        None => None,
    };
    Some(TlsFacts {
        sni: session.server_name().map(str::to_ascii_lowercase),
        is_h2: session.alpn_protocol() == Some(b"h2"),
        version: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _older => "TLSv1.2",
        },
        identity,
    })
}
