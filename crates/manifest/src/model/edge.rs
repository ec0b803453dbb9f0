//! Small parts of the public door: networks, cross-origin rules, plans, the audit log.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ringwall_base::Place;

use super::Rate;

/// A network in CIDR notation.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Network {
    /// The first address; host bits are zero.
    pub address: IpAddr,
    /// How many leading bits are the network's.
    pub prefix_bits: u8,
}

/// Which other sites' pages may call (the Fetch standard's CORS protocol).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cors {
    /// Origins, compared exactly: `https://app.example`. `*` alone: any, then without credentials.
    pub origins: Vec<String>,
    /// Methods beyond what an operation has; empty: the methods of the path's operations.
    pub methods: Vec<String>,
    /// Request headers that scripts may set, in lower case.
    pub headers: Vec<String>,
    /// Answer headers that scripts may read, in lower case.
    pub expose: Vec<String>,
    /// Whether cookies are sent along, and answers to them can be read.
    pub has_credentials: bool,
    /// How long a browser may remember a preflight.
    pub max_age: Option<Duration>,
    /// Whether pages of public networks may call this door in a private one.
    pub is_for_private_network: bool,
    /// Where it is declared.
    pub place: Place,
}

/// A plan that callers are on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// Roles on this plan.
    pub roles: Vec<String>,
    /// How much in a long time, such as a day.
    pub quota: Option<Rate>,
    /// How often, all operations together.
    pub rate: Option<Rate>,
    /// Where it is declared.
    pub place: Place,
}

/// Counts shared between gateways.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redis {
    /// `redis://host:port` or `rediss://host:port`, without a password.
    pub url: String,
    /// Name of the declared secret with its password.
    pub secret: Option<String>,
    /// Where it is declared.
    pub place: Place,
}

/// The server that takes letters to people.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MailServer {
    /// Host name, which its certificate has.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS from the first byte; else STARTTLS.
    pub is_wrapped: bool,
    /// User.
    pub user: Option<String>,
    /// Name of the declared secret with the user's password.
    pub secret: Option<String>,
    /// Who writes: `Shop <login@shop.example>`.
    pub from: String,
    /// PEM file with the root of a private server, relative to the manifest's folder.
    pub ca: Option<String>,
    /// Where it is declared.
    pub place: Place,
}

/// What Ringwall is at another issuer, and who may come from there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Oidc {
    /// What it is called there.
    pub client_id: String,
    /// Name of the declared secret that it proves it with.
    pub secret: Option<String>,
    /// What people know the issuer by.
    pub title: Option<String>,
    /// Scopes beside `openid`.
    pub scopes: Vec<String>,
    /// Domains of confirmed addresses; empty: all.
    pub domains: Vec<String>,
    /// Claims that have to be there.
    pub claims: BTreeMap<String, String>,
    /// Whether somebody new gets an account.
    pub signs_up: bool,
    /// The claim that names such an account.
    pub name_claim: Option<String>,
    /// The claim that gives roles to such an account.
    pub roles_claim: Option<String>,
    /// The role that each of its values gives.
    pub roles: BTreeMap<String, String>,
    /// Values of `amr` or `acr` that stand for two factors.
    pub two_factors: Vec<String>,
    /// PEM file with the root of a private issuer, relative to the manifest's folder.
    pub ca: Option<String>,
    /// Whether its host may be in this network.
    pub may_be_private: bool,
}

/// Which requests are written to the audit log; all are counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AuditRequests {
    /// Allowed and denied.
    #[default]
    All,
    /// Denied.
    Denied,
}

impl Network {
    /// Whether an address is in it. An IPv4 address in IPv6 form is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32_u32.saturating_sub(u32::from(self.prefix_bits));
                (own.to_bits() ^ other.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128_u32.saturating_sub(u32::from(self.prefix_bits));
                (own.to_bits() ^ other.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}
