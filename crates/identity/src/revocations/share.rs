//! How many single revocations a person or program has: above their share, one of their `sub` stands for
//! the tokens among them.
//!
//! Everybody who verifies tokens elsewhere reads the whole list. Whoever gives back tokens without end
//! would make it too long to send, and so end everybody else's.
//!
//! INVARIANT (nothing comes back): what is removed is covered by what replaces it. A token that is given
//! back has this `sub`, and was issued before it was given back. A grant's or a session's revocation ends
//! tokens that are not named, and is never removed.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use ringwall_base::Timestamp;
use ringwall_store::{StoreError, Transaction};

use super::{Entry, HOLD, Kind, Named, Revocations, put};
use crate::identity::House;
use crate::tables::INSTANCE;

/// How many rows one `sub` may have of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(usize);

/// Single revocations of one `sub` that were written: each of them, or all its tokens until now.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    subject: String,
    until: Timestamp,
    /// `None`: too many.
    single: Option<Vec<Named>>,
}

impl Revocations {
    /// The share of each: few while the list is nearly full.
    pub(crate) fn share(&self) -> Share {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        Share(if live.len() < CROWD { ROWS_MAX } else { CROWDED_ROWS_MAX })
    }

    /// Writes that tokens or grants of one `sub` have ended; [`House::keep`] follows after the commit.
    pub(crate) fn write_of(
        transaction: &Transaction<'_>,
        (subject, share): (&str, Share),
        single: Vec<Named>,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        let Own { count, latest } = Own::of(transaction, subject)?;
        let (subject, until) = (subject.to_owned(), now.plus(HOLD));
        let all = usize::try_from(count).unwrap_or(usize::MAX).saturating_add(single.len());
        if all > share.0 {
            // None of those that go was issued after its own revocation.
            let until = latest.map_or(until, |latest| latest.max(until));
            transaction.execute(
                "DELETE FROM identity_revocation
                 WHERE tenant_id = ?1 AND subject = ?2 AND kind = ?3",
                &[INSTANCE.into(), (&subject).into(), Kind::Token.name().into()],
            )?;
            Self::write(transaction, Kind::Subject, &subject, until)?;
            return Ok(Ended { subject, until, single: None });
        }
        for (kind, value) in &single {
            transaction.execute(
                "INSERT INTO identity_revocation (tenant_id, kind, value, until, subject)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (tenant_id, kind, value) DO UPDATE SET until = ?4
                 WHERE identity_revocation.until < ?4",
                &[
                    INSTANCE.into(),
                    kind.name().into(),
                    value.into(),
                    until.into(),
                    (&subject).into(),
                ],
            )?;
        }
        Ok(Ended { subject, until, single: Some(single) })
    }
}

/// How many single ones there are, and the latest of them.
struct Own {
    count: u64,
    latest: Option<Timestamp>,
}

impl Own {
    fn of(transaction: &Transaction<'_>, subject: &str) -> Result<Self, StoreError> {
        let row = transaction.first(
            "SELECT COUNT(*), MAX(until) FROM identity_revocation
             WHERE tenant_id = ?1 AND subject = ?2",
            &[INSTANCE.into(), subject.into()],
        )?;
        let Some(row) = row else { return Ok(Self { count: 0, latest: None }) };
        Ok(Self { count: row.get(0)?, latest: row.get(1)? })
    }
}

impl House {
    /// Makes what was written count, first of all here.
    pub(crate) fn keep(&self, ended: Ended) -> Result<(), StoreError> {
        let Ended { subject, until, single } = ended;
        let mut live = self.revocations.live.write().unwrap_or_else(PoisonError::into_inner);
        let Some(single) = single else {
            // What was written may be older than a token that was given back meanwhile.
            let until = until.max(self.seams.clock.now().plus(HOLD));
            live.retain(|(kind, _), entry| {
                *kind != Kind::Token || entry.subject.as_deref() != Some(subject.as_str())
            });
            put(&mut live, (Kind::Subject, subject.clone()), Entry { until, subject: None });
            self.revocations.epoch.fetch_add(1, Ordering::Release);
            drop(live);
            tracing::warn!(subject, "revoked without end: all tokens of this subject have ended");
            return self.seams.store.write(move |transaction| {
                Revocations::write(transaction, Kind::Subject, &subject, until)
            });
        };
        let subject: Arc<str> = Arc::from(subject);
        for what in single {
            put(&mut live, what, Entry { until, subject: Some(Arc::clone(&subject)) });
        }
        self.revocations.epoch.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

/// An application gives back a token when somebody signs out: a thousand an hour are many, and thirty
/// such people fill the list.
const ROWS_MAX: usize = 1_000;

/// Two thirds of what the list may have.
const CROWD: usize = 20_000;
/// The rest is for a thousand of them. Who gives back a token now and then ends no other.
const CROWDED_ROWS_MAX: usize = 10;
