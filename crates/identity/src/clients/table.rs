//! All clients in memory.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use ringwall_base::{Secret, Tenant};
use ringwall_jose::KeySet;
use ringwall_store::{Row, Store, StoreError, View};

use super::check::keys_of;
use super::{Access, Binding, Grant, NewClient, Owner, Party, TokenFormat, secret_hash};
use crate::cors;
use crate::tables::INSTANCE;

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    /// What was registered.
    pub settings: NewClient,
    /// Whether it gets nothing: it is disabled itself, or its organisation is.
    pub is_disabled: bool,
    pub(crate) secret_hashes: Vec<Hash>,
    pub(crate) keys: KeySet,
}

/// All clients in memory: the token endpoint asks for one on every request.
#[derive(Debug, Default)]
pub(crate) struct ClientTable {
    loading: Mutex<()>,
    pub(super) by_id: ArcSwap<ById>,
    /// Whether one of them gets opaque tokens.
    has_opaque: AtomicBool,
    /// Where browser applications run.
    origins: ArcSwap<HashSet<String>>,
    /// The services of the fleet, which need no registration.
    services: ArcSwap<ById>,
}

pub(super) type Hash = [u8; 32];
type Secrets = HashMap<String, Vec<Hash>>;
pub(super) type ById = HashMap<String, Arc<Client>>;

impl Client {
    /// Whether this is its secret, compared by hash, and without stopping at the first difference.
    pub(crate) fn has_secret(&self, secret: &str) -> bool {
        let given = Secret::new(secret_hash(secret));
        self.secret_hashes.iter().fold(false, |found, hash| found | (Secret::new(*hash) == given))
    }

    /// Whether it may use a grant.
    pub(crate) fn uses(&self, grant: Grant) -> bool {
        self.settings.grants.contains(&grant)
    }

    /// Whether it may ask for a scope. `offline_access` (OpenID Connect Core section 11) belongs to
    /// the refresh grant: who registered that gets refresh tokens with or without the word.
    pub(crate) fn may_have(&self, scope: &str) -> bool {
        let is_offline = scope == OFFLINE && self.uses(Grant::RefreshToken);
        is_offline || self.settings.scopes.iter().any(|known| known == scope)
    }

    /// Whether people are asked what it may do: always, when it registered itself.
    pub(crate) fn needs_consent(&self) -> bool {
        self.settings.party == Party::Third || self.settings.owner == Owner::Registration
    }

    /// Whether people of an organisation use it.
    pub(crate) fn serves(&self, tenant: &Tenant) -> bool {
        self.settings.organisation.as_deref().is_none_or(|own| own == tenant.as_str())
    }

    /// Whether it is told of the end of sessions.
    pub(crate) const fn hears_of_logouts(&self) -> bool {
        self.settings.backchannel_logout_uri.is_some()
    }

    /// Whether a refresh token that is bound to no key changes with each use. A client that signs an
    /// assertion each time, or shows a certificate, proves a key anyway (RFC 9700 section 4.14).
    pub(crate) const fn rotates(&self) -> bool {
        matches!(self.settings.access, Access::Public | Access::Secret)
    }
}

impl ClientTable {
    /// Reads all clients anew. One that cannot be read is left out, and gets nothing.
    pub(crate) fn load(&self, store: &Store) -> Result<(), StoreError> {
        // Held from the reading on: who read before a change must not store after it.
        let _one_at_a_time = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = store.read(|view| {
            let mut secrets = read_secrets(view)?;
            let open = open_organisations(view)?;
            let mut clients = ById::new();
            for row in view.query(
                "SELECT id, settings, is_disabled FROM identity_client WHERE tenant_id = ?1",
                &[INSTANCE.into()],
            )? {
                let id: String = row.get(0)?;
                let secret_hashes = secrets.remove(&id).unwrap_or_default();
                let client = read_client(&row, secret_hashes, &open)?;
                clients.extend(client.map(|client| (id, Arc::new(client))));
            }
            Ok::<_, StoreError>(clients)
        })?;
        let has_opaque =
            clients.values().any(|client| client.settings.token_format == TokenFormat::Opaque);
        self.has_opaque.store(has_opaque, Ordering::Relaxed);
        self.origins.store(Arc::new(clients.values().flat_map(|it| cors::origins(it)).collect()));
        self.by_id.store(Arc::new(clients));
        Ok(())
    }

    /// Whether a client gets opaque tokens.
    pub(crate) fn has_opaque(&self) -> bool {
        self.has_opaque.load(Ordering::Relaxed)
    }

    /// Whether one is of an organisation.
    pub(crate) fn has_of(&self, tenant: &Tenant) -> bool {
        let clients = self.by_id.load();
        let mut slugs = clients.values().filter_map(|it| it.settings.organisation.as_deref());
        slugs.any(|slug| slug == tenant.as_str())
    }

    /// Whether a browser application runs at an origin.
    pub(crate) fn has_origin(&self, origin: &str) -> bool {
        self.origins.load().contains(origin)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Client>> {
        let registered = self.by_id.load().get(id).map(Arc::clone);
        registered.or_else(|| self.services.load().get(id).map(Arc::clone))
    }

    /// Whether a service of the fleet has this id.
    pub(crate) fn is_service(&self, id: &str) -> bool {
        self.services.load().contains_key(id)
    }

    /// The services of the fleet from now on.
    pub(crate) fn enlist(&self, services: impl IntoIterator<Item = String>) {
        let service = |id: String| {
            let settings = NewClient {
                id: id.clone(),
                access: Access::Workload,
                binding: Binding::Service,
                ..NewClient::default()
            };
            let (secret_hashes, keys) = (Vec::new(), KeySet::default());
            (id, Arc::new(Client { settings, is_disabled: false, secret_hashes, keys }))
        };
        self.services.store(Arc::new(services.into_iter().map(service).collect()));
    }
}

fn read_secrets(view: &View<'_>) -> Result<Secrets, StoreError> {
    let mut secrets = Secrets::new();
    for row in view.query(
        "SELECT client_id, hash FROM identity_client_secret WHERE tenant_id = ?1",
        &[INSTANCE.into()],
    )? {
        let hash = Hash::try_from(row.get::<Vec<u8>>(1)?);
        let hash = hash.map_err(|_length| StoreError::Column { index: 1 })?;
        secrets.entry(row.get(0)?).or_default().push(hash);
    }
    Ok(secrets)
}

/// The organisations that are there and not disabled.
fn open_organisations(view: &View<'_>) -> Result<HashSet<String>, StoreError> {
    let rows =
        view.query("SELECT tenant_id FROM identity_organisation WHERE is_disabled = 0", &[])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// `None` for one whose settings a newer program wrote: it gets nothing here. One of an organisation
/// that is disabled, or not there, is disabled with it.
fn read_client(
    row: &Row,
    secret_hashes: Vec<Hash>,
    open: &HashSet<String>,
) -> Result<Option<Client>, StoreError> {
    let is_off = row.get::<bool>(2)?;
    let settings = serde_json::from_str::<NewClient>(&row.get::<String>(1)?).ok();
    Ok(settings.and_then(|settings| {
        let keys = keys_of(&settings).ok()?;
        let is_disabled =
            is_off || settings.organisation.as_ref().is_some_and(|slug| !open.contains(slug));
        Some(Client { settings, is_disabled, secret_hashes, keys })
    }))
}

pub(crate) const OFFLINE: &str = "offline_access";
