//! What is said of a client when it is registered.

use serde::{Deserialize, Serialize};

use crate::certificates::CertificateName;
use crate::federation::Federation;

/// How a client proves who it is. One way per client: there is no second one to downgrade to.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// `tls_client_auth` (RFC 8705 section 2.1): a certificate that an authority of the door or the
    /// fleet's own vouches for, by one of its names.
    Certificate(CertificateName),
    /// A token that another issuer signed for us (RFC 7523 section 3).
    Federated(Federation),
    /// `private_key_jwt`: a JWKS document with its public keys.
    Key(String),
    /// `none`: an application on somebody's machine. PKCE stands in.
    Public,
    /// `client_secret_basic` or `client_secret_post`, with a secret that we generated.
    #[default]
    Secret,
    /// `self_signed_tls_client_auth` (section 2.2): one of these certificates, by `x5t#S256`.
    SelfSigned(Vec<String>),
    /// `tls_client_auth` with the fleet's certificate of the service that has the client's id.
    Workload,
}

/// What a client may ask for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// `authorization_code`: tokens for a person.
    AuthorizationCode,
    /// `client_credentials`: tokens for itself.
    ClientCredentials,
    /// `urn:ietf:params:oauth:grant-type:device_code`: tokens for a person on a device without
    /// a browser.
    DeviceCode,
    /// `refresh_token`: new tokens for a person who let it act before.
    RefreshToken,
    /// `urn:ietf:params:oauth:grant-type:token-exchange`: tokens to call on with, for a person who
    /// called it.
    TokenExchange,
}

impl Grant {
    /// All that there are.
    pub const ALL: [Self; 5] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::RefreshToken,
        Self::TokenExchange,
    ];

    /// Reads a `grant_type` (RFC 6749).
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name)
    }

    /// The `grant_type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::RefreshToken => "refresh_token",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

/// What a client's access tokens look like.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// Random letters, which only Ringwall can read.
    Opaque,
    /// JWT (RFC 9068).
    #[default]
    Signed,
}

/// Who made a client, and may change it. Nobody else does: a file and a person at a terminal would
/// undo each other's work.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// An operator, by command or by the admin API.
    #[default]
    Command,
    /// `[clients]` in the manifest.
    Manifest,
    /// The client itself (RFC 7591).
    Registration,
}

impl Owner {
    /// For a list.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Manifest => "manifest",
            Self::Registration => "registration",
        }
    }
}

/// What a client's ID tokens are signed by.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum IdTokenAlgorithm {
    /// ECDSA on P-256.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// RSA, for clients that read nothing else.
    #[serde(rename = "RS256")]
    Rs256,
}

/// What a client's tokens must be bound to. One that proves a key has them bound to that.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// To the certificate of its connection, all of them (RFC 8705 section 3.4).
    Certificate,
    /// To nothing.
    #[default]
    Free,
    /// What it gets for itself, or to act with: to a key or a certificate.
    Service,
}

/// Whose application a client is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Of the house: nobody is asked what it may do.
    #[default]
    First,
    /// Somebody else's: people are asked.
    Third,
}

/// What a client that registered itself may ask for when it changes itself.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// All that registered clients may have.
    #[default]
    Free,
    /// Nothing that it has not: an operator took something away.
    Over,
}

/// A client to be registered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NewClient {
    /// `client_id`: a service's name, or the operator's choice.
    pub id: String,
    /// How it proves who it is.
    pub access: Access,
    /// What it may ask for.
    pub grants: Vec<Grant>,
    /// Where people are sent back to. Compared byte by byte.
    pub redirect_uris: Vec<String>,
    /// Scopes that it may ask for.
    pub scopes: Vec<String>,
    /// Roles that tokens for itself carry.
    pub roles: Vec<String>,
    /// Whether its access tokens are signed by ES256 instead of Ed25519.
    pub wants_es256: bool,
    /// `id_token_signed_response_alg`.
    #[serde(default)]
    pub id_token: IdTokenAlgorithm,
    /// Whether it must prove a key for every token (RFC 9449 section 5.2).
    #[serde(default)]
    pub requires_dpop: bool,
    /// What its tokens must be bound to beside that.
    #[serde(default)]
    pub binding: Binding,
    /// Whether its authorization requests are taken only when they were pushed (RFC 9126).
    #[serde(default)]
    pub requires_par: bool,
    /// Whose it is.
    #[serde(default)]
    pub party: Party,
    /// Where people may be sent after a logout that it asked for. Compared byte by byte.
    #[serde(default)]
    pub post_logout_uris: Vec<String>,
    /// What its access tokens look like.
    #[serde(default)]
    pub token_format: TokenFormat,
    /// Where it is told that a session in which it got tokens has ended.
    #[serde(default)]
    pub backchannel_logout_uri: Option<String>,
    /// Clients whose tokens it may exchange, to call on for the person behind them.
    #[serde(default)]
    pub may_act_for: Vec<String>,
    /// Who may change it.
    #[serde(default)]
    pub owner: Owner,
    /// The slug of the one organisation whose people use it, and of which its own tokens are. Without
    /// one, people of all do, and its own tokens are of `default`.
    #[serde(default)]
    pub organisation: Option<String>,
    /// What one that registered itself may ask for later.
    #[serde(default)]
    pub growth: Growth,
}

impl Default for NewClient {
    fn default() -> Self {
        Self {
            id: String::new(),
            access: Access::Secret,
            grants: vec![Grant::ClientCredentials],
            redirect_uris: Vec::new(),
            scopes: vec!["openid".to_owned()],
            roles: Vec::new(),
            wants_es256: false,
            id_token: IdTokenAlgorithm::Es256,
            requires_dpop: false,
            binding: Binding::Free,
            requires_par: false,
            token_format: TokenFormat::Signed,
            party: Party::First,
            post_logout_uris: Vec::new(),
            backchannel_logout_uri: None,
            may_act_for: Vec::new(),
            owner: Owner::Command,
            organisation: None,
            growth: Growth::Free,
        }
    }
}

impl Access {
    /// Whether the certificate of a connection is the proof.
    pub(crate) const fn is_by_certificate(&self) -> bool {
        matches!(self, Self::Certificate(_) | Self::SelfSigned(_) | Self::Workload)
    }
}
