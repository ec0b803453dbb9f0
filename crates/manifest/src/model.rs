//! What is true: the resolved manifest. No later code re-checks it.
//!
//! A [`Model`] is made by the checker only. Names are resolved, defaults are filled in, includes
//! and the environment overlay are applied, and every grant knows the line that gave it.

mod edge;
mod grpc;
mod headers;
mod login;
mod service;
mod survive;
mod tls;
mod upstream;
mod waf;
mod content;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use ringwall_base::Place;

pub use content::{GraphQl, UploadRule, Uploads};
pub use edge::{AuditRequests, Cors, MailServer, Network, Oidc, Plan, Redis};
pub use grpc::Grpc;
pub use headers::{Frame, HeaderLine, Headers};
pub use login::{Client, ClientAccess, Opens};
pub use service::{Authorization, Service};
pub use survive::{
    Balance, Breaker, Canary, Eject, HashKey, Health, HealthCheck, Mirror, Overload, Protocol,
    Retry,
};
pub use tls::{
    Acme, AcmeChallenge, Certificate, CertificateKey, ClientCertificates, Tls, TlsHost, TlsVersion,
};
pub use upstream::{Address, Upstream};
pub use waf::{RuleSet, Waf, WafModes, WafRules};

/// The whole manifest, resolved.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Model {
    /// The fleet's name, which is also the SPIFFE trust domain.
    pub name: String,
    /// The public door.
    pub gateway: Gateway,
    /// Roles of people, by name. `anyone` is not in it.
    pub roles: BTreeMap<String, Role>,
    /// OAuth 2 clients, by id.
    pub clients: BTreeMap<String, Client>,
    /// Data classes, by name.
    pub data: BTreeMap<String, DataClass>,
    /// Services, by name.
    pub services: BTreeMap<String, Service>,
    /// Third parties, by name.
    pub partners: BTreeMap<String, Partner>,
    /// Declared secrets, by name.
    pub secrets: BTreeMap<String, SecretRule>,
    /// Rate, size and time limits.
    pub limits: Limits,
    /// Plans, by name.
    pub plans: BTreeMap<String, Plan>,
    /// The server that takes letters to people.
    pub mail: Option<MailServer>,
    /// The rules of the web application firewall.
    pub waf: WafRules,
    /// Which requests are written to the audit log.
    pub audit_requests: AuditRequests,
    /// Promises.
    pub expectations: Vec<Expectation>,
    /// Cedar policy files: path and text.
    pub policies: Vec<(String, String)>,
}

impl Model {
    /// Roles that count only after two factors: those with `mfa`, and those that include one, because
    /// whoever has them may do the same.
    pub fn elevated_roles(&self) -> BTreeSet<String> {
        let wants = |role: &Role| role.mfa;
        let includes =
            |role: &Role| role.includes.iter().filter_map(|name| self.roles.get(name)).any(wants);
        let elevated = self.roles.iter().filter(|(_, role)| wants(role) || includes(role));
        elevated.map(|(name, _)| name.clone()).collect()
    }
}

/// The public door.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Gateway {
    /// Host name that clients use.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Where people sign in.
    pub login: Login,
    /// What Ringwall is at the issuer of `login`.
    pub oidc: Option<Oidc>,
    /// Path of the login page.
    pub login_path: String,
    /// Path that ends a session.
    pub logout_path: String,
    /// Path of a person's own page.
    pub account_path: String,
    /// Characters that a password has at least while it is the only factor.
    pub password_min: usize,
    /// File with passwords that nobody may have, relative to the manifest's folder.
    pub password_blocklist: Option<String>,
    /// What can be administered from outside.
    pub opens: Opens,
    /// Whether refusals are enforced.
    pub mode: Mode,
    /// What happens to response fields outside the declared schema.
    pub responses: Leak,
    /// Whether undeclared query parameters are refused (where a schema is declared).
    pub refuses_unknown_parameters: bool,
    /// Web application firewall.
    pub waf: Waf,
    /// What happens to secrets, stack traces and the like in answers.
    pub leaks: Waf,
    /// Fields that protect browsers, and the apps' cookies.
    pub headers: Box<Headers>,
    /// Addresses to listen on; empty: every address, on `port`.
    pub listen: Vec<SocketAddr>,
    /// Plain port: sends browsers to `https` and answers ACME's HTTP-01, nothing else.
    pub http_port: Option<u16>,
    /// Peers that have to send a PROXY protocol header; nobody else may.
    pub proxy_protocol: Vec<Network>,
    /// More host names of the same door.
    pub aliases: Vec<String>,
    /// Whether answers are compressed where no secret can leak by their length.
    pub compresses: bool,
    /// Folder with pages for browsers, relative to the manifest's folder.
    pub error_pages: Option<String>,
    /// How long requests may go on when the process ends. `None`: the built-in time.
    pub drain: Option<Duration>,
    /// How long requests may go on under the old manifest. `None`: the built-in time.
    pub reload_drain: Option<Duration>,
    /// TLS of the door.
    pub tls: Tls,
    /// Certificates from an ACME server.
    pub acme: Option<Acme>,
    /// Cross-origin rules, for services without their own.
    pub cors: Option<Cors>,
    /// What is done under too much load.
    pub overload: Option<Overload>,
    /// The `[gateway]` line.
    pub place: Place,
}

/// Where people sign in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Login {
    /// Ringwall's own accounts.
    #[default]
    BuiltIn,
    /// An OpenID Connect issuer.
    Issuer(String),
}

/// Whether refusals are enforced.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// Refuse.
    #[default]
    Block,
    /// Let through and record what would have been refused.
    Observe,
}

/// What happens to data that must not leave.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Leak {
    /// Remove the field.
    #[default]
    Cut,
    /// Let it through.
    Pass,
    /// Replace the whole answer by an error.
    Refuse,
}

/// A role that people have.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Role {
    /// Whether every signed-up person has it.
    pub is_default: bool,
    /// Roles contained in this one, transitively, sorted, without itself.
    pub includes: Vec<String>,
    /// Whether a second factor is demanded.
    pub mfa: bool,
    /// What its people may do by the admin API: `users.read` …, its own and of those included.
    pub admin: Vec<String>,
    /// Whether an administrator of one organisation may give it to its people.
    pub is_of_organisations: bool,
    /// Where it is declared.
    pub place: Place,
}

/// A class of data that must be protected.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DataClass {
    /// Names of detectors that find it in answers: `card`.
    pub detect: Vec<&'static str>,
    /// What stays of a value that is found.
    pub mask: Mask,
    /// Property names as in the schemas.
    pub fields: Vec<String>,
    /// What happens when it would reach one who may not see it.
    pub leak: Leak,
    /// What happens to it in logs.
    pub logs: Logs,
    /// Who may receive it. `None`: whoever is granted an operation of a service that lists it.
    pub see: Option<Vec<Viewer>>,
    /// Where it is declared.
    pub place: Place,
}

/// What stays of a value that is masked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mask {
    /// Nothing.
    #[default]
    All,
    /// Its last four characters.
    Last4,
}

/// Data in logs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Logs {
    /// Leave the field out.
    #[default]
    Drop,
    /// Write it.
    Keep,
    /// Write a mark in its place.
    Mask,
}

/// Who may receive a data class.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Viewer {
    /// People with a role; `own`: only in answers about their own objects.
    Role {
        /// Role name.
        name: String,
        /// Only their own.
        own: bool,
    },
    /// A calling service.
    Service(String),
}

/// One permitted operation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// Operation name. `*` has been expanded.
    pub operation: String,
    /// What narrows it.
    pub scope: Scope,
    /// The line that gives it.
    pub place: Place,
}

/// What narrows a grant.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Scope {
    /// Nothing.
    #[default]
    All,
    /// `:on-behalf`: only with a person's identity passed on.
    OnBehalf,
    /// `:own`: only the caller's own objects.
    Own,
}

/// Where the owner of an object stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnerRule {
    /// Which part of the exchange.
    pub source: OwnerSource,
    /// Parameter or property name; `.` separates nested properties.
    pub name: String,
    /// What it is compared with.
    pub equals: OwnerValue,
    /// Where it is declared.
    pub place: Place,
}

/// Which part of the exchange names the owner.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OwnerSource {
    /// A property of the request body (JSON or form).
    Body,
    /// A path parameter.
    Path,
    /// A query parameter.
    Query,
    /// A property of the JSON answer; in a list, every element has to match.
    Response,
}

/// What the owner is compared with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OwnerValue {
    /// The person's login name.
    Name,
    /// The person's `sub`.
    #[default]
    Subject,
}

/// A third party.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Partner {
    /// Base address.
    pub url: String,
    /// Data classes that may leave to it.
    pub data: Vec<String>,
    /// Service to `METHOD /path` grants.
    pub callers: BTreeMap<String, Vec<Grant>>,
    /// How its credential is added: scheme (`bearer`, `basic`, `header`) and secret name.
    pub auth: Option<(String, String)>,
    /// Its webhook.
    pub webhook: Option<Webhook>,
    /// Where it is declared.
    pub place: Place,
}

/// What a partner may send in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Webhook {
    /// Service.
    pub service: String,
    /// Operation.
    pub operation: String,
    /// Signature dialect.
    pub verify: String,
    /// Secret name of its key.
    pub secret: String,
    /// Where it is declared.
    pub place: Place,
}

/// A declared secret.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SecretRule {
    /// How long one version is used.
    pub rotate: Option<Duration>,
    /// Where it is declared.
    pub place: Place,
}

/// All limits.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// For operations without their own line.
    pub default: Option<Limit>,
    /// For attempts to sign in.
    pub login: Option<Limit>,
    /// By service and operation.
    pub operations: BTreeMap<(String, String), Limit>,
    /// Counts shared between gateways.
    pub redis: Option<Redis>,
}

/// One limit line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Limit {
    /// How often.
    pub rate: Option<Rate>,
    /// What one request counts. `None`: one.
    pub cost: Option<u32>,
    /// How many may come at once. `None`: as many as the rate allows.
    pub burst: Option<u32>,
    /// Largest request body in bytes.
    pub body_bytes_max: Option<u64>,
    /// Longest time for the whole exchange.
    pub timeout: Option<Duration>,
    /// Where it is declared.
    pub place: Place,
}

/// `100 per minute per user`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In which time.
    pub per: Duration,
    /// Counted for whom.
    pub key: RateKey,
}

/// Whom a rate is counted for.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RateKey {
    /// The account that someone tries to sign in to.
    Account,
    /// The client's address (IPv6: its /64).
    Ip,
    /// The person, program or service; the address when there is none.
    #[default]
    User,
}

/// A promise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expectation {
    /// As written.
    pub text: String,
    /// `always` or `never`.
    pub is_always: bool,
    /// Who.
    pub from: Party,
    /// What.
    pub to: Party,
    /// Where it is declared.
    pub place: Place,
}

/// An end of an expectation's arrow.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Party {
    /// Anybody, also anonymous.
    Anyone,
    /// A data class.
    Data(String),
    /// `logs`.
    Logs,
    /// One operation.
    Operation(String, String),
    /// A partner.
    Partner(String),
    /// People in any role, or anonymous.
    People,
    /// People with one role.
    Role(String),
    /// A service, or all its operations.
    Service(String),
}
