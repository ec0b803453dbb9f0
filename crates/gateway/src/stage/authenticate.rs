//! Authenticate: who is calling, by exactly one credential.
//!
//! At the edge a session cookie or an access token, never both: the service behind us might trust
//! the one that we ignored. A token that is bound to a key comes with a proof of it, made for this
//! very request, or over a connection with the certificate that it is bound to; what is remembered
//! of the token stands for neither. Between services the client certificate, or the listener that only one
//! service can reach; a person only by an identity token that was addressed to the one who passes
//! it on. Does no I/O: keys and sessions answer from memory.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::ORIGIN;
use ringwall_base::{Secret, Sessions, Timestamp};
use ringwall_jose::{AccessClaims, Expected, InternalClaims, KeySet};
use ringwall_net::Peer;
use ringwall_policy::PersonFacts;

use crate::Refusal;
use crate::stage::normalize::Normal;
use crate::stage::route::Route;
use crate::standing::{Includes, expand};
use crate::tenure::Credential;

mod shown;
mod tokens;

pub(crate) use tokens::Tokens;

use shown::{Shown, shown};

/// The keys that tokens are verified with: snapshots, replaced whole at rotation.
pub trait Keys: Debug + Send + Sync {
    /// Keys of access tokens.
    fn access(&self) -> Arc<KeySet>;

    /// Keys of identity tokens between gateway and services.
    fn internal(&self) -> Arc<KeySet>;

    /// Changes after every revocation: then each remembered token is looked up again.
    fn epoch(&self) -> u64;

    /// The signed token that an opaque one stands for, from memory.
    fn swap(&self, token: &str) -> Option<Secret<String>>;

    /// Whether a verified access token was revoked since, by its id or its session.
    fn is_revoked(&self, claims: &AccessClaims) -> bool;
}

/// How a door knows its callers.
#[derive(Debug)]
pub(crate) enum Settings {
    /// By cookie or token.
    Edge(Edge),
    /// By client certificate.
    Inbound {
        /// The fleet's name.
        fleet: String,
        /// The service behind this door.
        service: Arc<str>,
    },
    /// By the listener.
    Outbound {
        /// The fleet's name.
        fleet: String,
        /// The service that alone can reach it.
        service: Arc<str>,
    },
}

/// What the public door needs.
#[derive(Debug)]
pub(crate) struct Edge {
    /// The gateway's origin, as browsers spell it.
    pub(crate) origin: String,
    /// Tokens seen before. It outlives a reload.
    pub(crate) tokens: Arc<Tokens>,
    /// This snapshot's own number: what was made of a token for another one is not for this.
    pub(crate) reading: u64,
    /// Who holds a session.
    pub(crate) sessions: Arc<dyn Sessions>,
}

/// Checks credentials.
#[derive(Debug)]
pub(crate) struct Authenticate {
    settings: Settings,
    keys: Arc<dyn Keys>,
    includes: Arc<Includes>,
    nobody: Arc<Caller>,
}

/// Who is calling. Only [`Authenticate::run`] makes one: to hold it is to have the proof.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    person: Option<PersonFacts>,
    service: Option<Arc<str>>,
    client: Option<String>,
    /// Roles that would count after a second factor.
    withheld: Vec<String>,
    /// When the person last proved who they are, if that is known here.
    authenticated_at: Option<Timestamp>,
    is_consumed: bool,
    credential: Credential,
}

impl Authenticate {
    pub(crate) fn new(settings: Settings, keys: Arc<dyn Keys>, includes: Arc<Includes>) -> Self {
        Self { settings, keys, includes, nobody: Arc::default() }
    }

    /// Returns the caller, who may be nobody, or refuses a credential that is not good.
    pub(crate) fn run(
        &self,
        peer: &Peer,
        request: &Normal,
        route: &Route,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Refusal> {
        match &self.settings {
            Settings::Edge(edge) => self.edge(edge, (peer, request), route, now),
            Settings::Inbound { fleet, service } => {
                let caller = workload(peer, fleet)?;
                let sender = Sender::Certified(caller.as_deref());
                let person = self.passed_on(request, (fleet, service), sender, now)?;
                Ok(Arc::new(Caller { person, service: caller, ..Caller::default() }))
            }
            Settings::Outbound { fleet, service } => {
                let person = self.passed_on(request, (fleet, service), Sender::Listener, now)?;
                let service = Some(Arc::clone(service));
                Ok(Arc::new(Caller { person, service, ..Caller::default() }))
            }
        }
    }

    fn edge(
        &self,
        edge: &Edge,
        (peer, request): (&Peer, &Normal),
        route: &Route,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Refusal> {
        let shown = if route.operation().passes_bearer { None } else { shown(request.fields())? };
        match (shown, request.session()) {
            (Some(_), Some(_)) => Err(Refusal::malformed("an access token beside a session")),
            (Some(Shown::Bearer(token)), None) => self.by_token(edge, token, (peer, now)),
            (Some(Shown::Dpop(token)), None) => self.by_proof(edge, token, request, now),
            (None, Some(cookie)) => self.by_session(edge, cookie, (request, now), route),
            (None, None) => Ok(Arc::clone(&self.nobody)),
        }
    }

    fn by_session(
        &self,
        edge: &Edge,
        cookie: &str,
        (request, now): (&Normal, Timestamp),
        route: &Route,
    ) -> Result<Arc<Caller>, Refusal> {
        // A session that ended makes an anonymous caller: public pages must go on working.
        let Some(person) = edge.sessions.person(cookie, now) else {
            return Ok(Arc::clone(&self.nobody));
        };
        let trusted = route.manner().cors.as_ref();
        check_same_origin(request, &edge.origin, |from| {
            trusted.is_some_and(|cors| cors.trusts(from))
        })?;
        let roles = expand(&self.includes, &person.roles);
        let withheld = expand(&self.includes, &person.withheld);
        let mfa = person.proofs.are_two();
        let facts = PersonFacts {
            subject: person.subject,
            name: person.name,
            organisation: person.organisation,
            roles,
            mfa,
        };
        let cookie = Secret::new(cookie.to_owned());
        let credential = Credential::Session { cookie, roles: person.roles };
        Ok(Arc::new(Caller {
            person: Some(facts),
            credential,
            withheld,
            authenticated_at: Some(person.authenticated_at),
            ..Caller::default()
        }))
    }

    /// The person whose identity a service passes on.
    fn passed_on(
        &self,
        request: &Normal,
        (fleet, addressee): (&str, &str),
        sender: Sender<'_>,
        now: Timestamp,
    ) -> Result<Option<PersonFacts>, Refusal> {
        let Some(token) = request.identity() else { return Ok(None) };
        let expected =
            Expected { issuer: format!("ringwall:{fleet}"), audience: addressee.to_owned() };
        let claims = self
            .keys
            .internal()
            .verify_internal(token, &expected, now)
            .map_err(|error| Refusal::unauthenticated(error.to_string()))?;
        if let Sender::Certified(sender) = sender
            && claimed_sender(&claims) != sender
        {
            return Err(Refusal::unauthenticated("the identity was passed on by another service"));
        }
        // Our outbound door made it for this very call. What an app passes to its own outbound door
        // was made for the call that the app answers: there is nothing to compare with.
        if let Sender::Certified(_) = sender
            && (claims.method != request.method().as_str() || claims.path != request.raw_path())
        {
            return Err(Refusal::unauthenticated("the identity was made for another request"));
        }
        Ok(person_of(claims))
    }
}

impl Caller {
    /// The person or program.
    pub(crate) const fn person(&self) -> Option<&PersonFacts> {
        self.person.as_ref()
    }

    /// The person's or program's subject.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.person.as_ref().map(|person| person.subject.as_str())
    }

    /// The person as they would be after a second factor, if they have shown one only.
    pub(crate) fn after_step_up(&self) -> Option<PersonFacts> {
        let person = self.person.as_ref()?;
        let is_program =
            matches!(&self.credential, Credential::Token(claims) if claims.is_program());
        if person.mfa || is_program || self.service.is_some() {
            return None;
        }
        let roles = person.roles.iter().chain(&self.withheld).cloned().collect();
        Some(PersonFacts { roles, mfa: true, ..person.clone() })
    }

    /// Whether their sign-in is older than that. Programs and services never sign in.
    pub(crate) fn is_stale(&self, max_age: Duration, now: Timestamp) -> bool {
        let is_person = match &self.credential {
            Credential::Lasting => false,
            Credential::Session { .. } => true,
            Credential::Token(claims) => !claims.is_program(),
        };
        // A token that does not say when is as old as can be.
        is_person && self.authenticated_at.is_none_or(|at| now.since(at) > max_age)
    }

    /// The calling service.
    pub(crate) fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// The OAuth client that holds the token.
    pub(crate) fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// What it showed, as far as that can end.
    pub(crate) const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Whether `Authorization` was for Ringwall and must not reach the service.
    pub(crate) const fn is_consumed(&self) -> bool {
        self.is_consumed
    }
}

/// Who passes an identity on.
#[derive(Clone, Copy, Debug)]
enum Sender<'a> {
    /// The service that the certificate names; `None` for the gateway itself.
    Certified(Option<&'a str>),
    /// The service that the identity was made for: nobody else reaches the listener.
    Listener,
}

/// A cookie comes with every request that a browser makes, also for another site. What changes
/// something must say that it comes from our own pages, or from those that the manifest trusts
/// with the visitor's cookies.
fn check_same_origin(
    request: &Normal,
    origin: &str,
    trusts: impl Fn(&http::HeaderValue) -> bool,
) -> Result<(), Refusal> {
    if is_safe(request.method()) && !request.is_websocket() {
        return Ok(());
    }
    let fetch_site = request.fields().get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    match (request.fields().get(ORIGIN), fetch_site) {
        (Some(from), _) if from.as_bytes() == origin.as_bytes() || trusts(from) => Ok(()),
        // The page of an alias: the cookie is bound to its host, which is the one that is asked.
        (Some(from), _)
            if from.as_bytes().strip_prefix(b"https://") == Some(request.host().as_bytes()) =>
        {
            Ok(())
        }
        (Some(_), _) => Err(Refusal::CrossSite { why: "the origin is another site" }),
        (None, Some(b"same-origin")) => Ok(()),
        (None, _) => Err(Refusal::CrossSite { why: "the request does not say its origin" }),
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The service that the client certificate names. `None` for the gateway itself.
fn workload(peer: &Peer, fleet: &str) -> Result<Option<Arc<str>>, Refusal> {
    let identity = peer.identity().ok_or_else(|| Refusal::unauthenticated("no certificate"))?;
    let path = identity
        .strip_prefix("spiffe://")
        .and_then(|rest| rest.strip_prefix(fleet))
        .ok_or_else(|| Refusal::unauthenticated("the certificate is of another fleet"))?;
    match path.strip_prefix("/service/") {
        Some(name) if !name.is_empty() && !name.contains('/') => Ok(Some(Arc::from(name))),
        None if path == "/gateway" => Ok(None),
        _ => Err(Refusal::unauthenticated("the certificate names no service")),
    }
}

fn claimed_sender(claims: &InternalClaims) -> Option<&str> {
    claims.actor.as_ref().and_then(|actor| actor.subject.strip_prefix("service:"))
}

fn person_of(claims: InternalClaims) -> Option<PersonFacts> {
    if claims.subject == "anonymous" || claims.subject.starts_with("service:") {
        return None;
    }
    let name = claims.name.unwrap_or_else(|| claims.subject.clone());
    Some(PersonFacts {
        subject: claims.subject,
        name,
        organisation: claims.organisation,
        roles: claims.roles,
        mfa: false,
    })
}
