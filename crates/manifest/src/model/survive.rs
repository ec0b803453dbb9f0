//! How a service is kept answering while parts of it fail: choice, health, limits, tries.

use std::time::Duration;

use super::Upstream;

/// What is spoken to an app.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 without TLS and with prior knowledge (h2c), also for gRPC.
    Http2,
}

/// How one of several upstreams is chosen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Balance {
    /// The one with fewer requests under way, of two drawn by chance.
    #[default]
    Least,
    /// One after the other, by weight.
    RoundRobin,
    /// The same one for the same caller, as long as it is there.
    Hash(HashKey),
}

/// What stays with one upstream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HashKey {
    /// The client's address.
    Ip,
    /// The person or program; the address when there is none.
    Person,
    /// The value of a header; its name is in lower case.
    Header(String),
    /// The value of a cookie.
    Cookie(String),
}

/// Active checks of each upstream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Health {
    /// What is asked.
    pub check: HealthCheck,
    /// Time between two checks.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Good answers in a row until it is used again.
    pub healthy: u32,
    /// Bad answers in a row until it is left out.
    pub unhealthy: u32,
}

/// What an active check asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HealthCheck {
    /// `GET` of this path, answered with 2xx.
    Http(String),
    /// `grpc.health.v1.Health/Check` for this service name; empty for the whole server.
    Grpc(String),
    /// A connection can be opened.
    Tcp,
}

/// Leaving out an upstream that fails real requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Eject {
    /// Failures in a row.
    pub after: u32,
    /// How long the first time; longer each time.
    pub duration: Duration,
    /// At most this share of the upstreams is left out at once.
    pub percent_max: u8,
}

/// What is not exceeded towards one service, all its upstreams together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Breaker {
    /// Open connections.
    pub connections_max: u32,
    /// Requests that wait for a connection.
    pub pending_max: u32,
    /// Requests under way.
    pub requests_max: u32,
}

/// Trying again, only where a second try can do no harm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retry {
    /// Tries in all, the first included.
    pub tries_max: u32,
    /// Tries beyond the first, as a share of the requests under way.
    pub budget_percent: u8,
    /// How long one try may take until its head has come.
    pub per_try: Option<Duration>,
    /// After this time a second try is sent beside the first.
    pub hedge: Option<Duration>,
}

/// A new version that gets a part of the requests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Canary {
    /// Where it listens.
    pub upstreams: Vec<Upstream>,
    /// Its share of the requests.
    pub percent: u8,
    /// Requests with this header (name in lower case, value) always go there.
    pub header: Option<(String, String)>,
}

/// Where copies of requests are sent; their answers are thrown away.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mirror {
    /// Who gets them.
    pub upstream: Upstream,
    /// The share that is copied.
    pub percent: u8,
}

/// What the gateway does when it has too much to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Overload {
    /// Requests under way, all services together.
    pub in_flight_max: u32,
    /// Whether a lower bound is found from the times of the answers.
    pub is_adaptive: bool,
}
