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
}

/// The account of a person of an issuer.
pub(crate) fn linked(
    house: &House,
    issuer: &str,
    subject: &str,
) -> Result<Option<Link>, StoreError> {
    house.seams.store.read(|view| {
        let row = view.first(
            "SELECT user_tenant, user_id, is_origin FROM identity_link
             WHERE tenant_id = ?1 AND issuer = ?2 AND subject = ?3",
            &[INSTANCE.into(), issuer.into(), subject.into()],
        )?;
        row.map(|row| Ok(Link { whose: Whose::read(&row, 0)?, is_origin: row.get(2)? })).transpose()
    })
}

/// Whether an account has a link to an issuer.
pub(crate) fn is_linked(view: &View<'_>, issuer: &str, whose: &Whose) -> Result<bool, StoreError> {
    let row = view.first(
        "SELECT 1 FROM identity_link
         WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND issuer = ?4",
        &whose.in_instance([issuer.into()]),
    )?;
    Ok(row.is_some())
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

/// Takes the link of an account away, if there is another way in. Whether there was one to take.
pub(crate) fn unlink(house: &House, issuer: &str, whose: &Whose) -> Result<Unlinked, StoreError> {
    let (values, whose) = (whose.in_instance([issuer.into()]), whose.clone());
    house.seams.store.write(move |transaction| {
        if transaction.first(ONLY_WAY_IN, &values)?.is_some() {
            return Ok(Unlinked::OnlyWayIn);
        }
        let gone = transaction.execute(
            "DELETE FROM identity_link
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND issuer = ?4",
            &values,
        )?;
        // A login that waits for its second factor may have come by it.
        transaction.execute(
            "DELETE FROM identity_login_step
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3",
            &whose.in_instance([]),
        )?;
        Ok(if gone == 0 { Unlinked::Nothing } else { Unlinked::Done })
    })
}

/// Takes the links away that sessions of an account made, for whoever gets it back: who was in it may
/// have made one. One that it was made with stays.
pub(crate) fn remove_made(house: &House, whose: &Whose) -> Result<usize, StoreError> {
    let values = whose.in_instance([]);
    house.seams.store.write(move |transaction| {
        transaction.execute(
            "DELETE FROM identity_link
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3 AND is_origin = 0",
            &values,
        )
    })
}

/// What became of a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unlinked {
    Done,
    Nothing,
    /// The account would be lost.
    OnlyWayIn,
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

/// The account was made without a password that anybody knows, has got none since, and no passkey.
const ONLY_WAY_IN: &str = "SELECT 1 FROM identity_link l
    JOIN identity_user u ON u.tenant_id = l.user_tenant AND u.id = l.user_id
    JOIN identity_password p ON p.tenant_id = l.user_tenant AND p.user_id = l.user_id
    WHERE l.tenant_id = ?1 AND l.user_tenant = ?2 AND l.user_id = ?3 AND l.issuer = ?4
    AND l.is_origin = 1 AND p.changed = u.created
    AND NOT EXISTS (SELECT 1 FROM identity_passkey k
        WHERE k.tenant_id = l.tenant_id AND k.user_tenant = l.user_tenant
        AND k.user_id = l.user_id)";
