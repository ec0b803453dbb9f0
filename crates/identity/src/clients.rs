//! OAuth 2 clients: programs and applications that ask for tokens.

mod change;
mod declared;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::{Secret, SinkError};
use ringwall_jose::{JwkError, KeySet, base64url_encode};
use ringwall_store::{Row, Store, StoreError, Transaction, View};
use serde::{Deserialize, Serialize};

use crate::certificates::{CertificateName, is_hash};
use crate::cors;
use crate::federation::Federation;
use crate::identity::House;
use crate::keys::{KeyError, Purpose};
use crate::record::Record;
use crate::refresh;
use crate::revocations::{HOLD, Kind, Revocations};
use crate::tables::INSTANCE;

pub use declared::Declared;

/// How a client proves who it is. One way per client: there is no second one to downgrade to.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// `tls_client_auth` (RFC 8705 section 2.1): a certificate that an authority of the door or the
    /// fleet's own vouches for, by one of its names.
    Certificate(CertificateName),
    /// A token that another issuer signed for us (RFC 7523 section 3).
    Federated(Federation),
    /// `private_key_jwt`: a JWKS document with its public keys.
    Key(String),
    /// `none`: an application on somebody's machine. PKCE stands in.
    Public,
    /// `client_secret_basic` or `client_secret_post`, with a secret that we generated.
    #[default]
    Secret,
    /// `self_signed_tls_client_auth` (section 2.2): one of these certificates, by `x5t#S256`.
    SelfSigned(Vec<String>),
    /// `tls_client_auth` with the fleet's certificate of the service that has the client's id.
    Workload,
}

/// What a client may ask for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// `authorization_code`: tokens for a person.
    AuthorizationCode,
    /// `client_credentials`: tokens for itself.
    ClientCredentials,
    /// `urn:ietf:params:oauth:grant-type:device_code`: tokens for a person on a device without
    /// a browser.
    DeviceCode,
    /// `refresh_token`: new tokens for a person who let it act before.
    RefreshToken,
    /// `urn:ietf:params:oauth:grant-type:token-exchange`: tokens to call on with, for a person who
    /// called it.
    TokenExchange,
}

impl Grant {
    /// All that there are.
    pub const ALL: [Self; 5] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::RefreshToken,
        Self::TokenExchange,
    ];

    /// Reads a `grant_type` (RFC 6749).
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name)
    }

    /// The `grant_type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::RefreshToken => "refresh_token",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

/// What a client's access tokens look like.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// Random letters, which only Ringwall can read.
    Opaque,
    /// JWT (RFC 9068).
    #[default]
    Signed,
}

/// Who made a client, and may change it. Nobody else does: a file and a person at a terminal would
/// undo each other's work.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// An operator, by command or by the admin API.
    #[default]
    Command,
    /// `[clients]` in the manifest.
    Manifest,
    /// The client itself (RFC 7591).
    Registration,
}

impl Owner {
    /// For a list.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Manifest => "manifest",
            Self::Registration => "registration",
        }
    }
}

/// What a client's ID tokens are signed by.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum IdTokenAlgorithm {
    /// ECDSA on P-256.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// RSA, for clients that read nothing else.
    #[serde(rename = "RS256")]
    Rs256,
}

/// What a client's tokens must be bound to. One that proves a key has them bound to that.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// To the certificate of its connection, all of them (RFC 8705 section 3.4).
    Certificate,
    /// To nothing.
    #[default]
    Free,
    /// What it gets for itself, or to act with: to a key or a certificate.
    Service,
}

/// Whose application a client is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Of the house: nobody is asked what it may do.
    #[default]
    First,
    /// Somebody else's: people are asked.
    Third,
}

/// A client to be registered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NewClient {
    /// `client_id`: a service's name, or the operator's choice.
    pub id: String,
    /// How it proves who it is.
    pub access: Access,
    /// What it may ask for.
    pub grants: Vec<Grant>,
    /// Where people are sent back to. Compared byte by byte.
    pub redirect_uris: Vec<String>,
    /// Scopes that it may ask for.
    pub scopes: Vec<String>,
    /// Roles that tokens for itself carry.
    pub roles: Vec<String>,
    /// Whether its access tokens are signed by ES256 instead of Ed25519.
    pub wants_es256: bool,
    /// `id_token_signed_response_alg`.
    #[serde(default)]
    pub id_token: IdTokenAlgorithm,
    /// Whether it must prove a key for every token (RFC 9449 section 5.2).
    #[serde(default)]
    pub requires_dpop: bool,
    /// What its tokens must be bound to beside that.
    #[serde(default)]
    pub binding: Binding,
    /// Whether its authorization requests are taken only when they were pushed (RFC 9126).
    #[serde(default)]
    pub requires_par: bool,
    /// Whose it is.
    #[serde(default)]
    pub party: Party,
    /// Where people may be sent after a logout that it asked for. Compared byte by byte.
    #[serde(default)]
    pub post_logout_uris: Vec<String>,
    /// What its access tokens look like.
    #[serde(default)]
    pub token_format: TokenFormat,
    /// Where it is told that a session in which it got tokens has ended.
    #[serde(default)]
    pub backchannel_logout_uri: Option<String>,
    /// Clients whose tokens it may exchange, to call on for the person behind them.
    #[serde(default)]
    pub may_act_for: Vec<String>,
    /// Who may change it.
    #[serde(default)]
    pub owner: Owner,
}

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    /// What was registered.
    pub settings: NewClient,
    /// Whether it gets nothing any more.
    pub is_disabled: bool,
    pub(crate) secret_hashes: Vec<Hash>,
    pub(crate) keys: KeySet,
}

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

/// All clients in memory: the token endpoint asks for one on every request.
#[derive(Debug, Default)]
pub(crate) struct ClientTable {
    loading: Mutex<()>,
    by_id: ArcSwap<ById>,
    /// Whether one of them gets opaque tokens.
    has_opaque: AtomicBool,
    /// Where browser applications run.
    origins: ArcSwap<HashSet<String>>,
    /// The services of the fleet, which need no registration.
    services: ArcSwap<ById>,
}

type Hash = [u8; 32];
type Secrets = HashMap<String, Vec<Hash>>;
type ById = HashMap<String, Arc<Client>>;

impl Default for NewClient {
    fn default() -> Self {
        Self {
            id: String::new(),
            access: Access::Secret,
            grants: vec![Grant::ClientCredentials],
            redirect_uris: Vec::new(),
            scopes: vec!["openid".to_owned()],
            roles: Vec::new(),
            wants_es256: false,
            id_token: IdTokenAlgorithm::Es256,
            requires_dpop: false,
            binding: Binding::Free,
            requires_par: false,
            token_format: TokenFormat::Signed,
            party: Party::First,
            post_logout_uris: Vec::new(),
            backchannel_logout_uri: None,
            may_act_for: Vec::new(),
            owner: Owner::Command,
        }
    }
}

impl Access {
    /// Whether the certificate of a connection is the proof.
    pub(crate) const fn is_by_certificate(&self) -> bool {
        matches!(self, Self::Certificate(_) | Self::SelfSigned(_) | Self::Workload)
    }
}

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

impl<'a> Clients<'a> {
    pub(crate) fn new(house: &'a House) -> Self {
        Self { house }
    }

    /// Registers a client. One with [`Access::Secret`] gets its secret back, this once.
    ///
    /// # Errors
    /// When the registration is not acceptable or the id is taken.
    pub fn add(&self, new: NewClient) -> Result<Option<Secret<String>>, ClientError> {
        self.add_if(new, |_| Ok(()))
    }

    /// The same if `admit` says so, in the same transaction.
    pub(crate) fn add_if(
        self,
        new: NewClient,
        admit: impl Fn(&Transaction<'_>) -> Result<(), ClientError> + Send + 'static,
    ) -> Result<Option<Secret<String>>, ClientError> {
        check(&new)?;
        self.are_known(&new.may_act_for)?;
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
        self.house.put(Record::of("client-registered").sync().client(&id))?;
        Ok(secret)
    }

    /// All clients by id.
    pub fn list(&self) -> Vec<Arc<Client>> {
        let mut clients: Vec<_> =
            self.house.clients.by_id.load().values().map(Arc::clone).collect();
        clients.sort_by(|a, b| a.settings.id.cmp(&b.settings.id));
        clients
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
        // The prefix lets secret scanners find it.
        let secret = format!("rws_{}", base64url_encode(self.house.seams.random::<32>()?));
        Ok(Secret::new(secret))
    }
}

impl ClientTable {
    /// Reads all clients anew. One that cannot be read is left out, and gets nothing.
    pub(crate) fn load(&self, store: &Store) -> Result<(), StoreError> {
        // Held from the reading on: who read before a change must not store after it.
        let _one_at_a_time = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = store.read(|view| {
            let mut secrets = read_secrets(view)?;
            let mut clients = ById::new();
            for row in view.query(
                "SELECT id, settings, is_disabled FROM identity_client WHERE tenant_id = ?1",
                &[INSTANCE.into()],
            )? {
                let id: String = row.get(0)?;
                let secret_hashes = secrets.remove(&id).unwrap_or_default();
                let client = read_client(&row, secret_hashes)?;
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

/// `None` for one whose settings a newer program wrote: it gets nothing here.
fn read_client(row: &Row, secret_hashes: Vec<Hash>) -> Result<Option<Client>, StoreError> {
    let is_disabled = row.get(2)?;
    let settings = serde_json::from_str::<NewClient>(&row.get::<String>(1)?).ok();
    Ok(settings.and_then(|settings| {
        let keys = keys_of(&settings).ok()?;
        Some(Client { settings, is_disabled, secret_hashes, keys })
    }))
}

fn owned_by(owner: Owner) -> &'static str {
    match owner {
        Owner::Command => "the client was made by a command: change it there, or delete it",
        Owner::Manifest => "the client is declared in the manifest: change it there",
        Owner::Registration => "the client registered itself: it changes itself, or delete it",
    }
}

fn check(new: &NewClient) -> Result<(), ClientError> {
    let is_id = (1..=64).contains(&new.id.len())
        && new.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    // Its tokens for itself have it as their `sub`: none of a person (RFC 9068 section 5).
    let is_persons = new.id.len() == 26 && new.id.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_id || is_persons {
        return Err(ClientError::Id);
    }
    let for_programs = [Grant::ClientCredentials, Grant::TokenExchange];
    if new.access == Access::Public && for_programs.iter().any(|grant| new.grants.contains(grant)) {
        return Err(ClientError::PublicProgram);
    }
    let has_use = !new.redirect_uris.is_empty() && new.grants.contains(&Grant::AuthorizationCode)
        || new.grants.contains(&Grant::DeviceCode);
    if new.access == Access::Public && !has_use {
        return Err(ClientError::Idle);
    }
    let keys = keys_of(new).map_err(ClientError::Keys)?;
    if keys.is_empty() && matches!(new.access, Access::Key(_) | Access::Federated(_)) {
        return Err(ClientError::NoKeys);
    }
    let is_usable = match &new.access {
        Access::Certificate(name) => name.is_usable(),
        Access::Federated(federation) if !federation.is_usable() => {
            return Err(ClientError::Federation);
        }
        Access::SelfSigned(hashes) => !hashes.is_empty() && hashes.iter().all(|one| is_hash(one)),
        _ => true,
    };
    if !is_usable {
        return Err(ClientError::Certificate);
    }
    let mut uris =
        new.redirect_uris.iter().chain(&new.post_logout_uris).chain(&new.backchannel_logout_uri);
    match uris.find(|uri| !is_redirect_uri(uri)) {
        Some(uri) => Err(ClientError::RedirectUri(uri.clone())),
        None => Ok(()),
    }
}

fn keys_of(new: &NewClient) -> Result<KeySet, JwkError> {
    match &new.access {
        Access::Key(jwks) | Access::Federated(Federation { jwks, .. }) => {
            KeySet::parse(jwks.as_bytes())
        }
        _ => Ok(KeySet::default()),
    }
}

/// RFC 9700 section 2.1: https, or http on a loopback address (`localhost` can be another host).
fn is_redirect_uri(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let is_loopback = matches!(uri.host(), Some("127.0.0.1" | "[::1]"));
    let has_scheme = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_loopback,
        _ => false,
    };
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    has_scheme && !has_user && text.is_ascii() && !text.contains(['#', '*', '\\'])
}

/// What is wrong with an address that many have tried.
fn hint(uri: &str) -> &'static str {
    let host = uri.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    if host.as_deref() == Some("localhost") {
        // RFC 8252 section 8.3.
        ": `localhost` can be another host, use 127.0.0.1 or [::1]"
    } else if uri.starts_with("http:") {
        ": it needs https, or http on 127.0.0.1 or [::1]"
    } else {
        ""
    }
}

fn secret_hash(secret: &str) -> Hash {
    // 256 random bits need no stretching; the hash only keeps them off the disk.
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

pub(crate) const OFFLINE: &str = "offline_access";
const ADD_SECRET: &str = "INSERT INTO identity_client_secret (tenant_id, client_id, hash, created)
    VALUES (?1, ?2, ?3, ?4)";
