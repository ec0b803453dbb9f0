//! `WebSocket` over HTTP/2 (RFC 8441): an extended CONNECT becomes the handshake of HTTP/1.1, and
//! the stream a tunnel.
//!
//! Everything above sees the handshake that it knows: a GET with `Upgrade: websocket` and a key. The
//! key is ours, so that the answer of the upstream proves that it meant this handshake.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, Bytes};
use h2::{RecvStream, SendStream};
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::Violation;

/// A stream without HTTP. The exchange waits until it is dropped.
#[derive(Debug)]
pub(crate) struct Tunnel {
    recv: RecvStream,
    send: SendStream<Bytes>,
    read: Bytes,
    _done: oneshot::Sender<()>,
}

/// Where the tunnel comes from when its answer is out. It travels in the extensions of a request.
#[derive(Clone, Debug)]
pub(crate) struct StreamTakeover(Arc<Mutex<Option<Receiver>>>);

type Receiver = oneshot::Receiver<Tunnel>;

/// What the exchange keeps of a stream that may become a tunnel.
#[derive(Debug)]
pub(super) struct Waiting {
    recv: RecvStream,
    give: oneshot::Sender<Tunnel>,
}

impl StreamTakeover {
    /// The tunnel, when the client has its answer.
    pub(crate) async fn open(self) -> Option<Tunnel> {
        let receiver = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        receiver.await.ok()
    }
}

/// Makes a handshake of HTTP/1.1 out of an extended CONNECT that was checked.
pub(super) fn translate(parts: &mut Parts, recv: RecvStream) -> Result<Waiting, Violation> {
    let mut key = [0_u8; 16];
    rand::fill(&mut key).map_err(|_unavailable| Violation::Connect)?;
    let key = HeaderValue::try_from(STANDARD.encode(key));
    let uri = std::mem::take(&mut parts.uri).into_parts();
    let host = uri.authority.map(|authority| HeaderValue::try_from(authority.as_str()));
    let (Ok(key), Some(Ok(host)), Some(target)) = (key, host, uri.path_and_query) else {
        return Err(Violation::Connect);
    };
    parts.method = Method::GET;
    parts.version = Version::HTTP_11;
    parts.uri = Uri::from(target);
    let fields = &mut parts.headers;
    fields.remove(CONTENT_LENGTH);
    fields.insert(HOST, host);
    fields.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
    fields.insert(SEC_WEBSOCKET_KEY, key);
    let (give, take) = oneshot::channel();
    parts.extensions.insert(StreamTakeover(Arc::new(Mutex::new(Some(take)))));
    Ok(Waiting { recv, give })
}

/// RFC 8441 section 5: what is left of a 101 in a 200.
pub(super) fn clean(fields: &mut HeaderMap) {
    for name in [CONNECTION, UPGRADE, SEC_WEBSOCKET_ACCEPT] {
        fields.remove(name);
    }
}

impl Waiting {
    /// Gives the stream to the tunnel, and waits until that has ended.
    pub(super) async fn run(self, send: SendStream<Bytes>) {
        let (done, ended) = oneshot::channel();
        let tunnel = Tunnel { recv: self.recv, send, read: Bytes::new(), _done: done };
        if self.give.send(tunnel).is_ok() {
            // Nothing is ever sent: it ends when the tunnel is dropped.
            ended.await.unwrap_or_default();
        }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.read.is_empty() {
            match ready!(this.recv.poll_data(cx)) {
                Some(Ok(bytes)) => {
                    let released = this.recv.flow_control().release_capacity(bytes.len());
                    released.map_err(io::Error::other)?;
                    this.read = bytes;
                }
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = this.read.len().min(buf.remaining());
        buf.put_slice(this.read.get(..count).unwrap_or_default());
        this.read.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.send.reserve_capacity(bytes.len());
        let mut room = this.send.capacity();
        if room == 0 && !bytes.is_empty() {
            room = match ready!(this.send.poll_capacity(cx)) {
                Some(Ok(room)) => room,
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            };
        }
        let piece = bytes.get(..room).unwrap_or(bytes);
        let sent = this.send.send_data(Bytes::copy_from_slice(piece), false);
        Poll::Ready(sent.map(|()| piece.len()).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = self.get_mut().send.send_data(Bytes::new(), true);
        Poll::Ready(ended.map_err(io::Error::other))
    }
}
