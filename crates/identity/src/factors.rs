//! Second factors of accounts: which there are, and the authenticator app.

use std::collections::BTreeMap;
use std::time::Duration;

use ringwall_base::{Secret, Timestamp, Ulid};
use ringwall_store::{StoreError, Transaction};

use crate::identity::House;
use crate::keys::KeyError;
use crate::login_step::LoginStep;
use crate::passkeys::{self, Passkey};
use crate::people::{Account, PeopleError, Users};
use crate::record::Record;
use crate::seams::KeyVaultError;
use crate::tables::{INSTANCE, Whose};
use crate::{recovery, totp};

/// What an account has besides its password.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Factors {
    /// Since when it has an authenticator app.
    pub app: Option<Timestamp>,
    /// Its passkeys.
    pub passkeys: Vec<Passkey>,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
}

/// An authenticator's secret, on its only way out.
#[derive(Debug)]
pub(crate) struct Enrolment {
    /// Its id, to confirm it with.
    pub(crate) id: String,
    /// In base32, as people type it.
    pub(crate) secret: Secret<String>,
    /// As `otpauth://`, for a link or a QR code.
    pub(crate) uri: Secret<String>,
}

/// The confirmed authenticator: its id, and since when.
type App = (String, Timestamp);

/// What an operator hands to a person: an authenticator and the way back without it.
#[derive(Debug)]
pub struct Handout {
    /// As `otpauth://`.
    pub uri: Secret<String>,
    /// Each for one use.
    pub recovery_codes: Vec<Secret<String>>,
}

/// What came of a second step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tried {
    /// The code was good, and is used up with the login.
    Good,
    /// Why not, for the operator.
    Refused(&'static str),
}

impl Factors {
    /// Whether a password alone is not enough for this account.
    pub fn is_asked(&self) -> bool {
        self.app.is_some() || !self.passkeys.is_empty()
    }
}

impl Users<'_> {
    /// The factors of an account.
    ///
    /// # Errors
    /// When there is none of this name, or the store fails.
    pub fn factors(&self, name: &str) -> Result<Factors, PeopleError> {
        let account = self.find(name)?;
        Ok(of(self.house(), &account.whose())?)
    }

    /// The subjects of all accounts that are asked for a second factor, with the kinds that they have.
    ///
    /// # Errors
    /// When the store fails.
    pub fn with_factor(&self) -> Result<BTreeMap<String, String>, PeopleError> {
        let rows = self.house().seams.store.read(|view| {
            view.query(
                "SELECT user_id, 'app' AS kind, tenant_id FROM identity_totp
                 WHERE confirmed_at IS NOT NULL
                 UNION SELECT user_id, 'passkey', user_tenant FROM identity_passkey
                 WHERE tenant_id = ?1 ORDER BY kind",
                &[INSTANCE.into()],
            )
        })?;
        let mut kinds: BTreeMap<String, String> = BTreeMap::new();
        for row in rows {
            let (subject, kind): (String, String) = (row.get(0)?, row.get(1)?);
            let all = kinds.entry(subject).or_default();
            *all = if all.is_empty() { kind } else { format!("{all}, {kind}") };
        }
        Ok(kinds)
    }

    /// Gives an account an authenticator that counts from now on and new recovery codes, for whoever
    /// hands them over in person. Those that it had are gone, and sessions that they opened end.
    ///
    /// # Errors
    /// When there is none of this name, or the vault or the store fails.
    pub fn enrol(&self, name: &str) -> Result<Handout, PeopleError> {
        let account = self.find(name)?;
        let mut is_replaced = false;
        let whose = account.whose();
        while let Some((id, _)) = app(self.house(), &whose)? {
            forget::<PeopleError>(self.house(), &whose, &id)?;
            is_replaced = true;
        }
        if is_replaced {
            // Whoever has the lost one may have signed in with it.
            self.end_sessions(&whose)?;
        }
        let enrolment = begin(self.house(), &account)?;
        confirm_row(self.house(), &whose, &enrolment.id, 0)?;
        record(self.house(), "factor-added", &account, "app, by an operator")?;
        let recovery_codes = recovery::new_codes(self.house(), &account)?;
        Ok(Handout { uri: enrolment.uri, recovery_codes })
    }

    /// Takes all second factors from an account, and the links to people of another issuer that its
    /// sessions made, for whoever lost them. Its sessions end.
    ///
    /// # Errors
    /// When there is none of this name, or the vault or the store fails.
    pub fn remove_factors(&self, name: &str) -> Result<(), PeopleError> {
        let account = self.find(name)?;
        // First and last: no session makes a new link or passkey meanwhile, and none that the old ones
        // open stays.
        self.end_sessions(&account.whose())?;
        passkeys::remove(self.house(), &account, None)?;
        remove_app(self.house(), &account)?;
        self.unlink_made(name)?;
        self.end_sessions(&account.whose())
    }
}

pub(crate) fn of(house: &House, whose: &Whose) -> Result<Factors, StoreError> {
    let app = app(house, whose)?.map(|(_, created)| created);
    let passkeys = passkeys::of(house, whose)?;
    house.seams.store.read(|view| {
        let row = view.first(
            "SELECT COUNT(*) FROM identity_recovery_code
             WHERE tenant_id = ?1 AND user_id = ?2 AND used_at IS NULL",
            &whose.and([]),
        )?;
        let recovery_codes = row.map_or(Ok(0), |row| row.get(0))?;
        Ok(Factors { app, passkeys, recovery_codes })
    })
}

fn app(house: &House, whose: &Whose) -> Result<Option<App>, StoreError> {
    house.seams.store.read(|view| {
        let row = view.first(
            "SELECT id, created FROM identity_totp
             WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL",
            &whose.and([]),
        )?;
        row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
    })
}

/// Makes a secret that does not count yet: [`confirm`] shows that the person's app has it.
pub(crate) fn begin(house: &House, account: &Account) -> Result<Enrolment, PeopleError> {
    let (seams, now) = (&house.seams, house.seams.clock.now());
    let secret = Secret::new(seams.random::<SECRET_BYTES>()?.to_vec());
    // One at a time is under way: the page that was shown before no longer leads anywhere.
    let whose = account.whose();
    drop_pending::<PeopleError>(house, Some(&whose), now)?;
    let id = Ulid::generate(now, seams.entropy.as_ref())?.to_string();
    // The vault first: a row without its secret would be worse than a secret without its row.
    seams.vault.put(VAULT, &id, &secret)?;
    let row = whose.and([(&id).into(), now.into()]);
    seams.store.write(move |transaction| {
        transaction.execute(
            "INSERT INTO identity_totp (tenant_id, user_id, id, created, last_step)
             VALUES (?1, ?2, ?3, ?4, 0)",
            &row,
        )
    })?;
    Ok(Enrolment::of(house, account, id, &secret))
}

impl Enrolment {
    fn of(house: &House, account: &Account, id: String, secret: &Secret<Vec<u8>>) -> Self {
        let text = Secret::new(totp::base32(secret.expose()));
        let host = house.settings.issuer.trim_start_matches("https://");
        let uri = Secret::new(totp::uri(host, &account.name, text.expose()));
        Self { id, secret: text, uri }
    }
}

/// What is to be confirmed, for the page to show again.
pub(crate) fn pending(
    house: &House,
    account: &Account,
    id: &str,
) -> Result<Option<Enrolment>, PeopleError> {
    let since = house.seams.clock.now().minus(PENDING);
    let row = house.seams.store.read(|view| {
        view.first(
            "SELECT id FROM identity_totp WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3
             AND confirmed_at IS NULL AND created > ?4",
            &account.whose().and([id.into(), since.into()]),
        )
    })?;
    if row.is_none() {
        return Ok(None);
    }
    let secret = house.seams.vault.get(VAULT, id)?;
    Ok(secret.map(|secret| Enrolment::of(house, account, id.to_owned(), &secret)))
}

/// Lets an authenticator count from now on, because the person's app shows its code.
pub(crate) fn confirm(
    house: &House,
    account: &Account,
    id: &str,
    code: &str,
) -> Result<Tried, PeopleError> {
    let Some(secret) = pending(house, account, id)?.and(house.seams.vault.get(VAULT, id)?) else {
        return Ok(Tried::Refused("no such enrolment"));
    };
    let now = house.seams.clock.now();
    let Some(step) = totp::step_of_code(secret.expose(), code, now) else {
        return Ok(Tried::Refused("wrong code at the enrolment"));
    };
    if !confirm_row(house, &account.whose(), id, step)? {
        return Ok(Tried::Refused("confirmed already"));
    }
    record(house, "factor-added", account, "app")?;
    Ok(Tried::Good)
}

/// Takes the authenticator away, and with an account's last factor the recovery codes.
pub(crate) fn remove_app(house: &House, account: &Account) -> Result<(), PeopleError> {
    let whose = account.whose();
    while let Some((id, _)) = app(house, &whose)? {
        forget::<PeopleError>(house, &whose, &id)?;
    }
    house.seams.store.write(move |transaction| recovery::remove_of_none(transaction, &whose))?;
    record(house, "factor-removed", account, "app")
}

/// Removes enrolments that were never confirmed: this account's, or all that are too old.
fn drop_pending<E: From<StoreError> + From<KeyVaultError> + Send + 'static>(
    house: &House,
    whose: Option<&Whose>,
    before: Timestamp,
) -> Result<(), E> {
    let rows = house.seams.store.read(|view| {
        view.query(
            "SELECT tenant_id, user_id, id FROM identity_totp
             WHERE confirmed_at IS NULL AND created <= ?1",
            &[before.into()],
        )
    })?;
    for row in rows {
        let (owner, id): (Whose, String) = (Whose::read(&row, 0)?, row.get(2)?);
        if whose.is_none_or(|whose| *whose == owner) {
            forget::<E>(house, &owner, &id)?;
        }
    }
    Ok(())
}

/// Removes what nobody confirmed in time.
pub(crate) fn sweep(house: &House, now: Timestamp) -> Result<(), KeyError> {
    drop_pending(house, None, now.minus(PENDING))
}

/// Lets a code of an account's authenticator, or one of its recovery codes, finish a login.
pub(crate) fn finish(
    house: &House,
    whose: &Whose,
    step: &LoginStep,
    code: &str,
) -> Result<Tried, PeopleError> {
    let now = house.seams.clock.now();
    if recovery::looks_like_one(code) {
        let hash = recovery::hash_of(&whose.subject, code);
        let (values, step) = (whose.and([hash.into(), now.into()]), step.clone());
        return settled(house.seams.store.write(move |transaction| {
            let used = transaction.execute(
                "UPDATE identity_recovery_code SET used_at = ?4
                 WHERE tenant_id = ?1 AND user_id = ?2 AND hash = ?3 AND used_at IS NULL",
                &values,
            )?;
            once(used, "wrong or used recovery code")?;
            once(step.consume(transaction, now)?.into(), "the login was finished already")
        }));
    }
    let Some((id, _)) = app(house, whose)? else {
        return Ok(Tried::Refused("the account has no authenticator"));
    };
    let secret = house.seams.vault.get(VAULT, &id)?.ok_or(PeopleError::NotFound)?;
    let Some(found) = totp::step_of_code(secret.expose(), code, now) else {
        return Ok(Tried::Refused("wrong code"));
    };
    let (whose, step) = (whose.clone(), step.clone());
    settled(house.seams.store.write(move |transaction| {
        once(advance(transaction, &whose, (&id, found))?, "the code was used before")?;
        once(step.consume(transaction, now)?.into(), "the login was finished already")
    }))
}

/// Moves the last step on. RFC 6238 section 5.2: no code counts twice, and none older than one that
/// counted.
fn advance(
    transaction: &Transaction<'_>,
    whose: &Whose,
    (id, step): (&str, u64),
) -> Result<usize, StoreError> {
    transaction.execute(
        "UPDATE identity_totp SET last_step = ?4
         WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3 AND last_step < ?4",
        &whose.and([id.into(), step.into()]),
    )
}

/// Why a transaction was undone.
#[derive(Debug)]
pub(crate) enum Undone {
    Refused(&'static str),
    Store(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(crate) fn once(changed: usize, why: &'static str) -> Result<(), Undone> {
    if changed == 1 { Ok(()) } else { Err(Undone::Refused(why)) }
}

pub(crate) fn settled(result: Result<(), Undone>) -> Result<Tried, PeopleError> {
    match result {
        Ok(()) => Ok(Tried::Good),
        Err(Undone::Refused(why)) => Ok(Tried::Refused(why)),
        Err(Undone::Store(error)) => Err(error.into()),
    }
}

fn confirm_row(house: &House, whose: &Whose, id: &str, step: u64) -> Result<bool, StoreError> {
    let now = house.seams.clock.now();
    let values = whose.and([id.into(), now.into(), step.into()]);
    house.seams.store.write(move |transaction| {
        let first = transaction.execute(
            "UPDATE identity_totp SET confirmed_at = ?4, last_step = ?5
             WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3 AND confirmed_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM identity_totp other WHERE other.tenant_id = ?1
             AND other.user_id = ?2 AND other.confirmed_at IS NOT NULL)",
            &values,
        )?;
        Ok(first == 1)
    })
}

fn forget<E: From<StoreError> + From<KeyVaultError> + Send + 'static>(
    house: &House,
    whose: &Whose,
    id: &str,
) -> Result<(), E> {
    let values = whose.and([id.into()]);
    house.seams.store.write(move |transaction| {
        transaction.execute(
            "DELETE FROM identity_totp WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3",
            &values,
        )?;
        Ok::<_, StoreError>(())
    })?;
    Ok(house.seams.vault.remove(VAULT, id)?)
}

pub(crate) fn record(
    house: &House,
    action: &'static str,
    account: &Account,
    what: &str,
) -> Result<(), PeopleError> {
    let record = Record::of(action).sync().person(&account.subject, &account.name);
    Ok(house.put(record.operation(what))?)
}

/// Where the vault keeps the secrets.
const VAULT: &str = "identity-totp";
/// How long an enrolment waits for its first code.
const PENDING: Duration = Duration::from_mins(10);
/// RFC 4226 section 4: 160 bits.
const SECRET_BYTES: usize = 20;
