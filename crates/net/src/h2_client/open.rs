//! Connects, and makes sure that the other side speaks HTTP/2.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::Builder;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::drive::{Driver, drive};
use super::link::{Desk, Link, State};
use crate::h2::meter::Meter;
use crate::h2::metered::Metered;
use crate::pool::PoolSettings;
use crate::{ClientTls, FrameLimits, SendError, Socket, Target};

/// Opens a connection. It has answered a PING when this returns, so its settings are known.
pub(super) async fn open(
    settings: &PoolSettings,
    target: &Target,
    held: Held,
) -> Result<Link, SendError> {
    let now = Instant::now();
    let deadline = now.checked_add(settings.connect_time).unwrap_or(now);
    let connected = timeout_at(deadline, connect(settings, target, held)).await;
    connected.map_err(|_elapsed| SendError::ConnectTime)?
}

/// What a connection has of its target, and of those who wait for it.
pub(super) struct Held {
    /// Its place among the connections that there may be.
    pub(super) place: OwnedSemaphorePermit,
    pub(super) desk: Rc<Desk>,
}

async fn connect(settings: &PoolSettings, target: &Target, held: Held) -> Result<Link, SendError> {
    let socket = target.dial().dial().await.map_err(SendError::Connect)?;
    match (socket, target.tls()) {
        (Socket::Tcp(stream), None) => greet(settings, target, (stream, held)).await,
        (Socket::Unix(stream), None) => greet(settings, target, (stream, held)).await,
        (Socket::Tcp(stream), Some(tls)) => {
            let connector = TlsConnector::from(only_h2(tls));
            let stream = connector.connect(tls.name.clone(), stream).await;
            let stream = stream.map_err(SendError::Handshake)?;
            if stream.get_ref().1.alpn_protocol() != Some(H2) {
                return Err(SendError::Handshake(io::Error::other("upstream speaks no HTTP/2")));
            }
            greet(settings, target, (stream, held)).await
        }
        (Socket::Unix(_), Some(_)) => {
            Err(SendError::Handshake(io::Error::other("TLS over a Unix socket is not offered")))
        }
    }
}

async fn greet<S>(
    settings: &PoolSettings,
    target: &Target,
    (stream, held): (S, Held),
) -> Result<Link, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let meter = Rc::new(Meter::new(FrameLimits::default()));
    let stream = Metered::of_upstream(stream, Rc::clone(&meter));
    let head_max = u32::try_from(settings.head.head_bytes_max).unwrap_or(u32::MAX);
    let (sender, mut connection) = Builder::new()
        .enable_push(false)
        .max_header_list_size(head_max)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(STREAM_SEND_MAX)
        .handshake::<_, Bytes>(stream)
        .await
        .map_err(|error| SendError::Connect(io::Error::other(error)))?;
    let state = State::new(meter, held.desk, Arc::clone(target.queue()));
    let (ready, greeted) = oneshot::channel();
    let pings = connection.ping_pong();
    let driver = Driver {
        state: Rc::clone(&state),
        settings: *settings,
        target: target.id(),
        place: held.place,
        pings,
        ready: Some(ready),
    };
    spawn_local(drive(connection, driver));
    match greeted.await {
        Ok(()) => Ok(Link::new(sender, state)),
        Err(_ended) => Err(SendError::Connect(io::Error::other("upstream speaks no HTTP/2"))),
    }
}

/// Offers nothing else. Made once a connection; it is made of shared parts.
fn only_h2(tls: &ClientTls) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(&tls.config);
    config.alpn_protocols = vec![H2.to_vec()];
    Arc::new(config)
}

const H2: &[u8] = b"h2";

/// Bytes of an answer that may wait here: on one stream, and on all of a connection.
const STREAM_WINDOW: u32 = 256 * 1_024;
const CONNECTION_WINDOW: u32 = 4 * 1_024 * 1_024;

/// Bytes of a request body that may wait on one stream.
const STREAM_SEND_MAX: usize = 128 * 1_024;
