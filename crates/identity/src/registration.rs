//! Clients that register themselves (RFC 7591, RFC 7592), if the manifest lets them and somebody gave them
//! an initial access token.
//!
//! INVARIANT (no more than it is): whatever such a client asks for, it is somebody else's application that
//! people are asked about. It has no role, acts for nobody and gets no token for itself; what it can say of
//! itself is read member by member in `metadata.rs`, and only an operator gives it more.

mod initial;
mod metadata;

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use ringwall_base::{Secret, Timestamp};
use ringwall_jose::base64url_encode;
use ringwall_store::{StoreError, Transaction};

use crate::clients::{ClientError, Clients, Grant, NewClient, REMOVED};
use crate::identity::House;
use crate::keys::KeyError;
use crate::record::Record;
use crate::seams::Seams;
use crate::secret_text;
use crate::tables::INSTANCE;

pub use initial::{InitialToken, InitialTokenError, InitialTokens, NewToken};
pub(crate) use initial::{find_good, sweep_initial, take};
pub(crate) use metadata::{Fault, read, shown};

/// Under what tokens are kept: a row is found by an HMAC under a key of the vault.
#[derive(Debug)]
pub(crate) struct Registration {
    pepper: hmac::Key,
}

type Hash = [u8; 32];

/// Since when, and by which initial token.
pub(crate) type Admitted = (Timestamp, String);

impl Registration {
    /// The first start makes the pepper.
    pub(crate) fn load(seams: &Seams) -> Result<Self, KeyError> {
        let pepper = if let Some(pepper) = seams.vault.get(PEPPER, "1")? {
            pepper
        } else {
            let fresh = seams.random::<32>().map_err(|_none| ringwall_jose::KeyError::Generate)?;
            let fresh = Secret::new(fresh.to_vec());
            seams.vault.put(PEPPER, "1", &fresh)?;
            fresh
        };
        Ok(Self { pepper: hmac::Key::new(hmac::HMAC_SHA256, pepper.expose()) })
    }

    fn hash(&self, token: &str) -> Hash {
        let mut hash = Hash::default();
        let tag = hmac::sign(&self.pepper, token.as_bytes());
        hash.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        hash
    }
}

/// What a client got that registers now.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) client_id: String,
    /// With which it reads, changes and removes itself.
    pub(crate) token: Secret<String>,
    hash: Hash,
}

impl Pass {
    pub(crate) fn generate(house: &House) -> Result<Self, std::io::Error> {
        let seams = &house.seams;
        // No operator's id begins so by chance, and no person's `sub` looks so.
        let client_id = format!("reg-{}", base64url_encode(seams.random::<16>()?));
        let token = secret_text::of(OWN, &seams.random::<64>()?);
        let hash = house.registration.hash(&token);
        Ok(Self { client_id, token: Secret::new(token), hash })
    }

    /// Writes whose the client is, if the initial token lets it in and there is room.
    pub(crate) fn admit(
        &self,
        initial: &Hash,
        now: Timestamp,
    ) -> impl Fn(&Transaction<'_>) -> Result<(), ClientError> + Send + 'static {
        let (id, hash, initial) = (self.client_id.clone(), self.hash, *initial);
        move |transaction| {
            let Some(initial) = take(transaction, &initial, now)? else {
                return Err(ClientError::NotAdmitted);
            };
            let all = transaction.first(
                "SELECT COUNT(*) FROM identity_registration WHERE tenant_id = ?1",
                &[INSTANCE.into()],
            )?;
            let all = all.map_or(Ok(0), |row| row.get::<u64>(0))?;
            if all >= CLIENTS_MAX {
                return Err(ClientError::Full);
            }
            transaction.execute(
                "INSERT INTO identity_registration (tenant_id, client_id, hash, initial, created)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                &[
                    INSTANCE.into(),
                    (&id).into(),
                    hash.as_slice().into(),
                    (&initial).into(),
                    now.into(),
                ],
            )?;
            Ok(())
        }
    }
}

/// By which initial tokens the clients came that registered themselves, by client id.
pub(crate) fn admitted(house: &House) -> Result<BTreeMap<String, String>, StoreError> {
    let rows = house.seams.store.read(|view| {
        view.query(
            "SELECT client_id, initial FROM identity_registration WHERE tenant_id = ?1",
            &[INSTANCE.into()],
        )
    })?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Since when there is a client that registered itself, and by which initial token, if this is its own.
pub(crate) fn owns(
    house: &House,
    client_id: &str,
    token: &str,
) -> Result<Option<Admitted>, StoreError> {
    // Junk is told by its checksum.
    if !secret_text::is_one(OWN, token) {
        return Ok(None);
    }
    let given = Secret::new(house.registration.hash(token));
    let row = house.seams.store.read(|view| {
        view.first(
            "SELECT hash, created, initial FROM identity_registration
             WHERE tenant_id = ?1 AND client_id = ?2",
            &[INSTANCE.into(), client_id.into()],
        )
    })?;
    let Some(row) = row else { return Ok(None) };
    let known = Hash::try_from(row.get::<Vec<u8>>(0)?).unwrap_or_default();
    if Secret::new(known) != given {
        return Ok(None);
    }
    Ok(Some((row.get(1)?, row.get(2)?)))
}

/// Removes initial tokens that are over, and clients that nobody let act for a week: who uses one has a
/// consent or a refresh token that is younger.
pub(crate) fn sweep(house: &House, now: Timestamp) -> Result<(), StoreError> {
    sweep_initial(&house.seams.store, now)?;
    let rows = house.seams.store.read(|view| {
        view.query(
            UNUSED,
            &[INSTANCE.into(), now.minus(UNUSED_FOR).into(), now.into(), AT_ONCE.into()],
        )
    })?;
    for row in rows {
        let id: String = row.get(0)?;
        // What an operator gave more to may be used without a person.
        let client = house.clients.get(&id);
        if client.is_some_and(|client| is_extended(&client.settings)) {
            continue;
        }
        let record = Record::of(REMOVED).operation("registration unused");
        match Clients::new(house).remove(&id, record) {
            Ok(()) => {}
            Err(ClientError::Store(error)) => return Err(error),
            Err(error) => tracing::error!(%error, id, "an unused client was not removed"),
        }
    }
    Ok(())
}

fn is_extended(settings: &NewClient) -> bool {
    let for_itself = [Grant::ClientCredentials, Grant::TokenExchange];
    !settings.roles.is_empty() || settings.grants.iter().any(|grant| for_itself.contains(grant))
}

const PEPPER: &str = "identity-registration-pepper";

/// How a client's token for itself begins.
const OWN: &str = "rwm_";

const UNUSED: &str = "SELECT r.client_id FROM identity_registration r
    WHERE r.tenant_id = ?1 AND r.created <= ?2 AND (r.changed IS NULL OR r.changed <= ?2)
    AND NOT EXISTS (SELECT 1 FROM identity_consent c
    WHERE c.client_id = r.client_id AND c.expires > ?3)
    AND NOT EXISTS (SELECT 1 FROM identity_refresh_family f WHERE f.tenant_id = r.tenant_id
    AND f.client_id = r.client_id AND f.revoked_at IS NULL AND f.idle > ?3) LIMIT ?4";

const UNUSED_FOR: std::time::Duration = std::time::Duration::from_hours(24 * 7);
const AT_ONCE: i64 = 100;

/// All of them are in memory, a kilobyte or two each, and are read anew with each change.
const CLIENTS_MAX: u64 = 1_000;
