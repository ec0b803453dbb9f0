//! Links in letters: 256 bits, kept as a hash, for one use, for a while.
//!
//! One table for each kind: a token of one kind is nothing in the store of another (attacks U2, T2;
//! CVE-2026-4282 was a shared, untyped store). Each is bound to a person, to the password that they
//! had and to an address: when one of them changes, the link leads nowhere.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::{Secret, Timestamp};
use ringwall_jose::base64url_encode;
use ringwall_store::{Store, StoreError, Transaction, View};

use crate::seams::Seams;
use crate::tables::{INSTANCE, Whose};

/// What a link is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Sets the first password of an account.
    Invite,
    /// Sets a new password.
    ResetPassword,
    /// Shows that an address is the account's.
    VerifyEmail,
}

/// What a link is bound to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Bound {
    pub(crate) whose: Whose,
    /// Of the password's hash.
    pub(crate) credential: Vec<u8>,
    /// Empty for an invitation that was handed over otherwise.
    pub(crate) address: String,
}

/// A token that was just made: its only showing, and what is kept of it.
#[derive(Clone, Debug)]
pub(crate) struct Fresh {
    pub(crate) token: Secret<String>,
    kind: Kind,
    hash: Vec<u8>,
    expires: Timestamp,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Invite, Self::ResetPassword, Self::VerifyEmail];

    const fn table(self) -> &'static str {
        match self {
            Self::Invite => "action_token_invite",
            Self::ResetPassword => "action_token_reset_password",
            Self::VerifyEmail => "action_token_verify_email",
        }
    }

    /// How long a link leads somewhere.
    pub(crate) const fn life(self) -> Duration {
        match self {
            Self::Invite => Duration::from_hours(24 * 7),
            Self::ResetPassword => Duration::from_mins(30),
            Self::VerifyEmail => Duration::from_hours(24),
        }
    }

    /// A token of this kind that nobody has yet.
    pub(crate) fn fresh(self, seams: &Seams) -> Result<Fresh, std::io::Error> {
        let token = base64url_encode(seams.random::<32>()?);
        let expires = seams.clock.now().plus(self.life());
        Ok(Fresh { hash: hash_of(&token), token: Secret::new(token), kind: self, expires })
    }

    /// What a live token is bound to, for the page that asks before it is used.
    pub(crate) fn look(
        self,
        store: &Store,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Bound>, StoreError> {
        let sql = format!(
            "SELECT user_tenant, user_id, credential, address FROM {}
             WHERE tenant_id = ?1 AND hash = ?2 AND consumed_at IS NULL AND expires > ?3",
            self.table()
        );
        let values = [INSTANCE.into(), hash_of(token).into(), now.into()];
        store.read(|view| {
            let Some(bound) = view.first(&sql, &values)?.map(|row| bound(&row)).transpose()? else {
                return Ok(None);
            };
            Ok(is_current(view, &bound)?.then_some(bound))
        })
    }

    /// Uses a token up and gives what it is bound to, if that is still so. Of thirty-two at once,
    /// one gets it.
    pub(crate) fn consume(
        self,
        transaction: &Transaction<'_>,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Bound>, StoreError> {
        let sql = format!(
            "UPDATE {} SET consumed_at = ?3
             WHERE tenant_id = ?1 AND hash = ?2 AND consumed_at IS NULL AND expires > ?3
             RETURNING user_tenant, user_id, credential, address",
            self.table()
        );
        let values = [INSTANCE.into(), hash_of(token).into(), now.into()];
        let Some(row) = transaction.query(&sql, &values)?.pop() else { return Ok(None) };
        let bound = bound(&row)?;
        Ok(is_current(transaction, &bound)?.then_some(bound))
    }
}

impl Fresh {
    /// Keeps the token. Others of this kind of the same person lead nowhere from now on.
    pub(crate) fn keep(
        &self,
        transaction: &Transaction<'_>,
        bound: &Bound,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE {} SET consumed_at = ?4 WHERE tenant_id = ?1 AND user_tenant = ?2
             AND user_id = ?3 AND consumed_at IS NULL",
            self.kind.table()
        );
        transaction.execute(&sql, &bound.whose.in_instance([now.into()]))?;
        let sql = format!(
            "INSERT INTO {} (tenant_id, user_tenant, user_id, hash, credential, address, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            self.kind.table()
        );
        let row = bound.whose.in_instance([
            self.hash.clone().into(),
            bound.credential.clone().into(),
            (&bound.address).into(),
            self.expires.into(),
        ]);
        transaction.execute(&sql, &row)?;
        Ok(())
    }
}

/// Whether the person still has the password that the link was made under, and may sign in.
fn is_current(view: &View<'_>, bound: &Bound) -> Result<bool, StoreError> {
    let row = view.first(
        "SELECT p.phc FROM identity_password p JOIN identity_user u
         ON u.tenant_id = p.tenant_id AND u.id = p.user_id
         JOIN identity_organisation o ON o.tenant_id = p.tenant_id
         WHERE p.tenant_id = ?1 AND p.user_id = ?2 AND u.is_disabled = 0 AND o.is_disabled = 0",
        &bound.whose.and([]),
    )?;
    let Some(row) = row else { return Ok(false) };
    Ok(hash_of(&row.get::<String>(0)?) == bound.credential)
}

fn bound(row: &ringwall_store::Row) -> Result<Bound, StoreError> {
    Ok(Bound { whose: Whose::read(row, 0)?, credential: row.get(2)?, address: row.get(3)? })
}

/// Removes what has expired.
pub(crate) fn sweep(transaction: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    for kind in Kind::ALL {
        let sql = format!("DELETE FROM {} WHERE tenant_id = ?1 AND expires <= ?2", kind.table());
        transaction.execute(&sql, &[INSTANCE.into(), now.into()])?;
    }
    Ok(())
}

/// The version of a password that a token is bound to, and what is kept of a token.
pub(crate) fn hash_of(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}
