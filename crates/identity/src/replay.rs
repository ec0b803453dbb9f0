//! Remembers which assertions were used, until they expire.
//!
//! One with which a client signs itself in lives for minutes, and comes with every token: it is
//! remembered in memory, and after a start those that were issued before it are refused, so that none
//! is taken by two processes. A client makes a new one in no time. What memory would not be sound for
//! is written down: tokens of other issuers, which a job gets once and which may live for hours, and
//! those that do not say when they were issued, or say that they will be. (Times are whole seconds: of
//! one that was used within the second of the start, nobody knows. No process ends and starts so fast
//! that there is much to win.)

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use ringwall_base::Timestamp;
use ringwall_store::{Store, StoreError, Value};

use crate::identity::House;
use crate::sweep::in_steps;
use crate::tables::INSTANCE;

/// An assertion that verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// Whom it proved; the places are this client's.
    pub(crate) client: &'a str,
    /// Who signed it: for all clients together it is good once.
    pub(crate) issuer: &'a str,
    pub(crate) token_id: &'a str,
    /// When, if that can be relied upon for knowing what was used before the start.
    pub(crate) issued: Option<Timestamp>,
    /// When it is accepted no more, leeway included.
    pub(crate) until: Timestamp,
}

/// Used assertions in memory.
#[derive(Debug)]
pub(crate) struct Replay {
    start: Timestamp,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    by_client: HashMap<String, HashMap<Mark, Timestamp>>,
    count: usize,
}

/// Half of a SHA-256: that of one issuer and one `jti`.
type Mark = [u8; 16];

impl Replay {
    pub(crate) fn since(start: Timestamp) -> Self {
        Self { start, used: Mutex::default() }
    }

    /// Whether this is the first use; with the reason for the record. When the client's memory is full
    /// of live entries the answer is no.
    fn first(
        &self,
        shown: &Shown<'_>,
        issued: Timestamp,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        if issued.secs() < self.start.secs() {
            return Err("assertion from before the last start");
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.is_full_for(shown.client) {
            used.sweep(now);
        }
        if used.is_full_for(shown.client) {
            return Err("too many assertions at once");
        }
        let marks = used.by_client.entry(shown.client.to_owned()).or_default();
        let before = marks.insert(shown.mark(), shown.until);
        match before {
            Some(until) if until > now => return Err(AGAIN),
            Some(_expired) => {}
            None => used.count = used.count.saturating_add(1),
        }
        Ok(())
    }
}

impl Used {
    fn is_full_for(&self, client: &str) -> bool {
        let own = self.by_client.get(client).map_or(0, HashMap::len);
        self.count >= ENTRIES_MAX || own >= CLIENT_ENTRIES_MAX
    }

    fn sweep(&mut self, now: Timestamp) {
        for marks in self.by_client.values_mut() {
            marks.retain(|_, until| *until > now);
        }
        self.by_client.retain(|_, marks| !marks.is_empty());
        self.count = self.by_client.values().map(HashMap::len).sum();
    }
}

impl Shown<'_> {
    /// Whether its use is written down.
    pub(crate) fn is_written(issued: Option<Timestamp>, now: Timestamp) -> bool {
        issued.is_none_or(|issued| issued.secs() > now.secs())
    }

    fn mark(&self) -> Mark {
        let mut hash = Context::new(&SHA256);
        hash.update(&self.issuer.len().to_be_bytes());
        hash.update(self.issuer.as_bytes());
        hash.update(self.token_id.as_bytes());
        let mut mark = Mark::default();
        mark.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
        mark
    }
}

/// Uses an assertion up; with the reason for the record if that cannot be.
pub(crate) fn once(house: &House, shown: &Shown<'_>) -> Result<(), &'static str> {
    let now = house.seams.clock.now();
    match shown.issued.filter(|issued| !Shown::is_written(Some(*issued), now)) {
        Some(issued) => house.replay.first(shown, issued, now),
        None => write(&house.seams.store, shown, now),
    }
}

fn write(store: &Store, shown: &Shown<'_>, now: Timestamp) -> Result<(), &'static str> {
    let client: Value = shown.client.into();
    let (hash, until): (Value, Value) = (shown.mark().as_slice().into(), shown.until.into());
    let written = store.write(move |transaction| {
        let row = [INSTANCE.into(), client.clone()];
        let own = transaction.first(COUNT, &row)?.map_or(Ok(0), |row| row.get::<u64>(0))?;
        if own >= CLIENT_ROWS_MAX {
            return Ok(Err("too many assertions at once"));
        }
        let row = [INSTANCE.into(), hash.clone(), client.clone(), until.clone(), now.into()];
        let written = transaction.execute(USE, &row)?;
        Ok::<_, StoreError>(if written == 0 { Err(AGAIN) } else { Ok(()) })
    });
    written.unwrap_or_else(|error| {
        tracing::error!(%error, "an assertion cannot be used up");
        Err("the store failed")
    })
}

/// Removes what has expired.
pub(crate) fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_assertion WHERE tenant_id = ?1 AND hash IN
         (SELECT hash FROM identity_assertion WHERE tenant_id = ?1 AND until <= ?2 LIMIT ?3)",
        now,
    )
}

const COUNT: &str =
    "SELECT COUNT(*) FROM identity_assertion WHERE tenant_id = ?1 AND client_id = ?2";

const USE: &str = "INSERT INTO identity_assertion (tenant_id, hash, client_id, until)
    VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (tenant_id, hash) DO UPDATE SET client_id = ?3, until = ?4
    WHERE identity_assertion.until <= ?5";

const AGAIN: &str = "assertion used before";

/// Of about fifty bytes each.
const ENTRIES_MAX: usize = 800_000;
/// Of one client, so that none takes all the room: 300 a second that live for five minutes.
const CLIENT_ENTRIES_MAX: usize = 100_000;
/// The same for what is written down: a job in a second, each for two hours.
const CLIENT_ROWS_MAX: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(client: &'a str, token_id: &'a str) -> Shown<'a> {
        let until = Timestamp::from_secs(400);
        Shown { client, issuer: client, token_id, issued: None, until }
    }

    #[test]
    fn q5_one_client_does_not_fill_the_memory_of_another() {
        let replay = Replay::since(Timestamp::from_secs(100));
        let now = Timestamp::from_secs(101);
        let first = |client: &str, token_id: &str, now| {
            replay.first(&shown(client, token_id), Timestamp::from_secs(101), now)
        };
        for number in 0..CLIENT_ENTRIES_MAX {
            assert_eq!(first("greedy", &number.to_string(), now), Ok(()));
        }
        assert_eq!(first("greedy", "one more", now), Err("too many assertions at once"));
        assert_eq!(first("other", "0", now), Ok(()));
        assert_eq!(first("other", "0", now), Err(AGAIN));
        let late = Timestamp::from_secs(401);
        assert_eq!(first("greedy", "one more", late), Ok(()), "the others have expired");
        assert_eq!(replay.used.lock().unwrap().count, 1);
    }

    #[test]
    fn one_from_before_the_start_may_have_been_used_before_it() {
        let replay = Replay::since(Timestamp::from_secs(100));
        let issued = |at| {
            replay.first(&shown("a", "x"), Timestamp::from_secs(at), Timestamp::from_secs(100))
        };
        assert_eq!(issued(99), Err("assertion from before the last start"));
        assert_eq!(issued(100), Ok(()));
    }
}
