//! How a grant ends before its time: all its refresh tokens, and the access tokens that they gave.

use ringwall_base::{Secret, Timestamp};
use ringwall_store::{Store, StoreError, Transaction};

use crate::identity::House;
use crate::refresh::find;
use crate::revocations::{Ended, Kind, Named, Revocations, Share};
use crate::sweep::in_steps;
use crate::tables::{INSTANCE, Whose};

/// Whose grants end. Their access tokens end by a revocation of the same name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of<'a> {
    /// A disabled client.
    Client(&'a str),
    /// Somebody with another password, or with a disabled account (attack T6).
    Person(&'a Whose),
    /// A logout: what the person let clients do in this session is over (attack L4).
    Session(&'a str),
}

/// Ends all grants of one.
pub(crate) fn end_all(
    transaction: &Transaction<'_>,
    of: Of<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    match of {
        Of::Client(id) => transaction.execute(
            "UPDATE identity_refresh_family SET revoked_at = ?3
             WHERE tenant_id = ?1 AND client_id = ?2 AND revoked_at IS NULL",
            &[INSTANCE.into(), id.into(), now.into()],
        ),
        Of::Person(whose) => transaction.execute(
            "UPDATE identity_refresh_family SET revoked_at = ?4 WHERE tenant_id = ?1
             AND user_tenant = ?2 AND user_id = ?3 AND revoked_at IS NULL",
            &whose.in_instance([now.into()]),
        ),
        Of::Session(sid) => transaction.execute(
            "UPDATE identity_refresh_family SET revoked_at = ?3
             WHERE tenant_id = ?1 AND sid = ?2 AND revoked_at IS NULL",
            &[INSTANCE.into(), sid.into(), now.into()],
        ),
    }?;
    Ok(())
}

/// Ends the grant of a token of this client, used up or not. Whether there was one.
pub(crate) fn end_by_token(
    house: &House,
    client_id: &str,
    token: &str,
) -> Result<bool, StoreError> {
    let token = Secret::new(token.to_owned());
    let (client_id, now) = (client_id.to_owned(), house.seams.clock.now());
    let share = house.revocations.share();
    let ended = house.seams.store.write(move |transaction| {
        let Some(row) = find(transaction, token.expose())? else { return Ok(None) };
        let is_over = row.get::<Option<Timestamp>>(7)?.is_some();
        if is_over || row.get::<String>(4)? != client_id {
            return Ok(None);
        }
        let (family, subject) = (row.get::<String>(0)?, row.get::<String>(10)?);
        revoke(transaction, (&subject, share), &family, now).map(Some)
    })?;
    let was_there = ended.is_some();
    ended.map_or(Ok(()), |ended| house.keep(ended))?;
    Ok(was_there)
}

/// Ends one grant of a person. After the commit the caller keeps it in memory, too.
pub(super) fn revoke(
    transaction: &Transaction<'_>,
    of: (&str, Share),
    family: &str,
    now: Timestamp,
) -> Result<Ended, StoreError> {
    let single = vec![end(transaction, family, now)?];
    Revocations::write_of(transaction, of, single, now)
}

/// Ends the refresh tokens of one grant, and says what else of it is to end.
pub(crate) fn end(
    transaction: &Transaction<'_>,
    family: &str,
    now: Timestamp,
) -> Result<Named, StoreError> {
    transaction.execute(
        "UPDATE identity_refresh_family SET revoked_at = ?3
         WHERE tenant_id = ?1 AND id = ?2 AND revoked_at IS NULL",
        &[INSTANCE.into(), family.into(), now.into()],
    )?;
    Ok((Kind::Grant, family.to_owned()))
}

/// Removes what nobody can use any more.
pub(crate) fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_refresh_family WHERE tenant_id = ?1 AND id IN
         (SELECT id FROM identity_refresh_family WHERE tenant_id = ?1 AND idle <= ?2 LIMIT ?3)",
        now,
    )
}
