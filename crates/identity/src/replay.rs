//! Remembers which assertions were used, until they expire.
//!
//! One with which a client signs itself in lives for minutes, and comes with every token: it is
//! remembered in memory, and after a start those that were issued before it are refused, so that none
//! is taken by two processes. A client makes a new one in no time. What memory would not be sound for
//! is written down: tokens of other issuers, which a job gets once and which may live for hours, and
//! those that do not say when they were issued. One that says that it will be issued may come again
//! after a start before which it was used: it is remembered and written, and whatever could be such a one is
//! looked up. (Times are whole seconds: of one that was used within the second of the
//! start, nobody knows. No process ends and starts so fast that there is much to win.)

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use ringwall_base::Timestamp;
use ringwall_jose::{ClientAssertion, Profile};
use ringwall_store::{Store, StoreError, Value};

use crate::identity::House;
use crate::sweep::in_steps;
use crate::tables::INSTANCE;

/// An assertion that verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// Whom it proved; the places are this client's.
    pub(crate) client: &'a str,
    /// Whether nobody vouches for the client: it registered itself.
    pub(crate) is_stranger: bool,
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
    known: Mutex<Used>,
    /// Of all who registered themselves: they take no room from the others.
    strangers: Mutex<Used>,
}

#[derive(Debug)]
struct Used {
    by_client: HashMap<String, HashMap<Mark, Timestamp>>,
    count: usize,
    /// In seconds.
    swept: u64,
    /// Of all of them together, and of one client, so that none takes all the room.
    max: (usize, usize),
}

/// Half of a SHA-256: that of one issuer and one `jti`.
type Mark = [u8; 16];

impl Replay {
    pub(crate) fn since(start: Timestamp) -> Self {
        Self {
            start,
            known: Used::with(ENTRIES_MAX, CLIENT_ENTRIES_MAX),
            strangers: Used::with(STRANGERS_ENTRIES_MAX, STRANGER_MAX),
        }
    }

    /// Whether the disk is needed to judge one that was issued then.
    pub(crate) fn needs_disk(&self, issued: Option<Timestamp>, now: Timestamp) -> bool {
        is_written(issued, now) || self.is_looked_up(issued)
    }

    /// Whether one that was issued then may have been used before our start, by being ahead of its
    /// time. None was taken that was issued later than the start and the skew.
    fn is_looked_up(&self, issued: Option<Timestamp>) -> bool {
        let latest = self.start.plus(SKEW);
        issued.is_some_and(|issued| issued.secs() <= latest.secs())
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
        let used = if shown.is_stranger { &self.strangers } else { &self.known };
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        // Who is refused does not keep everybody waiting each time.
        if used.is_full_for(shown.client) && used.swept != now.secs() {
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
    fn with(all: usize, own: usize) -> Mutex<Self> {
        Mutex::new(Self { by_client: HashMap::new(), count: 0, swept: 0, max: (all, own) })
    }

    fn is_full_for(&self, client: &str) -> bool {
        let own = self.by_client.get(client).map_or(0, HashMap::len);
        self.count >= self.max.0 || own >= self.max.1
    }

    fn sweep(&mut self, now: Timestamp) {
        self.swept = now.secs();
        for marks in self.by_client.values_mut() {
            marks.retain(|_, until| *until > now);
        }
        self.by_client.retain(|_, marks| !marks.is_empty());
        self.count = self.by_client.values().map(HashMap::len).sum();
    }
}

impl Shown<'_> {
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
    // Whatever can be remembered is, at whatever time it comes again.
    if let Some(issued) = shown.issued {
        house.replay.first(shown, issued, now)?;
    }
    if is_written(shown.issued, now) {
        return write(&house.seams.store, shown, now);
    }
    if house.replay.is_looked_up(shown.issued) {
        return look_up(&house.seams.store, shown, now);
    }
    Ok(())
}

/// Whether a use must outlive the process.
fn is_written(issued: Option<Timestamp>, now: Timestamp) -> bool {
    issued.is_none_or(|issued| issued.secs() > now.secs())
}

fn look_up(store: &Store, shown: &Shown<'_>, now: Timestamp) -> Result<(), &'static str> {
    let row = [INSTANCE.into(), shown.mark().as_slice().into(), now.into()];
    match store.read(|view| view.first(USED, &row)) {
        Ok(None) => Ok(()),
        Ok(Some(_used)) => Err(AGAIN),
        Err(error) => Err(failed(&error)),
    }
}

fn write(store: &Store, shown: &Shown<'_>, now: Timestamp) -> Result<(), &'static str> {
    let client: Value = shown.client.into();
    let max = if shown.is_stranger { STRANGER_MAX as u64 } else { CLIENT_ROWS_MAX };
    let (hash, until): (Value, Value) = (shown.mark().as_slice().into(), shown.until.into());
    let written = store.write(move |transaction| {
        let row = [INSTANCE.into(), client.clone()];
        let own = transaction.first(COUNT, &row)?.map_or(Ok(0), |row| row.get::<u64>(0))?;
        if own >= max {
            return Ok(Err("too many assertions at once"));
        }
        let row = [INSTANCE.into(), hash.clone(), client.clone(), until.clone(), now.into()];
        let written = transaction.execute(USE, &row)?;
        Ok::<_, StoreError>(if written == 0 { Err(AGAIN) } else { Ok(()) })
    });
    written.unwrap_or_else(|error| Err(failed(&error)))
}

fn failed(error: &StoreError) -> &'static str {
    tracing::error!(%error, "an assertion cannot be used up");
    "the store failed"
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

const USED: &str =
    "SELECT 1 FROM identity_assertion WHERE tenant_id = ?1 AND hash = ?2 AND until > ?3";

const USE: &str = "INSERT INTO identity_assertion (tenant_id, hash, client_id, until)
    VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (tenant_id, hash) DO UPDATE SET client_id = ?3, until = ?4
    WHERE identity_assertion.until <= ?5";

const AGAIN: &str = "assertion used before";

/// Of about fifty bytes each.
const ENTRIES_MAX: usize = 800_000;
/// Of one client, so that none takes all the room: 300 a second that live for five minutes.
const CLIENT_ENTRIES_MAX: usize = 100_000;
/// The same of all who registered themselves, and of one of them: three a second for five minutes.
const STRANGERS_ENTRIES_MAX: usize = 200_000;
const STRANGER_MAX: usize = 1_000;
/// How far ahead of our clock an assertion is taken.
const SKEW: Duration = <ClientAssertion as Profile>::SKEW;
/// The same for what is written down: a job in a second, each for two hours.
const CLIENT_ROWS_MAX: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(client: &'a str, token_id: &'a str) -> Shown<'a> {
        let until = Timestamp::from_secs(400);
        let is_stranger = client.starts_with("reg-");
        Shown { client, is_stranger, issuer: client, token_id, issued: None, until }
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
        assert_eq!(replay.known.lock().unwrap().count, 1);
    }

    /// Who registered themselves take no room from whom an operator vouches for, however many they are.
    #[test]
    fn q5_clients_that_registered_themselves_have_little_room() {
        let replay = Replay::since(Timestamp::from_secs(100));
        let now = Timestamp::from_secs(101);
        let first =
            |client: &str, token_id: &str, now| replay.first(&shown(client, token_id), now, now);
        for client in 0..STRANGERS_ENTRIES_MAX / STRANGER_MAX {
            for number in 0..STRANGER_MAX {
                assert_eq!(first(&format!("reg-{client}"), &number.to_string(), now), Ok(()));
            }
            let more = first(&format!("reg-{client}"), "one more", now);
            assert_eq!(more, Err("too many assertions at once"));
        }
        assert_eq!(first("reg-other", "0", now), Err("too many assertions at once"));
        assert_eq!(first("other", "0", now), Ok(()));
        // They are looked through once a second, not for each that is refused.
        replay.strangers.lock().unwrap().by_client.clear();
        assert_eq!(first("reg-other", "0", now), Err("too many assertions at once"));
        assert_eq!(first("reg-other", "0", Timestamp::from_secs(102)), Ok(()));
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
