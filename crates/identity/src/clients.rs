//! OAuth 2 clients: programs and applications that ask for tokens.

mod change;
mod check;
mod declared;
mod settings;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::{Secret, SinkError};
use ringwall_jose::JwkError;
use ringwall_store::{StoreError, Transaction};

use crate::identity::House;
use crate::keys::{KeyError, Purpose};
use crate::organisations::{OrganisationError, Organisations};
use crate::record::Record;
use crate::refresh;
use crate::registration;
use crate::revocations::{HOLD, Kind, Revocations};
use crate::secret_text;
use crate::tables::INSTANCE;

use check::{check, hint};
use table::Hash;

pub(crate) use change::{CHANGED, REMOVED, gains};
pub use declared::Declared;
pub use settings::{
    Access, Binding, Grant, Growth, IdTokenAlgorithm, NewClient, Owner, Party, TokenFormat,
};
pub use table::Client;
pub(crate) use table::{ClientTable, OFFLINE};

/// Why a client was not registered or changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The change is not in the audit log.
    #[error("the change could not be recorded")]
    Audit(#[from] SinkError),
    /// There is a client with this id.
    #[error("there is a client with this id already")]
    Exists,
    /// Nobody is named among those whom the issuer speaks for.
    #[error("a federated client needs an https issuer and a claim that names who it is")]
    Federation,
    /// Ids are 1 to 64 of a-z, A-Z, 0-9 and `. _ -`.
    #[error("a client id has 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-`")]
    Id,
    /// How a client proves who it is never changes: its tokens would outlive the proof (attack M4).
    #[error("a client's kind (public, secret or keys) cannot be changed")]
    Kind,
    /// No key of ours for what it wants.
    #[error("the signing key that it wants was not made")]
    Key(#[from] KeyError),
    /// Its keys are not acceptable.
    #[error("the client's keys are not acceptable")]
    Keys(#[source] JwkError),
    /// As many registered themselves as there may be.
    #[error("there are too many clients that registered themselves")]
    Full,
    /// Its initial token is not good, or was used up meanwhile.
    #[error("the initial token registers nobody any more")]
    NotAdmitted,
    /// There is no such client.
    #[error("there is no client with this id")]
    NotFound,
    /// Nobody can be sent to it, and it is no device: nothing that it registered gives it a token.
    #[error(
        "a public client needs a redirect URI, or the grant device_code: with neither it can do nothing"
    )]
    Idle,
    /// A set without keys proves nobody.
    #[error("there is no key in the client's key set")]
    NoKeys,
    /// Its certificate's name or hash is not acceptable.
    #[error("the client's certificate is not acceptable")]
    Certificate,
    /// There is no such organisation.
    #[error("there is no organisation of this name")]
    Organisation,
    /// Somebody else made it, and changes it.
    #[error("{}", owned_by(*.0))]
    Owned(Owner),
    /// A public client cannot keep a secret, so it can act neither for itself nor for others.
    #[error("a public client cannot use client_credentials or token exchange")]
    PublicProgram,
    /// No randomness.
    #[error("there is no randomness")]
    Random(#[from] std::io::Error),
    /// Not an absolute https URI (http only for loopback addresses), or it has a fragment.
    #[error("the redirect URI `{0}` is not acceptable{hint}", hint = hint(.0))]
    RedirectUri(String),
    /// It was changed since it was read.
    #[error("the client was changed meanwhile")]
    Stale,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// It cannot act for who is not there.
    #[error("there is no client `{0}` to act for")]
    UnknownClient(String),
    /// A secret that somebody chose can be guessed: hashes of clients' secrets are not stretched.
    #[error("a client's secret has at least 32 characters")]
    WeakSecret,
}

/// The registered clients. Changes block on the disk.
#[derive(Clone, Copy, Debug)]
pub struct Clients<'a> {
    house: &'a House,
}

impl<'a> Clients<'a> {
    pub(crate) fn new(house: &'a House) -> Self {
        Self { house }
    }

    /// Registers a client. One with [`Access::Secret`] gets its secret back, this once.
    ///
    /// # Errors
    /// When the registration is not acceptable or the id is taken.
    pub fn add(&self, new: NewClient) -> Result<Option<Secret<String>>, ClientError> {
        self.add_if(new, Record::of(ADDED), |_| Ok(()))
    }

    /// The same if `admit` says so, in the same transaction. The record says who did it.
    pub(crate) fn add_if(
        self,
        new: NewClient,
        record: Record,
        admit: impl Fn(&Transaction<'_>) -> Result<(), ClientError> + Send + 'static,
    ) -> Result<Option<Secret<String>>, ClientError> {
        check(&new)?;
        self.are_known(&new.may_act_for)?;
        self.is_there(new.organisation.as_deref())?;
        self.make_ready(&new)?;
        let secret = match new.access {
            Access::Secret => Some(self.generate()?),
            _ => None,
        };
        let hash = secret.as_ref().map(|secret| secret_hash(secret.expose()));
        let (id, now) = (new.id.clone(), self.house.seams.clock.now());
        let settings = serde_json::to_string(&new).unwrap_or_default();
        self.house.seams.store.write(move |transaction| {
            admit(transaction)?;
            let inserted = transaction.execute(
                "INSERT INTO identity_client (tenant_id, id, settings, is_disabled, created)
                 VALUES (?1, ?2, ?3, 0, ?4)",
                &[INSTANCE.into(), (&new.id).into(), (&settings).into(), now.into()],
            );
            match inserted {
                Err(error) if error.is_unique() => return Err(ClientError::Exists),
                other => other?,
            };
            if let Some(hash) = &hash {
                transaction.execute(
                    ADD_SECRET,
                    &[INSTANCE.into(), (&new.id).into(), hash.as_slice().into(), now.into()],
                )?;
            }
            Ok(())
        })?;
        self.house.clients.load(&self.house.seams.store)?;
        self.house.put(record.sync().client(&id))?;
        Ok(secret)
    }

    /// All clients by id.
    pub fn list(&self) -> Vec<Arc<Client>> {
        let mut clients: Vec<_> =
            self.house.clients.by_id.load().values().map(Arc::clone).collect();
        clients.sort_by(|a, b| a.settings.id.cmp(&b.settings.id));
        clients
    }

    /// The initial tokens by which clients came that registered themselves, by client id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn admitted(&self) -> Result<BTreeMap<String, String>, ClientError> {
        Ok(registration::admitted(self.house)?)
    }

    /// Gives a client a second secret; the older of two goes.
    ///
    /// # Errors
    /// When there is no such client, or the store fails.
    pub fn add_secret(&self, id: &str) -> Result<Secret<String>, ClientError> {
        let client = self.for_command(id)?;
        if client.settings.access != Access::Secret {
            return Err(ClientError::Kind);
        }
        let secret = self.generate()?;
        let (hash, now) = (secret_hash(secret.expose()), self.house.seams.clock.now());
        let key = id.to_owned();
        self.house.seams.store.write(move |transaction| {
            transaction.execute(
                "DELETE FROM identity_client_secret WHERE tenant_id = ?1 AND client_id = ?2
                 AND hash NOT IN (SELECT hash FROM identity_client_secret
                 WHERE tenant_id = ?1 AND client_id = ?2 ORDER BY created DESC LIMIT 1)",
                &[INSTANCE.into(), (&key).into()],
            )?;
            transaction.execute(
                ADD_SECRET,
                &[INSTANCE.into(), (&key).into(), hash.as_slice().into(), now.into()],
            )
        })?;
        self.house.clients.load(&self.house.seams.store)?;
        self.house.put(Record::of("client-secret-added").sync().client(id))?;
        Ok(secret)
    }

    /// Takes away or gives back a client's right to tokens. Its live tokens end.
    ///
    /// # Errors
    /// When there is no such client, or the store fails.
    pub fn disable(&self, id: &str, is_disabled: bool) -> Result<(), ClientError> {
        self.for_command(id)?;
        let now = self.house.seams.clock.now();
        let (key, until) = (id.to_owned(), now.plus(HOLD));
        let changed = self.house.seams.store.write(move |transaction| {
            if is_disabled {
                Revocations::write(transaction, Kind::Client, &key, until)?;
                refresh::end_all(transaction, refresh::Of::Client(&key), now)?;
            }
            transaction.execute(
                "UPDATE identity_client SET is_disabled = ?3 WHERE tenant_id = ?1 AND id = ?2",
                &[INSTANCE.into(), (&key).into(), is_disabled.into()],
            )
        })?;
        if changed == 0 {
            return Err(ClientError::NotFound);
        }
        self.house.clients.load(&self.house.seams.store)?;
        if is_disabled {
            self.house.revocations.close(&self.house.seams, Kind::Client, id)?;
        }
        let action = if is_disabled { "client-disabled" } else { "client-enabled" };
        Ok(self.house.put(Record::of(action).sync().client(id))?)
    }

    /// A client that an operator may change.
    fn for_command(self, id: &str) -> Result<Arc<Client>, ClientError> {
        let client = self.house.clients.get(id).ok_or(ClientError::NotFound)?;
        match client.settings.owner {
            Owner::Command | Owner::Registration => Ok(client),
            Owner::Manifest => Err(ClientError::Owned(Owner::Manifest)),
        }
    }

    fn are_known(self, ids: &[String]) -> Result<(), ClientError> {
        match ids.iter().find(|id| self.house.clients.get(id).is_none()) {
            Some(unknown) => Err(ClientError::UnknownClient(unknown.clone())),
            None => Ok(()),
        }
    }

    fn is_there(self, organisation: Option<&str>) -> Result<(), ClientError> {
        let Some(slug) = organisation else { return Ok(()) };
        match Organisations::new(self.house).known(slug) {
            Ok(_) => Ok(()),
            Err(OrganisationError::Store(error)) => Err(error.into()),
            Err(_) => Err(ClientError::Organisation),
        }
    }

    /// RSA keys are made for the first client that wants them.
    pub(crate) fn make_ready(self, new: &NewClient) -> Result<(), ClientError> {
        match new.id_token {
            IdTokenAlgorithm::Es256 => Ok(()),
            IdTokenAlgorithm::Rs256 => {
                Ok(self.house.keys.ensure(&self.house.seams, Purpose::IdRs256)?)
            }
        }
    }

    fn generate(self) -> Result<Secret<String>, ClientError> {
        Ok(Secret::new(secret_text::of("rws_", &self.house.seams.random::<64>()?)))
    }
}

fn owned_by(owner: Owner) -> &'static str {
    match owner {
        Owner::Command => "the client was made by a command: change it there, or delete it",
        Owner::Manifest => "the client is declared in the manifest: change it there",
        Owner::Registration => "the client registered itself: it changes itself, or delete it",
    }
}

fn secret_hash(secret: &str) -> Hash {
    // 256 random bits need no stretching; the hash only keeps them off the disk.
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

pub(crate) const ADDED: &str = "client-registered";

const ADD_SECRET: &str = "INSERT INTO identity_client_secret (tenant_id, client_id, hash, created)
    VALUES (?1, ?2, ?3, ?4)";
