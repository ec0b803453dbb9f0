//! The threads and the doors.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::admission::Admission;
use crate::connection::Context;
use crate::counts::{Census, WorkerCounts};
use crate::drain::{Drain, Phase};
use crate::listen::{Bound, Listening, bind};
use crate::worker::{Order, Share, Worker};
use crate::{Answer, Door, Listen, Networks, OpenError, ServerTls, Settings};

/// A door to be opened.
#[derive(Debug)]
pub struct Opening {
    /// Its name; requests carry it in their [`crate::Peer`].
    pub door: Door,
    /// Its socket.
    pub listen: Listen,
    /// Its TLS; `None` for a plain door.
    pub tls: Option<ServerTls>,
    /// Who answers.
    pub answer: Arc<dyn Answer>,
}

/// Worker threads, each with its own runtime, sockets and upstream connections. No task moves
/// between them.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    workers: Vec<Worker>,
    admission: Arc<Admission>,
    doors: Mutex<Vec<OpenDoor>>,
    /// Which worker takes the next door that has one socket only.
    next: AtomicUsize,
}

/// A door that is open.
#[derive(Debug)]
struct OpenDoor {
    door: Door,
    address: SocketAddr,
    /// How its connections are told that it closes.
    phase: watch::Sender<Phase>,
    /// Its listening sockets, to be passed on to a process that takes over.
    sockets: Vec<OwnedFd>,
}

/// The listening sockets of a door, for another process.
#[derive(Debug)]
pub struct Passed {
    /// The door.
    pub door: Door,
    /// Its address; unspecified for a Unix socket.
    pub address: SocketAddr,
    /// The same sockets under new descriptors.
    pub sockets: Vec<OwnedFd>,
}

/// Why the threads did not start.
#[derive(Debug, thiserror::Error)]
#[error("worker thread cannot be started")]
pub struct StartError(#[from] io::Error);

impl Server {
    /// Starts the threads. No door is open yet.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let count = if settings.workers == 0 { cores } else { settings.workers };
        let workers = (0..count).map(Worker::start).collect::<io::Result<_>>()?;
        let admission =
            Admission::new(settings.connections_max, settings.connections_per_address_max);
        let (doors, next) = (Mutex::default(), AtomicUsize::new(0));
        Ok(Self { settings, workers, admission, doors, next })
    }

    /// Opens a door and returns its address, with the port that the kernel chose. It listens when
    /// this returns. May be called at any time from any thread.
    ///
    /// # Errors
    /// When the socket cannot be bound.
    pub fn open(&self, opening: Opening) -> Result<SocketAddr, OpenError> {
        self.open_behind(opening, Networks::default())
    }

    /// As [`Server::open`]. Peers in `proxies` have to send a PROXY header and may name any client;
    /// what all others send is never read as one.
    ///
    /// # Errors
    /// When the socket cannot be bound.
    pub fn open_behind(
        &self,
        opening: Opening,
        proxies: Networks,
    ) -> Result<SocketAddr, OpenError> {
        self.open_with(opening, proxies, false)
    }

    /// As [`Server::open`]. Whoever comes in the clear may also begin with HTTP/2, with prior
    /// knowledge (RFC 9113 section 3.3).
    ///
    /// # Errors
    /// When the socket cannot be bound.
    pub fn open_h2c(&self, opening: Opening) -> Result<SocketAddr, OpenError> {
        self.open_with(opening, Networks::default(), true)
    }

    fn open_with(
        &self,
        opening: Opening,
        proxies: Networks,
        takes_h2c: bool,
    ) -> Result<SocketAddr, OpenError> {
        let Opening { door, listen, tls, answer } = opening;
        let Listening { address, sockets } = bind(listen, self.workers.len())?;
        let kept = sockets.iter().map(Bound::duplicate).collect::<io::Result<_>>();
        let kept = kept.map_err(OpenError::Socket)?;
        let (sender, phase) = watch::channel(Phase::Open);
        let context = Arc::new(Context {
            settings: self.settings.clone(),
            door: door.clone(),
            tls,
            answer,
            admission: Arc::clone(&self.admission),
            proxies,
            takes_h2c,
        });
        let single = self.next.fetch_add(1, Ordering::Relaxed);
        let first = if sockets.len() == 1 { single } else { 0 };
        let skipped = first.checked_rem(self.workers.len()).unwrap_or(0);
        let workers = self.workers.iter().cycle().skip(skipped);
        for (worker, socket) in workers.zip(sockets) {
            let context = Arc::clone(&context);
            let share = Share { socket, context, phase: phase.clone() };
            if !worker.order(Order::Open(share)) {
                return Err(OpenError::Workers);
            }
        }
        let opened = OpenDoor { door, address, phase: sender, sockets: kept };
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).push(opened);
        Ok(address)
    }

    /// Closes all sockets of a door. Its connections finish what they do, `within` that time.
    pub fn close(&self, door: &Door, within: Duration) {
        self.close_where(Drain::within(within), |open| open.door == *door);
    }

    /// Closes the sockets of a door at one address; it stays open at others.
    pub fn close_at(&self, door: &Door, address: SocketAddr, drain: Drain) {
        self.close_where(drain, |open| open.door == *door && open.address == address);
    }

    fn close_where(&self, drain: Drain, is_meant: impl Fn(&OpenDoor) -> bool) {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let leaving = Phase::Draining(drain.leave());
        // With the door its spare descriptors go: a socket listens until the last is closed.
        doors.retain(|open| {
            let is_meant = is_meant(open);
            if is_meant {
                open.phase.send_replace(leaving);
            }
            !is_meant
        });
    }

    /// The listening sockets of all doors, for a process that takes over. They go on here.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn passed(&self) -> io::Result<Vec<Passed>> {
        let doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let pass = |open: &OpenDoor| {
            let sockets = open.sockets.iter().map(OwnedFd::try_clone).collect::<io::Result<_>>()?;
            Ok(Passed { door: open.door.clone(), address: open.address, sockets })
        };
        doors.iter().map(pass).collect()
    }

    /// What each thread counted.
    pub fn counts(&self) -> Vec<WorkerCounts> {
        self.census().look()
    }

    /// Looks at the counts wherever it is taken.
    pub fn census(&self) -> Census {
        Census(self.workers.iter().map(Worker::counts).collect())
    }

    /// Stops accepting at all doors. Connections finish what they do; [`Server::finish`] waits.
    pub fn leave(&self, drain: Drain) {
        self.close_where(drain, |_| true);
    }

    /// Closes all doors, lets connections finish `within` that time, and ends the threads. Blocks
    /// until then: call it from a thread that may wait.
    pub fn drain(self, within: Duration) {
        self.leave(Drain::within(within));
        self.finish(within);
    }

    /// Ends the threads when their last connection has ended, or `within` that time. Blocks.
    pub fn finish(self, within: Duration) {
        let by = Drain::within(within).leave().by;
        // What was not closed before is now.
        drop(self.doors);
        for worker in &self.workers {
            // A worker that does not take the order ends when its inbox is dropped.
            worker.order(Order::Finish(by));
        }
        for worker in self.workers {
            worker.join();
        }
    }
}
