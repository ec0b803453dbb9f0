//! Tenure: what admitted a caller has to hold for as long as a tunnel or a stream lasts.
//!
//! A request is judged once, when it begins. What goes on for hours would outlive the session that
//! ends, the token that is revoked, the role that is taken and the line that a new manifest leaves
//! out. So it is looked at again and again, and ended.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;
use ringwall_base::{Class, Clock, Event, Outcome, RequestId, Secret, Sessions, Sink};
use ringwall_jose::AccessClaims;
use ringwall_net::{Ending, Farewell};

use crate::Refusal;
use crate::operation::Operation;
use crate::record::Record;
use crate::stage::authenticate::{Caller, Keys};
use crate::stage::authorize::Permit;
use crate::stage::route::Route;
use crate::standing::{Admitted, Standing};

/// How long tunnels and streams may last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TenureSettings {
    /// A `WebSocket` without a byte is closed.
    pub tunnel_idle: Duration,
    /// A `WebSocket` is closed, and its client told to come again.
    pub tunnel_age: Duration,
    /// An answer that does not move is given up.
    pub stream_idle: Duration,
    /// An answer that does not end is ended.
    pub stream_age: Duration,
    /// How often what admitted them is looked at again.
    pub look_every: Duration,
}

/// What a request showed, as far as it can end while the answer lasts.
#[derive(Debug, Default)]
pub(crate) enum Credential {
    /// Nothing that ends by itself: nobody, or a service by its certificate or listener.
    #[default]
    Lasting,
    /// A session, with the roles that the person had.
    Session { cookie: Secret<String>, roles: Vec<String> },
    /// An access token.
    Token(Arc<AccessClaims>),
}

/// What all tenures are looked at with.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) settings: TenureSettings,
    pub(crate) keys: Arc<dyn Keys>,
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sink: Arc<dyn Sink>,
    /// What the manifest in force says.
    pub(crate) standing: ArcSwapOption<Standing>,
}

/// The time that one request was given.
#[derive(Debug)]
pub(crate) struct Tenure {
    terms: Arc<Terms>,
    caller: Arc<Caller>,
    operation: Arc<Operation>,
    target: Option<PathAndQuery>,
    is_own: bool,
    /// The version of the manifest that permitted it last.
    permitted_by: AtomicU64,
    request: RequestId,
    address: IpAddr,
    since: Duration,
}

/// What lasts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// An answer that says how long it is: it may be finished after its token has expired.
    Sized,
    /// An answer without a known end.
    Endless,
    /// A `WebSocket`.
    Tunnel,
}

/// Why a tenure is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Over {
    Age,
    Expired,
    Manifest,
    Revoked,
    Roles,
    Session,
}

impl Terms {
    /// Begins a tenure.
    pub(crate) fn begin(
        self: &Arc<Self>,
        permit: &Permit,
        route: &Route,
        by: &Record<'_>,
    ) -> Tenure {
        Tenure {
            terms: Arc::clone(self),
            caller: permit.share(),
            operation: Arc::clone(&route.share().operation),
            target: by.target().cloned(),
            is_own: permit.is_own(),
            permitted_by: AtomicU64::new(by.manifest()),
            request: by.request_id(),
            address: by.address(),
            since: self.clock.monotonic(),
        }
    }
}

impl Tenure {
    pub(crate) fn settings(&self) -> TenureSettings {
        self.terms.settings
    }

    /// Whether it is over by now; then this is written down.
    pub(crate) fn is_over(&self, kind: Kind) -> bool {
        let over = self.over(kind);
        if let Some(over) = over {
            self.record(over);
        }
        over.is_some()
    }

    /// Resolves when a tunnel is over.
    pub(crate) fn tunnel(self) -> Ending {
        Box::pin(async move {
            let over = self.ended().await;
            self.record(over);
            if over == Over::Age { Farewell::Restart } else { Farewell::Policy }
        })
    }

    async fn ended(&self) -> Over {
        loop {
            tokio::time::sleep(self.terms.settings.look_every).await;
            if let Some(over) = self.over(Kind::Tunnel) {
                return over;
            }
        }
    }

    fn over(&self, kind: Kind) -> Option<Over> {
        let age = self.terms.clock.monotonic().saturating_sub(self.since);
        let age_max = match kind {
            Kind::Tunnel => self.terms.settings.tunnel_age,
            Kind::Sized | Kind::Endless => self.terms.settings.stream_age,
        };
        if age >= age_max {
            return Some(Over::Age);
        }
        self.credential(kind).or_else(|| (!self.is_permitted()).then_some(Over::Manifest))
    }

    /// Whether the manifest in force lets the caller in. Asked once of each.
    fn is_permitted(&self) -> bool {
        let standing = self.terms.standing.load();
        let Some(standing) = standing.as_ref() else { return true };
        if self.permitted_by.load(Ordering::Relaxed) == standing.version() {
            return true;
        }
        let path = self.target.as_ref().map(PathAndQuery::path).unwrap_or_default();
        let admitted = Admitted {
            caller: &self.caller,
            operation: &self.operation,
            path: &percent_decode_str(path).decode_utf8_lossy(),
            address: self.address,
            is_own: self.is_own,
        };
        let is_permitted = standing.permits(&admitted, self.terms.clock.now());
        if is_permitted {
            self.permitted_by.store(standing.version(), Ordering::Relaxed);
        }
        is_permitted
    }

    fn credential(&self, kind: Kind) -> Option<Over> {
        let now = self.terms.clock.now();
        match self.caller.credential() {
            Credential::Lasting => None,
            Credential::Session { cookie, roles } => {
                match self.terms.sessions.look(cookie.expose(), now) {
                    None => Some(Over::Session),
                    Some(person) => (person.roles != *roles).then_some(Over::Roles),
                }
            }
            Credential::Token(claims) if self.terms.keys.is_revoked(claims) => Some(Over::Revoked),
            Credential::Token(claims) => {
                let is_expired = kind != Kind::Sized && now >= claims.expires.plus(LEEWAY);
                is_expired.then_some(Over::Expired)
            }
        }
    }

    /// Writes down what was found in a request that its service answers already.
    pub(crate) fn message(&self, refusal: &Refusal, is_enforced: bool) {
        self.write(Event {
            action: refusal.action(),
            outcome: if is_enforced { Outcome::Failure } else { Outcome::WouldDeny },
            code: Some(refusal.public().code),
            stage: Some(refusal.stage()),
            reason: Some(refusal.reason()),
            ..Event::default()
        });
    }

    fn record(&self, over: Over) {
        self.write(Event {
            action: "stream-ended",
            outcome: Outcome::Success,
            reason: Some(over.reason().to_owned()),
            ..Event::default()
        });
    }

    /// Writes an event of this caller's request.
    fn write(&self, said: Event) {
        let person = self.caller.person();
        let event = Event {
            at: self.terms.clock.now(),
            class: Class::Group,
            person: person.map(|person| person.subject.clone()),
            person_name: person.map(|person| person.name.clone()),
            organisation: person.and_then(|person| person.organisation.named().map(str::to_owned)),
            roles: person.map(|person| person.roles.clone()).unwrap_or_default(),
            caller: self.caller.service().map(str::to_owned),
            client: self.caller.client().map(str::to_owned),
            source: Some(self.address.to_string()),
            service: Some(self.operation.service.to_string()),
            operation: Some(self.operation.name.clone()),
            request: Some(self.request.to_string()),
            ..said
        };
        if let Err(error) = self.terms.sink.put(event) {
            tracing::debug!(%error, "an event was not taken");
        }
    }
}

impl Over {
    const fn reason(self) -> &'static str {
        match self {
            Self::Age => "it was as old as it may become",
            Self::Expired => "its access token expired",
            Self::Manifest => "the manifest no longer permits it",
            Self::Revoked => "its access token was revoked",
            Self::Roles => "the person has other roles now",
            Self::Session => "its session ended",
        }
    }
}

impl Default for TenureSettings {
    fn default() -> Self {
        Self {
            tunnel_idle: Duration::from_mins(5),
            tunnel_age: Duration::from_hours(2),
            stream_idle: Duration::from_mins(5),
            stream_age: Duration::from_hours(12),
            look_every: Duration::from_secs(1),
        }
    }
}

/// Longer than the difference between clocks by which an access token is taken after its time: a
/// tunnel that was admitted then is not closed at once.
const LEEWAY: Duration = Duration::from_secs(10);
