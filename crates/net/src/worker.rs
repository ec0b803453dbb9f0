//! One thread: a single-threaded runtime that accepts, and drives what it accepted.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::connection::{self, Context, Seat, Socketed};
use crate::counts::{Counts, Unwelcome};
use crate::drain::Phase;
use crate::listen::{Bound, NO_ADDRESS};
use crate::pool;
use crate::reserve::{Reserve, is_exhausted};

/// A running thread.
#[derive(Debug)]
pub(crate) struct Worker {
    inbox: mpsc::Sender<Order>,
    thread: JoinHandle<()>,
    counts: Arc<Counts>,
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
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new()
            .name(format!("net-{number}"))
            .spawn(move || LocalSet::new().block_on(&runtime, work(orders, counted)))?;
        Ok(Self { inbox, thread, counts })
    }

    pub(crate) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
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

async fn work(mut orders: mpsc::Receiver<Order>, counts: Arc<Counts>) {
    // Each connection holds a receiver: when the last is gone, so is the last connection.
    let (alive, receiver) = watch::channel(());
    let reserve = Rc::new(RefCell::new(Reserve::take()));
    let mut end = None;
    let mut ticks = interval(SWEEP_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while let Some(order) = next(&mut orders, &mut ticks).await {
        match order {
            Order::Open(share) => {
                let seats = Seats { alive: receiver.clone(), counts: Arc::clone(&counts) };
                spawn_local(accept(share, seats, Rc::clone(&reserve)));
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

/// The next order. Without requests nobody else looks at upstream connections that rest.
async fn next(orders: &mut mpsc::Receiver<Order>, ticks: &mut Interval) -> Option<Order> {
    loop {
        tokio::select! {
            order = orders.recv() => return order,
            _ = ticks.tick() => pool::sweep(),
        }
    }
}

/// Accepts until the door closes.
async fn accept(share: Share, seats: Seats, reserve: Rc<RefCell<Reserve>>) {
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
                let seat = seats.seat(watched.clone());
                spawn_local(connection::serve(socket, address, Arc::clone(&context), seat));
            }
            Err(error) => {
                // The next try would fail as fast, and eat the core.
                tracing::warn!(%error, door = %context.door, "connection not accepted");
                if is_exhausted(&error) {
                    shed(&listener, &seats.counts, &reserve).await;
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Takes what waits and closes it at once: a client is told, and the queue does not fill up.
async fn shed(listener: &Listener, counts: &Counts, reserve: &RefCell<Reserve>) {
    for _ in 0..SHED_MAX {
        if !reserve.borrow_mut().give_up() {
            break;
        }
        let taken = tokio::time::timeout(SHED_TIME, listener.accept()).await;
        let is_taken = matches!(taken, Ok(Ok(_)));
        drop(taken);
        reserve.borrow_mut().refill();
        if !is_taken {
            return;
        }
        counts.refuse(Unwelcome::Descriptors);
    }
    reserve.borrow_mut().refill();
}

/// What connections take from their worker.
struct Seats {
    alive: watch::Receiver<()>,
    counts: Arc<Counts>,
}

impl Seats {
    fn seat(&self, phase: watch::Receiver<Phase>) -> Seat {
        let counts = Arc::clone(&self.counts);
        Seat { phase, alive: self.alive.clone(), counted: counts.enter(), counts }
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
                // A dual-stack socket writes IPv4 clients as `::ffff:192.0.2.7`.
                let address = SocketAddr::new(address.ip().to_canonical(), address.port());
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

/// How long a connection may be closed already before its descriptor is free.
const SWEEP_INTERVAL: Duration = Duration::from_secs(2);

/// Doors opened at one moment; a worker takes them at once.
const ORDERS_MAX: usize = 1_024;

/// How long a worker rests when the system refuses connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections closed in a row while no descriptor is left: with the pause above 1,280 a second and
/// thread, so that a flood cannot keep a core busy.
const SHED_MAX: usize = 64;

/// The connection is there already, or another thread took the descriptor.
const SHED_TIME: Duration = Duration::from_millis(5);
