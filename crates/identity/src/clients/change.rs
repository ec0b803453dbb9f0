//! Clients that are there already: other settings, and the end.

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::sync::Arc;

use ringwall_base::Timestamp;
use ringwall_jose::parse_json;
use ringwall_store::{StoreError, Transaction};

use super::{
    Access, Binding, Client, ClientError, Clients, Growth, NewClient, Owner, Party, TokenFormat,
    check,
};
use crate::record::Record;
use crate::refresh;
use crate::revocations::{HOLD, Kind, Revocations};
use crate::tables::INSTANCE;

impl Clients<'_> {
    /// One client.
    ///
    /// # Errors
    /// When there is none with this id.
    pub fn find(&self, id: &str) -> Result<Arc<Client>, ClientError> {
        self.house.clients.get(id).ok_or(ClientError::NotFound)
    }

    /// Gives a client other settings, if it is still as `before`. How it proves who it is stays
    /// (attack M4). When it loses anything, its live tokens end: they say what it had.
    ///
    /// # Errors
    /// When the settings are not acceptable, or the client is not the operator's to change.
    pub fn change(&self, before: &Client, new: NewClient) -> Result<(), ClientError> {
        self.for_command(&before.settings.id)?;
        let old = &before.settings;
        let is_taken = old.owner == Owner::Registration && narrows(old, &new);
        let growth = if is_taken { Growth::Over } else { old.growth };
        let new = NewClient { growth, ..new };
        self.replace(before, new, Record::of(CHANGED))
    }

    /// As [`Clients::change`], whoever owns it. The record says who did it.
    pub(crate) fn replace(
        self,
        before: &Client,
        new: NewClient,
        record: Record,
    ) -> Result<(), ClientError> {
        let old = &before.settings;
        if discriminant(&old.access) != discriminant(&new.access) || old.id != new.id {
            return Err(ClientError::Kind);
        }
        check(&new)?;
        self.are_known(&new.may_act_for)?;
        self.is_there(new.organisation.as_deref())?;
        self.make_ready(&new)?;
        let new = NewClient { owner: old.owner, ..new };
        let now = self.house.seams.clock.now();
        let narrows = narrows(old, &new);
        let binds = demands(&new).difference(&demands(old)).any(|one| BINDING.contains(one));
        // Whoever has its token may have stolen it: nobody was asked about them.
        let gets_elsewhere = old.owner == Owner::Registration && gains_place(old, &new);
        let (id, expected) = (old.id.clone(), old.clone());
        let settings = serde_json::to_string(&new).unwrap_or_default();
        let is_same = *old == new;
        self.house.seams.store.write(move |transaction| {
            if stored(transaction, &expected.id)?.as_ref() != Some(&expected) {
                return Err(ClientError::Stale);
            }
            if !is_same {
                write(transaction, &expected.id, &settings)?;
            }
            if gets_elsewhere {
                let key = [INSTANCE.into(), (&expected.id).into()];
                transaction.execute(FORGET, &key)?;
                let [tenant, id] = key;
                transaction.execute(MOVED, &[tenant, id, now.into()])?;
            }
            if narrows {
                end_tokens(transaction, &expected.id, now)?;
            }
            if binds {
                // They are bound to nothing, so that whoever copied one could bind it to their own
                // key; or nobody was asked whether they should be.
                refresh::end_all(transaction, refresh::Of::Client(&expected.id), now)?;
            }
            Ok(())
        })?;
        if is_same {
            return Ok(());
        }
        self.house.clients.load(&self.house.seams.store)?;
        if narrows {
            self.house.revocations.close(&self.house.seams, Kind::Client, &id)?;
        }
        Ok(self.house.put(record.sync().client(&id))?)
    }

    /// Removes a client for good, with its secrets. What it was given ends.
    ///
    /// # Errors
    /// When there is no such client, or it is not the operator's to remove.
    pub fn delete(&self, id: &str) -> Result<(), ClientError> {
        self.for_command(id)?;
        self.remove(id, Record::of(REMOVED))
    }

    /// As [`Clients::delete`], whoever owns it. The record says who did it.
    pub(crate) fn remove(self, id: &str, record: Record) -> Result<(), ClientError> {
        let now = self.house.seams.clock.now();
        let key = id.to_owned();
        self.house.seams.store.write(move |transaction| {
            for sql in REMOVE {
                transaction.execute(sql, &[INSTANCE.into(), (&key).into()])?;
            }
            refresh::end_all(transaction, refresh::Of::Client(&key), now)?;
            end_tokens(transaction, &key, now)
        })?;
        self.house.clients.load(&self.house.seams.store)?;
        self.house.revocations.close(&self.house.seams, Kind::Client, id)?;
        Ok(self.house.put(record.sync().client(id))?)
    }
}

/// Tokens that were issued until now no longer hold.
pub(super) fn end_tokens(
    transaction: &Transaction<'_>,
    id: &str,
    now: Timestamp,
) -> Result<(), ClientError> {
    Ok(Revocations::write(transaction, Kind::Client, id, now.plus(HOLD))?)
}

/// What is stored of a client now.
pub(super) fn stored(
    transaction: &Transaction<'_>,
    id: &str,
) -> Result<Option<NewClient>, StoreError> {
    let row = transaction.first(
        "SELECT settings FROM identity_client WHERE tenant_id = ?1 AND id = ?2",
        &[INSTANCE.into(), id.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(serde_json::from_str(&row.get::<String>(0)?).ok())
}

pub(super) fn write(
    transaction: &Transaction<'_>,
    id: &str,
    settings: &str,
) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE identity_client SET settings = ?3 WHERE tenant_id = ?1 AND id = ?2",
        &[INSTANCE.into(), id.into(), settings.into()],
    )?;
    Ok(())
}

/// Whether a client had something that it has no more, or proves who it is by something else.
pub(super) fn narrows(old: &NewClient, new: &NewClient) -> bool {
    let lost = |old: &[String], new: &[String]| old.iter().any(|one| !new.contains(one));
    lost(&old.redirect_uris, &new.redirect_uris)
        || lost(&old.post_logout_uris, &new.post_logout_uris)
        || lost(&old.scopes, &new.scopes)
        || lost(&old.roles, &new.roles)
        || lost(&old.may_act_for, &new.may_act_for)
        || old.grants.iter().any(|grant| !new.grants.contains(grant))
        // Tokens of its own say which it is of; people of another one have some.
        || old.organisation != new.organisation
        || demands(new).difference(&demands(old)).next().is_some()
        || loses_proof(&old.access, &new.access)
}

/// Whether a client asks for something that it did not have.
pub(crate) fn gains(old: &NewClient, new: &NewClient) -> bool {
    let more = |old: &[String], new: &[String]| new.iter().any(|one| !old.contains(one));
    more(&old.redirect_uris, &new.redirect_uris)
        || more(&old.post_logout_uris, &new.post_logout_uris)
        || more(&old.scopes, &new.scopes)
        || new.grants.iter().any(|grant| !old.grants.contains(grant))
}

/// Whether something proves the client no more. A key more takes nothing away.
fn loses_proof(old: &Access, new: &Access) -> bool {
    let (Access::Key(before), Access::Key(after)) = (old, new) else { return old != new };
    let keys = |text: &str| {
        let set = parse_json(text.as_bytes()).ok()?;
        set.get("keys")?.as_array().cloned()
    };
    let (Some(before), Some(after)) = (keys(before), keys(after)) else { return true };
    before.iter().any(|key| !after.contains(key))
}

/// Whether codes can go to another place than before, or be used with another key.
fn gains_place(old: &NewClient, new: &NewClient) -> bool {
    new.redirect_uris.iter().any(|uri| !old.redirect_uris.contains(uri))
        || loses_proof(&new.access, &old.access)
}

/// What refresh tokens from before do not fulfil.
const BINDING: [&str; 3] = ["certificate", "consent", "dpop"];

fn demands(settings: &NewClient) -> BTreeSet<&'static str> {
    settings.demands().into_iter().collect()
}

impl NewClient {
    /// What the client is held to, by its short names.
    pub fn demands(&self) -> Vec<&'static str> {
        let is_bound = |binding| self.binding == binding;
        let all = [
            (self.party == Party::Third, "consent"),
            (is_bound(Binding::Service), "bound"),
            (is_bound(Binding::Certificate), "certificate"),
            (self.requires_dpop, "dpop"),
            (self.token_format == TokenFormat::Opaque, "opaque"),
            (self.requires_par, "par"),
        ];
        all.into_iter().filter_map(|(is_set, name)| is_set.then_some(name)).collect()
    }
}

/// Audit actions of what happens to a client.
pub(crate) const CHANGED: &str = "client-changed";
pub(crate) const REMOVED: &str = "client-removed";

/// What people of all organisations said yes to: who is called so next is somebody else.
const FORGET: &str = "DELETE FROM identity_consent WHERE tenant_id <> '' AND client_id = ?2";

const MOVED: &str =
    "UPDATE identity_registration SET changed = ?3 WHERE tenant_id = ?1 AND client_id = ?2";

const REMOVE: [&str; 5] = [
    "DELETE FROM identity_registration WHERE tenant_id = ?1 AND client_id = ?2",
    FORGET,
    "DELETE FROM identity_session_client WHERE tenant_id = ?1 AND client_id = ?2",
    "DELETE FROM identity_client_secret WHERE tenant_id = ?1 AND client_id = ?2",
    "DELETE FROM identity_client WHERE tenant_id = ?1 AND id = ?2",
];
