//! What one thread keeps: idle connections, and who waits for one.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::hash::{BuildHasherDefault, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::Instant;

use super::{Lease, PoolSettings};
use crate::target::Queue;

thread_local! {
    /// Owned by the thread as its sockets are: a connection cannot be driven from another one.
    static SHELF: RefCell<Shelf> = RefCell::default();
}

#[derive(Debug, Default)]
struct Shelf {
    by_target: HashMap<u64, Kept, BuildHasherDefault<Number>>,
    swept: Option<Instant>,
}

/// Of one target.
#[derive(Debug, Default)]
struct Kept {
    idle: Vec<Idle>,
    waiting: VecDeque<oneshot::Sender<Box<Lease>>>,
    busy: usize,
    /// Listens for those who wait on other threads.
    yielding: Option<Yielding>,
}

/// Ends with what it listens for.
#[derive(Debug)]
struct Yielding(AbortHandle);

impl Drop for Yielding {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug)]
struct Idle {
    lease: Box<Lease>,
    since: Instant,
}

/// A connection in use, counted while it lives.
#[derive(Debug)]
pub(super) struct Busy(u64);

impl Busy {
    pub(super) fn new(target: u64) -> Self {
        SHELF.with_borrow_mut(|shelf| {
            let kept = shelf.by_target.entry(target).or_default();
            kept.busy = kept.busy.saturating_add(1);
        });
        Self(target)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // At the end of a thread its shelf may be gone already.
        let count = |shelf: &RefCell<Shelf>| {
            if let Ok(mut shelf) = shelf.try_borrow_mut()
                && let Some(kept) = shelf.by_target.get_mut(&self.0)
            {
                kept.busy = kept.busy.saturating_sub(1);
            }
        };
        SHELF.try_with(count).unwrap_or_default();
    }
}

/// Takes the connection that was used last, if one is good.
pub(super) fn take(settings: &PoolSettings, target: u64, is_careful: bool) -> Option<Box<Lease>> {
    let now = Instant::now();
    sweep(now);
    while let Some(Idle { mut lease, since }) = pop(target) {
        let rested = now.duration_since(since);
        let is_young = now.duration_since(lease.opened) <= settings.age;
        let must_prove = is_careful || rested > TRUSTED_REST;
        if rested <= settings.idle_time
            && is_young
            && lease.link.wire.is_quiet()
            && (!must_prove || lease.link.wire.is_open())
        {
            lease.busy = Some(Busy::new(target));
            lease.used = now;
            return Some(lease);
        }
    }
    None
}

fn pop(target: u64) -> Option<Idle> {
    SHELF.with_borrow_mut(|shelf| shelf.by_target.get_mut(&target)?.idle.pop())
}

/// Gives a connection to who waits for one, or keeps it.
pub(super) fn put(mut lease: Box<Lease>, now: Instant) {
    // Who waits on another thread cannot have it, but can have its place.
    let is_wanted_elsewhere = lease.queue.is_wanted();
    let target = lease.target;
    loop {
        let waiting = SHELF.with_borrow_mut(|shelf| {
            shelf.by_target.entry(target).or_default().waiting.pop_front()
        });
        let Some(waiting) = waiting else { break };
        lease.busy = Some(Busy::new(target));
        lease.used = now;
        match waiting.send(lease) {
            Ok(()) => return,
            Err(unwanted) => lease = unwanted,
        }
        lease.busy = None;
    }
    if is_wanted_elsewhere {
        return;
    }
    let idle_max = lease.settings.idle_max;
    let unkept = SHELF.with_borrow_mut(|shelf| {
        let kept = shelf.by_target.entry(target).or_default();
        if kept.idle.len() >= idle_max {
            return Some(lease);
        }
        let queue = &lease.queue;
        let listen = || spawn_local(yield_to_others(target, Arc::clone(queue))).abort_handle();
        kept.yielding.get_or_insert_with(|| Yielding(listen()));
        kept.idle.push(Idle { lease, since: now });
        None
    });
    drop(unkept);
}

/// Closes idle connections when somebody waits for a place on another thread: it cannot have the
/// connection, and this thread may have nothing to do for which it would look. It goes on until the
/// target is forgotten.
async fn yield_to_others(target: u64, queue: Arc<Queue>) {
    loop {
        let mut wanted = pin!(queue.wanted());
        // Registered first: who comes while the queue is looked at is not missed.
        let is_told = poll_fn(|cx| Poll::Ready(wanted.as_mut().poll(cx).is_ready())).await;
        let gone = SHELF.with_borrow_mut(|shelf| {
            let idle = &mut shelf.by_target.get_mut(&target)?.idle;
            Some(idle.split_off(idle.len().saturating_sub(queue.waiting())))
        });
        // After the shelf is free again: a lease may touch it when it ends.
        let is_any = gone.is_some_and(|gone| !gone.is_empty());
        if !is_any && !is_told {
            wanted.await;
        }
    }
}

pub(super) fn is_busy(target: u64) -> bool {
    SHELF.with_borrow(|shelf| shelf.by_target.get(&target).is_some_and(|kept| kept.busy > 0))
}

pub(super) fn wait(target: u64) -> oneshot::Receiver<Box<Lease>> {
    let (sender, receiver) = oneshot::channel();
    SHELF.with_borrow_mut(|shelf| {
        let waiting = &mut shelf.by_target.entry(target).or_default().waiting;
        waiting.retain(|waiting| !waiting.is_closed());
        waiting.push_back(sender);
    });
    receiver
}

pub(super) fn forget(target: u64) {
    // Who waits hears of it and opens a connection.
    drop(SHELF.with_borrow_mut(|shelf| shelf.by_target.remove(&target)));
}

/// Drops what is closed or too old, for all targets, at most once in a while.
pub(super) fn sweep(now: Instant) {
    let dropped = SHELF.with_borrow_mut(|shelf| {
        if shelf.swept.is_some_and(|at| now.duration_since(at) < SWEEP_EVERY) {
            return Vec::new();
        }
        shelf.swept = Some(now);
        let mut dropped = Vec::new();
        for kept in shelf.by_target.values_mut() {
            dropped.extend(kept.idle.extract_if(.., |idle| {
                let idle_time = idle.lease.settings.idle_time;
                let is_fresh = now.duration_since(idle.since) <= idle_time;
                !is_fresh || !idle.lease.link.wire.is_quiet() || idle.lease.queue.is_wanted()
            }));
        }
        shelf
            .by_target
            .retain(|_, kept| !kept.idle.is_empty() || kept.busy > 0 || !kept.waiting.is_empty());
        dropped
    });
    // After the shelf is free again: a lease may touch it when it ends.
    drop(dropped);
}

/// Targets are numbered one after the other: the number is hash enough.
#[derive(Debug, Default)]
struct Number(u64);

impl Hasher for Number {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        // Spread to the upper bits, which the map looks at first.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// A sweep visits all idle connections of the thread; once a second is nothing beside requests.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// After this much rest a connection may have been closed with the notice still on its way.
const TRUSTED_REST: Duration = Duration::from_millis(500);
