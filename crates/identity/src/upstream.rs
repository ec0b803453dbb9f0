//! Another issuer at which people sign in (OpenID Connect Core section 3.1): who it is, and who of its
//! people may come in.
//!
//! Nothing here follows an address that came with a request or a token: the issuer is the manifest's,
//! and the rest is what its metadata says.

mod answer;
mod fuzz;
mod journey;
mod knowledge;
mod link;
mod metadata;
mod person;
mod sign_up;
mod unlink;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::Secret;
use tokio::sync::Semaphore;

use knowledge::Knowledge;

use crate::throttle::{self, Throttle};

pub(crate) use answer::{AnswerError, encoded, redirect_uri};
#[doc(hidden)]
pub use fuzz::fuzz;
pub(crate) use journey::{COOKIE, Journey, LIFE, Linking};
pub(crate) use link::{linked, linked_since, sweep, take_state};
pub(crate) use person::Vouched;
pub(crate) use sign_up::{Joined, follow_roles, join, record, sign_up};
pub(crate) use unlink::{Unlinked, settle, unlink};

/// How people sign in at another issuer.
#[derive(Clone, Debug, Default)]
pub struct UpstreamSettings {
    /// Its issuer identifier, compared byte by byte.
    pub issuer: String,
    /// What its answers are trusted for: roots, and where it may be. What was learned under another
    /// trust is forgotten.
    pub trust: Vec<u8>,
    /// What people know it by; its host if nothing is said.
    pub title: Option<String>,
    /// What we are called there.
    pub client_id: String,
    /// How we prove it; a public client has none.
    pub client_secret: Option<Secret<String>>,
    /// Scopes beside `openid`.
    pub scopes: Vec<String>,
    /// Only people with a confirmed address in one of these domains come in; empty: all. What it says
    /// of addresses in other domains counts for nothing.
    pub domains: Vec<String>,
    /// Only people with these claims, by name and value, come in.
    pub claims: BTreeMap<String, String>,
    /// Whether somebody new gets an account.
    pub signs_up: bool,
    /// The claim that names such an account; a confirmed address in one of the domains if nothing is
    /// said.
    pub name_claim: Option<String>,
    /// The roles that such an account has from the start.
    pub roles: Vec<String>,
    /// What gives roles to such accounts.
    pub role_claim: Option<RoleClaim>,
    /// Values of `amr` or `acr` there that stand for two factors; empty: nothing there does.
    pub two_factors: Vec<String>,
}

/// A claim whose values give roles.
#[derive(Clone, Debug)]
pub struct RoleClaim {
    /// Its name.
    pub claim: String,
    /// The role that each value gives; others give none.
    pub roles: BTreeMap<String, String>,
}

/// Sends requests to other servers. Follows no redirect, goes to no address that it must not, and
/// limits size and time. Blocks.
pub trait Outgoing: Debug + Send + Sync {
    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// When there is none that may be used.
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, OutgoingError>;
}

/// An issuer, and who asks it.
pub type UpstreamAccess = (UpstreamSettings, Arc<dyn Outgoing>);

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct OutgoingError(
    /// In the words of who asked.
    pub String,
);

/// The issuer, and what is known of it.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) settings: UpstreamSettings,
    outgoing: Arc<dyn Outgoing>,
    knowledge: Arc<Knowledge>,
    /// Who waits for the issuer now. It may be slow, and the threads are not only for it (attack Q2).
    pub(crate) turns: Semaphore,
    /// Answers that were not taken, by network.
    pub(crate) throttle: Throttle,
}

impl Upstream {
    pub(crate) fn new((settings, outgoing): UpstreamAccess, before: Option<&Self>) -> Self {
        let of = |settings: &UpstreamSettings| (settings.issuer.clone(), settings.trust.clone());
        let before = before.filter(|before| of(&before.settings) == of(&settings));
        let knowledge = before.map(|before| Arc::clone(&before.knowledge)).unwrap_or_default();
        let (turns, throttle) = (Semaphore::new(WAITING_MAX), Throttle::new(ANSWERS));
        Self { settings, outgoing, knowledge, turns, throttle }
    }

    /// What people know it by.
    pub(crate) fn title(&self) -> &str {
        let rest = self.settings.issuer.split("://").nth(1).unwrap_or_default();
        let host = rest.split('/').next().unwrap_or_default();
        self.settings.title.as_deref().unwrap_or(host)
    }
}

/// Whoever sends answers that are none waits, and many people of one network mistype there.
const ANSWERS: throttle::Settings = throttle::Settings {
    account_free: 60,
    network_free: u32::MAX,
    first_wait: Duration::from_secs(1),
};
/// Of some hundred threads that wait for disks and hashes.
const WAITING_MAX: usize = 32;
