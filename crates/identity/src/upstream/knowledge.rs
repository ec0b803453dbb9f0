//! What is known of an issuer: its metadata and its keys, read at the first use and refreshed beside
//! the requests of people. What it said last holds for a day, while it is away.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringwall_base::Clock;
use ringwall_jose::KeySet;

use super::metadata::Metadata;
use super::{OutgoingError, Upstream};

#[derive(Debug, Default)]
pub(super) struct Knowledge {
    /// One asks, and the others wait for what it learns.
    asking: Mutex<()>,
    known: Mutex<Known>,
}

/// Times are of the clock that nobody sets.
#[derive(Debug, Default)]
struct Known {
    metadata: Option<Read<Metadata>>,
    keys: Option<Read<KeySet>>,
    /// When its keys were asked for last, with or without an answer.
    keys_asked: Option<Duration>,
    /// Nobody waits for a server that was away just now.
    away_until: Duration,
}

/// Something that the issuer said, and when it was asked.
#[derive(Debug)]
struct Read<T> {
    what: Arc<T>,
    at: Duration,
}

impl Upstream {
    /// What it says of itself.
    pub(crate) fn metadata(&self, clock: &dyn Clock) -> Result<Arc<Metadata>, OutgoingError> {
        let at = clock.monotonic();
        let known = || young(self.knowledge.known().metadata.as_ref(), at, STALE);
        if let Some(metadata) = known() {
            return Ok(metadata);
        }
        let _one = self.knowledge.asking();
        if let Some(metadata) = known() {
            return Ok(metadata);
        }
        self.ask_metadata(clock)
    }

    /// Its keys.
    pub(super) fn keys(
        &self,
        metadata: &Metadata,
        clock: &dyn Clock,
    ) -> Result<Arc<KeySet>, OutgoingError> {
        let at = clock.monotonic();
        let known = || young(self.knowledge.known().keys.as_ref(), at, STALE);
        if let Some(keys) = known() {
            return Ok(keys);
        }
        let _one = self.knowledge.asking();
        if let Some(keys) = known() {
            return Ok(keys);
        }
        self.ask_keys(metadata, clock)
    }

    /// Its keys read again, after a token that none of `tried` has signed: at most every thirty seconds
    /// (attack Q1). Who waited while another read them has what that one read.
    pub(super) fn newer_keys(
        &self,
        metadata: &Metadata,
        tried: &Arc<KeySet>,
        clock: &dyn Clock,
    ) -> Option<Arc<KeySet>> {
        let _one = self.knowledge.asking();
        let (now, asked) = {
            let known = self.knowledge.known();
            (known.keys.as_ref().map(|read| Arc::clone(&read.what)), known.keys_asked)
        };
        if let Some(now) = now.filter(|now| !Arc::ptr_eq(now, tried)) {
            return Some(now);
        }
        let at = clock.monotonic();
        if asked.is_some_and(|asked| at.saturating_sub(asked) < KEYS_PAUSE) {
            return None;
        }
        let keys = self.ask_keys(metadata, clock);
        keys.inspect_err(|error| tracing::warn!(%error, "the issuer's keys were not read")).ok()
    }

    /// Reads anew what is old. Nobody waits for it.
    pub(crate) fn refresh(&self, clock: &dyn Clock) {
        let at = clock.monotonic();
        let _one = self.knowledge.asking();
        let metadata = young(self.knowledge.known().metadata.as_ref(), at, REFRESH);
        let keys = young(self.knowledge.known().keys.as_ref(), at, REFRESH);
        if metadata.is_some() && keys.is_some() {
            return;
        }
        let read = metadata.map_or_else(|| self.ask_metadata(clock), Ok);
        let read = read.and_then(|metadata| self.ask_keys(&metadata, clock));
        if let Err(error) = read {
            let issuer = &self.settings.issuer;
            tracing::warn!(%error, issuer, "what the issuer says of itself was not read");
        }
    }

    fn ask_metadata(&self, clock: &dyn Clock) -> Result<Arc<Metadata>, OutgoingError> {
        let at = clock.monotonic();
        self.unless_away(at)?;
        let read = Metadata::fetch(&self.settings.issuer, self.outgoing.as_ref()).map(Arc::new);
        let mut known = self.knowledge.known();
        match &read {
            Ok(metadata) => known.metadata = Some(Read { what: Arc::clone(metadata), at }),
            // It may have let us wait for as long as that.
            Err(_) => known.away_until = clock.monotonic().saturating_add(AWAY),
        }
        read
    }

    fn ask_keys(
        &self,
        metadata: &Metadata,
        clock: &dyn Clock,
    ) -> Result<Arc<KeySet>, OutgoingError> {
        let at = clock.monotonic();
        self.unless_away(at)?;
        self.knowledge.known().keys_asked = Some(at);
        let read = metadata.keys(self.outgoing.as_ref()).map(Arc::new);
        let mut known = self.knowledge.known();
        match &read {
            Ok(keys) => known.keys = Some(Read { what: Arc::clone(keys), at }),
            // It may have let us wait for as long as that.
            Err(_) => known.away_until = clock.monotonic().saturating_add(AWAY),
        }
        read
    }

    fn unless_away(&self, at: Duration) -> Result<(), OutgoingError> {
        let is_away = at < self.knowledge.known().away_until;
        if is_away { Err(OutgoingError("it was away just now".to_owned())) } else { Ok(()) }
    }
}

impl Knowledge {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asking(&self) -> MutexGuard<'_, ()> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn young<T>(read: Option<&Read<T>>, at: Duration, age_max: Duration) -> Option<Arc<T>> {
    let read = read.filter(|read| at.saturating_sub(read.at) < age_max);
    read.map(|read| Arc::clone(&read.what))
}

const REFRESH: Duration = Duration::from_hours(1);
const STALE: Duration = Duration::from_hours(24);
const KEYS_PAUSE: Duration = Duration::from_secs(30);
const AWAY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
