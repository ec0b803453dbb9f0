//! What rules remember of earlier requests (`initcol`), by this gateway alone or with others.
//!
//! Rules read and write the copy that is here. Only for a collection that was not heard of lately a
//! request waits for the others, once, and no longer than a moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ringwall_waf::{Delta, Memory, Replica, Stored};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::exchange::{self, Sharing};

/// The copy, and how it is shared.
#[derive(Debug)]
pub(crate) struct Commons {
    pub(crate) replica: Replica,
    pub(crate) sharing: exchange::State,
    /// Somebody waits for a collection.
    pub(crate) wake: Notify,
    /// Changes when something was heard.
    pub(crate) heard: watch::Sender<u64>,
    late: AtomicU64,
}

impl Commons {
    pub(crate) fn new(collections: usize) -> Self {
        Self {
            replica: Replica::new(collections),
            sharing: exchange::State::default(),
            wake: Notify::new(),
            heard: watch::Sender::new(0),
            late: AtomicU64::new(0),
        }
    }

    /// Requests that went on with what was here, because no answer came in time.
    pub(crate) fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    /// Whether others can be asked.
    pub(super) fn is_up(&self) -> bool {
        self.sharing.is_up()
    }

    async fn wait(&self, unknown: &[Unknown], now_secs: u64) {
        let mut heard = self.heard.subscribe();
        self.wake.notify_one();
        let is_known = || {
            let mut all = unknown.iter();
            all.all(|(collection, key)| self.replica.is_fresh(collection, key, now_secs))
        };
        let all = async { while !is_known() && self.is_up() && heard.changed().await.is_ok() {} };
        if timeout(WAIT, all).await.is_err() {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A collection and its key.
type Unknown = (String, Vec<u8>);

/// The commons as one request finds them.
#[derive(Debug)]
pub(crate) struct Recall {
    commons: Arc<Commons>,
    /// Collections that were not heard of lately when it looked.
    unknown: Mutex<Vec<Unknown>>,
}

impl Recall {
    pub(super) fn new(commons: &Arc<Commons>) -> Self {
        Self { commons: Arc::clone(commons), unknown: Mutex::default() }
    }

    pub(super) fn is_up(&self) -> bool {
        self.commons.is_up()
    }

    /// Whether it found all that it looked for.
    pub(super) fn has_all(&self) -> bool {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Waits a moment for what it did not find.
    pub(super) async fn ask(&self, now_secs: u64) {
        let unknown =
            std::mem::take(&mut *self.unknown.lock().unwrap_or_else(PoisonError::into_inner));
        self.commons.wait(&unknown, now_secs).await;
    }
}

impl Memory for Recall {
    fn load(&self, collection: &str, key: &[u8], now_secs: u64) -> Vec<Stored> {
        let found = self.commons.replica.find(collection, key, now_secs);
        if !found.is_fresh {
            let one = (collection.to_owned(), key.to_owned());
            self.unknown.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        }
        found.members
    }

    fn apply(&self, collection: &str, key: &[u8], deltas: &[Delta], now_secs: u64) {
        self.commons.replica.apply(collection, key, deltas, now_secs);
    }
}

impl exchange::State {
    fn is_up(&self) -> bool {
        self.get() == Sharing::Up
    }
}

/// A Redis beside the gateway answers in less than one; one that is overloaded holds no request up
/// for longer than people notice.
const WAIT: Duration = Duration::from_millis(20);
