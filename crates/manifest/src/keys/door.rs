//! Keys of `[gateway.…]` tables and of what belongs to the door.

use super::{TEXTS, key};
use crate::shape::{Key, Shape};

pub(crate) const TLS: &[Key] = &[
    key("min", VERSION, "Oldest version of TLS; `1.2` if not given."),
    key("certificates", Shape::List(&Shape::Table(CERTIFICATE)), "Certificates of your own."),
    key("tickets", Shape::Text, "How long one ticket key is used: `12h`."),
    key("ocsp", Shape::Bool, "OCSP answers are fetched and stapled."),
    key("client", Shape::Table(CLIENT), "Certificates of clients."),
    key("hosts", Shape::Map(&Shape::Table(HOST)), "What differs for one host name."),
];

pub(crate) const CERTIFICATE: &[Key] = &[
    key("certificate", Shape::Text, "PEM file with the chain."),
    key("key", Shape::Text, "PEM file, or `secret:NAME`."),
];

pub(crate) const CLIENT: &[Key] = &[
    key("ca", Shape::Text, "PEM file with the authorities that issue them."),
    key("crl", Shape::Text, "File with revoked certificates."),
    key("require", Shape::Bool, "A client without one is refused; so unless `false`."),
    key("workloads", Shape::Bool, "Certificates of the fleet's own services are taken, too."),
    key(
        "self_signed",
        Shape::Bool,
        "Self-signed ones are taken, too: OAuth clients register theirs.",
    ),
];

pub(crate) const HOST: &[Key] = &[
    key("min", VERSION, "Oldest version of TLS for this name."),
    key("client", Shape::Table(CLIENT), "Certificates of clients for this name."),
];

pub(crate) const ACME: &[Key] = &[
    key("directory", Shape::Text, "Address of the server's directory."),
    key("contact", Shape::Text, "`mailto:` address for its messages."),
    key("names", TEXTS, "Names to get certificates for; the door's names if not given."),
    key("challenge", Shape::Choice(&["tls-alpn-01", "http-01"]), "How a name is proved."),
    key("ca", Shape::Text, "PEM file with the root of a private server."),
];

pub(crate) const CORS: &[Key] = &[
    key("origins", TEXTS, "Origins whose pages may call: `https://app.example`."),
    key("methods", TEXTS, "Methods; those of the path's operations if not given."),
    key("headers", TEXTS, "Request headers that scripts may set."),
    key("expose", TEXTS, "Answer headers that scripts may read."),
    key("credentials", Shape::Bool, "Cookies are sent along."),
    key("max_age", Shape::Text, "How long a browser remembers a preflight: `10m`."),
    key("private_network", Shape::Bool, "Pages of public networks may call a private one."),
];

pub(crate) const OVERLOAD: &[Key] = &[
    key("in_flight", Shape::Integer(1, 1_000_000), "Requests under way, all services together."),
    key("adaptive", Shape::Bool, "A lower bound is found from the times of the answers."),
];

pub(crate) const PLAN: &[Key] = &[
    key("roles", TEXTS, "Roles on this plan."),
    key("quota", Shape::Text, "How much in a long time: `100000 per day`."),
    key("rate", Shape::Text, "How often, all operations together: `50 per second`."),
];

pub(crate) const AUDIT: &[Key] = &[key(
    "requests",
    Shape::Choice(&["all", "denied"]),
    "Requests that are written to the audit log; all are counted.",
)];

pub(crate) const MAIL: &[Key] = &[
    key("smtp", Shape::Text, "`smtps://user@host:465`, or `smtp://user@host:587` for STARTTLS."),
    key("secret", Shape::Text, "Secret with the password of the user."),
    key("from", Shape::Text, "Who writes: `Shop <login@shop.example>`."),
    key("ca", Shape::Text, "PEM file with the root of a private server."),
];

pub(crate) const OIDC: &[Key] = &[
    key("client", Shape::Text, "What Ringwall is called there (`client_id`)."),
    key("secret", Shape::Text, "Secret that it proves it with."),
    key("title", Shape::Text, "What people know the issuer by; its host if not given."),
    key("scopes", TEXTS, "What is asked for beside `openid`; `[\"email\"]` if not given."),
    key("domains", TEXTS, "Only people with a confirmed address in one of these come in."),
    key("claims", Shape::Map(&Shape::Text), "Only people with these claims come in."),
    key("sign_up", Shape::Bool, "Somebody new gets an account; else people link their own."),
    key(
        "name_claim",
        Shape::Text,
        "Claim that names a new account; a confirmed address in `domains` if not given.",
    ),
    key("roles_claim", Shape::Text, "Claim that gives roles to accounts that were made so."),
    key("roles", Shape::Map(&Shape::Text), "Role for each value of that claim."),
    key("two_factors", TEXTS, "Values of `amr` or `acr` there that stand for two factors."),
    key("ca", Shape::Text, "PEM file with the root of a private issuer."),
    key("danger_private_network", Shape::Bool, "The issuer's host may be in this network."),
];

const VERSION: Shape = Shape::Choice(&["1.2", "1.3"]);
