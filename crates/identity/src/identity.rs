//! The identity service, put together.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use aws_lc_rs::hmac;
use bytes::Bytes;
use ringwall_base::{Person, Secret, Sessions, SignError, Signer, SinkError, Timestamp};
use ringwall_jose::{
    AccessClaims, AccessToken, DpopProof, Expected, KeySet, Nonces, Replays, TokenCache,
    base64url_encode,
};
use ringwall_store::StoreError;
use tokio::sync::Semaphore;

use crate::clients::{ClientTable, Clients};
use crate::endpoint::discovery::Discovery;
use crate::keys::{KeyError, KeyRing, KeyRow, Purpose};
use crate::mutual_tls::{MutualTls, Offer};
use crate::opaque::OpaqueTokens;
use crate::outbox::{self, Post};
use crate::people::Users;
use crate::powers::Powers;
use crate::record::Record;
use crate::registration::{self, Registration};
use crate::replay::Replay;
use crate::revocations::{HOLD, Kind, Revocations};
use crate::seams::Seams;
use crate::sessions::SessionTable;
use crate::settings::Settings;
use crate::throttle::{self, Throttle};
use crate::upstream::{self, Upstream, UpstreamAccess};
use crate::{
    answer, codes, consents, device, factors, login_step, passkeys, password, pushed, refresh,
    replay, session_clients,
};

/// People, sessions and clients of one issuer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity {
    house: Arc<House>,
}

/// Everything that endpoints need.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) settings: Settings,
    pub(crate) seams: Seams,
    pub(crate) sessions: SessionTable,
    pub(crate) clients: ClientTable,
    pub(crate) keys: KeyRing,
    pub(crate) revocations: Revocations,
    pub(crate) opaque: OpaqueTokens,
    /// Access tokens that came back to us, as from who introspects them.
    pub(crate) tokens: TokenCache<AccessToken, Arc<AccessClaims>>,
    pub(crate) replay: Replay,
    pub(crate) registration: Registration,
    pub(crate) mutual_tls: Offer,
    pub(crate) discovery: Discovery,
    /// New at each start: a proof with a nonce from before is asked for again.
    pub(crate) nonces: Nonces,
    /// Used proofs.
    pub(crate) proofs: Replays,
    pub(crate) throttle: Throttle,
    /// Codes of second factors, by account alone: whoever gets here knows the password, so that
    /// slowing the account down locks no owner out who was not robbed already.
    pub(crate) code_throttle: Throttle,
    /// Compared with when the account is unknown, so that both take the same time (attack U6).
    pub(crate) dummy_phc: String,
    /// Passwords that were compared with a hash.
    pub(crate) compared: AtomicU64,
    /// Where people sign in elsewhere.
    pub(crate) upstream: ArcSwapOption<Upstream>,
    /// Letters on their way.
    pub(crate) post: Post,
    /// New at each start: a form from before a restart is shown again.
    pub(crate) form_key: hmac::Key,
    /// For what passkeys sign, new at each start as well.
    pub(crate) challenge_key: hmac::Key,
    pub(crate) hashing: Arc<Semaphore>,
    /// Doors that the manifest opens.
    pub(crate) powers: ArcSwap<Powers>,
}

/// Why identity does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// `issuer` is not an https origin without a path.
    #[error("the issuer `{0}` is not an https origin without a path")]
    Issuer(String),
    /// The signing keys.
    #[error("the signing keys do not open")]
    Keys(#[from] KeyError),
    /// The random source failed.
    #[error("there is no randomness")]
    Random(#[from] std::io::Error),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Identity {
    /// What sign-ins cost, in the `OpenMetrics` text format.
    pub fn login_metrics(&self) -> String {
        let count = self.house.compared.load(Ordering::Relaxed);
        format!(
            "# HELP ringwall_login_hashes Passwords that were compared at sign-in.\n\
             # TYPE ringwall_login_hashes counter\nringwall_login_hashes_total {count}\n"
        )
    }

    /// Reads sessions, clients and revocations into memory, and makes the first signing keys.
    ///
    /// # Errors
    /// When the store or the vault does not answer.
    pub fn open(settings: Settings, seams: Seams) -> Result<Self, OpenError> {
        if !is_issuer(&settings.issuer) {
            return Err(OpenError::Issuer(settings.issuer));
        }
        let now = seams.clock.now();
        let clients = ClientTable::default();
        clients.load(&seams.store)?;
        let house = House {
            sessions: SessionTable::load(&settings, &seams.store, now)?,
            clients,
            keys: KeyRing::open(&seams, &settings)?,
            revocations: Revocations::load(&seams.store, now)?,
            opaque: OpaqueTokens::load(&seams)?,
            tokens: TokenCache::new(ours(&settings), TOKENS_MAX),
            replay: Replay::since(now),
            registration: Registration::load(&seams)?,
            mutual_tls: Offer::default(),
            discovery: Discovery::default(),
            nonces: Nonces::new(&seams.random::<32>()?),
            proofs: Replays::new(DpopProof::memory()),
            throttle: Throttle::new(settings.throttle),
            code_throttle: Throttle::new(CODES),
            upstream: ArcSwapOption::empty(),
            post: Post::default(),
            dummy_phc: password::unmatched(seams.entropy.as_ref())?,
            compared: AtomicU64::new(0),
            form_key: hmac::Key::new(hmac::HMAC_SHA256, &seams.random::<32>()?),
            challenge_key: hmac::Key::new(hmac::HMAC_SHA256, &seams.random::<32>()?),
            hashing: Arc::new(Semaphore::new(settings.hashes_max)),
            powers: ArcSwap::default(),
            settings,
            seams,
        };
        Ok(Self { house: Arc::new(house) })
    }

    /// Answers a request to one of [`Identity::paths`]. Waits for disk and hashes on the runtime's
    /// blocking threads, never on the caller's. `peer` is the client's address.
    pub async fn answer(
        &self,
        peer: IpAddr,
        request: http::Request<Bytes>,
    ) -> http::Response<Bytes> {
        answer::answer(&self.house, peer, request).await
    }

    /// The paths that are ours on the gateway's host.
    pub fn paths(&self) -> Vec<String> {
        answer::paths(&self.house.settings)
    }

    /// The accounts.
    pub fn users(&self) -> Users<'_> {
        Users::new(&self.house)
    }

    /// Says which roles count only after two factors. Open sessions gain or lose them at once.
    pub fn elevate(&self, roles: BTreeSet<String>) {
        self.house.sessions.elevate(roles);
    }

    /// Says where certificates of clients are asked for. `None`, as at the start: nowhere.
    pub fn offer_mutual_tls(&self, offer: Option<MutualTls>) {
        self.house.mutual_tls.store(offer.map(Arc::new));
    }

    /// Says which services the fleet has: each is a client for itself, by its own certificate. A
    /// registered client of that name stands in its place.
    pub fn enlist(&self, services: impl IntoIterator<Item = String>) {
        self.house.clients.enlist(services);
    }

    /// Lets people sign in at another issuer, too, or no longer. What is known of that issuer stays
    /// known.
    pub fn sign_in_at(&self, access: Option<UpstreamAccess>) {
        let before = self.house.upstream.load_full();
        let upstream = access.map(|access| Arc::new(Upstream::new(access, before.as_deref())));
        self.house.upstream.store(upstream);
    }

    /// Reads anew what that issuer says of itself, when it is time. Call it every minute, where
    /// nobody waits for it. Blocks.
    pub fn refresh_upstream(&self) {
        if let Some(upstream) = self.house.upstream.load_full() {
            upstream.refresh(self.house.seams.clock.as_ref());
        }
    }

    pub(crate) fn house(&self) -> &House {
        &self.house
    }

    /// The OAuth 2 clients.
    pub fn clients(&self) -> Clients<'_> {
        Clients::new(&self.house)
    }

    /// The keys that access tokens verify with, now.
    pub fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.house.keys.snapshot().access)
    }

    /// The keys that internal tokens verify with, now.
    pub fn internal_keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.house.keys.snapshot().internal)
    }

    /// The JWKS document that services verify internal tokens with. Write it where they read it,
    /// and again after each [`Identity::sweep`] that changed it.
    pub fn internal_jwks(&self) -> String {
        self.house.keys.snapshot().internal_jwks.clone()
    }

    /// The key that signs internal tokens now. Take it anew for each token.
    ///
    /// # Errors
    /// When no key is active.
    pub fn internal_signer(&self) -> Result<Arc<dyn Signer>, SignError> {
        Ok(Arc::new(self.house.keys.signer(Purpose::Internal)?))
    }

    /// The signed token that an opaque one stands for. Answers from memory.
    pub fn swap(&self, token: &str) -> Option<Secret<String>> {
        self.house.opaque.swap(token, self.house.seams.clock.now()).map(Secret::new)
    }

    /// Whether a token that verifies was revoked since.
    pub fn is_revoked(&self, claims: &AccessClaims) -> bool {
        self.house.revocations.covers(claims)
    }

    /// Changes with every revocation: the epoch for a token cache.
    pub fn epoch(&self) -> u64 {
        self.house.revocations.epoch()
    }

    /// The signing keys, for `ringwall keys`.
    pub fn key_rows(&self) -> Vec<KeyRow> {
        self.house.keys.rows()
    }

    /// Publishes a new key for a purpose; it signs when its publishing time is over.
    ///
    /// # Errors
    /// When the vault or the store fails.
    pub fn rotate(&self, purpose: Purpose) -> Result<(), KeyError> {
        self.house.keys.rotate(&self.house.seams, purpose)
    }

    /// Destroys a leaked key at once: its tokens die.
    ///
    /// # Errors
    /// When the vault or the store fails.
    pub fn revoke_key(&self, kid: &str) -> Result<(), KeyError> {
        self.house.revoke_key(kid)
    }

    /// Reads again who is signed in, and what is revoked. For a process that has released its
    /// store: what another one ends there ends here with it. Blocks.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refresh(&self) -> Result<(), StoreError> {
        let (store, now) = (&self.house.seams.store, self.house.seams.clock.now());
        self.house.sessions.refresh(store, now)?;
        self.house.opaque.refresh(store, now)?;
        self.house.revocations.refresh(store, now)
    }

    /// Turns keys, writes session times, and does what [`Identity::clean`] does. Call it every minute. Blocks.
    ///
    /// # Errors
    /// When the vault or the store fails; what was not done is done the next time.
    pub fn sweep(&self) -> Result<(), KeyError> {
        let (seams, now) = (&self.house.seams, self.house.seams.clock.now());
        self.house.keys.turn(seams, &self.house.settings)?;
        self.house.sessions.sweep(&seams.store, now)?;
        self.house.revocations.sweep(&seams.store, now)?;
        self.house.opaque.sweep(&seams.store, now)?;
        self.clean()
    }

    /// Removes what has expired, a few steps of each kind. Call it every few seconds: many rows that
    /// expire together are then removed beside other work, not instead of it. Blocks.
    ///
    /// # Errors
    /// When the store fails; what was not done is done the next time.
    pub fn clean(&self) -> Result<(), KeyError> {
        let (seams, now) = (&self.house.seams, self.house.seams.clock.now());
        codes::sweep(&seams.store, now)?;
        refresh::sweep(&seams.store, now)?;
        pushed::sweep(&seams.store, now)?;
        device::sweep(&seams.store, now)?;
        consents::sweep(&seams.store, now)?;
        replay::sweep(&seams.store, now)?;
        registration::sweep(&self.house, now)?;
        session_clients::sweep(&seams.store, now)?;
        login_step::sweep(&seams.store, now)?;
        factors::sweep(&self.house, now)?;
        passkeys::sweep(&seams.store, now)?;
        outbox::sweep(&self.house, now)?;
        upstream::sweep(&seams.store, now)?;
        Ok(())
    }
}

impl Sessions for Identity {
    fn person(&self, cookie: &str, now: Timestamp) -> Option<Person> {
        self.house.sessions.person(cookie, now).map(|person| (*person).clone())
    }

    fn look(&self, cookie: &str, now: Timestamp) -> Option<Person> {
        self.house.sessions.look(cookie, now).map(|person| (*person).clone())
    }
}

impl House {
    /// Destroys a leaked key, and says so to those who verify elsewhere and may still have it.
    pub(crate) fn revoke_key(&self, kid: &str) -> Result<(), KeyError> {
        let Self { seams, settings, keys, revocations, .. } = self;
        keys.revoke(seams, settings, kid)?;
        let (value, until) = (kid.to_owned(), seams.clock.now().plus(HOLD));
        seams
            .store
            .write(move |transaction| Revocations::write(transaction, Kind::Key, &value, until))?;
        revocations.add(Kind::Key, kid.to_owned(), until);
        Ok(())
    }

    pub(crate) fn put(&self, record: Record) -> Result<(), SinkError> {
        record.put(self.seams.clock.as_ref(), self.seams.sink.as_ref())
    }

    /// A new `jti`: 128 bits.
    pub(crate) fn token_id(&self) -> Result<String, SignError> {
        let bytes = self.seams.random::<16>().map_err(|_unavailable| SignError::Failed)?;
        Ok(base64url_encode(bytes))
    }
}

fn ours(settings: &Settings) -> Expected {
    let issuer = settings.issuer.clone();
    Expected { audience: issuer.clone(), issuer }
}

fn is_issuer(issuer: &str) -> bool {
    issuer.parse::<http::Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("https") && uri.host().is_some() && uri.path() == "/"
    }) && !issuer.ends_with('/')
}

/// One account's codes: five at once, then ever slower. No network shares a count.
const CODES: throttle::Settings = throttle::Settings {
    account_free: 4,
    network_free: u32::MAX,
    first_wait: Duration::from_secs(1),
};

/// Of about a kilobyte each.
const TOKENS_MAX: usize = 16_384;
