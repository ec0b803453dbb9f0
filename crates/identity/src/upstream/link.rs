//! Who somebody at another issuer is here, and which answers were used.
//!
//! A person there is the issuer and the `sub`, and nothing else: an address or a name that is the same
//! proves nothing (attack U3, CVE-2026-15571).

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::Timestamp;
use ringwall_store::{Store, StoreError, Transaction, Value, View};

use crate::identity::House;
use crate::sweep::in_steps;
use crate::tables::{INSTANCE, Whose};
use crate::upstream::Journey;

/// An account's link to a person of an issuer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Link {
    /// The account.
    pub(crate) whose: Whose,
    /// Whether the account was made for that person, and may have no other way in.
    pub(crate) is_origin: bool,
    /// Whether it was taken away since: nobody comes in by it.
    pub(crate) has_ended: bool,
}

/// The account of a person of an issuer.
pub(crate) fn linked(
    house: &House,
    issuer: &str,
    subject: &str,
) -> Result<Option<Link>, StoreError> {
    house.seams.store.read(|view| {
        let row = view.first(
            "SELECT user_tenant, user_id, is_origin, 0 FROM identity_link
             WHERE tenant_id = ?1 AND issuer = ?2 AND subject = ?3
             UNION ALL SELECT user_tenant, user_id, 1, 1 FROM identity_link_ended
             WHERE tenant_id = ?1 AND issuer = ?2 AND subject = ?3",
            &[INSTANCE.into(), issuer.into(), subject.into()],
        )?;
        let link = row.map(|row| {
            let whose = Whose::read(&row, 0)?;
            Ok(Link { whose, is_origin: row.get(2)?, has_ended: row.get(3)? })
        });
        link.transpose()
    })
}

/// Since when an account has a link to an issuer.
pub(crate) fn linked_since(
    view: &View<'_>,
    issuer: &str,
    whose: &Whose,
) -> Result<Option<Timestamp>, StoreError> {
    let row = view.first(
        "SELECT created FROM identity_link
         WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND issuer = ?4",
        &whose.in_instance([issuer.into()]),
    )?;
    row.map(|row| row.get(0)).transpose()
}

/// Whose person it was, when the account that was made with them has no link to them any more. The
/// link begins again, and nothing needs to be remembered.
pub(super) fn take_up(
    transaction: &Transaction<'_>,
    (issuer, subject): (&str, &str),
    whose: &Whose,
) -> Result<Before, StoreError> {
    let key = [INSTANCE.into(), issuer.into(), subject.into()];
    let row = transaction.first(
        "SELECT user_tenant, user_id FROM identity_link_ended
         WHERE tenant_id = ?1 AND issuer = ?2 AND subject = ?3",
        &key,
    )?;
    let Some(row) = row else { return Ok(Before::Nobodys) };
    if Whose::read(&row, 0)? != *whose {
        return Ok(Before::Others);
    }
    transaction.execute(
        "DELETE FROM identity_link_ended WHERE tenant_id = ?1 AND issuer = ?2 AND subject = ?3",
        &key,
    )?;
    Ok(Before::Own)
}

/// Which account a person of an issuer was brought to before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Before {
    Nobodys,
    Others,
    Own,
}

/// Links an account to a person of an issuer. Fails as not unique when either has a link already.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    (issuer, subject): (&str, &str),
    link: &Link,
    now: Timestamp,
) -> Result<(), StoreError> {
    let more = [issuer.into(), subject.into(), link.is_origin.into(), now.into()];
    transaction.execute(
        "INSERT INTO identity_link
         (tenant_id, user_tenant, user_id, issuer, subject, is_origin, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &link.whose.in_instance(more),
    )?;
    Ok(())
}

/// Uses the `state` of a journey up. Of thirty-two at once, one gets `true`.
pub(crate) fn take_state(house: &House, journey: &Journey) -> Result<bool, StoreError> {
    let hash = digest(&SHA256, journey.state.as_bytes()).as_ref().to_vec();
    let row: [Value; 3] = [INSTANCE.into(), hash.into(), journey.expires().into()];
    let taken = house.seams.store.write(move |transaction| {
        transaction.execute(
            "INSERT INTO identity_upstream_state (tenant_id, hash, expires) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
            &row,
        )
    })?;
    Ok(taken == 1)
}

/// Forgets answers that are refused by their age.
pub(crate) fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_upstream_state WHERE tenant_id = ?1 AND hash IN
         (SELECT hash FROM identity_upstream_state
          WHERE tenant_id = ?1 AND expires <= ?2 LIMIT ?3)",
        now,
    )
}
