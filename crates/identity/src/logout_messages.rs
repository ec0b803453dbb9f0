//! Messages for applications: a session has ended (OpenID Connect Back-Channel Logout 1.0). They wait
//! in the store until the application took them. Who sends them is outside: this package opens no
//! socket.

use std::time::Duration;

use ringwall_base::{SignError, SinkError, Timestamp};
use ringwall_jose::mint;
use ringwall_store::{StoreError, Value};
use serde::Serialize;
use serde_json::{Map, json};

use crate::identity::{House, Identity};
use crate::keys::Purpose;
use crate::record::Record;
use crate::tables::{INSTANCE, Whose};

/// A message that is due.
#[derive(Clone, Debug)]
pub struct LogoutMessage {
    /// Where it goes: the address that the client registered.
    pub uri: String,
    /// The form to be posted there.
    pub form: String,
    row: Waiting,
}

/// What became of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Told {
    /// Nobody answered, or not now: once more, later.
    Later(String),
    /// The application refuses it: it would do so again.
    Refused(String),
    /// It was taken.
    Taken,
}

/// Why messages were not read or not settled.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// It is not in the audit log, and is sent again.
    #[error("the message could not be recorded")]
    Audit(#[from] SinkError),
    /// No token was signed.
    #[error("no logout token was signed")]
    Sign(#[from] SignError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

#[derive(Clone, Debug)]
struct Waiting {
    sid: String,
    client_id: String,
    whose: Whose,
    created: Timestamp,
    tries: u32,
}

/// Section 2.4. No `nonce`, and a `typ` and a key of its own: it is no ID token.
#[derive(Serialize)]
struct LogoutClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    sid: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    events: Map<String, serde_json::Value>,
}

impl Identity {
    /// Messages that are due, those of all clients mixed. Blocks.
    ///
    /// # Errors
    /// When the store fails or no key signs.
    pub fn due_logouts(&self) -> Result<Vec<LogoutMessage>, LogoutError> {
        let house = self.house();
        let mut messages = Vec::new();
        for row in waiting(house)? {
            match addressed(house, &row) {
                Some(uri) => {
                    let form = format!("logout_token={}", logout_token(house, &row)?);
                    messages.push(LogoutMessage { uri, form, row });
                }
                None => give_up(house, &row, "the client does not want to hear of it any more")?,
            }
        }
        Ok(messages)
    }

    /// Says what became of a message. Blocks.
    ///
    /// # Errors
    /// When the store or the audit log fails: the message is sent again.
    pub fn settle_logout(&self, message: &LogoutMessage, told: &Told) -> Result<(), LogoutError> {
        let (house, row) = (self.house(), &message.row);
        match told {
            Told::Taken => {
                house.put(of(Record::of("logout-delivered"), row))?;
                remove(house, row)
            }
            Told::Refused(why) => give_up(house, row, why),
            Told::Later(why) if row.is_last(house.seams.clock.now()) => give_up(house, row, why),
            Told::Later(_) => postpone(house, row),
        }
    }
}

impl Waiting {
    fn is_last(&self, now: Timestamp) -> bool {
        self.tries >= TRIES_MAX || now.since(self.created) >= AGE_MAX
    }

    fn key(&self) -> [Value; 3] {
        [INSTANCE.into(), (&self.sid).into(), (&self.client_id).into()]
    }
}

/// At most so many of one client, so that one that is slow holds nobody up.
fn waiting(house: &House) -> Result<Vec<Waiting>, StoreError> {
    let now = house.seams.clock.now();
    let rows = house.seams.store.read(|view| {
        view.query(
            "SELECT sid, client_id, user_tenant, user_id, created, tries FROM
             (SELECT sid, client_id, user_tenant, user_id, created, tries, due,
             ROW_NUMBER() OVER (PARTITION BY client_id ORDER BY due) AS place
             FROM identity_logout_message WHERE tenant_id = ?1 AND due <= ?2) AS ranked
             WHERE place <= ?3 ORDER BY due LIMIT ?4",
            &[INSTANCE.into(), now.into(), OF_ONE_CLIENT.into(), AT_ONCE.into()],
        )
    })?;
    let waiting = rows.iter().map(|row| {
        let (sid, client_id, whose) = (row.get(0)?, row.get(1)?, Whose::read(row, 2)?);
        Ok(Waiting { sid, client_id, whose, created: row.get(4)?, tries: row.get(5)? })
    });
    waiting.collect()
}

fn addressed(house: &House, row: &Waiting) -> Option<String> {
    let client = house.clients.get(&row.client_id).filter(|client| !client.is_disabled)?;
    client.settings.backchannel_logout_uri.clone()
}

/// A new one for each try: the last one has expired, and its `jti` may have been seen (attack L3).
fn logout_token(house: &House, row: &Waiting) -> Result<String, SignError> {
    let now = house.seams.clock.now();
    let claims = LogoutClaims {
        iss: &house.settings.issuer,
        aud: &row.client_id,
        sub: &row.whose.subject,
        sid: &row.sid,
        iat: now.secs(),
        exp: now.plus(TOKEN_LIFE).secs(),
        jti: &house.token_id()?,
        events: Map::from_iter([(EVENT.to_owned(), json!({}))]),
    };
    mint(&house.keys.signer(Purpose::Logout)?, "logout+jwt", &claims)
}

/// All that waits for this client waits longer: it would be in vain, too.
fn postpone(house: &House, row: &Waiting) -> Result<(), LogoutError> {
    let now = house.seams.clock.now();
    let due = now.plus(FIRST_WAIT.saturating_mul(4_u32.saturating_pow(row.tries)));
    let (key, client_id) = (row.key(), row.client_id.clone());
    house.seams.store.write(move |transaction| {
        transaction.execute(
            "UPDATE identity_logout_message SET due = ?4, tries = tries + 1
             WHERE tenant_id = ?1 AND sid = ?2 AND client_id = ?3",
            &[&key[..], &[due.into()]].concat(),
        )?;
        transaction.execute(
            "UPDATE identity_logout_message SET due = ?3
             WHERE tenant_id = ?1 AND client_id = ?2 AND due <= ?4",
            &[INSTANCE.into(), (&client_id).into(), now.plus(FIRST_WAIT).into(), now.into()],
        )?;
        Ok::<_, LogoutError>(())
    })
}

fn give_up(house: &House, row: &Waiting, why: &str) -> Result<(), LogoutError> {
    house.put(of(Record::refused("logout-undelivered", why), row))?;
    remove(house, row)
}

fn remove(house: &House, row: &Waiting) -> Result<(), LogoutError> {
    let key = row.key();
    house.seams.store.write(move |transaction| {
        transaction.execute(
            "DELETE FROM identity_logout_message
             WHERE tenant_id = ?1 AND sid = ?2 AND client_id = ?3",
            &key,
        )?;
        Ok::<_, LogoutError>(())
    })
}

fn of(record: Record, row: &Waiting) -> Record {
    record.client(&row.client_id).subject(&row.whose.subject).organisation(&row.whose.tenant)
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Section 2.4: preferably at most two minutes.
const TOKEN_LIFE: Duration = Duration::from_mins(2);
/// Then four times as long with each try: the eighth is five and a half hours after the seventh.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const TRIES_MAX: u32 = 7;
/// What could not be said within a day is not said: tokens of the session are dead long since.
const AGE_MAX: Duration = Duration::from_hours(24);
const AT_ONCE: u32 = 16;
const OF_ONE_CLIENT: u32 = 4;
