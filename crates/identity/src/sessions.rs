//! Who is signed in: answered from memory, written through, so that a restart keeps it.
//!
//! The cookie's value is kept nowhere; its SHA-256 is the key.

pub(crate) mod list;
mod sweep;

use std::collections::{BTreeSet, HashMap, hash_map};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::{Person, Proofs, Secret, Tenant, Timestamp, Ulid};
use ringwall_jose::base64url_encode;
use ringwall_store::{Row, Store, StoreError, Transaction, Value};

use crate::elevated::Elevated;
use crate::people::Account;
use crate::refresh;
use crate::revocations::{HOLD, Kind, Revocations};
use crate::seams::Seams;
use crate::session_clients::{self, Ending};
use crate::settings::Settings;
use crate::tables::{INSTANCE, Whose};
use sweep::Seen;

/// The open sessions.
#[derive(Debug)]
pub(crate) struct SessionTable {
    idle: Duration,
    life: Duration,
    max: usize,
    elevated: Elevated,
    by_hash: RwLock<HashMap<Hash, Entry>>,
}

type Hash = [u8; 32];

#[derive(Debug)]
struct Entry {
    /// With the roles that count.
    person: Arc<Person>,
    /// All roles that the account was given.
    granted: Vec<String>,
    seen: Seen,
    expires: Timestamp,
}

/// How a session begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    /// The cookie's value that the browser came with.
    pub(crate) previous: Option<&'a str>,
    pub(crate) proofs: Proofs,
    /// When the person proved who they are, if that is not now: a session that only rises gets no
    /// younger.
    pub(crate) authenticated: Option<Timestamp>,
    pub(crate) source: IpAddr,
    /// What the browser calls itself; for the person who reads the list of sessions.
    pub(crate) agent: Option<&'a str>,
}

/// A session that was just made.
#[derive(Debug)]
pub(crate) struct Started {
    /// The cookie's value. It is shown once.
    pub(crate) cookie: Secret<String>,
    pub(crate) person: Arc<Person>,
    /// The session of another person, which the browser held before. Its tokens are revoked.
    pub(crate) over: Option<String>,
}

/// A session that was ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ended {
    pub(crate) sid: String,
    pub(crate) whose: Whose,
    pub(crate) name: String,
}

/// Why a session was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("there is no randomness")]
    Random(#[from] std::io::Error),
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl SessionTable {
    /// Reads the sessions that are still good.
    pub(crate) fn load(
        settings: &Settings,
        store: &Store,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let elevated = Elevated::new(settings.elevated.clone());
        let by_hash = read(store, now, settings.session_idle, &elevated)?;
        Ok(Self {
            idle: settings.session_idle,
            life: settings.session_life,
            max: settings.sessions_max,
            elevated,
            by_hash: RwLock::new(by_hash),
        })
    }

    /// Reads them again: another process ends sessions in the store.
    pub(crate) fn refresh(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let there = read(store, now, self.idle, &self.elevated)?;
        let mut by_hash = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        for (hash, entry) in &there {
            // What was used here last is in no row.
            if let Some(known) = by_hash.get(hash) {
                entry.seen.move_to(known.seen.at());
            }
        }
        *by_hash = there;
        Ok(())
    }

    /// Opens a session under a new secret, whatever cookie the browser came with (attack A10).
    pub(crate) fn start(
        &self,
        seams: &Seams,
        account: &Account,
        opening: Opening<'_>,
    ) -> Result<Started, SessionError> {
        let now = seams.clock.now();
        let cookie = base64url_encode(seams.random::<32>()?);
        let fresh = Ulid::generate(now, seams.entropy.as_ref())?.to_string();
        let hash = hash_of(&cookie);
        let previous = opening.previous.map(hash_of);
        let authenticated = opening.authenticated.unwrap_or(now);
        // An issuer that did not say when: too old for everybody who asks, and a session as any other.
        let is_unknown = authenticated == Timestamp::default();
        let expires = if is_unknown { now } else { authenticated }.plus(self.life);
        let whose = account.whose();
        let row: [Value; 10] = [
            INSTANCE.into(),
            hash.as_slice().into(),
            (&whose.tenant).into(),
            (&whose.subject).into(),
            authenticated.into(),
            now.into(),
            expires.into(),
            opening.proofs.names().join(" ").into(),
            opening.source.to_string().into(),
            opening.agent.map(str::to_owned).into(),
        ];
        let (sid, over) = seams.store.write(move |transaction| {
            let (kept, over) = follow(transaction, previous.as_ref(), &whose, now)?;
            let sid = kept.unwrap_or_else(|| fresh.clone());
            let mut row = row.to_vec();
            row.push((&sid).into());
            transaction.execute(
                "INSERT INTO identity_session
                 (tenant_id, hash, user_tenant, user_id, authenticated, seen, expires, proofs,
                 source, agent, sid)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                &row,
            )?;
            Ok::<_, StoreError>((sid, over))
        })?;
        let mut by_hash = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        let person = Person {
            subject: account.subject.clone(),
            organisation: account.organisation.clone(),
            name: account.name.clone(),
            // Under the lock: whoever changes what counts afterwards finds this session.
            roles: self.elevated.counted(&account.roles, opening.proofs),
            withheld: self.elevated.withheld(&account.roles, opening.proofs),
            session: Some(sid),
            authenticated_at: authenticated,
            proofs: opening.proofs,
        };
        let (granted, seen) = (account.roles.clone(), Seen::new(now.micros()));
        let person = Arc::new(person);
        let entry = Entry { person: Arc::clone(&person), granted, seen, expires };
        if let Some(previous) = previous {
            by_hash.remove(&previous);
        }
        make_room(&mut by_hash, self.max);
        by_hash.insert(hash, entry);
        drop(by_hash);
        // Whoever ended it since the commit found nothing here; whoever does from now on finds it.
        if !is_there(&seams.store, &hash)? {
            self.forget(&hash);
        }
        Ok(Started { cookie: Secret::new(cookie), person, over })
    }

    /// Who holds this cookie. Using a session keeps it from going idle.
    pub(crate) fn person(&self, cookie: &str, now: Timestamp) -> Option<Arc<Person>> {
        self.find(cookie, now, |entry| {
            entry.seen.move_to(now.micros());
        })
    }

    /// The same, without keeping it from going idle.
    pub(crate) fn look(&self, cookie: &str, now: Timestamp) -> Option<Arc<Person>> {
        self.find(cookie, now, |_entry| ())
    }

    fn find(
        &self,
        cookie: &str,
        now: Timestamp,
        visit: impl FnOnce(&Entry),
    ) -> Option<Arc<Person>> {
        // 32 bytes as base64url: anything else was not made by us and is not worth a hash.
        if cookie.len() != 43 {
            return None;
        }
        let by_hash = self.by_hash.read().unwrap_or_else(PoisonError::into_inner);
        let entry = by_hash.get(&hash_of(cookie))?;
        let seen = Timestamp::from_micros(entry.seen.at());
        if now >= entry.expires || now >= seen.plus(self.idle) {
            return None;
        }
        visit(entry);
        Some(Arc::clone(&entry.person))
    }

    /// Ends one session, and what was granted in it (attack L4): all or nothing. Gives whose it was;
    /// the caller adds the revocation to those in memory.
    pub(crate) fn end(
        &self,
        store: &Store,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<Ended>, StoreError> {
        let hash = hash_of(cookie);
        // Memory first: from here on nobody gets in with it, even when the disk fails. Then the row
        // is there for another try.
        self.by_hash.write().unwrap_or_else(PoisonError::into_inner).remove(&hash);
        store.write(move |transaction| {
            let ended = take(transaction, &hash)?;
            if let Some(ended) = &ended {
                end_grants(transaction, &ended.sid, now)?;
            }
            Ok(ended)
        })
    }

    /// Ends one session, in memory; the caller has removed the row.
    pub(crate) fn forget(&self, hash: &Hash) {
        self.by_hash.write().unwrap_or_else(PoisonError::into_inner).remove(hash);
    }

    /// Ends all sessions of a person, in memory; the caller removes the rows.
    pub(crate) fn end_all(&self, subject: &str) {
        let mut by_hash = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        by_hash.retain(|_, entry| entry.person.subject != subject);
    }

    /// The same of all people of an organisation.
    pub(crate) fn end_organisation(&self, tenant: &Tenant) {
        let mut by_hash = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        by_hash.retain(|_, entry| entry.person.organisation != *tenant);
    }

    pub(crate) fn set_roles(&self, subject: &str, roles: &[String]) {
        let mut by_hash = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        for entry in by_hash.values_mut().filter(|entry| entry.person.subject == subject) {
            entry.granted = roles.to_vec();
            entry.count(&self.elevated);
        }
    }

    /// Says which roles count only after two factors.
    pub(crate) fn elevate(&self, roles: BTreeSet<String>) {
        let mut by_hash = self.by_hash.write().unwrap_or_else(PoisonError::into_inner);
        self.elevated.replace(roles);
        for entry in by_hash.values_mut() {
            entry.count(&self.elevated);
        }
    }

    /// The roles that count, of those that an account was given, in a session with these proofs.
    pub(crate) fn counted(&self, granted: &[String], proofs: Proofs) -> Vec<String> {
        self.elevated.counted(granted, proofs)
    }

    /// Those that do not.
    pub(crate) fn withheld(&self, granted: &[String], proofs: Proofs) -> Vec<String> {
        self.elevated.withheld(granted, proofs)
    }
}

impl Entry {
    fn count(&mut self, elevated: &Elevated) {
        let roles = elevated.counted(&self.granted, self.person.proofs);
        let withheld = elevated.withheld(&self.granted, self.person.proofs);
        if roles != self.person.roles || withheld != self.person.withheld {
            self.person = Arc::new(Person { roles, withheld, ..(*self.person).clone() });
        }
    }
}

fn read(
    store: &Store,
    now: Timestamp,
    idle: Duration,
    elevated: &Elevated,
) -> Result<HashMap<Hash, Entry>, StoreError> {
    let oldest = now.minus(idle);
    let rows =
        store.read(|view| view.query(OPEN, &[INSTANCE.into(), now.into(), oldest.into()]))?;
    let mut by_hash: HashMap<Hash, Entry> = HashMap::new();
    for row in rows {
        let hash: Vec<u8> = row.get(0)?;
        let hash = Hash::try_from(hash).map_err(|_length| StoreError::Column { index: 0 })?;
        let entry = match by_hash.entry(hash) {
            hash_map::Entry::Occupied(known) => known.into_mut(),
            hash_map::Entry::Vacant(place) => place.insert(read_row(&row)?),
        };
        entry.granted.extend(row.get::<Option<String>>(8)?);
    }
    for entry in by_hash.values_mut() {
        entry.count(elevated);
    }
    Ok(by_hash)
}

/// All but the roles.
fn read_row(row: &Row) -> Result<Entry, StoreError> {
    let person = Person {
        organisation: row.get(2)?,
        subject: row.get(3)?,
        name: row.get(4)?,
        roles: Vec::new(),
        withheld: Vec::new(),
        session: Some(row.get(1)?),
        authenticated_at: row.get(5)?,
        proofs: Proofs::parse(&row.get::<String>(9)?),
    };
    let seen = Seen::new(row.get(6)?);
    let person = Arc::new(person);
    Ok(Entry { person, granted: Vec::new(), seen, expires: row.get(7)? })
}

/// The id that goes on, and the one that is over.
type Followed = (Option<String>, Option<String>);

/// Ends the session that the browser had before. Who signs in again goes on under its id: what was
/// granted before ends with the same sign-out. Another person's grants end here, as there will be
/// no sign-out for them.
fn follow(
    transaction: &Transaction<'_>,
    previous: Option<&Hash>,
    whose: &Whose,
    now: Timestamp,
) -> Result<Followed, StoreError> {
    let Some(previous) = previous else { return Ok((None, None)) };
    let Some(before) = take(transaction, previous)? else { return Ok((None, None)) };
    if before.whose == *whose {
        return Ok((Some(before.sid), None));
    }
    end_grants(transaction, &before.sid, now)?;
    Ok((None, Some(before.sid)))
}

/// Removes a row. It knows more than the memory, which may have had no room for the session.
fn take(transaction: &Transaction<'_>, hash: &Hash) -> Result<Option<Ended>, StoreError> {
    let values: [Value; 2] = [INSTANCE.into(), hash.as_slice().into()];
    let row = transaction.first(
        "SELECT s.sid, s.user_tenant, s.user_id, u.name FROM identity_session s
         JOIN identity_user u ON u.tenant_id = s.user_tenant AND u.id = s.user_id
         WHERE s.tenant_id = ?1 AND s.hash = ?2",
        &values,
    )?;
    transaction.execute(DELETE, &values)?;
    let read =
        |row: &Row| Ok(Ended { sid: row.get(0)?, whose: Whose::read(row, 1)?, name: row.get(3)? });
    row.as_ref().map(read).transpose()
}

fn is_there(store: &Store, hash: &Hash) -> Result<bool, StoreError> {
    let row = store.read(|view| {
        view.first(
            "SELECT 1 FROM identity_session WHERE tenant_id = ?1 AND hash = ?2",
            &[INSTANCE.into(), hash.as_slice().into()],
        )
    })?;
    Ok(row.is_some())
}

/// Tokens that clients got in a session die with it.
fn end_grants(transaction: &Transaction<'_>, sid: &str, now: Timestamp) -> Result<(), StoreError> {
    refresh::end_all(transaction, refresh::Of::Session(sid), now)?;
    session_clients::end(transaction, Ending::Session(sid), now)?;
    Revocations::write(transaction, Kind::Session, sid, now.plus(HOLD))
}

fn make_room(by_hash: &mut HashMap<Hash, Entry>, max: usize) {
    while by_hash.len() >= max {
        let oldest = by_hash.iter().min_by_key(|(_, entry)| entry.seen.at());
        let Some(oldest) = oldest.map(|(hash, _)| *hash) else { break };
        by_hash.remove(&oldest);
    }
}

fn hash_of(cookie: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, cookie.as_bytes()).as_ref());
    hash
}

const DELETE: &str = "DELETE FROM identity_session WHERE tenant_id = ?1 AND hash = ?2";
/// A row for each role of each session, or one without a role.
const OPEN: &str = "
    SELECT s.hash, s.sid, s.user_tenant, s.user_id, u.name, s.authenticated, s.seen, s.expires,
    r.role, s.proofs
    FROM identity_session s
    JOIN identity_user u ON u.tenant_id = s.user_tenant AND u.id = s.user_id
    JOIN identity_organisation o ON o.tenant_id = s.user_tenant
    LEFT JOIN identity_role r ON r.tenant_id = s.user_tenant AND r.user_id = s.user_id
    WHERE s.tenant_id = ?1 AND s.expires > ?2 AND s.seen > ?3 AND u.is_disabled = 0
    AND o.is_disabled = 0     ORDER BY r.role";
