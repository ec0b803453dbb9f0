//! What signs in: OAuth 2 clients.

use std::collections::BTreeSet;

use ringwall_base::Place;

/// A client of the sign-in, declared.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Client {
    /// How it proves who it is.
    pub access: ClientAccess,
    /// What it may ask for, as `authorization_code`, `token_exchange` …
    pub grants: Vec<String>,
    /// Where people are sent back to.
    pub redirect_uris: Vec<String>,
    /// Where people may go after a logout that it asked for.
    pub post_logout_uris: Vec<String>,
    /// Scopes beside `openid` and `profile`.
    pub scopes: Vec<String>,
    /// Roles that tokens for itself carry.
    pub roles: Vec<String>,
    /// Clients whose tokens it may exchange.
    pub acts_for: Vec<String>,
    /// What it is held to: `bound`, `certificate`, `dpop`, `opaque`, `par`.
    pub demands: BTreeSet<String>,
    /// The one organisation that it is of.
    pub organisation: Option<String>,
    /// Whether its access tokens are signed by ES256.
    pub wants_es256: bool,
    /// Where it is declared.
    pub place: Place,
}

/// How a client proves who it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum ClientAccess {
    /// By a key of this JWKS document.
    Keys(String),
    /// Not at all: PKCE stands in.
    #[default]
    Public,
    /// By the value of this secret.
    Secret(String),
}

/// Which doors of the sign-in are open that are closed if nobody asks for them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Opens {
    /// `/admin/v1`.
    pub admin_api: bool,
    /// `/oauth/register`.
    pub registration: bool,
}
