//! One service: what it is, who may call it, how it is reached.

use std::collections::BTreeMap;
use std::time::Duration;

use ringwall_base::{Operation, Place};

use super::{
    Balance, Breaker, Canary, Cors, Eject, Grant, GraphQl, Grpc, Headers, Health, Mirror,
    OwnerRule, Protocol, Retry, Uploads, Upstream, WafModes,
};

/// One service.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Command that starts it in `dev`.
    pub run: Option<String>,
    /// Working directory of `run`, relative to the manifest.
    pub dir: Option<String>,
    /// Where it listens, at least one.
    pub upstreams: Vec<Upstream>,
    /// What is spoken to it.
    pub protocol: Protocol,
    /// Zones in the order in which they are used; empty: all upstreams alike.
    pub zones: Vec<String>,
    /// How one of several upstreams is chosen.
    pub balance: Balance,
    /// How long a new upstream is spared.
    pub slow_start: Option<Duration>,
    /// Active checks.
    pub health: Option<Health>,
    /// Leaving out what fails. `None`: the built-in rule.
    pub eject: Option<Eject>,
    /// Limits towards the service. `None`: the built-in ones.
    pub breaker: Option<Breaker>,
    /// Trying again. `None`: the built-in rule.
    pub retry: Option<Retry>,
    /// A new version with a part of the requests.
    pub canary: Option<Canary>,
    /// Who gets copies.
    pub mirror: Option<Mirror>,
    /// Prefixes of the path that the app sees, after the mount was cut: what is replaced by what.
    /// The longest comes first.
    pub rewrite: Vec<(String, String)>,
    /// Cross-origin rules. `None`: as for the door.
    pub cors: Option<Cors>,
    /// Operations that may become a WebSocket. `None`: every one that is granted.
    pub websocket: Option<Vec<String>>,
    /// Whether gRPC-Web of browsers is translated.
    pub has_grpc_web: bool,
    /// Descriptors of its services, and how messages are held to them.
    pub grpc: Option<Grpc>,
    /// Whether shapes of its requests and answers are kept, for a document to be learned.
    pub learns: bool,
    /// Operation to the oldest sign-in of a person that it takes at the public door.
    pub max_age: BTreeMap<String, Duration>,
    /// How the firewall looks at its requests.
    pub waf: WafModes,
    /// The files that its operations take.
    pub uploads: Uploads,
    /// What its GraphQL operations may be asked.
    pub graphql: Option<GraphQl>,
    /// What happens to secrets, stack traces and the like in its answers.
    pub leaks: WafModes,
    /// What it says of fields that protect browsers, before the door.
    pub headers: Headers,
    /// Operations whose answers to signed-in callers are compressed too.
    pub compress: Vec<String>,
    /// OpenAPI file, relative to the manifest.
    pub openapi: Option<String>,
    /// Python file or folder whose Flask routes are read.
    pub flask: Option<String>,
    /// Path prefix under which people reach it, without trailing slash; empty for none.
    pub mount: String,
    /// Data classes it handles.
    pub data: Vec<String>,
    /// Environment variable to secret name.
    pub secrets: BTreeMap<String, String>,
    /// Plain environment variables.
    pub env: BTreeMap<String, String>,
    /// Names that other services' code has hard-wired for this one, `host:port`.
    pub hosts: Vec<String>,
    /// Databases that it alone reaches by raw TCP: `host:port` as its code has it, and where that
    /// really is, seen from the host.
    pub stores: BTreeMap<String, String>,
    /// Who consumes the `Authorization` header.
    pub authorization: Authorization,
    /// Its operations, by name.
    pub operations: BTreeMap<String, Operation>,
    /// Whether bodies and answers can be validated.
    pub has_schemas: bool,
    /// Role (or `anyone`) to grants.
    pub people: BTreeMap<String, Vec<Grant>>,
    /// Service to grants.
    pub callers: BTreeMap<String, Vec<Grant>>,
    /// Operation to the place of the owner.
    pub own: BTreeMap<String, OwnerRule>,
    /// The `[services.NAME]` line.
    pub place: Place,
}

/// Who consumes the `Authorization` header at the edge.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Authorization {
    /// The app: a bearer token passes through and does not identify anyone.
    App,
    /// Ringwall: a bearer token is an access token.
    #[default]
    Ringwall,
}
