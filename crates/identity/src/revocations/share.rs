//! How many single revocations a client has: above its share, one of the client stands for all of them.
//!
//! Everybody who verifies tokens elsewhere reads the whole list. A client that gives back tokens without
//! end would make it too long to send, and so end everybody else's.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use ringwall_base::Timestamp;
use ringwall_store::{Store, StoreError, Transaction};

use super::{HOLD, Kind, Revocations, read};
use crate::identity::House;
use crate::tables::INSTANCE;

/// How many rows a client may have of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(u64);

/// What was written: one token or grant of a client, or all of it until now.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) kind: Kind,
    pub(crate) value: String,
    pub(crate) until: Timestamp,
    has_folded: bool,
}

impl Revocations {
    /// The share of each client: nothing while the list is nearly full.
    pub(crate) fn share(&self) -> Share {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        Share(if live.len() < CROWD { CLIENT_ROWS_MAX } else { 0 })
    }

    /// Writes that one token or grant of a client has ended; [`House::keep`] follows after the commit.
    pub(crate) fn write_of(
        transaction: &Transaction<'_>,
        (client, share): (&str, Share),
        (kind, value): (Kind, &str),
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        let until = now.plus(HOLD);
        let own = transaction.first(
            "SELECT COUNT(*), MAX(until) FROM identity_revocation
             WHERE tenant_id = ?1 AND client_id = ?2",
            &[INSTANCE.into(), client.into()],
        )?;
        let (count, latest) = match &own {
            Some(own) => (own.get::<u64>(0)?, own.get::<Option<Timestamp>>(1)?),
            None => (0, None),
        };
        if count < share.0 {
            transaction.execute(
                "INSERT INTO identity_revocation (tenant_id, kind, value, until, client_id)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (tenant_id, kind, value) DO UPDATE SET until = ?4",
                &[INSTANCE.into(), kind.name().into(), value.into(), until.into(), client.into()],
            )?;
            return Ok(Ended { kind, value: value.to_owned(), until, has_folded: false });
        }
        transaction.execute(
            "DELETE FROM identity_revocation WHERE tenant_id = ?1 AND client_id = ?2",
            &[INSTANCE.into(), client.into()],
        )?;
        // None of those that go was issued after its own revocation.
        let until = latest.map_or(until, |latest| latest.max(until));
        Self::write(transaction, Kind::Client, client, until)?;
        Ok(Ended { kind: Kind::Client, value: client.to_owned(), until, has_folded: true })
    }

    /// Forgets the single ones that are gone from the disk.
    fn fold(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        // Held from the reading on: what is written after it is added after it.
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let there = read(store, now)?;
        live.retain(|what, _| {
            !matches!(what.0, Kind::Grant | Kind::Token) || there.contains_key(what)
        });
        for (what, until) in there {
            let known = live.entry(what).or_insert(until);
            *known = until.max(*known);
        }
        self.epoch.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

impl House {
    /// Makes what was written count.
    pub(crate) fn keep(&self, ended: Ended) -> Result<(), StoreError> {
        let Ended { kind, value, until, has_folded } = ended;
        if !has_folded {
            self.revocations.add(kind, value, until);
            return Ok(());
        }
        tracing::warn!(client = value, "the client revokes without end: all its tokens have ended");
        self.revocations.fold(&self.seams.store, self.seams.clock.now())?;
        // It may be older than a token that was given back meanwhile.
        self.revocations.close(&self.seams, kind, &value)
    }
}

/// An application gives back a token when somebody signs out: a thousand an hour are many, and thirty
/// such clients fill the list.
const CLIENT_ROWS_MAX: u64 = 1_000;

/// Two thirds of what the list may have.
const CROWD: usize = 20_000;
