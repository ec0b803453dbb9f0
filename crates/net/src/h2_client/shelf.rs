//! The HTTP/2 connections of a thread, by target.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::task::{Context, Waker};

use tokio::time::timeout;

use super::link::{Desk, Hold, Link, State};
use super::open::{Held, open};
use crate::pool::PoolSettings;
use crate::{SendError, Target};

thread_local! {
    /// Owned by the thread as its sockets are.
    static SHELF: RefCell<HashMap<u64, Shelf>> = RefCell::default();
}

#[derive(Default)]
struct Shelf {
    links: Vec<Rc<Link>>,
    desk: Rc<Desk>,
}

/// A stream of a connection, and whether that was there before.
pub(super) struct Granted {
    pub(super) link: Rc<Link>,
    pub(super) hold: Hold,
    pub(super) is_kept: bool,
}

/// A stream: of a connection that has room, of a new one, or when there may be no more, the next
/// that comes free. Waiting is limited in number and in time.
pub(super) async fn grant(settings: &PoolSettings, target: &Target) -> Result<Granted, SendError> {
    if let Some(granted) = pick(settings, target.id()) {
        return Ok(granted);
    }
    let desk =
        SHELF.with_borrow_mut(|shelf| Rc::clone(&shelf.entry(target.id()).or_default().desk));
    if let Ok(_turn) = desk.connecting.try_lock()
        && let Some(place) = target.queue().try_place()
    {
        return connect(settings, target, Held { place, desk: Rc::clone(&desk) }).await;
    }
    let _waiting = Waiting::begin(&desk);
    let Some(_pending) = target.pend() else { return Err(SendError::Overflow) };
    let granted = timeout(settings.connect_time, wait(settings, target, &desk)).await;
    granted.unwrap_or(Err(SendError::ConnectTime))
}

async fn wait(
    settings: &PoolSettings,
    target: &Target,
    desk: &Rc<Desk>,
) -> Result<Granted, SendError> {
    loop {
        let turn = async { (desk.connecting.lock().await, target.queue().place().await) };
        let turn = tokio::select! {
            biased;
            () = desk.free.notified() => None,
            turn = turn => Some(turn),
        };
        if let Some(granted) = pick(settings, target.id()) {
            return Ok(granted);
        }
        let Some((_turn, place)) = turn else { continue };
        let Some(place) = place else { return Err(SendError::Overflow) };
        return connect(settings, target, Held { place, desk: Rc::clone(desk) }).await;
    }
}

async fn connect(
    settings: &PoolSettings,
    target: &Target,
    held: Held,
) -> Result<Granted, SendError> {
    let desk = Rc::clone(&held.desk);
    let link = Rc::new(open(settings, target, held).await?);
    let hold = Hold::new(&link);
    SHELF.with_borrow_mut(|shelf| {
        shelf.entry(target.id()).or_default().links.push(Rc::clone(&link));
    });
    // It has room for many of those who wait.
    desk.free.notify_waiters();
    Ok(Granted { link, hold, is_kept: false })
}

/// Counts one who waits while it lives.
struct Waiting<'a>(&'a Desk);

impl<'a> Waiting<'a> {
    fn begin(desk: &'a Desk) -> Self {
        desk.waiting.set(desk.waiting.get().saturating_add(1));
        Self(desk)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get().saturating_sub(1));
    }
}

/// A stream of the first one with room, so that the last ones become idle and end.
fn pick(settings: &PoolSettings, target: u64) -> Option<Granted> {
    SHELF.with_borrow_mut(|shelf| {
        let links = &mut shelf.get_mut(&target)?.links;
        // One that got a GOAWAY, or ended, says so here.
        links.retain(|link| !link.is_retired() && is_open(link));
        let link = links.iter().find(|link| link.has_room(settings.streams_max)).map(Rc::clone)?;
        Some(Granted { hold: Hold::new(&link), link, is_kept: true })
    })
}

fn is_open(link: &Link) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    !matches!(link.sender().poll_ready(&mut cx), std::task::Poll::Ready(Err(_)))
}

/// Takes a connection out: it ends when its last stream has ended.
pub(super) fn remove(target: u64, state: &Rc<State>) {
    // What is dropped here wakes its driver, which may want the shelf.
    let removed = SHELF.with_borrow_mut(|shelf| {
        let links = &mut shelf.get_mut(&target)?.links;
        let at = links.iter().position(|link| link.is(state))?;
        Some(links.swap_remove(at))
    });
    drop(removed);
}

/// Closes this thread's connections to a target that is gone, each after its last stream.
pub(crate) fn forget(target: u64) {
    let removed = SHELF.with_borrow_mut(|shelf| shelf.remove(&target));
    drop(removed);
}
