//! WebSocket and other upgrades: bytes both ways, after a handshake that both sides agreed on.

mod frames;
mod joined;
mod pipe;

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::h2::tunnel::StreamTakeover;
use crate::wire::Wire;
use crate::{Body, Peer};
use joined::Joined;

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
    /// tunnel runs on this thread until a side closes, `idle` passes without a byte, `ending`
    /// says so, or the door drains. Give the response to the client afterwards.
    ///
    /// # Errors
    /// When the answer is anything else: then no byte is passed, and it must not be given on.
    pub fn join(
        self,
        response: &mut Response<Body>,
        idle: Duration,
        ending: Ending,
    ) -> Result<(), TunnelError> {
        let is_agreed = response.status() == StatusCode::SWITCHING_PROTOCOLS
            && is_websocket(response.headers())
            && response.headers().get_all(SEC_WEBSOCKET_ACCEPT).iter().eq([&self.accept]);
        let upstream = Side::take(response.extensions_mut());
        let (true, Some(upstream)) = (is_agreed, upstream) else {
            return Err(TunnelError::Handshake);
        };
        tokio::task::spawn_local(run(self, upstream, idle, ending));
        Ok(())
    }
}

/// Resolves when a tunnel has to end, with what its client is told.
pub type Ending = Pin<Box<dyn Future<Output = Farewell>>>;

/// What a client is told when its tunnel is ended here (RFC 6455 section 7.4). It is told between
/// two frames of its upstream; who is in the middle of one sees the end only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Farewell {
    /// 1001: nothing came for too long.
    Away,
    /// 1008: what admitted the client has ended. Nothing that it says afterwards arrives.
    Policy,
    /// 1012: come again.
    Restart,
}

impl Farewell {
    /// A Close frame of a server: its head, the code, and why.
    fn frame(self) -> Vec<u8> {
        let (code, why): (u16, &str) = match self {
            Self::Away => (1001, "idle"),
            Self::Policy => (1008, "not admitted any more"),
            Self::Restart => (1012, "come again"),
        };
        // Never long: RFC 6455 section 5.5 has 125 bytes.
        let length = u8::try_from(why.len().saturating_add(2)).unwrap_or(2);
        [&[0x88, length], &code.to_be_bytes()[..], why.as_bytes()].concat()
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

async fn run(upgrade: Upgrade, upstream: Side, idle: Duration, ending: Ending) {
    let Upgrade { client, accept, peer } = upgrade;
    let (Some(client), Some(upstream)) = (client.open().await, upstream.open().await) else {
        return;
    };
    Joined::new(client, upstream).run(peer, idle, ending, spread(&accept)).await;
}

/// A number of this tunnel alone: a hash of what the client drew at random.
fn spread(accept: &HeaderValue) -> u16 {
    let hash = STANDARD.decode(accept).unwrap_or_default();
    hash.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_frame_says_its_code_and_its_length() {
        let codes = [(Farewell::Away, 1001), (Farewell::Policy, 1008), (Farewell::Restart, 1012)];
        for (farewell, code) in codes {
            let frame = farewell.frame();
            assert_eq!(frame[0], 0x88);
            assert_eq!(usize::from(frame[1]), frame.len() - 2);
            assert_eq!(frame[2..4], u16::to_be_bytes(code));
        }
    }

    #[test]
    fn the_accept_value_is_the_one_of_rfc_6455() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
