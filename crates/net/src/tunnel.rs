//! WebSocket and other upgrades: bytes both ways, after a handshake that both sides agreed on.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::watch;

use crate::{Body, Peer};

/// A client's wish to leave HTTP for `WebSocket`, taken from its request.
#[derive(Debug)]
pub struct Upgrade {
    client: OnUpgrade,
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
        let client = request.extensions_mut().remove::<OnUpgrade>()?;
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
        let upstream = response.extensions_mut().remove::<OnUpgrade>();
        let (true, Some(upstream)) = (is_agreed, upstream) else {
            return Err(TunnelError::Handshake);
        };
        tokio::task::spawn_local(run(self, upstream, idle));
        Ok(())
    }
}

async fn run(upgrade: Upgrade, upstream: OnUpgrade, idle: Duration) {
    let Upgrade { client, peer, .. } = upgrade;
    let (Ok(client), Ok(upstream)) = (client.await, upstream.await) else {
        return;
    };
    let (client_read, client_write) = tokio::io::split(TokioIo::new(client));
    let (upstream_read, upstream_write) = tokio::io::split(TokioIo::new(upstream));
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
                copy(client_read, upstream_write, &alive),
                copy(upstream_read, client_write, &alive),
            )
        } => {}
    }
}

async fn copy(
    mut from: ReadHalf<TokioIo<hyper::upgrade::Upgraded>>,
    mut to: WriteHalf<TokioIo<hyper::upgrade::Upgraded>>,
    alive: &watch::Sender<()>,
) {
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
