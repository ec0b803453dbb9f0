//! Clients of the manifest: what the file says is what is.

use std::collections::BTreeMap;
use std::mem::discriminant;

use ringwall_base::{Secret, Timestamp};
use ringwall_store::{StoreError, Transaction};

use super::change::{end_tokens, narrows, write};
use super::{ADD_SECRET, Access, ClientError, Clients, Hash, NewClient, Owner, check, secret_hash};
use crate::identity::House;
use crate::record::Record;
use crate::refresh;
use crate::revocations::{HOLD, Kind};
use crate::tables::INSTANCE;

/// A client as the manifest declares it.
#[derive(Debug)]
pub struct Declared {
    /// What it may do.
    pub settings: NewClient,
    /// The secret of one with [`Access::Secret`].
    pub secret: Option<Secret<String>>,
}

/// What was done to a client, for the log.
type Done = (&'static str, String);

/// A row as it is.
#[derive(Clone, Debug)]
struct Stored {
    settings: Option<NewClient>,
    is_disabled: bool,
}

/// A row as it shall be.
#[derive(Clone, Debug)]
struct Wanted {
    settings: NewClient,
    text: String,
    hash: Option<Hash>,
}

impl Clients<'_> {
    /// Makes the clients of the manifest what it says: new ones are registered, others changed, and
    /// those that it no longer names disabled. All or nothing; doing it again does nothing. Gives
    /// the ids that were touched.
    ///
    /// # Errors
    /// When a client is not acceptable, or somebody else made one with its id.
    pub fn apply(&self, declared: &[Declared]) -> Result<Vec<String>, ClientError> {
        let wanted = wanted(declared)?;
        for one in wanted.values() {
            let others = one.settings.may_act_for.iter();
            let unknown = others.filter(|id| !wanted.contains_key(*id)).cloned();
            self.are_known(&unknown.collect::<Vec<_>>())?;
            self.make_ready(&one.settings)?;
        }
        let now = self.house.seams.clock.now();
        let done: Vec<Done> = self
            .house
            .seams
            .store
            .write(move |transaction| carry_out(transaction, &wanted, now))?;
        self.house.clients.load(&self.house.seams.store)?;
        if !done.is_empty() {
            let House { revocations, seams, .. } = self.house;
            revocations.refresh(&seams.store, now)?;
            let is_ended = |id: &&String| revocations.has(Kind::Client, id, now.plus(HOLD));
            for id in done.iter().map(|(_, id)| id).filter(is_ended) {
                revocations.close(seams, Kind::Client, id)?;
            }
        }
        for (action, id) in &done {
            self.house.put(Record::of(action).sync().client(id).operation("manifest"))?;
        }
        let mut touched: Vec<String> = done.into_iter().map(|(_, id)| id).collect();
        touched.dedup();
        Ok(touched)
    }
}

fn wanted(declared: &[Declared]) -> Result<BTreeMap<String, Wanted>, ClientError> {
    let mut wanted = BTreeMap::new();
    for Declared { settings, secret } in declared {
        let settings = NewClient { owner: Owner::Manifest, ..settings.clone() };
        check(&settings)?;
        let hash = match (&settings.access, secret) {
            (Access::Secret, Some(secret)) if secret.expose().len() >= SECRET_CHARS_MIN => {
                Some(secret_hash(secret.expose()))
            }
            (Access::Secret, _) => return Err(ClientError::WeakSecret),
            _ => None,
        };
        let text = serde_json::to_string(&settings).unwrap_or_default();
        wanted.insert(settings.id.clone(), Wanted { settings, text, hash });
    }
    Ok(wanted)
}

fn carry_out(
    transaction: &Transaction<'_>,
    wanted: &BTreeMap<String, Wanted>,
    now: Timestamp,
) -> Result<Vec<Done>, ClientError> {
    let stored = read(transaction)?;
    let mut done = Vec::new();
    for (id, one) in wanted {
        match stored.get(id) {
            None => {
                transaction.execute(
                    "INSERT INTO identity_client (tenant_id, id, settings, is_disabled, created)
                     VALUES (?1, ?2, ?3, 0, ?4)",
                    &[INSTANCE.into(), id.into(), (&one.text).into(), now.into()],
                )?;
                set_secret(transaction, one, now)?;
                done.push(("client-registered", id.clone()));
            }
            Some(before) => done.extend(update(transaction, before, one, now)?),
        }
    }
    for (id, before) in stored.iter().filter(|(id, _)| !wanted.contains_key(*id)) {
        let owner = before.settings.as_ref().map(|settings| settings.owner);
        if owner == Some(Owner::Manifest) && !before.is_disabled {
            set_disabled(transaction, id, true)?;
            refresh::end_all(transaction, refresh::Of::Client(id), now)?;
            end_tokens(transaction, id, now)?;
            done.push(("client-disabled", id.clone()));
        }
    }
    Ok(done)
}

fn update(
    transaction: &Transaction<'_>,
    before: &Stored,
    one: &Wanted,
    now: Timestamp,
) -> Result<Vec<Done>, ClientError> {
    let id = &one.settings.id;
    // One that a newer program wrote cannot be read here; the file says what it is.
    if let Some(owner) = before.settings.as_ref().map(|old| old.owner)
        && owner != Owner::Manifest
    {
        return Err(ClientError::Owned(owner));
    }
    let mut done = Vec::new();
    if before.settings.as_ref() != Some(&one.settings) {
        let old = before.settings.as_ref();
        if old.is_none_or(|old| narrows(old, &one.settings)) {
            end_tokens(transaction, id, now)?;
        }
        // Whoever held the old proof gets nothing by the new one.
        if old.is_none_or(|old| discriminant(&old.access) != discriminant(&one.settings.access)) {
            refresh::end_all(transaction, refresh::Of::Client(id), now)?;
        }
        write(transaction, id, &one.text)?;
        done.push(("client-changed", id.clone()));
    }
    if set_secret(transaction, one, now)? {
        done.push(("client-secret-added", id.clone()));
    }
    if before.is_disabled {
        set_disabled(transaction, id, false)?;
        done.push(("client-enabled", id.clone()));
    }
    Ok(done)
}

/// The client has this secret and no other. Whether it had others.
fn set_secret(
    transaction: &Transaction<'_>,
    one: &Wanted,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let id = &one.settings.id;
    let rows = transaction.query(
        "SELECT hash FROM identity_client_secret WHERE tenant_id = ?1 AND client_id = ?2",
        &[INSTANCE.into(), id.into()],
    )?;
    let hashes: Vec<Vec<u8>> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    let wanted: Vec<Vec<u8>> = one.hash.iter().map(|hash| hash.to_vec()).collect();
    if hashes == wanted {
        return Ok(false);
    }
    transaction.execute(
        "DELETE FROM identity_client_secret WHERE tenant_id = ?1 AND client_id = ?2",
        &[INSTANCE.into(), id.into()],
    )?;
    if let Some(hash) = &one.hash {
        transaction.execute(
            ADD_SECRET,
            &[INSTANCE.into(), id.into(), hash.as_slice().into(), now.into()],
        )?;
    }
    Ok(!hashes.is_empty())
}

fn set_disabled(
    transaction: &Transaction<'_>,
    id: &str,
    is_disabled: bool,
) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE identity_client SET is_disabled = ?3 WHERE tenant_id = ?1 AND id = ?2",
        &[INSTANCE.into(), id.into(), is_disabled.into()],
    )?;
    Ok(())
}

fn read(transaction: &Transaction<'_>) -> Result<BTreeMap<String, Stored>, StoreError> {
    let rows = transaction.query(
        "SELECT id, settings, is_disabled FROM identity_client WHERE tenant_id = ?1",
        &[INSTANCE.into()],
    )?;
    rows.iter()
        .map(|row| {
            let settings = serde_json::from_str(&row.get::<String>(1)?).ok();
            Ok((row.get(0)?, Stored { settings, is_disabled: row.get(2)? }))
        })
        .collect()
}

/// 128 bits as hexadecimal digits.
const SECRET_CHARS_MIN: usize = 32;
