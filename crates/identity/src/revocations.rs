//! Tokens and sessions that no longer hold although they verify.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ringwall_base::Timestamp;
use ringwall_jose::AccessClaims;
use ringwall_store::{Store, StoreError, Transaction};

use crate::seams::Seams;
use crate::sweep::in_steps;
use crate::tables::INSTANCE;

mod feed;
mod share;

pub(crate) use feed::Feed;
pub(crate) use share::{Ended, Share};

/// What a revocation names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Kind {
    /// All tokens of a client.
    Client,
    /// All tokens that a key signed: it leaked.
    Key,
    /// All tokens of a grant: what one sign-in gave one client, refreshed ones too.
    Grant,
    /// All tokens of the people of an organisation.
    Organisation,
    /// All tokens of a session.
    Session,
    /// All tokens of a person.
    Subject,
    /// One token.
    Token,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client_id",
            Self::Grant => "gid",
            Self::Key => "kid",
            Self::Organisation => "tenant",
            Self::Session => "sid",
            Self::Subject => "sub",
            Self::Token => "jti",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let people = [Self::Organisation, Self::Session, Self::Subject];
        let others = [Self::Client, Self::Grant, Self::Key, Self::Token];
        people.into_iter().chain(others).find(|kind| kind.name() == name)
    }
}

/// What one revocation names, and which.
pub(crate) type Named = (Kind, String);

/// What is revoked.
type Live = HashMap<Named, Entry>;

#[derive(Clone, Debug)]
struct Entry {
    until: Timestamp,
    /// Of a single one: the `sub` of what it ends.
    subject: Option<Arc<str>>,
}

/// The feed, and the epoch that it is of.
type Made = (u64, Arc<Feed>);

/// What is revoked, in memory and on disk. The epoch changes with every addition.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    live: RwLock<Live>,
    epoch: AtomicU64,
    feed: Mutex<Option<Made>>,
}

impl Revocations {
    pub(crate) fn load(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        let live = RwLock::new(read(store, now)?);
        Ok(Self { live, epoch: AtomicU64::new(1), feed: Mutex::default() })
    }

    /// Reads them again: another process revokes in the store.
    pub(crate) fn refresh(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let there = read(store, now)?;
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let mut is_new = false;
        // Merged: what was added since the reading is not in it, and nothing is ever taken back.
        for (what, entry) in there {
            is_new |= live.get(&what).is_none_or(|known| known.until < entry.until);
            put(&mut live, what, entry);
        }
        if is_new {
            self.epoch.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    /// Writes a revocation; [`Revocations::add`] follows after the commit.
    pub(crate) fn write(
        transaction: &Transaction<'_>,
        kind: Kind,
        value: &str,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        transaction.execute(
            "INSERT INTO identity_revocation (tenant_id, kind, value, until)
             VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant_id, kind, value) DO UPDATE SET until = ?4
             WHERE identity_revocation.until < ?4",
            &[INSTANCE.into(), kind.name().into(), value.into(), until.into()],
        )?;
        Ok(())
    }

    pub(crate) fn add(&self, kind: Kind, value: String, until: Timestamp) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        put(&mut live, (kind, value), Entry { until, subject: None });
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// Adds one, and writes it: what was issued until now no longer holds. After a change its own row
    /// is a moment older than the change: in between, tokens were given by what was before.
    pub(crate) fn close(&self, seams: &Seams, kind: Kind, value: &str) -> Result<(), StoreError> {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        // Nobody is asked about a token now: whoever was let through before was asked about it before.
        let until = seams.clock.now().plus(HOLD);
        put(&mut live, (kind, value.to_owned()), Entry { until, subject: None });
        self.epoch.fetch_add(1, Ordering::Release);
        drop(live);
        let value = value.to_owned();
        seams.store.write(move |transaction| Self::write(transaction, kind, &value, until))
    }

    /// Whether this very one is there.
    pub(crate) fn has(&self, kind: Kind, value: &str, until: Timestamp) -> bool {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.get(&(kind, value.to_owned())).is_some_and(|entry| entry.until == until)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Whether a verified token no longer holds. A client, person or organisation that was revoked takes with it
    /// the tokens that were issued until then; a grant or a session never comes back.
    pub(crate) fn covers(&self, claims: &AccessClaims) -> bool {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        if live.is_empty() {
            return false;
        }
        let is_revoked = |kind, value: &str| {
            live.get(&(kind, value.to_owned()))
                .is_some_and(|entry| claims.issued <= entry.until.minus(HOLD))
        };
        let is_over = |kind, value: &str| live.contains_key(&(kind, value.to_owned()));
        is_over(Kind::Token, &claims.token_id)
            || claims.session.as_deref().is_some_and(|sid| is_over(Kind::Session, sid))
            || claims.grant.as_deref().is_some_and(|grant| is_over(Kind::Grant, grant))
            || is_revoked(Kind::Client, &claims.client_id)
            || is_revoked(Kind::Subject, &claims.subject)
            || claims
                .organisation
                .named()
                .is_some_and(|tenant| is_revoked(Kind::Organisation, tenant))
    }

    /// All of it, for who verifies tokens elsewhere. Made anew only after a revocation.
    pub(crate) fn feed(&self, now: Timestamp) -> Arc<Feed> {
        let mut made = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        // Read before the rest: what is revoked meanwhile is in the next one.
        let epoch = self.epoch();
        if let Some((_, feed)) = made.as_ref().filter(|(of, _)| *of == epoch) {
            return Arc::clone(feed);
        }
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let named = live.iter().map(|((kind, value), entry)| (kind.name(), value, entry.until));
        let feed = Arc::new(Feed::of(named, now));
        drop(live);
        *made = Some((epoch, Arc::clone(&feed)));
        feed
    }

    /// Forgets what has expired anyway.
    pub(crate) fn sweep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        self.live
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, entry| entry.until > now);
        in_steps(
            store,
            "DELETE FROM identity_revocation WHERE tenant_id = ?1 AND (kind, value) IN
             (SELECT kind, value FROM identity_revocation
             WHERE tenant_id = ?1 AND until <= ?2 LIMIT ?3)",
            now,
        )
    }
}

fn read(store: &Store, now: Timestamp) -> Result<Live, StoreError> {
    let rows = store.read(|view| {
        view.query(
            "SELECT kind, value, until, subject FROM identity_revocation
             WHERE tenant_id = ?1 AND until > ?2",
            &[INSTANCE.into(), now.into()],
        )
    })?;
    let mut live = HashMap::new();
    for row in rows {
        if let Some(kind) = Kind::parse(&row.get::<String>(0)?) {
            let subject = row.get::<Option<String>>(3)?.map(Arc::from);
            live.insert((kind, row.get(1)?), Entry { until: row.get(2)?, subject });
        }
    }
    Ok(live)
}

/// Nothing is ever taken back.
fn put(live: &mut Live, what: Named, entry: Entry) {
    match live.get_mut(&what) {
        Some(known) => known.until = known.until.max(entry.until),
        None => {
            live.insert(what, entry);
        }
    }
}

/// How long a revocation is kept: the longest life of a token, and the leeway.
pub(crate) const HOLD: Duration = Duration::from_secs(3_600 + 30);
