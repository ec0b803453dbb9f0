//! Pushed authorization requests (RFC 9126): kept for a moment, used up by the code that they give.

use std::time::Duration;

use ringwall_base::Timestamp;
use ringwall_jose::base64url_encode;
use ringwall_store::{Store, StoreError, Transaction};

use crate::codes::hash_of;
use crate::form::Form;
use crate::identity::House;
use crate::room::{Share, Waiting};
use crate::sweep::in_steps;
use crate::tables::INSTANCE;

/// Where a pushed request was put.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) request_uri: String,
    pub(crate) life: Duration,
}

/// A pushed request that a browser came with.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) form: Form,
    pub(crate) hash: [u8; 32],
}

/// Keeps a request; `None` when too many wait (attack Q2).
pub(crate) fn push(
    house: &House,
    (client_id, share): (&str, Share),
    form: &Form,
) -> Result<Option<Pushed>, PushError> {
    let request_uri = format!("{PREFIX}{}", base64url_encode(house.seams.random::<32>()?));
    let (hash, now) = (hash_of(&request_uri), house.seams.clock.now());
    let (client_id, parameters) = (client_id.to_owned(), form.without(SECRETS).to_json());
    let is_kept = house.seams.store.write(move |transaction| {
        if !Waiting::Requests.has_room(transaction, (&client_id, &share), now)? {
            return Ok(false);
        }
        transaction.execute(
            "INSERT INTO identity_par_request (tenant_id, hash, client_id, parameters, expires, network)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[
                INSTANCE.into(),
                hash.as_slice().into(),
                (&client_id).into(),
                (&parameters).into(),
                now.plus(LIFE).into(),
                share.value(),
            ],
        )?;
        Ok::<_, StoreError>(true)
    })?;
    Ok(is_kept.then_some(Pushed { request_uri, life: LIFE }))
}

/// The request behind a `request_uri` of ours, for its own client. It lives on for as long as the
/// person needs to sign in: the page that they come back to asks for it again.
pub(crate) fn open(
    house: &House,
    client_id: &str,
    request_uri: &str,
) -> Result<Option<Found>, StoreError> {
    let (hash, client_id) = (hash_of(request_uri), client_id.to_owned());
    let now = house.seams.clock.now();
    let parameters = house.seams.store.write(move |transaction| {
        let row = transaction.first(
            "SELECT parameters, opened_at FROM identity_par_request
             WHERE tenant_id = ?1 AND hash = ?2 AND client_id = ?3 AND expires > ?4",
            &[INSTANCE.into(), hash.as_slice().into(), (&client_id).into(), now.into()],
        )?;
        let Some(row) = row else { return Ok(None) };
        if row.get::<Option<Timestamp>>(1)?.is_none() {
            transaction.execute(
                "UPDATE identity_par_request SET opened_at = ?3, expires = ?4
                 WHERE tenant_id = ?1 AND hash = ?2",
                &[INSTANCE.into(), hash.as_slice().into(), now.into(), now.plus(OPEN).into()],
            )?;
        }
        Ok::<_, StoreError>(Some(row.get::<String>(0)?))
    })?;
    let form = parameters.and_then(|parameters| Form::from_json(&parameters));
    Ok(form.map(|form| Found { form, hash }))
}

/// Uses a request up, in the transaction that makes its code: the first one wins.
pub(crate) fn consume(
    transaction: &Transaction<'_>,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let used = transaction.execute(
        "DELETE FROM identity_par_request
         WHERE tenant_id = ?1 AND hash = ?2 AND expires > ?3",
        &[INSTANCE.into(), hash.as_slice().into(), now.into()],
    )?;
    Ok(used == 1)
}

/// Removes what has expired.
pub(crate) fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    in_steps(
        store,
        "DELETE FROM identity_par_request WHERE tenant_id = ?1 AND hash IN
         (SELECT hash FROM identity_par_request WHERE tenant_id = ?1 AND expires <= ?2 LIMIT ?3)",
        now,
    )
}

/// Whether a `request_uri` is one of ours by its looks. Others are never fetched (attack A8).
pub(crate) fn is_ours(request_uri: &str) -> bool {
    request_uri.starts_with(PREFIX)
}

/// Why a request was not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    #[error("there is no randomness")]
    Random(#[from] std::io::Error),
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// RFC 9126 section 2.2.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
const LIFE: Duration = Duration::from_secs(90);
/// From the first look at it to the code: as long as a login page may stand open.
const OPEN: Duration = Duration::from_mins(15);
/// How the client proved who it is, is not kept.
const SECRETS: &[&str] = &["client_secret", "client_assertion", "client_assertion_type"];
