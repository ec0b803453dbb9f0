//! When sessions were last used: kept in memory, written once a minute. And what is over goes.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use ringwall_base::Timestamp;
use ringwall_store::{Store, StoreError, Transaction};

use super::{Hash, SessionTable};
use crate::sweep::in_steps;
use crate::tables::INSTANCE;

/// When a session was last used, in microseconds.
#[derive(Debug)]
pub(super) struct Seen {
    at: AtomicU64,
    /// What of it is on disk.
    written: AtomicU64,
}

impl Seen {
    pub(super) fn new(micros: u64) -> Self {
        Self { at: AtomicU64::new(micros), written: AtomicU64::new(micros) }
    }

    pub(super) fn at(&self) -> u64 {
        self.at.load(Ordering::Relaxed)
    }

    pub(super) fn move_to(&self, micros: u64) {
        self.at.fetch_max(micros, Ordering::Relaxed);
    }

    fn unwritten(&self) -> Option<u64> {
        let at = self.at();
        (at > self.written.load(Ordering::Relaxed)).then_some(at)
    }
}

impl SessionTable {
    /// Writes when each session was last used, if that changed, and removes those that ended.
    pub(crate) fn sweep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let idle_since = now.minus(self.idle);
        let used: Vec<_> = {
            let mut by_hash = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
            by_hash.retain(|_, entry| now < entry.expires && entry.seen.at() > idle_since.micros());
            by_hash
                .iter()
                .filter_map(|(hash, entry)| Some((*hash, entry.seen.unwritten()?)))
                .collect()
        };
        for some in used.chunks(WRITTEN_AT_ONCE) {
            let rows = some.to_vec();
            store.write(move |transaction| {
                rows.iter().try_for_each(|one| write(transaction, one))
            })?;
            self.mark_written(some);
        }
        in_steps(store, EXPIRED, now)?;
        in_steps(store, IDLE, idle_since)
    }

    fn mark_written(&self, rows: &[(Hash, u64)]) {
        let by_hash = self.by_hash.read().unwrap_or_else(PoisonError::into_inner);
        for (hash, at) in rows {
            if let Some(entry) = by_hash.get(hash) {
                entry.seen.written.store(*at, Ordering::Relaxed);
            }
        }
    }
}

fn write(transaction: &Transaction<'_>, (hash, at): &(Hash, u64)) -> Result<(), StoreError> {
    transaction.execute(USED, &[INSTANCE.into(), hash.as_slice().into(), (*at).into()])?;
    Ok(())
}

/// About ten milliseconds of the one writer.
const WRITTEN_AT_ONCE: usize = 1_000;
const USED: &str =
    "UPDATE identity_session SET seen = ?3 WHERE tenant_id = ?1 AND hash = ?2 AND seen < ?3";
const EXPIRED: &str = "DELETE FROM identity_session WHERE tenant_id = ?1 AND hash IN
    (SELECT hash FROM identity_session WHERE tenant_id = ?1 AND expires <= ?2 LIMIT ?3)";
const IDLE: &str = "DELETE FROM identity_session WHERE tenant_id = ?1 AND hash IN
    (SELECT hash FROM identity_session WHERE tenant_id = ?1 AND seen <= ?2 LIMIT ?3)";
