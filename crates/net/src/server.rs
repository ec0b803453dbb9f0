//! The threads and the doors.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::admission::Admission;
use crate::connection::Context;
use crate::drain::{Phase, deadline};
use crate::listen::{Listening, bind};
use crate::worker::{Order, Share, Worker};
use crate::{Answer, Door, Listen, OpenError, ServerTls, Settings};

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

/// An open door, and how its connections are told that it closes.
type OpenDoor = (Door, watch::Sender<Phase>);

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
        let Opening { door, listen, tls, answer } = opening;
        let Listening { address, sockets } = bind(listen, self.workers.len())?;
        let (sender, phase) = watch::channel(Phase::Open);
        let context = Arc::new(Context {
            settings: self.settings.clone(),
            door: door.clone(),
            tls,
            answer,
            admission: Arc::clone(&self.admission),
        });
        let single = self.next.fetch_add(1, Ordering::Relaxed);
        let first = if sockets.len() == 1 { single } else { 0 };
        let workers =
            self.workers.iter().cycle().skip(first.checked_rem(self.workers.len()).unwrap_or(0));
        for (worker, socket) in workers.zip(sockets) {
            let context = Arc::clone(&context);
            let share = Share { socket, context, phase: phase.clone() };
            if !worker.order(Order::Open(share)) {
                return Err(OpenError::Workers);
            }
        }
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).push((door, sender));
        Ok(address)
    }

    /// Closes all sockets of a door. Its connections finish what they do, `within` that time.
    pub fn close(&self, door: &Door, within: Duration) {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Phase::Draining(deadline(within));
        doors.retain(|(known, phase)| {
            if known == door {
                phase.send_replace(until);
            }
            known != door
        });
    }

    /// Closes all doors, lets connections finish `within` that time, and ends the threads. Blocks
    /// until then: call it from a thread that may wait.
    pub fn drain(self, within: Duration) {
        let deadline = deadline(within);
        let doors = self.doors.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (_, phase) in doors {
            phase.send_replace(Phase::Draining(deadline));
        }
        for worker in &self.workers {
            // A worker that does not take the order ends when its inbox is dropped.
            worker.order(Order::Finish(deadline));
        }
        for worker in self.workers {
            worker.join();
        }
    }
}
