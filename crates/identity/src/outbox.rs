//! Letters on their way: kept sealed until a server has taken them, so that neither a restart nor a
//! mail server that is away loses one. Who sends them is outside: this package opens no socket.
//!
//! A letter holds a link that works, so it is sealed, and is gone when it was sent or is over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ringwall_base::{Secret, Timestamp, Ulid};
use ringwall_store::{StoreError, Transaction, Value};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::action_token::{self, Bound, Fresh, Kind};
use crate::email::{bound_to, link, owners};
use crate::identity::{House, Identity};
use crate::letter::Letter;
use crate::people::{PeopleError, Users};
use crate::record::Record;
use crate::tables::INSTANCE;
use crate::texts::Language;
use crate::throttle::{self, Throttle};

/// What sending mail needs in memory.
#[derive(Debug)]
pub(crate) struct Post {
    is_open: AtomicBool,
    waiting: Arc<Notify>,
    key: Mutex<Option<Arc<LessSafeKey>>>,
    /// Letters to one address, whoever asks.
    pub(crate) addresses: Throttle,
    /// Who asks, whatever the address.
    pub(crate) networks: Throttle,
}

/// A letter that is due.
#[derive(Debug)]
pub struct Due {
    /// Its id, also for `Message-ID`: the same when it is sent again.
    pub id: String,
    /// The letter.
    pub letter: Letter,
    tries: u32,
}

/// What became of a letter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Delivery {
    /// A server has taken it.
    Sent,
    /// Not now.
    Later(String),
    /// Never: the server refuses it.
    Refused(String),
}

/// A letter as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    id: String,
    bytes: Vec<u8>,
    due: Timestamp,
    expires: Timestamp,
}

#[derive(Deserialize, Serialize)]
struct Packed {
    to: String,
    subject: String,
    text: String,
}

impl Default for Post {
    fn default() -> Self {
        Self {
            is_open: AtomicBool::new(false),
            waiting: Arc::default(),
            key: Mutex::default(),
            addresses: Throttle::new(ADDRESSES),
            networks: Throttle::new(NETWORKS),
        }
    }
}

impl Post {
    /// Whether somebody sends what is kept.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    pub(crate) fn wake(&self) {
        self.waiting.notify_one();
    }
}

impl Identity {
    /// Whether somebody sends letters: pages offer what needs them only then.
    pub fn offer_mail(&self, is_offered: bool) {
        self.house().post.is_open.store(is_offered, Ordering::Relaxed);
    }

    /// Whether somebody sends letters.
    pub fn sends_mail(&self) -> bool {
        self.house().post.is_open()
    }

    /// Is notified when there is something to send.
    pub fn mail_waiting(&self) -> Arc<Notify> {
        Arc::clone(&self.house().post.waiting)
    }

    /// The letters that are due, the oldest first. Blocks.
    ///
    /// # Errors
    /// When the store or the vault fails.
    pub fn mail_due(&self) -> Result<Vec<Due>, PeopleError> {
        let house = self.house();
        answer_requests(house)?;
        let now = house.seams.clock.now();
        let rows = house.seams.store.read(|view| {
            view.query(
                "SELECT id, sealed, tries FROM identity_outbox
                 WHERE tenant_id = ?1 AND due <= ?2 AND expires > ?2 ORDER BY due LIMIT 16",
                &[INSTANCE.into(), now.into()],
            )
        })?;
        let mut due = Vec::new();
        for row in rows {
            let (id, sealed, tries): (String, Vec<u8>, u32) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            match open(house, &id, &sealed)? {
                Some(letter) => due.push(Due { id, letter, tries }),
                // Sealed under a key that is gone: nobody can read it any more.
                None => remove(house, &id)?,
            }
        }
        Ok(due)
    }

    /// Says what became of a letter. Blocks.
    ///
    /// # Errors
    /// When the store or the audit log fails.
    pub fn mail_done(&self, due: &Due, delivery: &Delivery) -> Result<(), PeopleError> {
        let house = self.house();
        let record = match delivery {
            Delivery::Sent => Record::of("mail-sent"),
            Delivery::Later(why) | Delivery::Refused(why) => Record::refused("mail-failed", why),
        };
        house.put(record.operation(due.letter.subject.as_str()))?;
        if !matches!(delivery, Delivery::Later(_)) {
            return Ok(remove(house, &due.id)?);
        }
        // Ten seconds, twenty, forty … an hour at most, until the letter is over.
        let wait = FIRST_WAIT.saturating_mul(1 << due.tries.min(9)).min(LAST_WAIT);
        let (id, at) = (due.id.clone(), house.seams.clock.now().plus(wait));
        house.seams.store.write(move |transaction| {
            transaction.execute(
                "UPDATE identity_outbox SET tries = tries + 1, due = ?3
                 WHERE tenant_id = ?1 AND id = ?2",
                &[INSTANCE.into(), (&id).into(), at.into()],
            )
        })?;
        Ok(())
    }
}

impl Sealed {
    /// Seals a letter that is of use for `life`.
    pub(crate) fn of(house: &House, letter: &Letter, life: Duration) -> Result<Self, PeopleError> {
        let now = house.seams.clock.now();
        let id = Ulid::generate(now, house.seams.entropy.as_ref())?.to_string();
        let packed = Packed {
            to: letter.to.clone(),
            subject: letter.subject.clone(),
            text: letter.text.expose().clone(),
        };
        let mut sealed = serde_json::to_vec(&packed).unwrap_or_default();
        let nonce: [u8; 12] = house.seams.random()?;
        key(house)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(id.as_bytes()),
                &mut sealed,
            )
            .map_err(|_unspecific| PeopleError::Seal)?;
        sealed.splice(0..0, nonce);
        Ok(Self { id, bytes: sealed, due: now, expires: now.plus(life) })
    }

    /// Puts it where the next look finds it.
    pub(crate) fn keep(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        let row: [Value; 5] = [
            INSTANCE.into(),
            (&self.id).into(),
            self.bytes.clone().into(),
            self.due.into(),
            self.expires.into(),
        ];
        transaction.execute(
            "INSERT INTO identity_outbox (tenant_id, id, sealed, tries, due, expires)
             VALUES (?1, ?2, ?3, 0, ?4, ?5)",
            &row,
        )?;
        Ok(())
    }
}

/// Sends a notice, if anybody sends letters.
pub(crate) fn send(house: &House, letter: &Letter) -> Result<(), PeopleError> {
    if !house.post.is_open() {
        return Ok(());
    }
    let sealed = Sealed::of(house, letter, NOTICE_LIFE)?;
    house.seams.store.write(move |transaction| sealed.keep(transaction))?;
    house.post.wake();
    Ok(())
}

/// Notes that somebody wants a new password for an address. Whether an account has it is not looked
/// at here: the answer to who asks, and its time, know nothing of it (attack U6).
pub(crate) fn request_reset(
    house: &House,
    address: &str,
    language: Language,
) -> Result<(), PeopleError> {
    let now = house.seams.clock.now();
    let id = Ulid::generate(now, house.seams.entropy.as_ref())?.to_string();
    let row: [Value; 6] = [
        INSTANCE.into(),
        id.into(),
        address.into(),
        language.tag().into(),
        now.into(),
        REQUESTS_MAX.into(),
    ];
    house.seams.store.write(move |transaction| {
        transaction.execute(
            "INSERT INTO identity_reset_request (tenant_id, id, address, language, created)
             SELECT ?1, ?2, ?3, ?4, ?5
             WHERE (SELECT COUNT(*) FROM identity_reset_request WHERE tenant_id = ?1) < ?6",
            &row,
        )
    })?;
    house.post.wake();
    Ok(())
}

/// Turns requests into letters, for addresses that are verified.
fn answer_requests(house: &House) -> Result<(), PeopleError> {
    loop {
        let row = house.seams.store.read(|view| {
            view.first(
                "SELECT id, address, language FROM identity_reset_request
                 WHERE tenant_id = ?1 ORDER BY created LIMIT 1",
                &[INSTANCE.into()],
            )
        })?;
        let Some(row) = row else { return Ok(()) };
        let (id, address): (String, String) = (row.get(0)?, row.get(1)?);
        let language = Language::tagged(&row.get::<String>(2)?);
        answer_request(house, id, &address, language)?;
    }
}

fn answer_request(
    house: &House,
    id: String,
    address: &str,
    language: Language,
) -> Result<(), PeopleError> {
    let names = house.seams.store.read(|view| owners(view, address))?;
    let mut letters = Vec::new();
    for name in names {
        letters.extend(letter_for(house, &name, address, language)?);
    }
    let now = house.seams.clock.now();
    house.seams.store.write(move |transaction| {
        transaction.execute(
            "DELETE FROM identity_reset_request WHERE tenant_id = ?1 AND id = ?2",
            &[INSTANCE.into(), (&id).into()],
        )?;
        for (fresh, sealed, bound) in &letters {
            fresh.keep(transaction, bound, now)?;
            sealed.keep(transaction)?;
        }
        Ok::<_, StoreError>(())
    })?;
    Ok(())
}

/// A link that sets a new password, what is kept of it, and what it is bound to.
type Written = (Fresh, Sealed, Bound);

/// The letter for one account of this address; `None` when it may not sign in.
fn letter_for(
    house: &House,
    name: &str,
    address: &str,
    language: Language,
) -> Result<Option<Written>, PeopleError> {
    let known = Users::new(house).credential(name)?;
    let Some(known) = known.filter(|known| !known.account.is_disabled) else { return Ok(None) };
    let fresh = Kind::ResetPassword.fresh(&house.seams)?;
    let link = link(house, "/oauth/reset", &fresh.token);
    let letter = Letter::reset(language, address, &known.account.name, &link);
    let sealed = Sealed::of(house, &letter, Kind::ResetPassword.life())?;
    let record = Record::of("password-reset-asked");
    house.put(record.person(&known.account.subject, &known.account.name))?;
    Ok(Some((fresh, sealed, bound_to(&known, address))))
}

fn open(house: &House, id: &str, sealed: &[u8]) -> Result<Option<Letter>, PeopleError> {
    let Some((nonce, rest)) = sealed.split_first_chunk::<12>() else { return Ok(None) };
    let (nonce, mut rest) = (Nonce::assume_unique_for_key(*nonce), rest.to_vec());
    let opened = key(house)?.open_in_place(nonce, Aad::from(id.as_bytes()), &mut rest);
    let packed = opened.ok().and_then(|json| serde_json::from_slice::<Packed>(json).ok());
    Ok(packed.map(|packed| Letter {
        to: packed.to,
        subject: packed.subject,
        text: Secret::new(packed.text),
    }))
}

/// The key that letters are sealed with; made when the first one is written.
fn key(house: &House) -> Result<Arc<LessSafeKey>, PeopleError> {
    let mut known = house.post.key.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = &*known {
        return Ok(Arc::clone(key));
    }
    let vault = &house.seams.vault;
    let bytes = if let Some(bytes) = vault.get(VAULT, KEY)? {
        bytes
    } else {
        let bytes = Secret::new(house.seams.random::<32>()?.to_vec());
        vault.put(VAULT, KEY, &bytes)?;
        bytes
    };
    let key = UnboundKey::new(&AES_256_GCM, bytes.expose());
    let key = Arc::new(LessSafeKey::new(key.map_err(|_unspecific| PeopleError::Seal)?));
    *known = Some(Arc::clone(&key));
    Ok(key)
}

fn remove(house: &House, id: &str) -> Result<(), StoreError> {
    let id = id.to_owned();
    house.seams.store.write(move |transaction| {
        transaction.execute(
            "DELETE FROM identity_outbox WHERE tenant_id = ?1 AND id = ?2",
            &[INSTANCE.into(), (&id).into()],
        )
    })?;
    Ok(())
}

/// Removes letters and links that are over.
pub(crate) fn sweep(house: &House, now: Timestamp) -> Result<(), StoreError> {
    house.seams.store.write(move |transaction| {
        transaction.execute(
            "DELETE FROM identity_outbox WHERE tenant_id = ?1 AND expires <= ?2",
            &[INSTANCE.into(), now.into()],
        )?;
        action_token::sweep(transaction, now)
    })
}

const VAULT: &str = "mail";
const KEY: &str = "outbox";

/// Nobody who was away for a day misses that their password was changed.
const NOTICE_LIFE: Duration = Duration::from_hours(24 * 3);
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LAST_WAIT: Duration = Duration::from_hours(1);
/// Requests that wait for a mail server at most: more are not worth an answer.
const REQUESTS_MAX: u32 = 1_000;

/// Three letters to one address at once, then ever fewer: nobody's mailbox is flooded through us.
const ADDRESSES: throttle::Settings = throttle::Settings {
    account_free: 2,
    network_free: u32::MAX,
    first_wait: Duration::from_mins(1),
};
/// From one network, whatever the addresses.
const NETWORKS: throttle::Settings =
    throttle::Settings { account_free: 9, network_free: 9, first_wait: Duration::from_secs(10) };
