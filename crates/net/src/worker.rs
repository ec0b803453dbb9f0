//! One thread: a single-threaded runtime that accepts, and drives what it accepted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::Instant;

use crate::connection::{self, Context, Socketed};
use crate::drain::Phase;
use crate::listen::{Bound, NO_ADDRESS};

/// A running thread.
#[derive(Debug)]
pub(crate) struct Worker {
    inbox: mpsc::Sender<Order>,
    thread: JoinHandle<()>,
}

/// What a worker is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Accept from this socket too.
    Open(Share),
    /// End when the last connection has ended, or then.
    Finish(Instant),
}

/// A worker's part of a door.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) socket: Bound,
    pub(crate) context: Arc<Context>,
    pub(crate) phase: watch::Receiver<Phase>,
}

impl Worker {
    pub(crate) fn start(number: usize) -> io::Result<Self> {
        let (inbox, orders) = mpsc::channel(ORDERS_MAX);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new()
            .name(format!("net-{number}"))
            .spawn(move || LocalSet::new().block_on(&runtime, work(orders)))?;
        Ok(Self { inbox, thread })
    }

    /// `false` when the worker is gone or does not keep up.
    pub(crate) fn order(&self, order: Order) -> bool {
        self.inbox.try_send(order).is_ok()
    }

    pub(crate) fn join(self) {
        drop(self.inbox);
        if self.thread.join().is_err() {
            tracing::error!("a worker thread panicked");
        }
    }
}

async fn work(mut orders: mpsc::Receiver<Order>) {
    // Each connection holds a receiver: when the last is gone, so is the last connection.
    let (alive, receiver) = watch::channel(());
    let mut end = None;
    while let Some(order) = orders.recv().await {
        match order {
            Order::Open(share) => {
                spawn_local(accept(share, receiver.clone()));
            }
            Order::Finish(deadline) => {
                end = Some(deadline);
                break;
            }
        }
    }
    drop(receiver);
    if let Some(deadline) = end {
        tokio::select! {
            () = alive.closed() => {}
            () = tokio::time::sleep_until(deadline) => {}
        }
    }
}

/// Accepts until the door closes.
async fn accept(share: Share, alive: watch::Receiver<()>) {
    let Share { socket, context, mut phase } = share;
    let listener = match Listener::new(socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, door = %context.door, "door cannot accept");
            return;
        }
    };
    let watched = phase.clone();
    let mut closing = std::pin::pin!(phase.wait_for(|phase| *phase != Phase::Open));
    loop {
        let accepted = tokio::select! {
            biased;
            _closed = &mut closing => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, address)) => {
                let (context, phase) = (Arc::clone(&context), watched.clone());
                spawn_local(connection::serve(socket, address, context, (phase, alive.clone())));
            }
            Err(error) => {
                // Out of descriptors: the next try would fail as fast, and eat the core.
                tracing::warn!(%error, door = %context.door, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    fn new(socket: Bound) -> io::Result<Self> {
        Ok(match socket {
            Bound::Tcp(socket) => Self::Tcp(TcpListener::from_std(socket)?),
            Bound::Unix(socket) => Self::Unix(UnixListener::from_std(socket)?),
        })
    }

    async fn accept(&self) -> io::Result<(Socketed, SocketAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = TcpListener::accept(listener).await?;
                Ok((Socketed::Tcp(nodelay(stream)), address))
            }
            Self::Unix(listener) => {
                let (stream, _): (UnixStream, _) = listener.accept().await?;
                Ok((Socketed::Unix(stream), NO_ADDRESS))
            }
        }
    }
}

/// A socket made elsewhere may lack the option; a failure only costs latency.
fn nodelay(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    stream
}

/// Doors opened at one moment; a worker takes them at once.
const ORDERS_MAX: usize = 1_024;

/// How long a worker rests when the system refuses connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
