//! One connection to an upstream, and what its streams hold of it.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::sync::{Mutex, Notify};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

use crate::h2::meter::Meter;
use crate::target::Queue;

/// A connection that takes requests until it is retired.
pub(crate) struct Link {
    sender: SendRequest<Bytes>,
    state: Rc<State>,
}

/// What is known of a connection. Its driver holds it too.
#[derive(Debug)]
pub(super) struct State {
    pub(super) opened: Instant,
    pub(super) meter: Rc<Meter>,
    /// Streams that are open.
    pub(super) open: Cell<usize>,
    /// Streams that there were.
    pub(super) begun: Cell<u64>,
    /// Whether it takes no more.
    pub(super) is_retired: Cell<bool>,
    /// Who waits for a stream.
    desk: Rc<Desk>,
    queue: Arc<Queue>,
    /// Told when the last stream is over.
    pub(super) rest: Notify,
}

/// Who waits on this thread for a stream of a target.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// Held by the one who connects: what comes meanwhile waits for his connection.
    pub(super) connecting: Mutex<()>,
    /// Told when a stream is over.
    pub(super) free: Notify,
    pub(super) waiting: Cell<usize>,
}

/// A stream that is open, with the task that writes its body. Dropped it lets the stream go: what
/// is not over is reset.
pub(crate) struct Hold {
    state: Rc<State>,
    pump: Option<AbortHandle>,
}

impl Link {
    pub(super) fn new(sender: SendRequest<Bytes>, state: Rc<State>) -> Self {
        Self { sender, state }
    }

    pub(super) fn sender(&self) -> SendRequest<Bytes> {
        self.sender.clone()
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.state.meter
    }

    /// Takes no more requests. It ends when the last of its streams has ended.
    pub(super) fn retire(&self) {
        self.state.is_retired.set(true);
    }

    pub(super) fn is(&self, state: &Rc<State>) -> bool {
        Rc::ptr_eq(&self.state, state)
    }

    pub(super) fn is_retired(&self) -> bool {
        self.state.is_retired.get()
    }

    /// Whether it has room for one more stream. The upstream says how many there may be.
    pub(super) fn has_room(&self, streams_max: usize) -> bool {
        let max = self.sender.current_max_send_streams().min(streams_max);
        !self.is_retired() && self.state.open.get() < max
    }
}

impl State {
    pub(super) fn new(meter: Rc<Meter>, desk: Rc<Desk>, queue: Arc<Queue>) -> Rc<Self> {
        let (open, begun, is_retired) = (Cell::default(), Cell::default(), Cell::default());
        let (opened, rest) = (Instant::now(), Notify::new());
        Rc::new(Self { opened, meter, open, begun, is_retired, desk, queue, rest })
    }

    /// Whether nobody uses it, and somebody on another thread could use its place.
    pub(super) fn is_idle_and_wanted(&self) -> bool {
        self.open.get() == 0 && self.queue.waiting() > self.desk.waiting.get()
    }

    pub(super) const fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }
}

impl Hold {
    pub(super) fn new(link: &Link) -> Self {
        let state = Rc::clone(&link.state);
        state.open.set(state.open.get().saturating_add(1));
        state.begun.set(state.begun.get().saturating_add(1));
        Self { state, pump: None }
    }

    /// Notes that the answer broke off.
    pub(crate) fn broke(&self) {
        self.state.queue.broke();
    }

    /// The task that writes the body of the request: it ends with the answer.
    pub(super) fn pump(&mut self, task: &JoinHandle<()>) {
        self.pump = Some(task.abort_handle());
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.state.open.set(self.state.open.get().saturating_sub(1));
        self.state.desk.free.notify_one();
        if self.state.open.get() == 0 {
            self.state.rest.notify_one();
        }
        if let Some(pump) = &self.pump {
            pump.abort();
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold(…)")
    }
}
