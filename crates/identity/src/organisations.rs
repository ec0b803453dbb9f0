//! Organisations (tenants): people of one are nobody's in another.
//!
//! INVARIANT (an end that goes on): who disables an organisation makes that true in one transaction,
//! and ends what its people hold in steps after it. A crash between leaves rows that open nothing while
//! it is disabled; before it is enabled again, they are ended.

use ringwall_base::{SinkError, Tenant, Timestamp};
use ringwall_store::{Row, StoreError, Transaction, Value};

use crate::identity::{House, Identity};
use crate::record::Record;
use crate::revocations::{HOLD, Kind, Revocations};
use crate::tables::INSTANCE;

/// An organisation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Organisation {
    /// Its slug, which never changes: it is in names and tokens.
    pub tenant: Tenant,
    /// What people call it.
    pub name: String,
    /// Whether nobody of it may sign in.
    pub is_disabled: bool,
    /// When it was made; the one that is always there has no such time.
    pub created: Option<Timestamp>,
    /// How many accounts it has.
    pub people: u32,
}

/// Why an organisation was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum OrganisationError {
    /// The change is not in the audit log.
    #[error("the change could not be recorded")]
    Audit(#[from] SinkError),
    /// It is the one that everybody is in who is in no other.
    #[error("the organisation `default` is always there")]
    Default,
    /// The slug is taken.
    #[error("there is an organisation of this name already")]
    Exists,
    /// Somebody is in it, or a client is of it.
    #[error("the organisation has people or clients; it can be disabled")]
    Inhabited,
    /// A name has 1 to 80 printable characters.
    #[error("the name of an organisation has 1 to 80 printable characters")]
    Name,
    /// There is none.
    #[error("there is no organisation of this name")]
    NotFound,
    /// It is no slug.
    #[error("an organisation has 1 to 40 of a-z, 0-9 and `-`, and begins with a letter")]
    Slug,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// The organisations. All calls block.
#[derive(Clone, Copy, Debug)]
pub struct Organisations<'a> {
    house: &'a House,
}

impl Identity {
    /// The organisations.
    pub fn organisations(&self) -> Organisations<'_> {
        Organisations::new(self.house())
    }
}

impl<'a> Organisations<'a> {
    pub(crate) const fn new(house: &'a House) -> Self {
        Self { house }
    }

    /// Those after a slug, at most `max`, by slug.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&self, after: &str, max: u32) -> Result<Vec<Organisation>, OrganisationError> {
        let rows = self.house.seams.store.read(|view| {
            view.query(
                "SELECT o.tenant_id, o.name, o.is_disabled, o.created,
                 (SELECT COUNT(*) FROM identity_user u WHERE u.tenant_id = o.tenant_id)
                 FROM identity_organisation o WHERE o.tenant_id > ?1
                 ORDER BY o.tenant_id LIMIT ?2",
                &[after.into(), max.into()],
            )
        })?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// One, by its slug.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub fn find(&self, slug: &str) -> Result<Organisation, OrganisationError> {
        let tenant = Tenant::parse(slug).ok_or(OrganisationError::NotFound)?;
        let row = self.house.seams.store.read(|view| {
            view.first(
                "SELECT o.tenant_id, o.name, o.is_disabled, o.created,
                 (SELECT COUNT(*) FROM identity_user u WHERE u.tenant_id = o.tenant_id)
                 FROM identity_organisation o WHERE o.tenant_id = ?1",
                &[(&tenant).into()],
            )
        })?;
        Ok(read(&row.ok_or(OrganisationError::NotFound)?)?)
    }

    /// Makes one. Without a name it is called as its slug.
    ///
    /// # Errors
    /// When the slug is taken or malformed, or the name is none.
    pub fn add(&self, slug: &str, name: Option<&str>) -> Result<Organisation, OrganisationError> {
        let tenant = Tenant::parse(slug).ok_or(OrganisationError::Slug)?;
        let name = called(name.unwrap_or(slug))?;
        let now = self.house.seams.clock.now();
        let row: [Value; 3] = [(&tenant).into(), (&name).into(), now.into()];
        let added = self.house.seams.store.write(move |transaction| {
            transaction.execute(
                "INSERT INTO identity_organisation (tenant_id, name, is_disabled, created)
                 VALUES (?1, ?2, 0, ?3) ON CONFLICT DO NOTHING",
                &row,
            )
        })?;
        if added == 0 {
            return Err(OrganisationError::Exists);
        }
        // A client of the manifest may have waited for it.
        self.house.clients.load(&self.house.seams.store)?;
        self.record("organisation-added", &tenant)?;
        Ok(Organisation { tenant, name, is_disabled: false, created: Some(now), people: 0 })
    }

    /// Calls it something else. Its slug stays.
    ///
    /// # Errors
    /// When there is none, or the name is none.
    pub fn rename(&self, slug: &str, name: &str) -> Result<(), OrganisationError> {
        let (tenant, name) = (self.known(slug)?.0, called(name)?);
        let row: [Value; 2] = [(&tenant).into(), name.into()];
        self.house.seams.store.write(move |transaction| {
            transaction
                .execute("UPDATE identity_organisation SET name = ?2 WHERE tenant_id = ?1", &row)
        })?;
        self.record("organisation-changed", &tenant)
    }

    /// Takes away or gives back that its people sign in. Sessions and tokens die at once. To enable
    /// one that is not disabled is nothing; to disable it again ends what is left.
    ///
    /// # Errors
    /// When there is none, it is `default`, or the store fails.
    pub fn disable(&self, slug: &str, is_disabled: bool) -> Result<(), OrganisationError> {
        let (tenant, was_disabled) = self.changeable(slug)?;
        if !is_disabled && !was_disabled {
            return Ok(());
        }
        if !is_disabled {
            self.end_rows(&tenant)?;
        }
        let (row, until) = (tenant.clone(), self.house.seams.clock.now().plus(HOLD));
        self.house.seams.store.write(move |transaction| {
            transaction.execute(
                "UPDATE identity_organisation SET is_disabled = ?2 WHERE tenant_id = ?1",
                &[(&row).into(), is_disabled.into()],
            )?;
            if is_disabled {
                Revocations::write(transaction, Kind::Organisation, row.as_str(), until)?;
            }
            Ok::<_, StoreError>(())
        })?;
        self.house.clients.load(&self.house.seams.store)?;
        if is_disabled {
            let House { revocations, seams, sessions, .. } = self.house;
            sessions.end_organisation(&tenant);
            revocations.close(seams, Kind::Organisation, tenant.as_str())?;
            self.end_rows(&tenant)?;
        }
        let action = if is_disabled { "organisation-disabled" } else { "organisation-enabled" };
        self.record(action, &tenant)
    }

    /// Removes one that nobody is in.
    ///
    /// # Errors
    /// When there is none, it is `default`, or somebody is in it.
    pub fn delete(&self, slug: &str) -> Result<(), OrganisationError> {
        let (tenant, _) = self.changeable(slug)?;
        if self.house.clients.has_of(&tenant) {
            return Err(OrganisationError::Inhabited);
        }
        let row = tenant.clone();
        let removed = self.house.seams.store.write(move |transaction| {
            transaction.execute(
                "DELETE FROM identity_organisation WHERE tenant_id = ?1
                 AND NOT EXISTS (SELECT 1 FROM identity_user WHERE tenant_id = ?1)",
                &[(&row).into()],
            )
        })?;
        if removed == 0 {
            return Err(OrganisationError::Inhabited);
        }
        self.record("organisation-removed", &tenant)
    }

    /// The slug of one that is there, and whether it is disabled. Its people are not counted.
    pub(crate) fn known(self, slug: &str) -> Result<(Tenant, bool), OrganisationError> {
        let tenant = Tenant::parse(slug).ok_or(OrganisationError::NotFound)?;
        let row = self.house.seams.store.read(|view| {
            view.first(
                "SELECT is_disabled FROM identity_organisation WHERE tenant_id = ?1",
                &[(&tenant).into()],
            )
        })?;
        let is_disabled = row.ok_or(OrganisationError::NotFound)?.get(0)?;
        Ok((tenant, is_disabled))
    }

    fn changeable(self, slug: &str) -> Result<(Tenant, bool), OrganisationError> {
        let known = self.known(slug)?;
        if known.0.is_default() { Err(OrganisationError::Default) } else { Ok(known) }
    }

    /// Ends what its people hold, in steps between which others write. Applications are told.
    fn end_rows(self, tenant: &Tenant) -> Result<(), StoreError> {
        let row: [Value; 2] = [INSTANCE.into(), tenant.into()];
        let told = [&row[..], &[self.house.seams.clock.now().into()]].concat();
        let keys = row.clone();
        self.in_steps(move |transaction| {
            transaction.execute(TELL, &told)?;
            transaction.execute(FORGET, &keys)
        })?;
        let keys = row.clone();
        self.in_steps(move |transaction| transaction.execute(SESSIONS, &keys))?;
        // A session that rose meanwhile came to memory after those there were ended; its row is gone.
        self.house.sessions.end_organisation(tenant);
        for sql in HELD {
            let keys = row.clone();
            self.in_steps(move |transaction| transaction.execute(sql, &keys))?;
        }
        Ok(())
    }

    fn in_steps(
        self,
        step: impl Fn(&Transaction<'_>) -> Result<usize, StoreError> + Clone + Send + 'static,
    ) -> Result<(), StoreError> {
        while self.house.seams.store.write(step.clone())? > 0 {}
        Ok(())
    }

    fn record(self, action: &'static str, tenant: &Tenant) -> Result<(), OrganisationError> {
        let record = Record::of(action).sync().operation(tenant.as_str());
        Ok(self.house.put(record.organisation(tenant))?)
    }
}

fn read(row: &Row) -> Result<Organisation, StoreError> {
    let tenant: Tenant = row.get(0)?;
    let created = if tenant.is_default() { None } else { Some(row.get(3)?) };
    let (name, is_disabled) = (row.get(1)?, row.get(2)?);
    Ok(Organisation { tenant, name, is_disabled, created, people: row.get(4)? })
}

/// A name as it is kept.
pub(crate) fn called(name: &str) -> Result<String, OrganisationError> {
    let is_short = name.chars().count() <= NAME_CHARS_MAX;
    let name = name.trim();
    let is_name = is_short && !name.is_empty() && !name.chars().any(char::is_control);
    if is_name { Ok(name.to_owned()) } else { Err(OrganisationError::Name) }
}

const NAME_CHARS_MAX: usize = 80;

/// A thousand at once: about ten milliseconds of the one writer. The condition on `default` is that of the indexes: SQLite uses them for nothing else.
const TELL: &str = "INSERT INTO identity_logout_message
    (tenant_id, user_tenant, user_id, sid, client_id, created, due, tries)
    SELECT tenant_id, user_tenant, user_id, sid, client_id, ?3, ?3, 0 FROM identity_session_client
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_tenant <> 'default'
    ORDER BY sid, client_id LIMIT 1000 ON CONFLICT DO NOTHING";
const FORGET: &str = "DELETE FROM identity_session_client WHERE tenant_id = ?1
    AND (sid, client_id) IN (SELECT sid, client_id FROM identity_session_client
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_tenant <> 'default'
    ORDER BY sid, client_id LIMIT 1000)";
const SESSIONS: &str = "DELETE FROM identity_session WHERE tenant_id = ?1 AND hash IN
    (SELECT hash FROM identity_session
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_tenant <> 'default' LIMIT 1000)";
/// What opens a session later, or gives tokens: refresh tokens, device codes, half a login, links.
const HELD: [&str; 6] = [
    "DELETE FROM identity_refresh_family WHERE tenant_id = ?1 AND id IN
    (SELECT id FROM identity_refresh_family
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_tenant <> 'default' LIMIT 1000)",
    "DELETE FROM identity_device_code WHERE tenant_id = ?1 AND hash IN
    (SELECT hash FROM identity_device_code
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_tenant <> 'default' LIMIT 1000)",
    "DELETE FROM identity_login_step WHERE tenant_id = ?1 AND hash IN
    (SELECT hash FROM identity_login_step
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_tenant <> 'default' LIMIT 1000)",
    "DELETE FROM action_token_invite WHERE tenant_id = ?1 AND hash IN
    (SELECT hash FROM action_token_invite
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_tenant <> 'default' LIMIT 1000)",
    "DELETE FROM action_token_reset_password WHERE tenant_id = ?1 AND hash IN
    (SELECT hash FROM action_token_reset_password
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_tenant <> 'default' LIMIT 1000)",
    "DELETE FROM action_token_verify_email WHERE tenant_id = ?1 AND hash IN
    (SELECT hash FROM action_token_verify_email
    WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_tenant <> 'default' LIMIT 1000)",
];
