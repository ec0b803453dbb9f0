//! Initial access tokens (RFC 7591 section 3): who has one may register so many clients, until it is over.

use std::time::Duration;

use ringwall_base::{Secret, SinkError, Timestamp};
use ringwall_jose::base64url_encode;
use ringwall_store::{Row, Store, StoreError, Transaction};

use super::{Hash, admitted};
use crate::clients::{ClientError, Clients, REMOVED};
use crate::identity::{House, Identity};
use crate::record::Record;
use crate::secret_text;
use crate::sweep::in_steps;
use crate::tables::INSTANCE;

/// One, as an operator sees it: the token itself is shown once, when it is made.
#[derive(Clone, Debug)]
pub struct InitialToken {
    /// To revoke it by.
    pub id: String,
    /// How many clients it still registers.
    pub uses_left: u64,
    /// When it is over.
    pub expires: Timestamp,
}

/// One that was made.
#[derive(Debug)]
pub struct NewToken {
    /// To revoke it by.
    pub id: String,
    /// Shown this once.
    pub token: Secret<String>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum InitialTokenError {
    /// It is not in the audit log.
    #[error("the change could not be recorded")]
    Audit(#[from] SinkError),
    /// 1 to 100 clients, 1 hour to 90 days, 100 tokens.
    #[error(
        "a token registers 1 to 100 clients and lives for 1 hour to 90 days; there are 100 at most"
    )]
    Limits,
    /// There is none with this id.
    #[error("there is no initial token with this id")]
    NotFound,
    /// No randomness.
    #[error("there is no randomness")]
    Random(#[from] std::io::Error),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// The initial tokens. Changes block on the disk.
#[derive(Clone, Copy, Debug)]
pub struct InitialTokens<'a> {
    house: &'a House,
}

impl Identity {
    /// Who may register clients.
    pub fn initial_tokens(&self) -> InitialTokens<'_> {
        InitialTokens { house: self.house() }
    }
}

impl InitialTokens<'_> {
    /// Makes one.
    ///
    /// # Errors
    /// When what is asked for is beyond the limits.
    pub fn add(&self, uses: u64, life: Duration) -> Result<NewToken, InitialTokenError> {
        let Self { house } = self;
        if !(1..=USES_MAX).contains(&uses) || !(LIFE_MIN..=LIFE_MAX).contains(&life) {
            return Err(InitialTokenError::Limits);
        }
        let now = house.seams.clock.now();
        let token = secret_text::of(INITIAL, &house.seams.random::<64>()?);
        // Letters and digits only: it is typed into a command.
        let id = base64url_encode(house.seams.random::<8>()?).replace(['-', '_'], "0");
        let (key, hash) = (id.clone(), house.registration.hash(&token));
        let is_made = house.seams.store.write(move |transaction| {
            let all = transaction.first(
                "SELECT COUNT(*) FROM identity_initial_token WHERE tenant_id = ?1 AND expires > ?2",
                &[INSTANCE.into(), now.into()],
            )?;
            if all.map_or(Ok(0), |row| row.get::<u64>(0))? >= TOKENS_MAX {
                return Ok(false);
            }
            transaction.execute(
                "INSERT INTO identity_initial_token
                 (tenant_id, id, hash, uses_left, expires, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                &[
                    INSTANCE.into(),
                    (&key).into(),
                    hash.as_slice().into(),
                    uses.into(),
                    now.plus(life).into(),
                    now.into(),
                ],
            )?;
            Ok::<_, StoreError>(true)
        })?;
        if !is_made {
            return Err(InitialTokenError::Limits);
        }
        let said = format!("{id}: {uses} clients, {} h", life.as_secs() / 3_600);
        house.put(Record::of("initial-token-made").sync().operation(said))?;
        Ok(NewToken { id, token: Secret::new(token) })
    }

    /// Those that are good, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&self) -> Result<Vec<InitialToken>, InitialTokenError> {
        let now = self.house.seams.clock.now();
        let rows = self.house.seams.store.read(|view| {
            view.query(
                "SELECT id, uses_left, expires FROM identity_initial_token
                 WHERE tenant_id = ?1 AND expires > ?2 AND uses_left > 0 ORDER BY created, id",
                &[INSTANCE.into(), now.into()],
            )
        })?;
        let read = |row: &Row| {
            Ok(InitialToken { id: row.get(0)?, uses_left: row.get(1)?, expires: row.get(2)? })
        };
        rows.iter().map(read).collect()
    }

    /// Takes one back. Clients that it registered stay.
    ///
    /// # Errors
    /// When there is none with this id.
    pub fn revoke(&self, id: &str) -> Result<(), InitialTokenError> {
        let key = id.to_owned();
        let removed = self.house.seams.store.write(move |transaction| {
            transaction.execute(
                "DELETE FROM identity_initial_token WHERE tenant_id = ?1 AND id = ?2",
                &[INSTANCE.into(), (&key).into()],
            )
        })?;
        if removed == 0 {
            return Err(InitialTokenError::NotFound);
        }
        let record = Record::of("initial-token-revoked").sync().operation(id);
        Ok(self.house.put(record)?)
    }

    /// Removes all clients that one let in, whether it is still there or not. How many there were.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_clients(&self, id: &str) -> Result<usize, ClientError> {
        let all = admitted(self.house)?;
        let of: Vec<&String> =
            all.iter().filter(|(_, by)| *by == id).map(|(client, _)| client).collect();
        for client in &of {
            let record = Record::of(REMOVED).operation(format!("registration {id}"));
            Clients::new(self.house).remove(client, record)?;
        }
        Ok(of.len())
    }
}

/// The hash and the id of a token that is good now. It is not used up by being looked at.
pub(crate) fn find_good(house: &House, token: &str) -> Result<Option<Good>, StoreError> {
    if !secret_text::is_one(INITIAL, token) {
        return Ok(None);
    }
    let (hash, now) = (house.registration.hash(token), house.seams.clock.now());
    let row = house.seams.store.read(|view| {
        view.first(
            "SELECT id FROM identity_initial_token
             WHERE tenant_id = ?1 AND hash = ?2 AND uses_left > 0 AND expires > ?3",
            &[INSTANCE.into(), hash.as_slice().into(), now.into()],
        )
    })?;
    row.map(|row| Ok((hash, row.get(0)?))).transpose()
}

/// Uses a token once; gives its id. One statement decides who was first.
pub(crate) fn take(
    transaction: &Transaction<'_>,
    hash: &Hash,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let row = transaction.first(
        "UPDATE identity_initial_token SET uses_left = uses_left - 1
         WHERE tenant_id = ?1 AND hash = ?2 AND uses_left > 0 AND expires > ?3 RETURNING id",
        &[INSTANCE.into(), hash.as_slice().into(), now.into()],
    )?;
    row.map(|row| row.get(0)).transpose()
}

/// Removes what has expired.
pub(crate) fn sweep_initial(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_initial_token WHERE tenant_id = ?1 AND id IN
         (SELECT id FROM identity_initial_token WHERE tenant_id = ?1 AND expires <= ?2 LIMIT ?3)",
        now,
    )
}

/// Hash and id.
pub(crate) type Good = (Hash, String);

/// How such a token begins.
const INITIAL: &str = "rwi_";

const USES_MAX: u64 = 100;
const TOKENS_MAX: u64 = 100;
const LIFE_MIN: Duration = Duration::from_hours(1);
const LIFE_MAX: Duration = Duration::from_hours(24 * 90);
