//! What is measured: a kind of work, and who does it.

/// A server under test.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Server {
    Caddy,
    Envoy,
    Haproxy,
    Nginx,
    OidcProvider,
    Ringwall,
}

/// What it does for each request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Work {
    /// HTTP/1.1, keep-alive.
    Plain,
    /// TLS, keep-alive.
    Tls,
    /// HTTP/2 over TLS: 32 connections with 10 streams each.
    H2,
    /// TLS, a full handshake for each request.
    Handshake,
    /// HTTP/1.1, answers of 100 KiB.
    Large,
    /// JWT of ES256 out of a thousand; Ringwall adds TLS, decision, rate limit and record.
    Secured,
    /// The same, and each token comes once.
    FirstSight,
    /// A thousand of many tokens, at a front that has this many operations.
    Crowded,
    /// Token issue by client credentials.
    Token,
    /// The same at a store with 100,000 people and 10 million rows that have expired.
    TokenCrowded,
    /// Token issue by a program that proves itself with a key: `private_key_jwt`, ES256.
    Assertion,
    /// What a token is worth (RFC 7662).
    Introspect,
    /// What the server can do (RFC 8414).
    Discovery,
    /// The page to sign in, at a store with 100,000 people.
    Login,
}

impl Server {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::OidcProvider => "oidc-provider",
            Self::Ringwall => "ringwall",
        }
    }
}

impl Work {
    /// Whether clients speak TLS to this server.
    pub(crate) fn is_tls(self, server: Server) -> bool {
        match self {
            Self::Plain | Self::Large => false,
            Self::Tls | Self::H2 | Self::Handshake => true,
            // The peers check the token only.
            Self::Secured
            | Self::FirstSight
            | Self::Crowded
            | Self::Token
            | Self::TokenCrowded
            | Self::Assertion
            | Self::Introspect
            | Self::Discovery
            | Self::Login => server == Server::Ringwall,
        }
    }

    /// Whether requests carry an access token.
    pub(crate) fn has_token(self) -> bool {
        matches!(self, Self::Secured | Self::FirstSight | Self::Crowded)
    }

    /// How many different tokens there are.
    pub(crate) fn tokens(self) -> usize {
        match self {
            Self::FirstSight | Self::Crowded => 100_000,
            _ => 1_000,
        }
    }

    /// How many people are in the store, and how many rows that have expired.
    pub(crate) fn crowd(self) -> Option<[&'static str; 2]> {
        match self {
            Self::TokenCrowded => Some(["100000", "10000000"]),
            Self::Login => Some(["100000", "0"]),
            _ => None,
        }
    }

    /// How many operations the manifest has.
    pub(crate) fn operations(self) -> usize {
        if self == Self::Crowded { 10_000 } else { 1 }
    }

    /// Whether it asks the authorization server, as a program that is registered there.
    pub(crate) fn is_identity(self) -> bool {
        let asking = [Self::Token, Self::TokenCrowded, Self::Assertion, Self::Introspect];
        asking.contains(&self) || matches!(self, Self::Discovery | Self::Login)
    }

    /// Whether each request can be sent once only, so that a round must be short.
    pub(crate) fn is_once(self) -> bool {
        matches!(self, Self::FirstSight | Self::Assertion)
    }

    /// What is asked for.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Large => "/large",
            Self::Token | Self::TokenCrowded | Self::Assertion => "/oauth/token",
            Self::Introspect => "/oauth/introspect",
            Self::Discovery => "/.well-known/openid-configuration",
            Self::Login => "/login",
            _ => "/item",
        }
    }
}
