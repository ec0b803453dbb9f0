//! One connection from its first byte to its last.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::admission::Admission;
use crate::drain::{Phase, Presence};
use crate::handshake::{self, Shaken};
use crate::{Answer, Door, Peer, ServerTls, Settings, h1, h2};

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
            let shaken = timeout(context.settings.handshake_time, handshake::accept(tls, stream));
            let Ok(Some(Shaken { stream, facts, scope })) = shaken.await else {
                tracing::debug!(%address, %door, "no TLS handshake");
                return;
            };
            let is_h2 = facts.is_h2;
            let peer = Arc::new(Peer::present(address, door, Some(facts), presence, scope));
            if is_h2 {
                h2::serve(stream, &context, peer).await;
            } else {
                h1::serve(stream, &context, peer).await;
            }
        }
        (Socketed::Tcp(stream), None) => {
            let peer = Arc::new(Peer::present(address, door, None, presence, None));
            h1::serve(stream, &context, peer).await;
        }
        (Socketed::Unix(stream), _) => {
            let peer = Arc::new(Peer::present(address, door, None, presence, None));
            h1::serve(stream, &context, peer).await;
        }
    }
}
