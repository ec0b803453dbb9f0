//! Every key of the manifest.

mod content;
mod door;
mod grpc;
mod headers;
mod login;
mod survive;
mod leaks;
mod waf;

use crate::shape::{Key, Shape};

pub(crate) use content::{GRAPHQL, UPLOADS};
pub(crate) use door::{ACME, AUDIT, CORS, MAIL, OIDC, OVERLOAD, PLAN, TLS};
pub(crate) use grpc::GRPC;
pub(crate) use headers::HEADERS;
pub use leaks::VALUE_DETECTORS;
pub(crate) use leaks::{DETECTORS, known_detector};
pub(crate) use login::{ADMIN_SCOPES, CLIENT, OVERLAY_CLIENT};
pub(crate) use survive::{BREAKER, CANARY, EJECT, HEALTH, MIRROR, RETRY, UPSTREAM};
pub(crate) use waf::{WAF, WAF_MODE, WAF_MODES};

/// Version 1 of the manifest.
pub(crate) const ROOT: &[Key] = &[
    key("ringwall", Shape::Integer(1, 1), "Version of the manifest format."),
    key("name", Shape::Text, "Name of the fleet; also the trust domain of its identities."),
    key("include", TEXTS, "Manifests of single services: `services/*/ringwall.toml`."),
    key("policies", TEXTS, "Cedar files with conditions beyond lists: `policies/*.cedar`."),
    key("gateway", Shape::Table(GATEWAY), "The only public door."),
    key("roles", Shape::Map(&Shape::Table(ROLE)), "Roles of people."),
    key("clients", Shape::Map(&Shape::Table(CLIENT)), "OAuth 2 clients of the sign-in."),
    key("data", Shape::Map(&Shape::Table(DATA)), "Classes of data that must be protected."),
    key("services", Shape::Map(&Shape::Table(SERVICE)), "The services."),
    key("partners", Shape::Map(&Shape::Table(PARTNER)), "Third parties."),
    key("secrets", Shape::Map(&Shape::Table(SECRET)), "Names of secrets; values are never here."),
    key("limits", LIMITS, "How often, how large, how long."),
    key("plans", Shape::Map(&Shape::Table(PLAN)), "How much callers of some roles may do."),
    key("audit", Shape::Table(AUDIT), "What is written to the audit log."),
    key("waf", Shape::Table(WAF), "The rules of the web application firewall."),
    key("mail", Shape::Table(MAIL), "How letters to people are sent."),
    key("expect", Shape::Table(EXPECT), "Promises, proved by `ringwall check`."),
    key("env", Shape::Map(&Shape::Table(OVERLAY)), "What differs in one environment."),
];

pub(crate) const GATEWAY: &[Key] = &[
    key("host", Shape::Text, "Host name that clients use."),
    key("port", Shape::Integer(1, 65_535), "TCP port; 8443 if not given."),
    key("login", Shape::Text, "`built-in`, or the address of an OpenID Connect issuer."),
    key(
        "oidc",
        Shape::Table(OIDC),
        "What Ringwall is at the issuer of `login`, and who may come from there.",
    ),
    key("login_path", Shape::Text, "Path of the login page; `/login` if not given."),
    key("logout_path", Shape::Text, "Path that ends a session; `/logout` if not given."),
    key("account_path", Shape::Text, "Path of a person's own page; `/account` if not given."),
    key(
        "password_min",
        Shape::Integer(8, 64),
        "Characters of a password without a second factor; 8 if not given.",
    ),
    key(
        "password_blocklist",
        Shape::Text,
        "File with passwords that nobody may have, one a line, besides the common ones.",
    ),
    key("admin_api", Shape::Bool, "The admin API at `/admin/v1`; off if not given."),
    key(
        "registration",
        Shape::Bool,
        "Clients may register themselves at `/oauth/register`, with a token that an operator made; off if \
         not given.",
    ),
    key("waf", WAF_MODE, "Web application firewall."),
    key(
        "leaks",
        WAF_MODE,
        "Secrets, stack traces, errors of databases and listings in answers; `log` if not given.",
    ),
    key("headers", Shape::Table(HEADERS), "Fields that protect browsers; the apps' cookies."),
    key("mode", Shape::Choice(&["block", "observe"]), "`observe` records what it would refuse."),
    key(
        "responses",
        Shape::Choice(&["cut", "refuse", "pass"]),
        "What happens to response fields outside the schema.",
    ),
    key(
        "unknown_parameters",
        Shape::Choice(&["refuse", "pass"]),
        "What happens to query parameters outside the schema.",
    ),
    key("listen", TEXTS, "Addresses to listen on: `[::]:8443`; every one on `port` if not given."),
    key("http", Shape::Integer(1, 65_535), "Plain port: leads to https, answers ACME, no more."),
    key("proxy_protocol", TEXTS, "Peers that have to send PROXY protocol: `10.0.0.0/8`."),
    key("aliases", TEXTS, "More host names of the same door."),
    key("compress", Shape::Bool, "Compress answers that no secret can leak from by length."),
    key("error_pages", Shape::Text, "Folder with `404.html`, `5xx.html`, `default.html`."),
    key("drain", Shape::Text, "How long requests may go on when the process ends: `30s`."),
    key("reload_drain", Shape::Text, "How long requests may go on under the old manifest."),
    key("tls", Shape::Table(TLS), "Certificates, versions, client certificates."),
    key("acme", Shape::Table(ACME), "Certificates from an ACME server."),
    key("cors", Shape::Table(CORS), "Which other sites' pages may call."),
    key("overload", Shape::Table(OVERLOAD), "What is done under too much load."),
];

pub(crate) const ROLE: &[Key] = &[
    key("default", Shape::Bool, "Every signed-up person has it."),
    key("includes", TEXTS, "Roles whose grants it also has."),
    key("mfa", Shape::Bool, "The role counts only after a second factor."),
    key("admin", ADMIN, "What its people may do by the admin API, with two factors."),
    key(
        "organisations",
        Shape::Bool,
        "Who administers one organisation may give it to its people; if not given, only who administers all.",
    ),
];

pub(crate) const DATA: &[Key] = &[
    key("fields", TEXTS, "Property names as in the schemas."),
    key("detect", DETECTORS, "Detectors that find it in answers: `[\"card\", \"iban\"]`."),
    key(
        "mask",
        Shape::Choice(&["all", "last4"]),
        "What stays of a value that is found: nothing, or its last four; `all` if not given.",
    ),
    key("logs", Shape::Choice(&["mask", "drop", "keep"]), "What logs hold of it."),
    key("see", TEXTS, "Roles and services that may receive it; `customer:own` only their own."),
    key("leak", Shape::Choice(&["cut", "refuse"]), "What happens when it would reach another."),
];

pub(crate) const SERVICE: &[Key] = &[
    key("run", Shape::Text, "Command that starts it in `ringwall dev`."),
    key("dir", Shape::Text, "Working directory of `run`."),
    key("upstream", UPSTREAM, "Address `host:port`, or several."),
    key("openapi", Shape::Text, "OpenAPI file: routes, schemas and operation names."),
    key("flask", Shape::Text, "Python file or folder whose Flask routes are read."),
    key("routes", TEXT_MAP, "Operations by hand: `getUser = \"GET /users/{id}\"`."),
    key("mount", Shape::Text, "Path prefix under which people reach it."),
    key("data", TEXTS, "Data classes that it handles."),
    key("secrets", TEXT_MAP, "Environment variable to secret name."),
    key("env", TEXT_MAP, "Plain environment variables."),
    key("hosts", TEXTS, "Names that other code has hard-wired for it: `user-service:5001`."),
    key("stores", TEXT_MAP, "Databases by raw TCP: `\"user-db:3306\" = \"127.0.0.1:3306\"`."),
    key("authorization", Shape::Choice(&["ringwall", "app"]), "Who reads `Authorization`."),
    key("people", Shape::Map(&TEXTS), "Role to operations."),
    key("callers", Shape::Map(&TEXTS), "Calling service to operations."),
    key("own", TEXT_MAP, "Operation to the place of the owner: `path.user_id`."),
    key("max_age", TEXT_MAP, "Operation to the oldest sign-in that it takes: `15m`."),
    key("waf", WAF_MODES, "Firewall for the service, or operation by operation."),
    key("uploads", UPLOADS, "Files that operations take; `\"*\"` for every operation."),
    key("graphql", Shape::Table(GRAPHQL), "What GraphQL operations may be asked."),
    key("leaks", WAF_MODES, "Leaks in answers of the service, or operation by operation."),
    key("headers", Shape::Table(HEADERS), "The same as at the door, key by key, for this service."),
    key("protocol", Shape::Choice(&["http1", "h2"]), "What is spoken to it; `h2` also for gRPC."),
    key("zones", TEXTS, "Zones in the order in which they are used."),
    key("balance", Shape::Text, "`least`, `round-robin`, `hash:ip`, `hash:header:NAME` …"),
    key("slow_start", Shape::Text, "How long a new upstream is spared: `30s`."),
    key("health", Shape::Table(HEALTH), "Active checks of each upstream."),
    key("eject", Shape::Table(EJECT), "When an upstream that fails is left out."),
    key("breaker", Shape::Table(BREAKER), "What is not exceeded towards the service."),
    key("retry", Shape::Table(RETRY), "When a request is tried again."),
    key("canary", Shape::Table(CANARY), "A new version with a part of the requests."),
    key("mirror", Shape::Table(MIRROR), "Who gets copies of requests."),
    key("rewrite", TEXT_MAP, "Prefixes of the path that the app sees: `\"/old\" = \"/new\"`."),
    key("cors", Shape::Table(CORS), "Which other sites' pages may call this service."),
    key("websocket", TEXTS, "Operations that may become a WebSocket; every one if not given."),
    key("grpc", GRPC, "Descriptors of its services: messages are held to them."),
    key("grpc_web", Shape::Bool, "gRPC-Web of browsers is translated."),
    key("learn", Shape::Bool, "Shapes of requests are kept, for `ringwall learn`."),
    key("compress", TEXTS, "Operations whose answers to signed-in callers are compressed too."),
];

pub(crate) const PARTNER: &[Key] = &[
    key("url", Shape::Text, "Base address."),
    key("data", TEXTS, "Data classes that may leave to it."),
    key("callers", Shape::Map(&TEXTS), "Service to `METHOD /path` lines."),
    key("auth", Shape::Table(AUTH), "Credential that the egress proxy adds."),
    key("webhook", Shape::Table(WEBHOOK), "What it may send in."),
];

pub(crate) const AUTH: &[Key] = &[
    key("bearer", Shape::Text, "Secret sent as a bearer token."),
    key("basic", Shape::Text, "Secret sent as user and password."),
    key("header", Shape::Text, "Secret sent in a header of its own."),
];

pub(crate) const WEBHOOK: &[Key] = &[
    key("to", Shape::Text, "`service.operation` that receives it."),
    key("verify", Shape::Text, "Dialect of its signature."),
    key("secret", Shape::Text, "Secret that it signs with."),
];

pub(crate) const SECRET: &[Key] =
    &[key("rotate", Shape::Text, "How long one version is used: `30d`.")];

pub(crate) const LIMIT: &[Key] = &[
    key("rate", Shape::Text, "`10 per minute per user`."),
    key("cost", Shape::Integer(1, 1_000), "What one request counts; 1 if not given."),
    key("burst", Shape::Integer(1, 1_000_000), "How many may come at once."),
    key("body", Shape::Text, "Largest request body: `16 KiB`."),
    key("timeout", Shape::Text, "Longest time for the whole exchange: `5s`."),
];

pub(crate) const EXPECT: &[Key] = &[
    key("never", TEXTS, "`users -> stripe`: no line may allow it."),
    key("always", TEXTS, "`orders -> payments.createCharge`: some line has to allow it."),
];

pub(crate) const OVERLAY: &[Key] = &[
    key("host", Shape::Text, "Host name in this environment."),
    key("identity", Shape::Text, "Trust domain in this environment."),
    key("upstream", Shape::Map(&UPSTREAM), "Addresses by service."),
    key("gateway", Shape::Table(OVERLAY_GATEWAY), "The public door in this environment."),
    key(
        "services",
        Shape::Map(&Shape::Table(OVERLAY_SERVICE)),
        "Addresses of services in this environment.",
    ),
    key("clients", Shape::Map(&Shape::Table(OVERLAY_CLIENT)), "Clients in this environment."),
    key("limits", LIMITS, "Limits in this environment."),
];

pub(crate) const OVERLAY_GATEWAY: &[Key] =
    &[key("host", Shape::Text, "Host name in this environment.")];

pub(crate) const OVERLAY_SERVICE: &[Key] =
    &[key("upstream", UPSTREAM, "Address `host:port`, or several, in this environment.")];

/// What an included file may hold: the grants to its service and what belongs to them.
pub(crate) const INCLUDED: &[&str] = &["ringwall", "services", "data", "secrets", "limits"];

const ADMIN: Shape = Shape::List(&Shape::Choice(ADMIN_SCOPES));
pub(crate) const TEXTS: Shape = Shape::List(&Shape::Text);
const TEXT_MAP: Shape = Shape::Map(&Shape::Text);
const ONE_LIMIT: Shape = Shape::Either(&[Shape::Text, Shape::Table(LIMIT)]);
const LIMITS: Shape = Shape::Open(
    &[
        key("default", ONE_LIMIT, "For operations without a line of their own."),
        key("login", ONE_LIMIT, "For attempts to sign in."),
        key("redis", REDIS, "Address of a Redis or Valkey that shares the counts."),
        key("redis_secret", Shape::Text, "Secret with its password."),
    ],
    &Shape::Map(&ONE_LIMIT),
);

/// A service may have this name: then it is a table of its operations.
const REDIS: Shape = Shape::Either(&[Shape::Text, Shape::Map(&ONE_LIMIT)]);

const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, about }
}
