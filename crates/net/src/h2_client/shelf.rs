//! The HTTP/2 connections of a thread, by target.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::task::{Context, Waker};

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::link::{Link, State};
use super::open::open;
use crate::pool::PoolSettings;
use crate::{SendError, Target};

thread_local! {
    /// Owned by the thread as its sockets are.
    static SHELF: RefCell<HashMap<u64, Shelf>> = RefCell::default();
}

#[derive(Default)]
struct Shelf {
    links: Vec<Rc<Link>>,
    /// Held by the one who connects: what comes meanwhile waits for his connection.
    connecting: Rc<Mutex<()>>,
}

/// A connection with room for one more stream, and whether it was there before.
pub(super) async fn link(
    settings: &PoolSettings,
    target: &Target,
) -> Result<(Rc<Link>, bool), SendError> {
    if let Some(link) = pick(settings, target.id()) {
        return Ok((link, true));
    }
    let connecting =
        SHELF.with_borrow_mut(|shelf| Rc::clone(&shelf.entry(target.id()).or_default().connecting));
    let turn = timeout(settings.connect_time, connecting.lock()).await;
    let _turn = turn.map_err(|_elapsed| SendError::ConnectTime)?;
    if let Some(link) = pick(settings, target.id()) {
        return Ok((link, true));
    }
    let link = Rc::new(open(settings, target).await?);
    SHELF.with_borrow_mut(|shelf| {
        shelf.entry(target.id()).or_default().links.push(Rc::clone(&link));
    });
    Ok((link, false))
}

/// The first one with room, so that the last ones become idle and end.
fn pick(settings: &PoolSettings, target: u64) -> Option<Rc<Link>> {
    SHELF.with_borrow_mut(|shelf| {
        let links = &mut shelf.get_mut(&target)?.links;
        // One that got a GOAWAY, or ended, says so here.
        links.retain(|link| !link.is_retired() && is_open(link));
        links.iter().find(|link| link.has_room(settings.streams_max)).map(Rc::clone)
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
