//! Tokens that an operator ends: one, or all of a session, a person or a client.

use ringwall_base::SinkError;
use ringwall_store::StoreError;

use crate::identity::{House, Identity};
use crate::people::{Account, PeopleError, Users};
use crate::record::Record;
use crate::refresh;
use crate::revocations::{HOLD, Kind, Revocations};
use crate::session_clients::{self, Ending};
use crate::sessions::list::{self, Open};
use crate::tables::{INSTANCE, Whose};

/// Which tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Withdrawn {
    /// All of a client, by its id. It may get new ones.
    Client(String),
    /// All of a session, by `sid`. The session ends.
    Session(String),
    /// All of a person, by `sub`. Sessions end too.
    Subject(String),
    /// One, by `jti`.
    Token(String),
}

/// Why tokens were not ended.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    /// It is not in the audit log.
    #[error("the change could not be recorded")]
    Audit(#[from] SinkError),
    /// Ids have 1 to 128 visible characters.
    #[error("an id has 1 to 128 letters, digits, `.`, `_` and `-`")]
    Id,
    /// There is no such client, session or person.
    #[error("there is nothing with this id")]
    NotFound,
    /// A person's sessions.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Identity {
    /// Ends tokens, and the refresh tokens that go with them. Blocks.
    ///
    /// # Errors
    /// When there is nothing with this id, or the store fails.
    pub fn withdraw(&self, what: &Withdrawn) -> Result<(), WithdrawError> {
        withdraw(self.house(), what)
    }
}

impl Users<'_> {
    /// The open sessions of a person; the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sessions(&self, account: &Account) -> Result<Vec<Open>, PeopleError> {
        Ok(list::of(self.house(), &account.whose())?)
    }
}

pub(crate) fn withdraw(house: &House, what: &Withdrawn) -> Result<(), WithdrawError> {
    let (Withdrawn::Client(id)
    | Withdrawn::Session(id)
    | Withdrawn::Subject(id)
    | Withdrawn::Token(id)) = what;
    let is_id = (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !is_id {
        return Err(WithdrawError::Id);
    }
    let record = Record::of("token-revoked").sync();
    let record = match what {
        Withdrawn::Client(id) => {
            if house.clients.get(id).is_none() {
                return Err(WithdrawError::NotFound);
            }
            end(house, Kind::Client, id)?;
            record.client(id).operation("client")
        }
        Withdrawn::Session(sid) => {
            if let Some(whose) = owner(house, sid)? {
                list::end(house, &whose, sid)?;
            }
            // A session that is over may have given what still lives.
            end(house, Kind::Session, sid)?;
            record.operation(format!("sid {sid}"))
        }
        Withdrawn::Subject(subject) => {
            let (whose, name) = named(house, subject)?.ok_or(WithdrawError::NotFound)?;
            Users::new(house).end_sessions(&whose)?;
            record.person(subject, &name).operation("sub")
        }
        Withdrawn::Token(token_id) => {
            end(house, Kind::Token, token_id)?;
            record.operation(format!("jti {token_id}"))
        }
    };
    Ok(house.put(record)?)
}

fn end(house: &House, kind: Kind, value: &str) -> Result<(), StoreError> {
    let now = house.seams.clock.now();
    let (key, until) = (value.to_owned(), now.plus(HOLD));
    house.seams.store.write(move |transaction| {
        if kind == Kind::Client {
            refresh::end_all(transaction, refresh::Of::Client(&key), now)?;
        }
        if kind == Kind::Session {
            refresh::end_all(transaction, refresh::Of::Session(&key), now)?;
            session_clients::end(transaction, Ending::Session(&key), now)?;
        }
        Revocations::write(transaction, kind, &key, until)
    })?;
    house.revocations.close(&house.seams, kind, value)
}

pub(crate) fn owner(house: &House, sid: &str) -> Result<Option<Whose>, StoreError> {
    let row = house.seams.store.read(|view| {
        view.first(
            "SELECT user_tenant, user_id FROM identity_session WHERE tenant_id = ?1 AND sid = ?2",
            &[INSTANCE.into(), sid.into()],
        )
    })?;
    row.map(|row| Whose::read(&row, 0)).transpose()
}

/// Whose it is, and their name.
type Named = (Whose, String);

/// Whose a subject is. An operator names a `sub` alone: it is nobody else's.
fn named(house: &House, subject: &str) -> Result<Option<Named>, StoreError> {
    let row = house.seams.store.read(|view| {
        view.first(
            "SELECT tenant_id, id, name FROM identity_user WHERE id = ?1 LIMIT 1",
            &[subject.into()],
        )
    })?;
    row.map(|row| Ok((Whose::read(&row, 0)?, row.get(2)?))).transpose()
}
