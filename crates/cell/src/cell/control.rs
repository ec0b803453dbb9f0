//! The conversation with one shim: the opening, and one thread that takes its reports.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{Shutdown, shutdown};
use tokio::sync::{Notify, oneshot};

use super::{CellError, Exit};
use crate::namespaces;
use crate::wire::{Order, Plan, Report, receive, send};

/// Building a cell takes some ten milliseconds; a machine this slow is broken.
const BUILD_TIMEOUT: Duration = Duration::from_secs(20);

type Answer = oneshot::Sender<io::Result<TcpStream>>;
type Question = oneshot::Receiver<io::Result<TcpStream>>;

/// What the shim has built: the service's process id, and the doors.
type Built = (i32, Vec<TcpListener>);
type Started = (Arc<Control>, Built);

/// What the parent and its report thread share.
#[derive(Debug)]
pub(super) struct Control {
    socket: OwnedFd,
    state: Mutex<State>,
    ended: Condvar,
    ended_async: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    dials: BTreeMap<u64, Answer>,
    exit: Option<Exit>,
}

impl Control {
    /// Sends the plan and waits until the service runs.
    pub(super) fn start(
        name: &str,
        socket: OwnedFd,
        mut child: Child,
        plan: Plan,
    ) -> Result<Started, CellError> {
        let built = match build(&socket, &child, plan) {
            Ok(built) => built,
            Err(error) => {
                // A failed shim has ended or ends now; the wait keeps it from staying a zombie.
                drop(child.kill());
                drop(child.wait());
                return Err(error);
            }
        };
        let control = Arc::new(Self {
            socket,
            state: Mutex::default(),
            ended: Condvar::new(),
            ended_async: Notify::new(),
        });
        let reports = Arc::clone(&control);
        thread::Builder::new()
            .name(format!("{name} cell"))
            .spawn(move || reports.take_reports(child))
            .map_err(CellError::Spawn)?;
        Ok((control, built))
    }

    pub(super) async fn dial(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.ask_dial(address)?.await.map_err(|_gone| io::ErrorKind::BrokenPipe)?
    }

    pub(super) fn dial_blocking(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let answer = self.ask_dial(address)?.blocking_recv();
        let stream = answer.map_err(|_gone| io::ErrorKind::BrokenPipe)??;
        stream.set_nonblocking(false)?;
        Ok(stream)
    }

    pub(super) fn stop(&self, grace: Duration) -> io::Result<()> {
        let grace_millis = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        send(&self.socket, &Order::Stop { grace_millis }, None)
    }

    pub(super) fn hang_up(&self) {
        match shutdown(&self.socket, Shutdown::Both) {
            // An error means that the shim has ended already.
            Ok(()) | Err(_) => {}
        }
    }

    pub(super) fn exit(&self) -> Option<Exit> {
        self.state().exit
    }

    pub(super) async fn wait(&self) -> Exit {
        loop {
            let ended = self.ended_async.notified();
            if let Some(exit) = self.exit() {
                return exit;
            }
            ended.await;
        }
    }

    pub(super) fn wait_blocking(&self, limit: Duration) -> Option<Exit> {
        let state = self.state();
        let waited = self.ended.wait_timeout_while(state, limit, |state| state.exit.is_none());
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.exit
    }

    fn ask_dial(&self, address: SocketAddr) -> io::Result<Question> {
        let (sender, answer) = oneshot::channel();
        let id = {
            let mut state = self.state();
            if state.exit.is_some() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            state.next = state.next.wrapping_add(1);
            let id = state.next;
            state.dials.insert(id, sender);
            id
        };
        if let Err(error) = send(&self.socket, &Order::Dial { id, address }, None) {
            self.state().dials.remove(&id);
            return Err(error);
        }
        Ok(answer)
    }

    fn take_reports(&self, mut child: Child) {
        let mut exit = Exit::Lost;
        while let Ok(Some((report, descriptor))) = receive::<Report>(&self.socket) {
            match (report, descriptor) {
                (Report::Dialed { id }, Some(socket)) => self.answer(id, Ok(socket.into())),
                (Report::Refused { id, errno }, _) => {
                    self.answer(id, Err(io::Error::from_raw_os_error(errno)));
                }
                (Report::Exited { code, signal }, _) => {
                    exit = code.map(Exit::Code).or(signal.map(Exit::Signal)).unwrap_or(Exit::Lost);
                    break;
                }
                _ => {}
            }
        }
        // The shim ends by itself, after the service; without the wait it would stay a zombie.
        drop(child.wait());
        let mut state = self.state();
        state.exit = Some(exit);
        // Whoever still waits for a connection is told by the closed channel.
        state.dials.clear();
        drop(state);
        self.ended.notify_all();
        self.ended_async.notify_waiters();
    }

    fn answer(&self, id: u64, stream: io::Result<TcpStream>) {
        if let Some(sender) = self.state().dials.remove(&id) {
            // The one who asked may have given up; the connection is then closed.
            drop(sender.send(stream));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn build(socket: &OwnedFd, child: &Child, plan: Plan) -> Result<Built, CellError> {
    send(socket, &Order::Start(Box::new(plan)), None).map_err(CellError::Control)?;
    let mut listeners = Vec::new();
    loop {
        await_report(socket).map_err(CellError::Control)?;
        match receive(socket).map_err(CellError::Control)? {
            Some((Report::Unshared, _)) => {
                let may_map = rustix::process::geteuid().is_root();
                let is_mapped = may_map && namespaces::map_all_ids(child.id()).is_ok();
                send(socket, &Order::Mapped(is_mapped), None).map_err(CellError::Control)?;
            }
            Some((Report::Door, Some(door))) => listeners.push(door.into()),
            Some((Report::Started { pid }, _)) => return Ok((pid, listeners)),
            Some((Report::Failed { step, errno }, _)) => {
                return Err(CellError::Inside {
                    step,
                    source: io::Error::from_raw_os_error(errno),
                });
            }
            Some(_) => {}
            None => return Err(CellError::Control(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

fn await_report(socket: &OwnedFd) -> io::Result<()> {
    let timeout = Timespec::try_from(BUILD_TIMEOUT).map_err(io::Error::other)?;
    let mut events = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)];
    match rustix::io::retry_on_intr(|| poll(&mut events, Some(&timeout)))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}
