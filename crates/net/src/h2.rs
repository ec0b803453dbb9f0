//! An HTTP/2 connection of a client: frames by `h2`, limits and requests by us.
//!
//! A task drives the connection ([`serve`]), one more each request ([`exchange`]). What the
//! library would answer without end is counted below it ([`meter`]).

mod check;
pub(crate) mod exchange;
mod flood;
mod fuzz;
pub(crate) mod mark;
pub(crate) mod meter;
pub(crate) mod metered;
pub(crate) mod pump;
pub(crate) mod stream_body;
pub(crate) mod tunnel;
mod walk;
mod watch;

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::Reason;
use h2::server::{Builder, Connection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::connection::Context;
use crate::curb::refuse;
use crate::drain::{leave, stopped};
use crate::{Answer, Curb, Peer, Settings, Violation};
use exchange::Exchanges;
pub use flood::{Flood, FrameLimits};
pub use fuzz::fuzz;
use meter::Meter;
use metered::Metered;
pub use stream_body::StreamBody;
use watch::{Finding, Watch};

/// Serves until the connection ends, the door drains or the connection is old.
pub(crate) async fn serve<S>(stream: S, context: &Arc<Context>, peer: Arc<Peer>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    converse(stream, &context.settings, Arc::clone(&context.answer), peer).await;
}

async fn converse<S>(stream: S, settings: &Settings, answer: Arc<dyn Answer>, peer: Arc<Peer>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let meter = Rc::new(Meter::new(settings.frames));
    meter.accept(0);
    let stream = Metered::of_client(stream, Rc::clone(&meter));
    let handshake = timeout(settings.head_time, builder(settings).handshake(stream));
    let connection = tokio::select! {
        opened = handshake => match opened {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                tracing::debug!(%error, door = %peer.door, "no HTTP/2 preface");
                return;
            }
            Err(_elapsed) => return peer.curb(Curb::Silent),
        },
        () = leave(peer.presence()) => return,
    };
    let exchanges = Rc::new(Exchanges {
        answer,
        peer,
        settings: settings.clone(),
        meter,
        begun: Cell::default(),
        open: Cell::default(),
    });
    drive(connection, exchanges).await;
}

/// What happens on a connection.
enum Happening {
    Accepted,
    Ended,
    /// The library ended it, because the client broke a rule.
    Broken,
    Flooded(Flood),
    Faulty,
}

async fn drive<S>(mut connection: Connection<Metered<S>, Bytes>, exchanges: Rc<Exchanges>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let peer = Arc::clone(&exchanges.peer);
    let mut watch = Watch::new(&exchanges, connection.ping_pong());
    let mut leaving = pin!(leave(peer.presence()));
    let mut is_leaving = false;
    let mut faults = 0;
    loop {
        tokio::select! {
            biased;
            happening = next(&mut connection, &exchanges, faults) => match happening {
                Happening::Accepted => {}
                Happening::Ended if exchanges.meter.faults() == faults => return,
                Happening::Ended | Happening::Broken => {
                    refuse(&*exchanges.answer, &peer, exchanges.meter.fault());
                    return;
                }
                Happening::Flooded(flood) => {
                    refuse(&*exchanges.answer, &peer, Violation::Flood(flood));
                    return end(connection, &exchanges).await;
                }
                Happening::Faulty => {
                    faults = exchanges.meter.faults();
                    refuse(&*exchanges.answer, &peer, exchanges.meter.fault());
                }
            },
            // GOAWAY at once, on an idle connection too.
            () = leaving.as_mut(), if !is_leaving => {
                is_leaving = true;
                watch.leave();
                connection.graceful_shutdown();
            }
            () = stopped(peer.presence()), if is_leaving => return,
            finding = watch.finding() => match finding {
                Finding::Dead => return,
                Finding::Old => connection.graceful_shutdown(),
                Finding::Stalled => {
                    refuse(&*exchanges.answer, &peer, Violation::Stalled);
                    return;
                }
            },
        }
    }
}

/// Drives the connection, and starts the requests that come.
async fn next<S>(
    connection: &mut Connection<Metered<S>, Bytes>,
    exchanges: &Rc<Exchanges>,
    faults: u64,
) -> Happening
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut accepted = pin!(connection.accept());
    poll_fn(|cx| {
        let happening = match accepted.as_mut().poll(cx) {
            Poll::Ready(Some(Ok((request, respond)))) => {
                exchanges.meter.accept(request.body().stream_id().as_u32());
                spawn_local(Rc::clone(exchanges).run(Box::new(request), respond));
                Happening::Accepted
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::debug!(%error, door = %exchanges.peer.door, "connection ended");
                if error.is_library() { Happening::Broken } else { Happening::Ended }
            }
            Poll::Ready(None) => Happening::Ended,
            Poll::Pending => match exchanges.meter.flood() {
                Some(flood) => Happening::Flooded(flood),
                None if exchanges.meter.faults() != faults => Happening::Faulty,
                None => return Poll::Pending,
            },
        };
        Poll::Ready(happening)
    })
    .await
}

/// Says why, and closes. A peer that does not take even this is left alone.
async fn end<S>(mut connection: Connection<Metered<S>, Bytes>, exchanges: &Exchanges)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
    let closed = poll_fn(|cx| connection.poll_closed(cx));
    if timeout(exchanges.settings.head_time, closed).await.is_err() {
        tracing::debug!(door = %exchanges.peer.door, "the GOAWAY was not taken");
    }
}

fn builder(settings: &Settings) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(settings.streams_max)
        .max_pending_accept_reset_streams(settings.pending_resets_max)
        .max_local_error_reset_streams(Some(settings.local_resets_max))
        .max_header_list_size(settings.header_list_bytes_max)
        .initial_window_size(settings.stream_window_bytes)
        .initial_connection_window_size(settings.connection_window_bytes)
        .max_send_buffer_size(settings.stream_send_bytes_max)
        .enable_connect_protocol();
    builder
}
