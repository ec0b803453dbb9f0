//! Links that end: by their person, by an operator, or with what a robber had made.
//!
//! What an account was made with is remembered when it ends: its person there never becomes somebody
//! new here, so that a disabled account stays their account (CWE-286).

use std::collections::BTreeSet;

use ringwall_base::Timestamp;
use ringwall_store::{StoreError, Transaction};

use crate::email;
use crate::identity::House;
use crate::people::{Account, PeopleError, Users};
use crate::record::Record;
use crate::revocations::{HOLD, Kind, Revocations};
use crate::tables::{INSTANCE, Whose};
use crate::upstream::{Upstream, UpstreamSettings};

/// What became of a link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Unlinked {
    Done(Cut),
    Nothing,
    /// The account would be lost.
    OnlyWayIn,
}

/// Links that are no more.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cut {
    issuers: Vec<String>,
    /// Roles that the issuer had given, and which went with it.
    roles: Vec<String>,
}

impl Users<'_> {
    /// Takes all links of an account away, also the one that it was made with. Its sessions end.
    ///
    /// # Errors
    /// When there is no account of this name, or the store fails.
    pub fn unlink(&self, name: &str) -> Result<usize, PeopleError> {
        let (account, house) = (self.find(name)?, self.house());
        let upstream = house.upstream.load_full();
        let (whose, now) = (account.whose(), house.seams.clock.now());
        let mapped = upstream.map(|upstream| Mapped::of(&upstream.settings));
        let cut = house
            .seams
            .store
            .write(move |transaction| cut(transaction, &whose, (mapped.as_ref(), false), now))?;
        let count = cut.issuers.len();
        if count > 0 {
            self.end_sessions(&account.whose())?;
            settle(house, &account, &cut, |record| record)?;
        }
        Ok(count)
    }

    /// Takes the links away that sessions of an account made, for whoever gets it back: who was in it
    /// may have made one. One that it was made with stays. How many there were.
    ///
    /// # Errors
    /// When there is no account of this name, or the store fails.
    pub fn unlink_made(&self, name: &str) -> Result<usize, PeopleError> {
        let (account, house) = (self.find(name)?, self.house());
        let values = account.whose().in_instance([]);
        let count = house.seams.store.write(move |transaction| {
            transaction.execute(
                "DELETE FROM identity_link
                 WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND is_origin = 0",
                &values,
            )
        })?;
        if count > 0 {
            let cut = Cut { issuers: vec!["all".to_owned()], roles: Vec::new() };
            settle(house, &account, &cut, |record| record)?;
        }
        Ok(count)
    }
}

/// Takes the link of an account to an issuer away, if there is another way in.
pub(crate) fn unlink(
    house: &House,
    upstream: &Upstream,
    whose: &Whose,
) -> Result<Unlinked, StoreError> {
    let (mapped, now) = (Mapped::of(&upstream.settings), house.seams.clock.now());
    let (values, whose) = (whose.in_instance([(&mapped.issuer).into()]), whose.clone());
    house.seams.store.write(move |transaction| {
        if transaction.first(ONLY_WAY_IN, &values)?.is_some() {
            return Ok(Unlinked::OnlyWayIn);
        }
        let cut = cut(transaction, &whose, (Some(&mapped), true), now)?;
        Ok(if cut.issuers.is_empty() { Unlinked::Nothing } else { Unlinked::Done(cut) })
    })
}

/// What an issuer gives: roles that follow what it says of somebody.
#[derive(Clone, Debug)]
struct Mapped {
    issuer: String,
    roles: BTreeSet<String>,
}

impl Mapped {
    fn of(settings: &UpstreamSettings) -> Self {
        let roles = settings.mapped().into_iter().cloned().collect();
        Self { issuer: settings.issuer.clone(), roles }
    }
}

/// Ends the links of an account, or only the one to that issuer, and what they gave.
fn cut(
    transaction: &Transaction<'_>,
    whose: &Whose,
    (mapped, is_alone): (Option<&Mapped>, bool),
    now: Timestamp,
) -> Result<Cut, StoreError> {
    let mut cut = Cut::default();
    let rows = transaction.query(
        "SELECT issuer, subject, is_origin FROM identity_link
         WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3",
        &whose.in_instance([]),
    )?;
    for row in rows {
        let (issuer, subject): (String, String) = (row.get(0)?, row.get(1)?);
        let known = mapped.filter(|mapped| mapped.issuer == issuer);
        if is_alone && known.is_none() {
            continue;
        }
        transaction.execute(
            "DELETE FROM identity_link WHERE tenant_id = ?1 AND issuer = ?2 AND subject = ?3",
            &[INSTANCE.into(), (&issuer).into(), (&subject).into()],
        )?;
        if row.get::<bool>(2)? {
            transaction.execute(
                REMEMBER,
                &whose.in_instance([(&issuer).into(), (&subject).into(), now.into()]),
            )?;
            for role in known.into_iter().flat_map(|known| &known.roles) {
                let gone = transaction.execute(
                    "DELETE FROM identity_role
                     WHERE tenant_id = ?1 AND user_id = ?2 AND role = ?3",
                    &whose.and([role.into()]),
                )?;
                cut.roles.extend((gone > 0).then(|| role.clone()));
            }
        }
        cut.issuers.push(issuer);
    }
    if !cut.roles.is_empty() {
        Revocations::write(transaction, Kind::Subject, &whose.subject, now.plus(HOLD))?;
    }
    // A login that waits for its second factor may have come by one of them.
    transaction.execute(
        "DELETE FROM identity_login_step
         WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3",
        &whose.in_instance([]),
    )?;
    Ok(cut)
}

/// After the commit: open sessions, tokens, the log, and a letter.
pub(crate) fn settle(
    house: &House,
    account: &Account,
    cut: &Cut,
    also: impl Fn(Record) -> Record,
) -> Result<(), PeopleError> {
    if !cut.roles.is_empty() {
        let now = Users::new(house).find(&account.name)?;
        house.sessions.set_roles(&now.subject, &now.roles);
        house.revocations.close(&house.seams, Kind::Subject, &now.subject)?;
    }
    let of = |action| also(Record::of(action).sync().person(&account.subject, &account.name));
    for issuer in &cut.issuers {
        house.put(of("identity-unlinked").operation(issuer))?;
    }
    for role in &cut.roles {
        house.put(of("role-revoked").operation(role))?;
    }
    email::tell_linked(house, account, false)
}

const REMEMBER: &str = "INSERT INTO identity_link_ended
    (tenant_id, user_tenant, user_id, issuer, subject, ended)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (tenant_id, issuer, subject) DO NOTHING";

/// The account was made without a password that anybody knows, has got none since, and no passkey.
const ONLY_WAY_IN: &str = "SELECT 1 FROM identity_link l
    JOIN identity_user u ON u.tenant_id = l.user_tenant AND u.id = l.user_id
    JOIN identity_password p ON p.tenant_id = l.user_tenant AND p.user_id = l.user_id
    WHERE l.tenant_id = ?1 AND l.user_tenant = ?2 AND l.user_id = ?3 AND l.issuer = ?4
    AND l.is_origin = 1 AND p.changed = u.created
    AND NOT EXISTS (SELECT 1 FROM identity_passkey k
        WHERE k.tenant_id = l.tenant_id AND k.user_tenant = l.user_tenant
        AND k.user_id = l.user_id)";
