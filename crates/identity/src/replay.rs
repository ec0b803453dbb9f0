//! Remembers which assertions were used, until they expire.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ringwall_base::Timestamp;

/// Used `jti` values by client. In memory: one process answers the token endpoint, and after a
/// restart an assertion of at most five minutes may pass once more only if it was never seen.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    used: Mutex<HashMap<Use, Timestamp>>,
}

/// Client and `jti`.
type Use = (String, String);

impl Replay {
    /// Whether this is the first use. When the memory is full of live entries the answer is no.
    pub(crate) fn first(&self, client: &str, jti: &str, until: Timestamp, now: Timestamp) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= ENTRIES_MAX {
            used.retain(|_, until| *until > now);
        }
        let key = (client.to_owned(), jti.to_owned());
        if used.len() >= ENTRIES_MAX || used.get(&key).is_some_and(|until| *until > now) {
            return false;
        }
        used.insert(key, until);
        true
    }
}

const ENTRIES_MAX: usize = 200_000;
