//! Keys of a service that keep it answering.

use super::key;
use crate::shape::{Key, Shape};

/// An address, or several, each with a weight and a zone where that is wanted.
pub(crate) const UPSTREAM: Shape = Shape::Either(&[
    Shape::Text,
    Shape::List(&Shape::Either(&[Shape::Text, Shape::Table(ENDPOINT)])),
]);

pub(crate) const ENDPOINT: &[Key] = &[
    key("address", Shape::Text, "`host:port`, `unix:/path`, `dns:…`, `srv:…` or `file:…`."),
    key("weight", Shape::Integer(1, 1_000), "Share of the requests, against the others."),
    key("zone", Shape::Text, "The zone it stands in."),
];

pub(crate) const HEALTH: &[Key] = &[
    key("path", Shape::Text, "Path that answers 2xx: `/healthz`."),
    key("grpc", Shape::Text, "Service name of gRPC's health protocol."),
    key("tcp", Shape::Bool, "A connection is enough."),
    key("every", Shape::Text, "Time between two checks; `5s` if not given."),
    key("timeout", Shape::Text, "How long an answer may take; `1s` if not given."),
    key("healthy", COUNT, "Good answers in a row until it is used again; 2 if not given."),
    key("unhealthy", COUNT, "Bad answers in a row until it is left out; 3 if not given."),
];

pub(crate) const EJECT: &[Key] = &[
    key("after", COUNT, "Failures in a row; 5 if not given."),
    key("for", Shape::Text, "How long the first time; `10s` if not given."),
    key("max", PERCENT, "Percent of the upstreams left out at once; 50 if not given."),
];

pub(crate) const BREAKER: &[Key] = &[
    key("connections", MANY, "Open connections; 1024 if not given."),
    key("pending", MANY, "Requests that wait for a connection; 1024 if not given."),
    key("requests", MANY, "Requests under way; 1024 if not given."),
];

pub(crate) const RETRY: &[Key] = &[
    key("tries", Shape::Integer(1, 5), "Tries in all; 2 if not given."),
    key("budget", PERCENT, "Further tries, in percent of the requests; 20 if not given."),
    key("per_try", Shape::Text, "How long one try may take: `2s`."),
    key("hedge", Shape::Text, "After this time a second try is sent beside the first."),
];

pub(crate) const CANARY: &[Key] = &[
    key("upstream", UPSTREAM, "Where the new version listens."),
    key("percent", PERCENT, "Its share of the requests."),
    key("header", Shape::Text, "Requests that always go there: `x-canary: yes`."),
];

pub(crate) const MIRROR: &[Key] = &[
    key("upstream", Shape::Text, "Who gets copies of requests."),
    key("percent", PERCENT, "The share that is copied; 100 if not given."),
];

const COUNT: Shape = Shape::Integer(1, 100);
const MANY: Shape = Shape::Integer(1, 1_000_000);
const PERCENT: Shape = Shape::Integer(0, 100);
