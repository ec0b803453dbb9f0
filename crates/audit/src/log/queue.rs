//! The bounded queue between those who put events and the writer.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringwall_base::{Class, Notice, SinkError, Timestamp};

use super::Stats;
use crate::line;

/// An event on its way, and who waits for it. The tail of its line stands among the bytes.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) at: Timestamp,
    pub(super) class: Class,
    pub(super) tail_bytes: usize,
    pub(super) waiter: Option<SyncSender<io::Result<()>>>,
}

/// Events in order, and the tails of their lines, one behind the other: what many threads put
/// becomes two blocks of memory, and not ten for each event.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) items: Vec<Item>,
    bytes: Vec<u8>,
}

/// What the writer takes at once, besides the events.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) dropped: u64,
    pub(super) is_last: bool,
}

/// Sampled events of a commit that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dropped {
    /// In the commit itself.
    pub(super) new: u64,
    /// Counted before, and still to be reported.
    pub(super) unreported: u64,
}

/// How long the writer gathers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    /// At most this long when nothing comes.
    pub(super) idle: Duration,
    pub(super) group: Duration,
    pub(super) sampled: Duration,
}

/// What the writer waits for.
type Until<'a> = &'a dyn Fn(&State) -> bool;

#[derive(Debug)]
pub(super) struct Queue {
    max: usize,
    state: Mutex<State>,
    /// Something that the writer waits for has happened.
    filled: Condvar,
    /// The writer has taken or committed a batch.
    drained: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Waiting,
    has_group: bool,
    has_sync: bool,
    is_closing: bool,
    failure: Option<(io::ErrorKind, String)>,
    dropped_unreported: u64,
    accepted: u64,
    committed: u64,
    stats: Stats,
}

impl Waiting {
    pub(super) fn add(&mut self, item: Item, tail: &[u8]) {
        self.items.push(item);
        self.bytes.extend_from_slice(tail);
    }

    /// Each event with the tail of its line.
    pub(super) fn events(&self) -> impl Iterator<Item = (Timestamp, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.items.iter().map(move |item| {
            let (tail, behind) = rest.split_at_checked(item.tail_bytes).unwrap_or_default();
            rest = behind;
            (item.at, tail)
        })
    }

    /// Takes all that `other` has, and leaves it the memory to be filled again.
    fn take(&mut self, other: &mut Self) {
        if self.items.is_empty() {
            self.forget();
            std::mem::swap(self, other);
        } else {
            self.items.append(&mut other.items);
            self.bytes.append(&mut other.bytes);
        }
    }

    /// Keeps the memory, unless a flood made it large.
    pub(super) fn forget(&mut self) {
        self.items.clear();
        self.bytes.clear();
        self.items.shrink_to(ITEMS_KEPT);
        self.bytes.shrink_to(BYTES_KEPT);
    }

    /// Takes out the events that are not kept, with who waits for them.
    pub(super) fn retain(&mut self, keep: impl Fn(&Item) -> bool) -> Vec<Item> {
        let all = std::mem::take(self);
        let mut gone = Vec::new();
        let mut rest = all.bytes.as_slice();
        for item in all.items {
            let (tail, behind) = rest.split_at_checked(item.tail_bytes).unwrap_or_default();
            rest = behind;
            if keep(&item) {
                self.add(item, tail);
            } else {
                gone.push(item);
            }
        }
        gone
    }
}

impl Queue {
    pub(super) fn new(max: usize) -> Self {
        let stats = Stats { is_writable: true, ..Stats::default() };
        let state = Mutex::new(State { stats, ..State::default() });
        Self { max: max.max(1), state, filled: Condvar::new(), drained: Condvar::new() }
    }

    pub(super) fn put(
        &self,
        notice: &Notice<'_>,
        queue_deadline: Duration,
        sync_deadline: Duration,
    ) -> Result<(), SinkError> {
        let class = notice.class;
        // Before the lock: this is most of the work.
        let mut tail = Vec::with_capacity(line::TAIL_BYTES_USUAL);
        line::tail(&mut tail, notice);
        let mut state = self.state();
        if class == Class::Sampled
            && (state.waiting.items.len() >= self.max || state.failure.is_some())
        {
            state.dropped_unreported = state.dropped_unreported.saturating_add(1);
            state.stats.dropped = state.stats.dropped.saturating_add(1);
            return Ok(());
        }
        if state.waiting.items.len() >= self.max {
            let is_full = |state: &mut State| {
                state.waiting.items.len() >= self.max
                    && state.failure.is_none()
                    && !state.is_closing
            };
            let waited = self.drained.wait_timeout_while(state, queue_deadline, is_full);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some((kind, text)) = &state.failure {
            return Err(SinkError::Write(io::Error::new(*kind, text.clone())));
        }
        if state.waiting.items.len() >= self.max || state.is_closing {
            return Err(SinkError::Deadline);
        }
        let (waiter, answer) = match class {
            Class::Sync => {
                let (waiter, answer) = sync_channel(1);
                (Some(waiter), Some(answer))
            }
            Class::Group | Class::Sampled => (None, None),
        };
        let item = Item { at: notice.at, class, tail_bytes: tail.len(), waiter };
        self.add(state, item, &tail);
        match answer.map(|answer| answer.recv_timeout(sync_deadline)) {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(SinkError::Write(error)),
            Some(Err(RecvTimeoutError::Timeout)) => Err(SinkError::Deadline),
            Some(Err(RecvTimeoutError::Disconnected)) => {
                Err(SinkError::Write(io::Error::other("the audit writer has ended")))
            }
        }
    }

    /// Adds an item, and wakes the writer only when that changes what it waits for: a wake-up is a
    /// system call.
    fn add(&self, mut state: MutexGuard<'_, State>, item: Item, tail: &[u8]) {
        let is_news = match item.class {
            Class::Sync => !std::mem::replace(&mut state.has_sync, true),
            Class::Group => !std::mem::replace(&mut state.has_group, true),
            Class::Sampled => state.waiting.items.is_empty(),
        };
        state.waiting.add(item, tail);
        state.accepted = state.accepted.saturating_add(1);
        let wakes = is_news || state.waiting.items.len() == self.max;
        drop(state);
        if wakes {
            self.filled.notify_one();
        }
    }

    /// Waits for events and puts all of them behind those that are `waiting`.
    pub(super) fn take(&self, windows: Windows, waiting: &mut Waiting) -> Batch {
        let wait = |state, limit, until: Until<'_>| {
            let waited = self.filled.wait_timeout_while(state, limit, |state| !until(state));
            waited.unwrap_or_else(PoisonError::into_inner).0
        };
        let at_once = |state: &State| {
            state.has_sync || state.is_closing || state.waiting.items.len() >= self.max
        };
        let mut state = self.state();
        state =
            wait(state, windows.idle, &|state| !state.waiting.items.is_empty() || at_once(state));
        if !state.waiting.items.is_empty() {
            state = wait(state, windows.sampled, &|state| state.has_group || at_once(state));
            if state.has_group {
                state = wait(state, windows.group, &at_once);
            }
        }
        state.has_group = false;
        state.has_sync = false;
        waiting.take(&mut state.waiting);
        let batch = Batch {
            dropped: std::mem::take(&mut state.dropped_unreported),
            is_last: state.is_closing,
        };
        drop(state);
        self.drained.notify_all();
        batch
    }

    /// The writer reports a durable commit of `accepted` events that were put.
    pub(super) fn committed(&self, accepted: u64, events: u64, at: Timestamp) {
        let mut state = self.state();
        state.committed = state.committed.saturating_add(accepted);
        state.failure = None;
        state.stats =
            Stats { events, last_durable: at, is_writable: true, dropped: state.stats.dropped };
        drop(state);
        self.drained.notify_all();
    }

    /// The writer reports that it cannot write; `lost` accepted events will never be written.
    pub(super) fn failed(&self, error: &io::Error, lost: u64, dropped: Dropped) {
        let mut state = self.state();
        state.committed = state.committed.saturating_add(lost);
        state.failure = Some((error.kind(), error.to_string()));
        let Dropped { new, unreported } = dropped;
        state.dropped_unreported = state.dropped_unreported.saturating_add(new + unreported);
        state.stats.dropped = state.stats.dropped.saturating_add(new);
        state.stats.is_writable = false;
        drop(state);
        self.drained.notify_all();
    }

    pub(super) fn opened(&self, events: u64) {
        self.state().stats.events = events;
    }

    pub(super) fn flush(&self, limit: Duration) -> Result<(), SinkError> {
        let mut state = self.state();
        let target = state.accepted;
        state.has_sync = true;
        self.filled.notify_one();
        let pending = |state: &mut State| state.committed < target && state.failure.is_none();
        let waited = self.drained.wait_timeout_while(state, limit, pending);
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        match &state.failure {
            Some((kind, text)) => Err(SinkError::Write(io::Error::new(*kind, text.clone()))),
            None if state.committed < target => Err(SinkError::Deadline),
            None => Ok(()),
        }
    }

    pub(super) fn close(&self) {
        self.state().is_closing = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    pub(super) fn stats(&self) -> Stats {
        self.state().stats
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory for this many events stays with the queue between commits.
const ITEMS_KEPT: usize = 2_048;
const BYTES_KEPT: usize = 1024 * 1024;
