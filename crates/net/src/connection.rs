//! One connection from its first byte to its last.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::admission::{Admission, Permit};
use crate::counts::{Counted, Counts, Unwelcome};
use crate::drain::{Phase, Presence};
use crate::handshake::{self, Shaken};
use crate::listen::NO_ADDRESS;
use crate::preface;
use crate::proxy::{self, Speaker};
use crate::wire::Wire;
use crate::{Answer, Door, Networks, Peer, ServerTls, Settings, h1, h2};

/// What all connections of a door share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) door: Door,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) answer: Arc<dyn Answer>,
    pub(crate) admission: Arc<Admission>,
    /// Who has to send a PROXY header here.
    pub(crate) proxies: Networks,
    /// Whether a client in the clear may begin with HTTP/2.
    pub(crate) takes_h2c: bool,
}

/// What a connection holds of its worker.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The door's.
    pub(crate) phase: watch::Receiver<Phase>,
    /// The worker waits until it is dropped.
    pub(crate) alive: watch::Receiver<()>,
    pub(crate) counted: Counted,
    pub(crate) counts: Arc<Counts>,
}

/// An accepted socket.
#[derive(Debug)]
pub(crate) enum Socketed {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socketed {
    /// Our end of it.
    fn local(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve(
    mut socket: Socketed,
    address: SocketAddr,
    context: Arc<Context>,
    seat: Seat,
) {
    let Seat { phase, alive, counted, counts } = seat;
    // Closed without a word: a flood must not make us do handshakes.
    let (address, permit) = match admit(&mut socket, address, &context).await {
        Ok(admitted) => admitted,
        Err(why) => {
            tracing::debug!(%address, door = %context.door, why = why.label(), "not welcome");
            counts.refuse(why);
            return;
        }
    };
    let presence = Presence::new(phase, (permit, counted), alive);
    let door = context.door.clone();
    let ends = (address, socket.local());
    match (socket, &context.tls) {
        (Socketed::Tcp(stream), Some(tls)) => {
            // Boxed, and free again when the connection is served.
            let shaken = Box::pin(handshake::accept(tls, stream));
            let shaken = timeout(context.settings.handshake_time, shaken);
            let Ok(Some(Shaken { stream, facts, scope })) = shaken.await else {
                tracing::debug!(%address, %door, "no TLS handshake");
                counts.refuse(Unwelcome::Handshake);
                return;
            };
            let is_h2 = facts.is_h2;
            let peer = Arc::new(Peer::present(ends, door, Some(facts), presence, scope));
            if is_h2 {
                Box::pin(h2::serve(stream, &context, peer)).await;
            } else {
                h1::serve(Wire::Served(Box::new(stream)), &context, peer).await;
            }
        }
        (Socketed::Tcp(stream), None) => {
            let peer = Arc::new(Peer::present(ends, door, None, presence, None));
            clear(stream, &context, peer).await;
        }
        (Socketed::Unix(stream), _) => {
            let peer = Arc::new(Peer::present(ends, door, None, presence, None));
            h1::serve(Wire::Unix(stream), &context, peer).await;
        }
    }
}

/// Without TLS. A service may call another by gRPC; all other doors have HTTP/1 only.
async fn clear(stream: TcpStream, context: &Arc<Context>, peer: Arc<Peer>) {
    let is_h2 = if context.takes_h2c {
        Box::pin(preface::is_h2(&stream, &context.settings, &peer)).await
    } else {
        Some(false)
    };
    match is_h2 {
        Some(true) => Box::pin(h2::serve(stream, context, peer)).await,
        Some(false) => h1::serve(Wire::Tcp(stream), context, peer).await,
        None => {}
    }
}

/// Who connects, and the place that it gets. For whom a load balancer speaks is counted, not the
/// load balancer.
async fn admit(
    socket: &mut Socketed,
    address: SocketAddr,
    context: &Context,
) -> Result<(SocketAddr, Permit), Unwelcome> {
    let stream = match socket {
        Socketed::Tcp(stream) if context.proxies.contains(address.ip()) => stream,
        Socketed::Tcp(_) | Socketed::Unix(_) => {
            return Ok((address, context.admission.admit(address.ip())?));
        }
    };
    let mut permit = context.admission.enter()?;
    let speaker = match timeout(context.settings.head_time, proxy::read(stream)).await {
        Ok(Ok(speaker)) => speaker,
        Ok(Err(error)) => {
            tracing::debug!(%error, %address, door = %context.door, "no PROXY header");
            return Err(Unwelcome::Proxy);
        }
        Err(_late) => return Err(Unwelcome::Proxy),
    };
    match speaker {
        Speaker::Client(client) => {
            permit.name(client.ip())?;
            Ok((client, permit))
        }
        // A health check of the load balancer: counted in all, as the address is that of many.
        Speaker::Itself => Ok((address, permit)),
        Speaker::Unix => Ok((NO_ADDRESS, permit)),
    }
}
