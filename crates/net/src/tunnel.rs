//! WebSocket and other upgrades: bytes both ways, after a handshake that both sides agreed on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::h2::tunnel::StreamTakeover;
use crate::wire::Wire;
use crate::{Body, Peer};

/// A client's wish to leave HTTP for `WebSocket`, taken from its request.
#[derive(Debug)]
pub struct Upgrade {
    client: Side,
    accept: HeaderValue,
    peer: Arc<Peer>,
}

/// Why there is no tunnel. Answer 502.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TunnelError {
    /// The answer is no 101 to this handshake: RFC 6455 section 4.1.
    #[error("upstream did not accept the WebSocket handshake")]
    Handshake,
}

impl Upgrade {
    /// Takes the upgrade out of a well-formed `WebSocket` request; `None` for any other request.
    /// The request can then be sent on, with its handshake headers.
    pub fn take(request: &mut Request<Body>, peer: Arc<Peer>) -> Option<Self> {
        if request.method() != Method::GET || !is_websocket(request.headers()) {
            return None;
        }
        let version = one(request.headers(), &SEC_WEBSOCKET_VERSION)?;
        let key = one(request.headers(), &SEC_WEBSOCKET_KEY)?;
        // RFC 6455 section 4.2.1: the key is 16 bytes.
        if version != "13" || STANDARD.decode(key).ok()?.len() != 16 {
            return None;
        }
        let accept = HeaderValue::from_str(&accept(key)).ok()?;
        let client = Side::take(request.extensions_mut())?;
        Some(Self { client, accept, peer })
    }

    /// Joins client and upstream if `response` is the 101 that belongs to the handshake. The
    /// tunnel runs on this thread until a side closes, `idle` passes without a byte, or the door
    /// drains. Give the response to the client afterwards.
    ///
    /// # Errors
    /// When the answer is anything else: then no byte is passed, and it must not be given on.
    pub fn join(self, response: &mut Response<Body>, idle: Duration) -> Result<(), TunnelError> {
        let is_agreed = response.status() == StatusCode::SWITCHING_PROTOCOLS
            && is_websocket(response.headers())
            && response.headers().get_all(SEC_WEBSOCKET_ACCEPT).iter().eq([&self.accept]);
        let upstream = Side::take(response.extensions_mut());
        let (true, Some(upstream)) = (is_agreed, upstream) else {
            return Err(TunnelError::Handshake);
        };
        tokio::task::spawn_local(run(self, upstream, idle));
        Ok(())
    }
}

/// A connection that will leave HTTP.
#[derive(Debug)]
enum Side {
    /// Over HTTP/1, ours.
    Own(Takeover),
    /// A stream of HTTP/2.
    Stream(StreamTakeover),
}

/// A connection without HTTP, and what was read of it already.
struct End {
    stream: Box<dyn Duplex>,
    read: Bytes,
    /// What is held as long as the connection lives.
    _permit: Option<OwnedSemaphorePermit>,
}

/// Names the one kind of stream that can be boxed.
trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

/// The end that gives a connection away.
#[derive(Debug)]
pub(crate) struct Handover(oneshot::Sender<Handed>);

/// The end that gets it. It travels in the extensions of a message, which wants clones.
#[derive(Clone, Debug)]
pub(crate) struct Takeover(Arc<Mutex<Option<Receiver>>>);

type Receiver = oneshot::Receiver<Handed>;

#[derive(Debug)]
struct Handed {
    wire: Wire,
    read: Bytes,
    permit: Option<OwnedSemaphorePermit>,
}

pub(crate) fn handover() -> (Handover, Takeover) {
    let (sender, receiver) = oneshot::channel();
    (Handover(sender), Takeover(Arc::new(Mutex::new(Some(receiver)))))
}

impl Handover {
    /// Gives the connection to who took the other end, or closes it.
    pub(crate) fn give(self, wire: Wire, read: Bytes, permit: Option<OwnedSemaphorePermit>) {
        drop(self.0.send(Handed { wire, read, permit }));
    }
}

impl Side {
    fn take(extensions: &mut Extensions) -> Option<Self> {
        let own = extensions.remove::<Takeover>().map(Self::Own);
        own.or_else(|| extensions.remove::<StreamTakeover>().map(Self::Stream))
    }

    /// The connection, when its answer is out.
    async fn open(self) -> Option<End> {
        match self {
            Self::Own(takeover) => {
                let receiver = takeover.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
                let Handed { wire, read, permit } = receiver.await.ok()?;
                Some(End { stream: Box::new(wire), read, _permit: permit })
            }
            Self::Stream(takeover) => {
                let stream = Box::new(takeover.open().await?);
                Some(End { stream, read: Bytes::new(), _permit: None })
            }
        }
    }
}

async fn run(upgrade: Upgrade, upstream: Side, idle: Duration) {
    let Upgrade { client, peer, .. } = upgrade;
    let (Some(client), Some(upstream)) = (client.open().await, upstream.open().await) else {
        return;
    };
    let (client_read, client_write) = tokio::io::split(client.stream);
    let (upstream_read, upstream_write) = tokio::io::split(upstream.stream);
    // Either direction shows that the tunnel is alive.
    let (alive, seen) = watch::channel(());
    let stopped = async {
        match peer.presence() {
            Some(presence) => presence.stopped().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stopped => {}
        () = silent(seen, idle) => {}
        ((), ()) = async {
            tokio::join!(
                copy(client_read, client.read, upstream_write, &alive),
                copy(upstream_read, upstream.read, client_write, &alive),
            )
        } => {}
    }
}

/// Copies what was read already, then what comes.
async fn copy(
    mut from: ReadHalf<Box<dyn Duplex>>,
    read: Bytes,
    mut to: WriteHalf<Box<dyn Duplex>>,
    alive: &watch::Sender<()>,
) {
    if !read.is_empty() && (to.write_all(&read).await.is_err() || to.flush().await.is_err()) {
        return;
    }
    drop(read);
    let mut buffer = vec![0_u8; CHUNK];
    while let Ok(count) = from.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        alive.send_replace(());
        if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    // Half closed: the other direction may go on. A dead socket needs no farewell.
    to.shutdown().await.ok();
}

/// Returns when nothing was seen for `idle`.
async fn silent(mut seen: watch::Receiver<()>, idle: Duration) {
    while let Ok(Ok(())) = tokio::time::timeout(idle, seen.changed()).await {}
}

fn is_websocket(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(UPGRADE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.as_bytes().eq_ignore_ascii_case(b"websocket"),
        (None, _) | (Some(_), Some(_)) => false,
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// RFC 6455 section 4.2.2. SHA-1 is not used for secrecy here.
fn accept(key: &str) -> String {
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finish().as_ref())
}

/// One TLS record.
const CHUNK: usize = 16 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_value_is_the_one_of_rfc_6455() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
