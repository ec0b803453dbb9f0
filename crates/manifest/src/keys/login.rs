//! Keys of what signs in: clients, and what administrators may do.

use super::{TEXTS, key};
use crate::shape::{Key, Shape};

/// `[clients.NAME]`.
pub(crate) const CLIENT: &[Key] = &[
    key("public", Shape::Bool, "It has no credential of its own: PKCE only."),
    key("secret", Shape::Text, "Secret with its client secret; made when there is none yet."),
    key("jwks", Shape::Text, "File with its public keys, for `private_key_jwt`."),
    key("redirect_uris", TEXTS, "Where people are sent back to, compared byte by byte."),
    key("post_logout_uris", TEXTS, "Where people may go after a logout that it asked for."),
    key("grants", Shape::List(&Shape::Choice(GRANTS)), "What it may ask for."),
    key("scopes", TEXTS, "Scopes beside `openid` and `profile`."),
    key("roles", TEXTS, "Roles that tokens for itself carry."),
    key("acts_for", TEXTS, "Clients whose tokens it may exchange, to call on for the person."),
    key("organisation", Shape::Text, "The one organisation whose people use it; none: all do."),
    key("require", Shape::List(&Shape::Choice(DEMANDS)), "What it is held to: `par`, `dpop` …"),
    key("bearer", Shape::Bool, "What it gets for itself is bound to no key."),
    key("tokens", Shape::Choice(&["EdDSA", "ES256"]), "What signs its access tokens."),
];

/// `[env.NAME.clients.NAME]`.
pub(crate) const OVERLAY_CLIENT: &[Key] = &[
    key("redirect_uris", TEXTS, "Where people are sent back to in this environment."),
    key("post_logout_uris", TEXTS, "Where people may go after a logout in this environment."),
];

/// By the last part of their names.
const GRANTS: &[&str] =
    &["authorization_code", "client_credentials", "device_code", "refresh_token", "token_exchange"];

const DEMANDS: &[&str] = &["certificate", "dpop", "opaque", "par"];

/// Without `ringwall:`, which they begin with in tokens.
pub(crate) const ADMIN_SCOPES: &[&str] = &[
    "users.read",
    "users.write",
    "roles.write",
    "clients.read",
    "clients.write",
    "organisations.read",
    "organisations.write",
    "sessions.read",
    "sessions.write",
    "tokens.write",
    "keys.read",
    "keys.write",
];
