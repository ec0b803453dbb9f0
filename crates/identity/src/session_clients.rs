//! Which applications got tokens in a session, of those that want to hear of its end. The end of the
//! session makes a message for each, in the same transaction: a crash loses none.

use std::time::Duration;

use ringwall_base::Timestamp;
use ringwall_store::{Store, StoreError, Transaction};

use crate::codes::Grantee;
use crate::sweep::in_steps;
use crate::tables::{INSTANCE, Whose};

/// Whose sessions end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending<'a> {
    Person(&'a Whose),
    Session(&'a str),
}

/// Keeps that this client got tokens in the session, in the transaction that gives them.
pub(crate) fn note(
    transaction: &Transaction<'_>,
    client_id: &str,
    grantee: &Grantee,
    now: Timestamp,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO identity_session_client
         (tenant_id, user_tenant, user_id, sid, client_id, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (tenant_id, sid, client_id) DO UPDATE SET expires = ?6",
        &grantee.whose.in_instance([
            (&grantee.sid).into(),
            client_id.into(),
            now.plus(KEPT).into(),
        ]),
    )?;
    Ok(())
}

/// Makes the messages, in the transaction that ends the session or all of a person.
pub(crate) fn end(
    transaction: &Transaction<'_>,
    ending: Ending<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (message, forget, values) = match ending {
        Ending::Person(whose) => (
            "INSERT INTO identity_logout_message
             (tenant_id, user_tenant, user_id, sid, client_id, created, due, tries)
             SELECT tenant_id, user_tenant, user_id, sid, client_id, ?4, ?4, 0
             FROM identity_session_client WHERE tenant_id = ?1 AND user_tenant = ?2
             AND user_id = ?3 ON CONFLICT DO NOTHING",
            "DELETE FROM identity_session_client
             WHERE tenant_id = ?1 AND user_tenant = ?2 AND user_id = ?3",
            whose.in_instance([]),
        ),
        Ending::Session(sid) => (
            "INSERT INTO identity_logout_message
             (tenant_id, user_tenant, user_id, sid, client_id, created, due, tries)
             SELECT tenant_id, user_tenant, user_id, sid, client_id, ?3, ?3, 0
             FROM identity_session_client WHERE tenant_id = ?1 AND sid = ?2 ON CONFLICT DO NOTHING",
            "DELETE FROM identity_session_client WHERE tenant_id = ?1 AND sid = ?2",
            vec![INSTANCE.into(), sid.into()],
        ),
    };
    transaction.execute(message, &[&values[..], &[now.into()]].concat())?;
    transaction.execute(forget, &values)?;
    Ok(())
}

/// Forgets sessions that ended by themselves, and whose tokens ended with them.
pub(crate) fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_session_client WHERE tenant_id = ?1 AND (sid, client_id) IN
         (SELECT sid, client_id FROM identity_session_client
         WHERE tenant_id = ?1 AND expires <= ?2 LIMIT ?3)",
        now,
    )
}

/// A day longer than refresh tokens live that began in the session.
const KEPT: Duration = Duration::from_hours(24 * 31);
