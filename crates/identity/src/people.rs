//! Accounts of people: names, passwords, roles.

use ringwall_base::{Secret, SinkError, Tenant, Timestamp, Ulid};
use ringwall_store::{Row, StoreError, Transaction, Value, View};

use crate::email;
use crate::factors;
use crate::identity::House;
use crate::password::{self, PasswordError, hash_password};
use crate::record::Record;
use crate::refresh;
use crate::revocations::{HOLD, Kind, Revocations};
use crate::seams::KeyVaultError;
use crate::session_clients::{self, Ending};
use crate::tables::{INSTANCE, Whose};

/// An account, without its password.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// `sub`: never reused, never changed.
    pub subject: String,
    /// The organisation that it is of.
    pub organisation: Tenant,
    /// The login name, with the organisation's slug and a slash before it unless that is `default`.
    pub name: String,
    /// Roles that it was given, sorted.
    pub roles: Vec<String>,
    /// Whether it may not sign in: it is disabled itself, or its organisation is.
    pub is_disabled: bool,
    /// When it was made.
    pub created: Timestamp,
}

/// Why an account was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// It is no address of e-mail.
    #[error("that is no e-mail address")]
    Address,
    /// The change is not in the audit log, so it was not made.
    #[error("the change could not be recorded")]
    Audit(#[from] SinkError),
    /// The name is taken.
    #[error("there is an account of this name already")]
    Exists,
    /// Names are 1 to 64 of a-z, 0-9 and `. _ @ + -`.
    #[error("a login name has 1 to 64 of a-z, 0-9 and `.`, `_`, `@`, `+`, `-`")]
    Name,
    /// There is no such account.
    #[error("there is no account of this name")]
    NotFound,
    /// There is no such organisation.
    #[error("there is no organisation of this name")]
    Organisation,
    /// The password is not acceptable.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// No randomness.
    #[error("there is no randomness")]
    Random(#[from] std::io::Error),
    /// A letter could not be sealed.
    #[error("a letter could not be sealed")]
    Seal,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] KeyVaultError),
}

/// The accounts. All calls block: argon2 and the disk.
#[derive(Clone, Copy, Debug)]
pub struct Users<'a> {
    house: &'a House,
}

/// What a login needs of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Credential {
    pub(crate) account: Account,
    pub(crate) phc: String,
}

impl Account {
    pub(crate) fn whose(&self) -> Whose {
        Whose { tenant: self.organisation.clone(), subject: self.subject.clone() }
    }
}

impl<'a> Users<'a> {
    pub(crate) fn new(house: &'a House) -> Self {
        Self { house }
    }

    pub(crate) const fn house(self) -> &'a House {
        self.house
    }

    /// Makes an account.
    ///
    /// # Errors
    /// When the name is taken or malformed, or the password not acceptable.
    pub fn add(
        &self,
        name: &str,
        roles: &[String],
        password: &Secret<String>,
    ) -> Result<Account, PeopleError> {
        let name = login_name(name).ok_or(PeopleError::Name)?;
        password::check(
            password,
            self.against(&name.text, None, self.house.settings.password_min),
        )?;
        let phc = hash_password(password, self.house.seams.entropy.as_ref())?;
        self.add_with((name, roles), phc, |_, _| Ok(()))
    }

    /// Makes an account that no password opens.
    pub(crate) fn add_without_password(
        self,
        name: &str,
        roles: &[String],
    ) -> Result<Account, PeopleError> {
        self.add_linked(name, roles, |_, _| Ok(()))
    }

    /// The same, with rows that belong to it, all or nothing.
    pub(crate) fn add_linked(
        self,
        name: &str,
        roles: &[String],
        also: impl Fn(&Transaction<'_>, &Account) -> Result<(), PeopleError> + Send + 'static,
    ) -> Result<Account, PeopleError> {
        let name = login_name(name).ok_or(PeopleError::Name)?;
        let phc = password::unmatched(self.house.seams.entropy.as_ref())?;
        self.add_with((name, roles), phc, also)
    }

    fn add_with(
        self,
        (name, roles): (LoginName, &[String]),
        phc: String,
        also: impl Fn(&Transaction<'_>, &Account) -> Result<(), PeopleError> + Send + 'static,
    ) -> Result<Account, PeopleError> {
        let now = self.house.seams.clock.now();
        let subject = Ulid::generate(now, self.house.seams.entropy.as_ref())?.to_string();
        let account = Account {
            subject,
            organisation: name.organisation,
            name: name.text,
            roles: sorted(roles),
            is_disabled: false,
            created: now,
        };
        let row = account.clone();
        self.house.seams.store.write(move |transaction| {
            insert(transaction, &row, &phc)?;
            also(transaction, &row)
        })?;
        self.record("user-added", &account, &account.roles.join(" "))?;
        Ok(account)
    }

    /// The accounts of one organisation, or of all, by name, at most `max`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&self, of: Option<&Tenant>, max: u32) -> Result<Vec<Account>, PeopleError> {
        self.house.seams.store.read(|view| {
            let rows = match of {
                Some(tenant) => view.query(
                    "SELECT u.tenant_id, u.id, u.name, u.is_disabled OR o.is_disabled, u.created
                     FROM identity_user u JOIN identity_organisation o
                     ON o.tenant_id = u.tenant_id
                     WHERE u.tenant_id = ?1 ORDER BY u.name LIMIT ?2",
                    &[tenant.into(), max.into()],
                )?,
                None => view.query(
                    "SELECT u.tenant_id, u.id, u.name, u.is_disabled OR o.is_disabled, u.created
                     FROM identity_user u JOIN identity_organisation o
                     ON o.tenant_id = u.tenant_id ORDER BY u.tenant_id, u.name LIMIT ?1",
                    &[max.into()],
                )?,
            };
            rows.iter().map(|row| account(row, roles(view, &Whose::read(row, 0)?)?)).collect()
        })
    }

    /// One account.
    ///
    /// # Errors
    /// When there is none of this name, or the store fails.
    pub fn find(&self, name: &str) -> Result<Account, PeopleError> {
        let credential = self.credential(name)?.ok_or(PeopleError::NotFound)?;
        Ok(credential.account)
    }

    /// Takes away or gives back the right to sign in. Sessions and tokens die at once.
    ///
    /// # Errors
    /// When there is none of this name, or the store fails.
    pub fn disable(&self, name: &str, is_disabled: bool) -> Result<(), PeopleError> {
        let account = self.find(name)?;
        let (whose, now) = (account.whose(), self.house.seams.clock.now());
        let until = now.plus(HOLD);
        self.house.seams.store.write(move |transaction| {
            transaction.execute(
                "UPDATE identity_user SET is_disabled = ?3 WHERE tenant_id = ?1 AND id = ?2",
                &whose.and([is_disabled.into()]),
            )?;
            if is_disabled {
                end_sessions(transaction, &whose, now)?;
                Revocations::write(transaction, Kind::Subject, &whose.subject, until)?;
            }
            Ok::<_, PeopleError>(())
        })?;
        if is_disabled {
            self.house.sessions.end_all(&account.subject);
            self.house.revocations.close(&self.house.seams, Kind::Subject, &account.subject)?;
        }
        self.record(if is_disabled { "user-disabled" } else { "user-enabled" }, &account, "")
    }

    /// Sets a new password. All sessions of the account end.
    ///
    /// # Errors
    /// When there is none of this name, or the password is not acceptable.
    pub fn set_password(&self, name: &str, password: &Secret<String>) -> Result<(), PeopleError> {
        self.write_password(&self.find(name)?, password, |_| Ok(true)).map(|_is_written| ())
    }

    /// The same by its person, in a session: only while that goes on, and the password is the one
    /// that was checked. Whether it was so.
    pub(crate) fn change_password(
        self,
        known: &Credential,
        password: &Secret<String>,
        sid: &str,
    ) -> Result<bool, PeopleError> {
        let values = known.account.whose().and([(&known.phc).into(), sid.into(), INSTANCE.into()]);
        self.write_password(&known.account, password, move |transaction| {
            Ok(transaction.first(SAME, &values)?.is_some())
        })
    }

    /// Sets a new password if `only_if` says so, in the same transaction.
    pub(crate) fn write_password(
        self,
        account: &Account,
        password: &Secret<String>,
        only_if: impl Fn(&Transaction<'_>) -> Result<bool, StoreError> + Send + 'static,
    ) -> Result<bool, PeopleError> {
        let whose = account.whose();
        let has_factor = factors::of(self.house, &whose)?.is_asked();
        let chars_min = if has_factor { 0 } else { self.house.settings.password_min };
        let address = self.house.seams.store.read(|view| email::of(view, &whose))?;
        let address = address.as_ref().map(|email| email.address.as_str());
        password::check(password, self.against(&account.name, address, chars_min))?;
        let phc = hash_password(password, self.house.seams.entropy.as_ref())?;
        let now = self.house.seams.clock.now();
        let until = now.plus(HOLD);
        let values = whose.and([(&phc).into(), now.into()]);
        let is_written = self.house.seams.store.write(move |transaction| {
            if !only_if(transaction)? || transaction.execute(SET_PASSWORD, &values)? == 0 {
                return Ok(false);
            }
            end_sessions(transaction, &whose, now)?;
            Revocations::write(transaction, Kind::Subject, &whose.subject, until)?;
            Ok::<_, PeopleError>(true)
        })?;
        if is_written {
            self.house.sessions.end_all(&account.subject);
            self.house.revocations.close(&self.house.seams, Kind::Subject, &account.subject)?;
            self.record("password-changed", account, "")?;
            email::tell_changed(self.house, account)?;
        }
        Ok(is_written)
    }

    /// Ends all sessions and tokens of an account.
    pub(crate) fn end_sessions(self, whose: &Whose) -> Result<(), PeopleError> {
        let now = self.house.seams.clock.now();
        let until = now.plus(HOLD);
        let row = whose.clone();
        self.house.seams.store.write(move |transaction| {
            end_sessions(transaction, &row, now)?;
            Revocations::write(transaction, Kind::Subject, &row.subject, until)
        })?;
        self.house.sessions.end_all(&whose.subject);
        self.house.revocations.close(&self.house.seams, Kind::Subject, &whose.subject)?;
        Ok(())
    }

    /// Gives a role. Open sessions have it at once.
    ///
    /// # Errors
    /// When there is no such account, or the store fails.
    pub fn grant(&self, name: &str, role: &str) -> Result<(), PeopleError> {
        let sql = "INSERT INTO identity_role (tenant_id, user_id, role) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO NOTHING";
        self.change_role(name, role, sql, "role-granted")
    }

    /// Takes a role away. Open sessions lose it at once, and its tokens end.
    ///
    /// # Errors
    /// When there is no such account, or the store fails.
    pub fn revoke(&self, name: &str, role: &str) -> Result<(), PeopleError> {
        let sql = "DELETE FROM identity_role WHERE tenant_id = ?1 AND user_id = ?2 AND role = ?3";
        self.change_role(name, role, sql, "role-revoked")?;
        let subject = self.find(name)?.subject;
        Ok(self.house.revocations.close(&self.house.seams, Kind::Subject, &subject)?)
    }

    /// An account with its password hash; `None` when there is none of this name.
    pub(crate) fn credential(self, name: &str) -> Result<Option<Credential>, PeopleError> {
        let Some(name) = login_name(name) else { return Ok(None) };
        self.house.seams.store.read(|view| {
            let row = view.first(
                "SELECT u.tenant_id, u.id, u.name, u.is_disabled OR o.is_disabled, u.created, p.phc
                 FROM identity_user u JOIN identity_password p
                 ON p.tenant_id = u.tenant_id AND p.user_id = u.id
                 JOIN identity_organisation o ON o.tenant_id = u.tenant_id
                 WHERE u.tenant_id = ?1 AND u.name = ?2",
                &[(&name.organisation).into(), (&name.text).into()],
            )?;
            let Some(row) = row else { return Ok(None) };
            let roles = roles(view, &Whose::read(&row, 0)?)?;
            Ok(Some(Credential { account: account(&row, roles)?, phc: row.get(5)? }))
        })
    }

    fn change_role(
        self,
        name: &str,
        role: &str,
        sql: &'static str,
        action: &'static str,
    ) -> Result<(), PeopleError> {
        let before = self.find(name)?;
        let values = before.whose().and([role.into()]);
        self.house.seams.store.write(move |transaction| {
            transaction.execute(sql, &values)?;
            Ok::<_, PeopleError>(())
        })?;
        let account = self.find(name)?;
        self.house.sessions.set_roles(&account.subject, &account.roles);
        self.record(action, &account, role)
    }

    fn against(
        self,
        name: &'a str,
        address: Option<&'a str>,
        chars_min: usize,
    ) -> password::Against<'a> {
        let name = name.rsplit('/').next().unwrap_or_default();
        password::Against { name, address, chars_min, list: &self.house.settings.blocklist }
    }

    fn record(
        self,
        action: &'static str,
        account: &Account,
        operation: &str,
    ) -> Result<(), PeopleError> {
        let record = Record::of(action).sync().person(&account.subject, &account.name);
        Ok(self.house.put(record.operation(operation))?)
    }
}

/// A login name in its one spelling: `ada`, or `acme/ada` of another organisation than `default`. A
/// slash is in no name: nobody can take one that reads as another organisation's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LoginName {
    pub(crate) organisation: Tenant,
    text: String,
}

impl LoginName {
    pub(crate) fn into_string(self) -> String {
        self.text
    }
}

/// A login name in its one spelling. ASCII only: two names that look alike are one too many.
pub(crate) fn login_name(text: &str) -> Option<LoginName> {
    let text = text.trim().to_ascii_lowercase();
    let (organisation, name) = match text.split_once('/') {
        Some((slug, name)) => (Tenant::parse(slug).filter(|named| !named.is_default())?, name),
        None => (Tenant::default(), text.as_str()),
    };
    let is_name = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._@+-".contains(&b));
    is_name.then_some(LoginName { organisation, text })
}

fn insert(transaction: &Transaction<'_>, account: &Account, phc: &str) -> Result<(), PeopleError> {
    let (whose, now): (Whose, Value) = (account.whose(), account.created.into());
    let inserted = transaction.execute(
        "INSERT INTO identity_user (tenant_id, id, name, is_disabled, created)
         SELECT ?1, ?2, ?3, 0, ?4
         WHERE EXISTS (SELECT 1 FROM identity_organisation WHERE tenant_id = ?1)",
        &whose.and([(&account.name).into(), now.clone()]),
    );
    match inserted {
        Err(error) if error.is_unique() => return Err(PeopleError::Exists),
        Ok(0) => return Err(PeopleError::Organisation),
        other => other?,
    };
    transaction.execute(
        "INSERT INTO identity_password (tenant_id, user_id, phc, changed) VALUES (?1, ?2, ?3, ?4)",
        &whose.and([phc.into(), now]),
    )?;
    for role in &account.roles {
        transaction.execute(
            "INSERT INTO identity_role (tenant_id, user_id, role) VALUES (?1, ?2, ?3)",
            &whose.and([role.into()]),
        )?;
    }
    Ok(())
}

/// Ends the sessions of a person, and what clients could have refreshed.
fn end_sessions(
    transaction: &Transaction<'_>,
    whose: &Whose,
    now: Timestamp,
) -> Result<(), StoreError> {
    refresh::end_all(transaction, refresh::Of::Person(whose), now)?;
    session_clients::end(transaction, Ending::Person(whose), now)?;
    transaction.execute(
        "DELETE FROM identity_session WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3",
        &whose.in_instance([]),
    )?;
    Ok(())
}

fn account(row: &Row, roles: Vec<String>) -> Result<Account, PeopleError> {
    Ok(Account {
        organisation: row.get(0)?,
        subject: row.get(1)?,
        name: row.get(2)?,
        is_disabled: row.get(3)?,
        created: row.get(4)?,
        roles,
    })
}

/// The roles that a person was given.
pub(crate) fn roles(view: &View<'_>, whose: &Whose) -> Result<Vec<String>, StoreError> {
    let rows = view.query(
        "SELECT role FROM identity_role WHERE tenant_id = ?1 AND user_id = ?2 ORDER BY role",
        &whose.and([]),
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}

fn sorted(roles: &[String]) -> Vec<String> {
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles.dedup();
    roles
}

const SET_PASSWORD: &str = "UPDATE identity_password SET phc = ?3, changed = ?4
    WHERE tenant_id = ?1 AND user_id = ?2";
const SAME: &str = "SELECT 1 FROM identity_password p JOIN identity_session s
    ON s.tenant_id = ?5 AND s.user_tenant = p.tenant_id AND s.user_id = p.user_id
    WHERE p.tenant_id = ?1 AND p.user_id = ?2 AND p.phc = ?3 AND s.sid = ?4";
